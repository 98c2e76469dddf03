import { customGrad, type GradSaveFunc, reshape, type Tensor, where, zerosLike } from '@tensorflow/tfjs-core';

/** 0 in the rows that are not kept, for the gradient too: tfjs's gradient of `where` multiplies by 0, which of an ignored row's NaN leaves NaN. */
export function keepRows(perRow: Tensor, kept: Tensor): Tensor {
  const flat = (x: Tensor) => reshape(x, [x.size]); // tfjs's GPU backends select up to rank 4
  const keep = customGrad((given: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    const x = given as Tensor;
    (save as GradSaveFunc)([kept]);
    const value = reshape(where(flat(kept), flat(x), flat(zerosLike(x))), x.shape);
    return { value, gradFunc: (dy: Tensor, [kept]: Tensor[]) => keepRows(dy, kept) };
  });
  return keep(perRow);
}
