/**
 * Registers the kernels for backend 'webgpu' with tfjs-core.
 *
 * @module tfjs-distill/webgpu
 */
import { rowMetrics as composedRowMetrics } from '../composed/row_metrics.ts';
import { rowPass as composedRowPass } from '../composed/row_pass.ts';
import { registerBackend } from '../register.ts';
import type { RowsRequest } from '../row_pass.ts';
import type { WebGPUBackend } from './backend.ts';
import { withFloatBuffers } from './float_buffers.ts';
import { rowPass } from './index.ts';
import { rowMetrics } from './metrics.ts';

/** What rows have of their own beside a temperature and a weight is left to stock ops. */
const isFused = ({ teacherTemperature, alpha }: RowsRequest<WebGPUBackend>) =>
  teacherTemperature === null && alpha === null;

registerBackend<WebGPUBackend>(
  'webgpu',
  withFloatBuffers((request) => (isFused(request) ? rowPass(request) : composedRowPass(request))),
  withFloatBuffers((request) => (isFused(request) ? rowMetrics(request) : composedRowMetrics(request))),
);
