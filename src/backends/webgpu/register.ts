/**
 * Registers the kernels for backend 'webgpu' with tfjs-core.
 *
 * @module tfjs-distill/webgpu
 */
import { type Objective, teacherReadingOf } from '../../../kernels/objective.ts';
import { rowMetrics as composedRowMetrics } from '../composed/row_metrics.ts';
import { rowPass as composedRowPass } from '../composed/row_pass.ts';
import { registerBackend } from '../register.ts';
import type { WebGPUBackend } from './backend.ts';
import { withFloatBuffers } from './float_buffers.ts';
import { rowPass } from './index.ts';
import { rowMetrics } from './metrics.ts';

/** Probabilities that are to be softened, MATH (33)-(37), are left to stock ops. */
const isFused = (read: Pick<Objective, 'targets' | 'teacherTemperature'>) =>
  teacherReadingOf(read) !== 'softenedProbabilities';

registerBackend<WebGPUBackend>(
  'webgpu',
  withFloatBuffers((request) => (isFused(request.objective) ? rowPass(request) : composedRowPass(request))),
  withFloatBuffers((request) =>
    isFused(request.measure) ? rowMetrics(request) : composedRowMetrics(request),
  ),
);
