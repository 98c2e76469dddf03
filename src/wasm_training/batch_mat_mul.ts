import {
  broadcast_util,
  getKernel,
  type KernelFunc,
  type TensorInfo,
  Transpose,
  util,
} from '@tensorflow/tfjs-core';
import type { WasmBackendParts } from '../backends/wasm/index.ts';
import { type Matrix, matMulKernelOf, withProducts } from '../backends/wasm/matmul.ts';

/** XNNPACK keeps a weight matrix packed from call to call, which pays where it meets few rows. */
const FEW_ROWS = 16;
/** XNNPACK shares a product among its threads; of so many they are faster than the one of our kernel. */
const MANY_THREADS = 3;

/** What a product of batches is: `stock` serves where it is fast, and does what ours leaves. */
interface Product {
  backend: WasmBackendParts;
  a: TensorInfo;
  b: TensorInfo;
  transposeA: boolean;
  transposeB: boolean;
}

/**
 * The kernel BatchMatMul of 'wasm' for all transposes, batches and their broadcasting, without tfjs's loop
 * over single numbers.
 */
export function batchMatMul(stock: KernelFunc): KernelFunc {
  return (params) => {
    const product = productOf(params);
    const { backend, a, b, transposeA, transposeB } = product;
    const isTransposed = transposeA || transposeB;
    const isBatch = batchesOf(a) !== 1 || batchesOf(b) !== 1;
    if (a.dtype !== 'float32' || b.dtype !== 'float32') return stock(params); // which says that it cannot
    const rows = a.shape[a.shape.length - (transposeA ? 1 : 2)];
    if (!isTransposed && !isBatch && rows < FEW_ROWS) return stock(params);
    if (matMulKernelOf(backend) === null || (!isBatch && threadsOf(backend) >= MANY_THREADS)) {
      return isTransposed
        ? transposedFirst(product, (a, b) => stock({ ...params, ...plain(a, b) }))
        : stock(params);
    }
    return multiplyBatches(product);
  };
}

/**
 * The kernel _FusedMatMul of 'wasm': transposed operands are transposed before tfjs's own kernel multiplies,
 * adds the bias and applies the activation.
 */
export function fusedMatMul(stock: KernelFunc): KernelFunc {
  return (params) => {
    const product = productOf(params);
    if (!product.transposeA && !product.transposeB) return stock(params);
    return transposedFirst(product, (a, b) => {
      const { inputs, attrs } = plain(a, b);
      return stock({
        ...params,
        inputs: { ...params.inputs, ...inputs },
        attrs: { ...params.attrs, ...attrs },
      });
    });
  };
}

function productOf({ inputs, attrs, backend }: Parameters<KernelFunc>[0]): Product {
  const { a, b } = inputs;
  if (!a || !b) throw new Error('BatchMatMul: a or b is missing.');
  const { transposeA = false, transposeB = false } = attrs ?? {};
  return {
    backend: backend as WasmBackendParts,
    a,
    b,
    transposeA: transposeA === true,
    transposeB: transposeB === true,
  };
}

const plain = (a: TensorInfo, b: TensorInfo) => ({
  inputs: { a, b },
  attrs: { transposeA: false, transposeB: false },
});

const batchesOf = ({ shape }: TensorInfo) => util.sizeFromShape(shape.slice(0, -2));

function threadsOf({ wasm }: WasmBackendParts): number {
  return wasm.tfjs?.getThreadsCount?.() ?? 1;
}

/**
 * One product after another, each with the matrices that its place in the broadcast batch has in a and in b.
 */
function multiplyBatches({ backend, a, b, transposeA, transposeB }: Product): TensorInfo {
  const [ofA, ofB] = [matrixOf(a, transposeA), matrixOf(b, transposeB)];
  if (ofA.columns !== ofB.rows) {
    throw new Error(
      `Error in matMul: inner shapes (${ofA.columns}) and (${ofB.rows}) of Tensors with shapes ${a.shape} and ${b.shape} ` +
        `and transposeA=${transposeA} and transposeB=${transposeB} must match.`,
    );
  }
  const batchShape = broadcast_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const out = backend.makeOutput([...batchShape, ofA.rows, ofB.columns], 'float32');
  const size = ofA.rows * ofB.columns;
  const batches = util.sizeFromShape(batchShape);
  if (size * batches === 0) return out;
  if (ofA.columns === 0) {
    backend.typedArrayFromHeap(out).fill(0);
    return out;
  }
  const [placesA, placesB] = [a, b].map(({ shape }) => placesIn(shape.slice(0, -2), batchShape));
  withProducts(backend, (multiply) => {
    for (let n = 0; n < batches; n++) {
      multiply(
        { ...ofA, offset: placesA(n) * ofA.rows * ofA.columns },
        { ...ofB, offset: placesB(n) * ofB.rows * ofB.columns },
        { info: out, offset: n * size, accumulate: false },
      );
    }
  });
  return out;
}

function matrixOf(info: TensorInfo, isTransposed: boolean): Matrix {
  const [rows, columns] = info.shape.slice(-2);
  return isTransposed
    ? { info, rows: columns, columns: rows, isTransposed }
    : { info, rows, columns, isTransposed };
}

/** Where the n-th element of a broadcast batch lies in a batch of `shape`. */
function placesIn(shape: readonly number[], batchShape: readonly number[]): (n: number) => number {
  const missing = batchShape.length - shape.length;
  return (n) => {
    let place = 0;
    let step = 1;
    for (let axis = batchShape.length - 1; axis >= missing; axis--) {
      const size = shape[axis - missing];
      if (size !== 1) place += (n % batchShape[axis]) * step;
      n = Math.floor(n / batchShape[axis]);
      step *= size;
    }
    return place;
  };
}

/** What `multiply` makes of the operands as they are after transposition. */
function transposedFirst(
  { backend, a, b, transposeA, transposeB }: Product,
  multiply: (a: TensorInfo, b: TensorInfo) => TensorInfo | TensorInfo[],
): TensorInfo | TensorInfo[] {
  const [left, right] = [transposeA ? transposed(a, backend) : a, transposeB ? transposed(b, backend) : b];
  const result = multiply(left, right);
  if (transposeA) backend.disposeData(left.dataId);
  if (transposeB) backend.disposeData(right.dataId);
  return result;
}

function transposed(x: TensorInfo, backend: WasmBackendParts): TensorInfo {
  const kernel = getKernel(Transpose, 'wasm');
  if (!kernel) throw new Error("tfjs-distill: backend 'wasm' has no kernel Transpose.");
  const perm = x.shape.map((_, axis) => axis);
  perm.push(...perm.splice(-2).reverse());
  return kernel.kernelFunc({ inputs: { x }, backend, attrs: { perm } }) as TensorInfo;
}
