import type { TensorInfo } from '@tensorflow/tfjs-core';
import { rowMetrics as javaScriptRowMetrics } from '../../../kernels/js/row_metrics.ts';
import { METRICS } from '../../../kernels/metrics.ts';
import { rowMetrics as composedRowMetrics } from '../composed_metrics.ts';
import type { RowMetrics } from '../row_metrics.ts';
import { bringOver, type WasmBackendParts } from './index.ts';

/** kernels/js over views of the backend's memory, nothing copied; on a backend that does not look as WasmBackendParts says, stock ops. */
export const rowMetrics: RowMetrics<WasmBackendParts> = (request) => {
  const { backend, rows, classes, measure, temperature, labels, weights } = request;
  if (typeof backend.makeOutput !== 'function' || typeof backend.typedArrayFromHeap !== 'function') {
    return composedRowMetrics(request);
  }
  bringOver(backend, [request.teacher, request.student, temperature, labels, weights]);
  const metrics = backend.makeOutput([rows, METRICS.length], 'float32');
  // Views come after the last allocation.
  const view = (info: TensorInfo) => backend.typedArrayFromHeap(info);
  javaScriptRowMetrics({
    rows,
    classes,
    teacher: view(request.teacher) as Float32Array,
    student: view(request.student) as Float32Array,
    temperature: typeof temperature === 'number' ? [temperature] : view(temperature),
    labels: labels && view(labels),
    weights: weights && view(weights),
    measure,
    metrics: view(metrics) as Float32Array,
  });
  return metrics;
};
