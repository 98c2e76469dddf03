import type { TensorInfo } from '@tensorflow/tfjs-core';
import { METRICS } from '../../../kernels/metrics.ts';
import { rowMetrics as composedRowMetrics } from '../composed/row_metrics.ts';
import type { RowMetrics } from '../row_metrics.ts';
import { arraysOf, rowMetricsOverArrays } from '../simd/arrays.ts';
import { type TensorFlowBackendParts, tensorInfo, valuesOf } from './tensors.ts';

/** The kernel over a copy of TensorFlow's values; stock ops where these lie on a GPU. */
export const rowMetrics: RowMetrics<TensorFlowBackendParts> = (request) => {
  const { backend, rows, classes, measure } = request;
  if (backend.isGPUPackage) return composedRowMetrics(request);
  const values = (info: TensorInfo) => valuesOf(backend, info);
  const metrics = new Float32Array(rows * METRICS.length);
  rowMetricsOverArrays({
    rows,
    classes,
    ...arraysOf(request, values),
    measure,
    metrics,
  });
  return tensorInfo(backend, metrics, [rows, METRICS.length], 'float32');
};
