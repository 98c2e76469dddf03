import {
  type DataType,
  type KernelBackend,
  type TensorInfo,
  type TypedArray,
  util,
} from '@tensorflow/tfjs-core';
import { INPUT_NAMES } from '../../objective_inputs.ts';
import { rowPass as composedRowPass } from '../composed/row_pass.ts';
import { sparseRowPass } from '../composed/sparse_row_pass.ts';
import type { RowPass, RowPassRequest, RowPassResult, RowsRequest } from '../row_pass.ts';
import { type ArrayRowPass, arraysOf, rowPassOverArrays } from '../simd/arrays.ts';
import { plainRowPass } from '../simd/dense_rows.ts';
import { type Kernel, kernelOn, PADS_BYTES, rowPassAt } from '../simd/kernel.ts';
import { type ForAllRows, isCarried, readsLabels, setObjective } from '../simd/objective.ts';

/**
 * The parts of tfjs's 'wasm' backend that are used here. Only the heap of one build of it was seen to look
 * like this, so everything is asked for before use.
 */
export interface WasmBackendParts extends KernelBackend {
  wasm: {
    HEAPU8: Uint8Array;
    /** The memory in the build with one thread. */
    asm?: { memory?: WebAssembly.Memory };
    /** The memory, shared, in the build with threads. */
    wasmMemory?: WebAssembly.Memory;
    tfjs?: { getThreadsCount?(): number };
  };
  dataIdMap: { get(dataId: object): { memoryOffset: number } };
  makeOutput(shape: number[], dtype: DataType, memoryOffset?: number | null, values?: TypedArray): TensorInfo;
  /** A view that holds until the heap grows: any allocation may make it do so. */
  typedArrayFromHeap(info: TensorInfo): TypedArray;
}

/**
 * The SIMD kernel on the backend's own memory, nothing copied. Where it does not compute what is asked or is
 * not compiled, kernels/js computes over views of that memory; on a backend that is not as described above,
 * stock ops do.
 */
export const rowPass: RowPass<WasmBackendParts> = (request) => {
  const { backend, objective, outputs } = request;
  if (typeof backend.makeOutput !== 'function' || typeof backend.typedArrayFromHeap !== 'function') {
    return request.indices === null ? composedRowPass(request) : sparseRowPass(request, composedRowPass);
  }
  if (request.indices !== null) return rowPassOverViews(request, rowPassOverArrays);
  const kernel = isCarried(objective, outputs) ? kernelOnHeap(backend) : null;
  return kernel === null ? rowPassOverViews(request, plainRowPass) : rowPassOnHeap(request, kernel);
};
rowPass.takesSparseTeachers = true;

/** The memory that the backend's tensors lie in, if it is where it is expected. */
export function memoryOf({ wasm, dataIdMap }: WasmBackendParts): WebAssembly.Memory | null {
  const memory = wasm?.wasmMemory ?? wasm?.asm?.memory;
  if (typeof dataIdMap?.get !== 'function' || memory === undefined) return null;
  return memory.buffer === wasm.HEAPU8?.buffer ? memory : null;
}

/** The SIMD kernel on that memory, if it is compiled. */
export function kernelOnHeap(backend: WasmBackendParts): Kernel | null {
  const memory = memoryOf(backend);
  return memory && kernelOn(memory);
}

/** Where a tensor lies in the heap; 0 for none. */
export function pointerTo({ dataIdMap }: WasmBackendParts, info: TensorInfo | null): number {
  return info ? dataIdMap.get(info.dataId).memoryOffset : 0;
}

/**
 * What all rows of a request have in common, and where in the heap what they have of their own lies, 0 for
 * nothing.
 */
