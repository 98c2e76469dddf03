import {
  add,
  equal,
  isNaN as isNotANumber,
  logicalAnd,
  max,
  reshape,
  sub,
  type Tensor,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { float32, numericTensor, type TensorArgument } from '../arguments.ts';

const NAME = 'withSampleWeights';

/**
 * Targets for `layersLoss({sampleWeights: true})`: the teacher's logits, and in them how much each sample counts. tfjs-layers wants targets of the shape of the
 * output and has no other way for weights, but a softmax does not see a number that is added to all of a row. So the largest logit of a row is made its weight w:
 *
 *     v_i - max v + w
 *
 * Probabilities, the most likely class (`classWeight`, metrics: ['accuracy']) and masks stay what they were. The differences are rounded to about 6e-8 of
 * the larger of themselves and w: weights up to a hundred cost nothing that a logit had.
 *
 * ```js
 * const weights = tf.linspace(0, 1, x.shape[0]);
 * student.compile({optimizer: 'adam', loss: layersLoss({temperature: 4, sampleWeights: true}), metrics: ['accuracy']});
 * await student.fit(x, withSampleWeights(teacherLogits, weights), {epochs: 10});
 * ```
 *
 * @param teacherLogits v, `[batch, ..., C]`.
 * @param weights of each sample, `[batch]`, or of each row, `[batch, ...]`; finite. A row of weight 0 counts for exactly 0, whatever it holds.
 * @returns float32, of the shape of the logits, to be disposed by the caller.
 * @throws TypeError for arguments of the wrong kind.
 * @throws Error for shapes that do not fit.
 */
export function withSampleWeights(teacherLogits: TensorArgument, weights: TensorArgument): Tensor {
  return tidy(() => {
    const logits = float32(numericTensor(teacherLogits, 'teacherLogits', NAME));
    if (logits.rank < 2) {
      throw new Error(
        `${NAME}: teacherLogits must have rank 2 or more, [batch, ..., classes]; got shape [${logits.shape}].`,
      );
    }
    const perRow = weightsOverClasses(weights, logits.shape.slice(0, -1));
    const weighted = add(sub(logits, max(logits, -1, true)), perRow);
    const isUncounted = logicalAnd(isNotANumber(weighted), equal(perRow, 0));
    const flat = (x: Tensor) => reshape(x, [x.size]); // tfjs's GPU backends select up to rank 4
    return reshape(where(flat(isUncounted), flat(zerosLike(weighted)), flat(weighted)), logits.shape);
  });
}

/** With axes of size 1 for those that they lack. */
function weightsOverClasses(weights: TensorArgument, rowShape: number[]): Tensor {
  const given = float32(numericTensor(weights, 'weights', NAME));
  const isPerSample = given.rank === 1 && given.shape[0] === rowShape[0];
  if (isPerSample || given.shape.join() === rowShape.join()) {
    return reshape(given, [...given.shape, ...Array(rowShape.length + 1 - given.rank).fill(1)]);
  }
  const expected = rowShape.length > 1 ? `[${rowShape[0]}] or [${rowShape}]` : `[${rowShape}]`;
  throw new Error(
    `${NAME}: weights must be one per sample${rowShape.length > 1 ? ' or one per row' : ''}, of shape ${expected}; got shape [${given.shape}].`,
  );
}

/** The weights of the rows of what {@link withSampleWeights} gives. */
export function weightsOfRows(targets: Tensor): Tensor {
  return max(targets, -1);
}
