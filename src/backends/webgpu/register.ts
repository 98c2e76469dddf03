/**
 * Registers the kernels for backend 'webgpu' with tfjs-core.
 *
 * @module tfjs-distill/webgpu
 */
import { hasOneTemperature } from '../../../kernels/objective.ts';
import { rowPass as composedRowPass } from '../composed.ts';
import { rowMetrics as composedRowMetrics } from '../composed_metrics.ts';
import { registerBackend } from '../register.ts';
import type { WebGPUBackend } from './backend.ts';
import { withFloatBuffers } from './float_buffers.ts';
import { rowPass } from './index.ts';
import { rowMetrics } from './metrics.ts';

registerBackend<WebGPUBackend>(
  'webgpu',
  withFloatBuffers((request) =>
    hasOneTemperature(request.objective) ? rowPass(request) : composedRowPass(request),
  ),
  withFloatBuffers((request) =>
    hasOneTemperature(request.measure) ? rowMetrics(request) : composedRowMetrics(request),
  ),
);
