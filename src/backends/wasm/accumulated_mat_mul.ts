import type { KernelConfig, TensorInfo } from '@tensorflow/tfjs-core';
import { AccumulatedMatMul } from '../../kernel_names.ts';
import type { WasmBackendParts } from './index.ts';
import { type Matrix, withProducts } from './matmul.ts';

/** The SIMD product, added to `sum` where it lies. */
export const accumulatedMatMulConfig: KernelConfig = {
  kernelName: AccumulatedMatMul,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs, backend: given }) => {
    const backend = given as WasmBackendParts;
    const { a, b, sum } = inputs as Record<'a' | 'b', TensorInfo> & { sum?: TensorInfo };
    const [left, right] = [matrixOf(a, attrs?.transposeA === true), matrixOf(b, attrs?.transposeB === true)];
    const shape = [left.rows, right.columns];
    const out = sum ? { dataId: sum.dataId, shape, dtype: sum.dtype } : backend.makeOutput(shape, 'float32');
    if (sum) backend.incRef(sum.dataId);
    if (left.columns === 0 && !sum) backend.typedArrayFromHeap(out).fill(0);
    if (left.rows * right.columns * left.columns > 0)
      withProducts(backend, (multiply) =>
        multiply(left, right, { info: out, accumulate: sum !== undefined }),
      );
    return out;
  },
};

function matrixOf(info: TensorInfo, isTransposed: boolean): Matrix {
  const [rows, columns] = isTransposed ? info.shape.toReversed() : info.shape;
  return { info, rows, columns, isTransposed };
}
