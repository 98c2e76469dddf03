import { env, getKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { matmul, matmulFused } from '../../generated/wasm_matmul.ts';
import { FUSED_FLAG, IMPORT, IMPORT_SHARED, isShared, SIMD_FLAG } from '../simd/kernel.ts';
import { memoryOf, type WasmBackendParts } from './index.ts';

/** The exports of kernels/wasm/matmul.ts. */
interface MatMulKernel {
  roomBytes(): number;
  /**
   * m, n, k; of A and of B where it lies and its strides; where C lies, whether to add to it (0 or 1), and
   * the room.
   */
  matmul(...numbers: number[]): void;
}

const kernels = new WeakMap<WebAssembly.Memory, MatMulKernel>();

/**
 * The matrix product on the memory of the backend, compiled at the first call; null where the engine has no
 * SIMD, a flag says no, or the memory is not where it is expected.
 */
export function matMulKernelOf(backend: WasmBackendParts): MatMulKernel | null {
  if (!env().getBool(SIMD_FLAG)) return null;
  const memory = memoryOf(backend);
  if (memory === null) return null;
  const known = kernels.get(memory);
  if (known !== undefined) return known;
  const text = atob(env().getBool(FUSED_FLAG) ? matmulFused : matmul);
  const binary = isShared(memory) ? text.replace(IMPORT, IMPORT_SHARED) : text;
  const bytes = Uint8Array.from(binary, (byte) => byte.charCodeAt(0));
  // 2 KB: browsers compile so little at once also where they refuse to for larger modules.
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } });
  const kernel = exports as WebAssembly.Exports & MatMulKernel;
  kernels.set(memory, kernel);
  return kernel;
}

/**
 * One matrix of a tensor, float32: its shape after transposition, where it begins in the tensor, and whether
 * it lies there transposed.
 */
export interface Matrix {
  info: TensorInfo;
  rows: number;
  columns: number;
  /** In numbers, from the beginning of the tensor. Default 0. */
  offset?: number;
  isTransposed: boolean;
}

/** Where a product goes, [rows, columns] in order, and whether it is added to what is there. */
export interface Target {
  info: TensorInfo;
  /** In numbers, from the beginning of the tensor. Default 0. */
  offset?: number;
  accumulate: boolean;
}

type Multiply = (a: Matrix, b: Matrix, to: Target) => void;

/**
 * Runs `work` with a function that writes (or adds) the product of two matrices to numbers of a tensor, all
 * float32; none of them may be empty, and the target is none of the factors. With the SIMD kernel one room
 * serves all products of `work`; without it tfjs's own kernel computes them.
 */
export function withProducts(backend: WasmBackendParts, work: (multiply: Multiply) => void): void {
  const kernel = matMulKernelOf(backend);
  if (kernel === null) {
    work((a, b, to) => multiplyByStockKernel(backend, a, b, to));
    return;
  }
  const room = backend.makeOutput([kernel.roomBytes() / 4], 'float32');
  // A tensor of another backend is brought over when its address is asked for.
  const addressOf = ({ info, offset = 0 }: { info: TensorInfo; offset?: number }) =>
    backend.dataIdMap.get(info.dataId).memoryOffset + 4 * offset;
  try {
    work((a, b, to) =>
      kernel.matmul(
        ...[a.rows, b.columns, a.columns],
        ...[addressOf(a), ...stridesOf(a)],
        ...[addressOf(b), ...stridesOf(b)],
        ...[addressOf(to), Number(to.accumulate), addressOf({ info: room })],
      ),
    );
  } finally {
    backend.disposeData(room.dataId);
  }
}

/** In bytes, from row to row and from column to column. */
function stridesOf({ rows, columns, isTransposed }: Matrix): [number, number] {
  return isTransposed ? [4, 4 * rows] : [4 * columns, 4];
}

function multiplyByStockKernel(backend: WasmBackendParts, a: Matrix, b: Matrix, to: Target): void {
  const stock = getKernel('BatchMatMul', 'wasm');
  if (!stock) throw new Error("tfjs-distill: backend 'wasm' has no kernel BatchMatMul.");
  const [left, right] = [a, b].map((matrix) => copyOf(backend, matrix));
  const product = stock.kernelFunc({
    inputs: { a: left, b: right },
    backend,
    attrs: { transposeA: false, transposeB: false },
  }) as TensorInfo;
  // Views come after the last allocation.
  const values = backend.typedArrayFromHeap(product);
  const target = backend.typedArrayFromHeap(to.info).subarray(to.offset ?? 0);
  for (let i = 0; i < values.length; i++) target[i] = to.accumulate ? target[i] + values[i] : values[i];
  for (const { dataId } of [left, right, product]) backend.disposeData(dataId);
}

/** The matrix as a tensor of its own, no longer transposed. */
function copyOf(
  backend: WasmBackendParts,
  { info, rows, columns, offset = 0, isTransposed }: Matrix,
): TensorInfo {
  const copy = backend.makeOutput([1, rows, columns], 'float32');
  const [from, to] = [info, copy].map((tensor) => backend.typedArrayFromHeap(tensor));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      to[row * columns + column] =
        from[offset + (isTransposed ? column * rows + row : row * columns + column)];
    }
  }
  return copy;
}
