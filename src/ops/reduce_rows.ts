import { add, cast, div, equal, notEqual, Reduction, sum, type Tensor, util } from '@tensorflow/tfjs-core';
import { withoutTape } from '../run_objective.ts';

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
  // tfjs knows no gradient of comparisons, so they stay off the tape.
  const total =
    reduction === Reduction.MEAN
      ? sum(weights)
      : withoutTape(() => sum(cast(notEqual(weights, 0), 'float32')));
  const divisor = add(
    total,
    withoutTape(() => cast(equal(total, 0), 'float32')),
  );
  return { weights: div(weights, divisor), scale: weights.size === 1 ? 1 / Math.max(rows, 1) : 1 };
}

/** The default of tf.losses, and whether it is a reduction at all. */
export function checkReduction(reduction: Reduction | undefined, functionName: string): Reduction {
  const given = reduction ?? Reduction.SUM_BY_NONZERO_WEIGHTS;
  if (typeof given === 'number' && Reduction[given] !== undefined) return given;
  throw new RangeError(`${functionName}: reduction must be a tf.Reduction; got ${given}.`);
}
