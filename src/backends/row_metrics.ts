import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { Measure } from '../../kernels/metrics.ts';
import { CROSS_ENTROPY } from '../../kernels/objective.ts';
import type { RowPassRequest } from './row_pass.ts';

/** Metrics as a backend is asked for them: at least one row and one class, everything checked. */
export interface RowMetricsRequest<Backend extends KernelBackend> {
  backend: Backend;
  rows: number;
  classes: number;
  /** v or p, float32, rows * classes values. */
  teacher: TensorInfo;
  /** z, float32, rows * classes values. */
  student: TensorInfo;
  /** T of every row, or a float32 tensor of one value or one per row. */
  temperature: number | TensorInfo;
  /** Class ids, int32, one per row; or a distribution, float32, rows * classes values; null with `labels: 'none'`. */
  labels: TensorInfo | null;
  /** float32, one value or one per row; null for 1. */
  weights: TensorInfo | null;
  measure: Measure;
}

/** METRICS of every row, float32 [rows, METRICS.length]: a new tensor, which the caller owns. As for RowPass, inputs are never written to. */
export type RowMetrics<Backend extends KernelBackend = KernelBackend> = (
  request: RowMetricsRequest<Backend>,
) => TensorInfo;

/** The row pass whose sums the metrics are made of: KL, and the hard term if there are labels, as they stand. */
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
