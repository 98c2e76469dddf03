import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { Measure } from '../../kernels/metrics.ts';
import { CROSS_ENTROPY } from '../../kernels/objective.ts';
import type { RowPassRequest, RowsRequest } from './row_pass.ts';

/** Metrics as a backend is asked for them. */
export interface RowMetricsRequest<Backend extends KernelBackend> extends RowsRequest<Backend> {
  measure: Measure;
}

/**
 * METRICS of every row, float32 [rows, METRICS.length]: a new tensor, which the caller owns. As for RowPass,
 * inputs are never written to.
 */
export type RowMetrics<Backend extends KernelBackend = KernelBackend> = (
  request: RowMetricsRequest<Backend>,
) => TensorInfo;

/**
 * The row pass whose sums the metrics are made of: KL, and the hard term if there are labels, as they stand.
 */
export function rowPassOf<Backend extends KernelBackend>({
  measure,
  ...request
}: RowMetricsRequest<Backend>): RowPassRequest<Backend> {
  return {
    ...request,
    objective: {
      ...CROSS_ENTROPY,
      ...measure,
      divergence: 'kl',
      hardWeight: measure.labels === 'none' ? 0 : 1,
    },
    outputs: 'loss',
    reduction: 'none',
  };
}