export function valuesOfRows(
  backend: WasmBackendParts,
  { temperature, teacherTemperature, alpha, weights }: RowsRequest<WasmBackendParts>,
) {
  const single = (value: TensorInfo | number | null) =>
    value === null || perRow(value) ? null : constant(backend, value);
  const pointer = (value: TensorInfo | number | null) => pointerTo(backend, perRow(value));
  const forAllRows: ForAllRows = {
    temperature: single(temperature) ?? 1,
    teacherTemperature: single(teacherTemperature),
    alpha: single(alpha),
    weight: single(weights) ?? 1,
  };
  const places = {
    temperatures: pointer(temperature),
    teacherTemperatures: pointer(teacherTemperature),
    alphas: pointer(alpha),
    weights: pointer(weights),
  };
  return { forAllRows, places };
}

function rowPassOnHeap(request: RowPassRequest<WasmBackendParts>, kernel: Kernel): RowPassResult {
  const { backend, rows, classes, labels, objective, outputs, reduction } = request;
  const pointer = (info: TensorInfo | null) => pointerTo(backend, info);
  const wantsLoss = outputs === 'loss' || outputs === 'lossAndStudentGradient';
  const loss = wantsLoss && reduction === 'none' ? backend.makeOutput([rows], 'float32') : null;
  const gradient = outputs === 'loss' ? null : backend.makeOutput([rows, classes], 'float32');
  // A row of w and one of r; u lies where the gradient will.
  const room = backend.makeOutput([PADS_BYTES / 4 + classes * (gradient ? 2 : 3)], 'float32');
  const ofRows = valuesOfRows(backend, request);
  const pads = pointer(room);
  const w = pads + PADS_BYTES;
  const r = w + 4 * classes;
  setObjective(kernel, objective, outputs, ofRows.forAllRows);
  kernel.setRoom(gradient ? pointer(gradient) : r + 4 * classes, gradient ? 4 * classes : 0, w, 0, r, pads);
  const { teacher, student } = request;
  const sum = rowPassAt(
    kernel,
    {
      rows,
      classes,
      teacher: pointer(teacher),
      student: pointer(student),
      labels: readsLabels(objective, outputs) ? pointer(labels) : 0,
      ...ofRows.places,
    },
    { loss: pointer(loss), gradient: pointer(gradient) },
  );
  backend.disposeData(room.dataId);
  return { loss: wantsLoss ? (loss ?? scalar(backend, sum)) : null, gradient };
}

/**
 * The tensor if it has a value for every row; null for a number, for nothing, and for a tensor of one value.
 */
export function perRow(value: TensorInfo | number | null): TensorInfo | null {
  return value === null || typeof value === 'number' || util.sizeFromShape(value.shape) === 1 ? null : value;
}

function constant(backend: WasmBackendParts, value: TensorInfo | number): number {
  return typeof value === 'number' ? value : backend.typedArrayFromHeap(value)[0];
}

function scalar(backend: WasmBackendParts, value: number): TensorInfo {
  return backend.makeOutput([], 'float32', null, Float32Array.of(value));
}

function rowPassOverViews(
  request: RowPassRequest<WasmBackendParts>,
  pass: (pass: ArrayRowPass) => void,
): RowPassResult {
  const { backend, rows, classes, objective, outputs } = request;
  bringOver(request);
  const wantsLoss = outputs === 'loss' || outputs === 'lossAndStudentGradient';
  const loss = wantsLoss ? backend.makeOutput([rows], 'float32') : null;
  const gradient = outputs === 'loss' ? null : backend.makeOutput([rows, classes], 'float32');
  // Views come after the last allocation.
  const view = (info: TensorInfo) => backend.typedArrayFromHeap(info);
  pass({
    rows,
    classes,
    ...arraysOf(request, view),
    objective,
    outputs,
    loss: loss && (view(loss) as Float32Array),
    gradient: gradient && (view(gradient) as Float32Array),
  });
  return { loss, gradient };
}

/**
 * A tensor of another backend is brought over when it is first asked for, which may make the heap grow:
 * before anything is viewed.
 */
export function bringOver({ backend, ...request }: RowsRequest<WasmBackendParts>): void {
  for (const name of INPUT_NAMES) {
    const input = request[name];
    if (input !== null && typeof input !== 'number') backend.dataIdMap?.get(input.dataId);
  }
}
