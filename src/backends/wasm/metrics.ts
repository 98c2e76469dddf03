import type { TensorInfo } from '@tensorflow/tfjs-core';
import { rowMetrics as javaScriptRowMetrics } from '../../../kernels/js/row_metrics.ts';
import { METRICS } from '../../../kernels/metrics.ts';
import { rowMetrics as composedRowMetrics } from '../composed/row_metrics.ts';
import type { RowMetrics, RowMetricsRequest } from '../row_metrics.ts';
import { arraysOf } from '../simd/arrays.ts';
import { type Kernel, PADS_BYTES, rowMetricsAt } from '../simd/kernel.ts';
import { setMeasure } from '../simd/objective.ts';
import { bringOver, kernelOnHeap, pointerTo, valuesOfRows, type WasmBackendParts } from './index.ts';

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
  const { backend, rows, classes, measure } = request;
  const metrics = backend.makeOutput([rows, METRICS.length], 'float32');
  // A row of u, w and r each.
  const room = backend.makeOutput([PADS_BYTES / 4 + 3 * classes], 'float32');
  const pads = pointerTo(backend, room);
  const u = pads + PADS_BYTES;
  const ofRows = valuesOfRows(backend, request);
  setMeasure(kernel, measure, ofRows.forAllRows);
  kernel.setRoom(u, 0, u + 4 * classes, 0, u + 8 * classes, pads);
  const { teacher, student, labels } = request;
  const pointer = (info: TensorInfo | null) => pointerTo(backend, info);
  const at = { teacher: pointer(teacher), student: pointer(student), labels: pointer(labels) };
  rowMetricsAt(kernel, { rows, classes, ...at, ...ofRows.places }, pointer(metrics));
  backend.disposeData(room.dataId);
  return metrics;
}

function rowMetricsOverViews(request: RowMetricsRequest<WasmBackendParts>): TensorInfo {
  const { backend, rows, classes, measure } = request;
  bringOver(request);
  const metrics = backend.makeOutput([rows, METRICS.length], 'float32');
  // Views come after the last allocation.
  const view = (info: TensorInfo) => backend.typedArrayFromHeap(info);
  javaScriptRowMetrics({
    rows,
    classes,
    ...arraysOf(request, view),
    measure,
    metrics: view(metrics) as Float32Array,
  });
  return metrics;
}
