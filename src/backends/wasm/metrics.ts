import type { TensorInfo } from '@tensorflow/tfjs-core';
import { rowMetrics as javaScriptRowMetrics } from '../../../kernels/js/row_metrics.ts';
import { METRICS } from '../../../kernels/metrics.ts';
import { rowMetrics as composedRowMetrics } from '../composed/row_metrics.ts';
import type { RowMetrics, RowMetricsRequest } from '../row_metrics.ts';
import { type Kernel, PADS_BYTES } from '../simd/kernel.ts';
import { setMeasure } from '../simd/objective.ts';
import { bringOver, forAllRows, kernelOnHeap, perRow, pointerTo, type WasmBackendParts } from './index.ts';

/**
 * The SIMD kernel on the backend's own memory, nothing copied; where it is not compiled, kernels/js over
 * views of that memory; on a backend that does not look as WasmBackendParts says, stock ops.
 */
export const rowMetrics: RowMetrics<WasmBackendParts> = (request) => {
  const { backend } = request;
  if (typeof backend.makeOutput !== 'function' || typeof backend.typedArrayFromHeap !== 'function') {
    return composedRowMetrics(request);
  }
  const kernel = kernelOnHeap(backend);
  return kernel === null ? rowMetricsOverViews(request) : rowMetricsOnHeap(request, kernel);
};

function rowMetricsOnHeap(request: RowMetricsRequest<WasmBackendParts>, kernel: Kernel): TensorInfo {
  const { backend, rows, classes, measure, temperature, weights } = request;
  const metrics = backend.makeOutput([rows, METRICS.length], 'float32');
  // A row of u, w and r each.
  const room = backend.makeOutput([PADS_BYTES / 4 + 3 * classes], 'float32');
  const pads = pointerTo(backend, room);
  const u = pads + PADS_BYTES;
  setMeasure(kernel, measure, forAllRows(backend, request));
  kernel.setRoom(u, 0, u + 4 * classes, 0, u + 8 * classes, pads);
  kernel.rowMetrics(
    rows,
    classes,
    pointerTo(backend, request.teacher),
    pointerTo(backend, request.student),
    pointerTo(backend, request.labels),
    pointerTo(backend, perRow(temperature)),
    pointerTo(backend, perRow(weights)),
    pointerTo(backend, metrics),
  );
  backend.disposeData(room.dataId);
  return metrics;
}

function rowMetricsOverViews(request: RowMetricsRequest<WasmBackendParts>): TensorInfo {
  const { backend, rows, classes, measure, temperature, labels, weights } = request;
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
}
