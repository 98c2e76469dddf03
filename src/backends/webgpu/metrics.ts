import { METRICS } from '../../../kernels/metrics.ts';
import { type RowMetrics, rowPassOf } from '../row_metrics.ts';
import type { WebGPUBackend } from './backend.ts';
import { dispatchRows, PipelineProgram, prepare } from './dispatch.ts';

class DistillationMetricsProgram extends PipelineProgram {}

/**
 * MATH (28)-(32) by kernels/wgsl/row_metrics.wgsl, which shares all but its sums with the row pass. Rows are
 * not split: no step of a training waits for metrics.
 */
export const rowMetrics: RowMetrics<WebGPUBackend> = (request) => {
  const { plan, ...prepared } = prepare(rowPassOf(request), METRICS.length);
  const metrics = request.backend.makeTensorInfo([request.rows, METRICS.length], 'float32');
  dispatchRows({
    ...prepared,
    sums: 'entropies',
    plan: { ...plan, parts: 1 },
    phases: ['whole'],
    perRow: metrics,
    gradient: null,
    Program: DistillationMetricsProgram,
  });
  return metrics;
};
