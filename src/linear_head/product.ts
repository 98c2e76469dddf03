import { add, engine, getKernel, matMul, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { AccumulatedMatMul } from '../kernel_names.ts';

export interface Transposes {
  transposeA: boolean;
  transposeB: boolean;
}

/**
 * a b, each transposed where it says so; off the tape. Long sums keep their digits where the backend has a
 * kernel of ours.
 */
export function product(a: Tensor, b: Tensor, { transposeA, transposeB }: Transposes): Tensor {
  return hasKernel() ? run(a, b, null, { transposeA, transposeB }) : matMul(a, b, transposeA, transposeB);
}

/**
 * `sum` + a b, in the place of `sum` where the backend can; off the tape. `sum` is disposed; null stands for
 * 0.
 */
export function addProduct(sum: Tensor | null, a: Tensor, b: Tensor, transposes: Transposes): Tensor {
  if (sum === null) return product(a, b, transposes);
  const result = hasKernel()
    ? run(a, b, sum, transposes)
    : tidy(() => add(sum, matMul(a, b, transposes.transposeA, transposes.transposeB)));
  sum.dispose();
  return result;
}

const hasKernel = () => getKernel(AccumulatedMatMul, engine().backendName) !== undefined;

function run(a: Tensor, b: Tensor, sum: Tensor | null, transposes: Transposes): Tensor {
  return engine().runKernel<Tensor>(AccumulatedMatMul, sum === null ? { a, b } : { a, b, sum }, {
    ...transposes,
  });
}
