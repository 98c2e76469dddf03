import {
  add,
  cast,
  customGrad,
  div,
  equal,
  type GradSaveFunc,
  mul,
  notEqual,
  Reduction,
  sub,
  sum,
  type Tensor,
  util,
} from '@tensorflow/tfjs-core';
import { withoutTape } from '../run_objective.ts';
import { keepRows } from './keep_rows.ts';

/**
 * What turns the sum of weighted rows into the reduction: a constant scale where the weights are a number, weights divided by their count or sum
 * where they are a tensor.
 */
export function reduceRows(
  weights: number | Tensor,
  rowShape: readonly number[],
  reduction: Reduction,
): { weights: Tensor | null; scale: number } {
  const rows = util.sizeFromShape([...rowShape]);
  const mean = reduction === Reduction.MEAN || reduction === Reduction.SUM_BY_NONZERO_WEIGHTS;
  if (typeof weights === 'number') {
    if (!mean || weights === 0) return { weights: null, scale: weights };
    const weight = reduction === Reduction.MEAN ? weights / weights : weights; // 1, but NaN of NaN
    return { weights: null, scale: weight / Math.max(rows, 1) };
  }
  if (!mean) return { weights, scale: 1 };
  const divided =
    reduction === Reduction.MEAN
      ? divideBySum(weights)
      : div(
          weights,
          withoutTape(() => orOne(sum(cast(notEqual(weights, 0), 'float32')))),
        );
  return { weights: divided, scale: weights.size === 1 ? 1 / Math.max(rows, 1) : 1 };
}

/** Weights over their sum. A row of weight 0 has no part in the gradient of the sum, though what comes back from it may be NaN. */
function divideBySum(weights: Tensor): Tensor {
  const divide = customGrad((given: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    const w = given as Tensor;
    (save as GradSaveFunc)([w]);
    const gradFunc = (dy: Tensor, [w]: Tensor[]) => {
      const divisor = orOne(sum(w));
      const isWeighed = withoutTape(() => notEqual(w, 0));
      const ofSum = sum(keepRows(mul(dy, w), isWeighed));
      return sub(div(dy, divisor), div(ofSum, mul(divisor, divisor)));
    };
    return { value: div(w, orOne(sum(w))), gradFunc };
  });
  return divide(weights);
}

/** 1 in place of 0. tfjs knows no gradient of comparisons, so they stay off the tape. */
function orOne(total: Tensor): Tensor {
  return add(
    total,
    withoutTape(() => cast(equal(total, 0), 'float32')),
  );
}

/** The default of tf.losses, and whether it is a reduction at all. */
export function checkReduction(reduction: Reduction | undefined, functionName: string): Reduction {
  const given = reduction ?? Reduction.SUM_BY_NONZERO_WEIGHTS;
  if (typeof given === 'number' && Reduction[given] !== undefined) return given;
  throw new RangeError(`${functionName}: reduction must be a tf.Reduction; got ${given}.`);
}
