import type { TensorInfo } from '@tensorflow/tfjs-core';
import { METRICS } from '../../../kernels/metrics.ts';
import type { RowMetrics } from '../row_metrics.ts';
import { arraysOf, rowMetricsOverArrays } from '../simd/arrays.ts';
import type { CpuBackendParts } from './index.ts';

/** The kernel over the backend's arrays. */
export const rowMetrics: RowMetrics<CpuBackendParts> = (request) => {
  const { backend, rows, classes, measure } = request;
  const values = (info: TensorInfo) => backend.data.get(info.dataId).values;
  const metrics = new Float32Array(rows * METRICS.length);
  rowMetricsOverArrays({
    rows,
    classes,
    ...arraysOf(request, values),
    measure,
    metrics,
  });
  return backend.makeTensorInfo([rows, METRICS.length], 'float32', metrics);
};
