import { getKernel, type KernelConfig, type TensorInfo } from '@tensorflow/tfjs-core';
import { AccumulatedMatMul } from '../../kernel_names.ts';
import type { CpuBackendParts } from './index.ts';

/** tfjs's product, added to `sum` where it lies. */
export const accumulatedMatMulConfig: KernelConfig = {
  kernelName: AccumulatedMatMul,
  backendName: 'cpu',
  kernelFunc: ({ inputs, attrs, backend: given }) => {
    const backend = given as CpuBackendParts;
    const { a, b, sum } = inputs as Record<'a' | 'b', TensorInfo> & { sum?: TensorInfo };
    const stock = getKernel('BatchMatMul', 'cpu');
    if (!stock) throw new Error("tfjs-distill: backend 'cpu' has no kernel BatchMatMul.");
    const product = stock.kernelFunc({ inputs: { a, b }, backend, attrs: attrs ?? {} }) as TensorInfo;
    if (!sum) return product;
    const [values, sums] = [product, sum].map(({ dataId }) => backend.data.get(dataId).values);
    for (let i = 0; i < values.length; i++) sums[i] += values[i];
    backend.disposeData(product.dataId);
    backend.incRef(sum.dataId);
    return { dataId: sum.dataId, shape: sum.shape, dtype: sum.dtype };
  },
};
