import {
  add,
  cast,
  div,
  equal,
  max,
  mul,
  notEqual,
  ones,
  Reduction,
  reshape,
  sum,
  type Tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { CROSS_ENTROPY } from '../../kernels/objective.ts';
import { checkInRange, float32, numericTensor, pairOfLogits, type TensorArgument } from '../arguments.ts';
import { calledBy } from '../called_by.ts';
import { NOTHING_BESIDE } from '../objective_inputs.ts';
import { runObjective, withoutTape } from '../run_objective.ts';
import { checkReduction, reduceRows } from './reduce_rows.ts';

const NAME = 'softmaxCrossEntropy';

/**
 * tf.losses.softmaxCrossEntropy on the fused kernel, with the same arguments and the same result. For each row, in nats,
 *
 *     -sum_i y_i log softmax(z)_i,   y = (1 - labelSmoothing) onehotLabels + labelSmoothing / C
 *
 * then weighted and reduced. Gradients: to the logits Y softmax(z)_i - y_i with Y = sum y, to the labels -log softmax(z)_i, to the weights the row's
 * loss; of any order. Results differ only where those of stock tfjs 4.22 are wrong: its gradient to the logits is softmax(z) - y whatever Y is, that to the labels
 * y - softmax(z); second-order gradients throw; a masked class (z_i = -Infinity) without label gives NaN, as do an empty batch and weights that are all 0; and
 * smoothing divides by shape[1] at any rank.
 *
 * ```js
 * const loss = softmaxCrossEntropy([[0, 1, 0]], [[1, 2, 3]]);
 * loss.print(); // 1.407...
 * ```
 *
 * @param onehotLabels y, a distribution per row (not only one-hot), `[..., C]`; float32, int32 or bool (cast to float32).
 * @param logits z, the same shape, rank 1 to 6.
 * @param weights One number, or a tensor that broadcasts against the losses `[...]`. A row of weight 0 counts for exactly 0, whatever it holds. Default 1.
 * @param labelSmoothing In [0, 1]. Default 0.
 * @param reduction tf.Reduction; default SUM_BY_NONZERO_WEIGHTS, the mean over rows whose weight is not 0.
 * @returns float32: a scalar, or with `Reduction.NONE` the weighted losses, `[...]`. A row that holds NaN or +Infinity is NaN.
 * @throws TypeError if an argument is neither a numeric tensor nor numbers.
 * @throws RangeError if labelSmoothing is not in [0, 1], or reduction is no tf.Reduction.
 * @throws Error if labels and logits differ in shape, there is no class, or the weights do not broadcast.
 */
export function softmaxCrossEntropy<O extends Tensor = Tensor>(
  onehotLabels: TensorArgument,
  logits: TensorArgument,
  weights?: number | TensorArgument | null,
  labelSmoothing = 0,
  reduction: Reduction = Reduction.SUM_BY_NONZERO_WEIGHTS,
): O {
  checkReduction(reduction, NAME);
  return tidy(() => {
    const [labels, student] = pairOfLogits({ onehotLabels, logits }, NAME);
    const factors = weightsArgument(weights ?? 1);
    const smoothed = smooth(
      labels,
      checkInRange(labelSmoothing, { low: 0, high: 1 }, 'labelSmoothing', NAME),
    );
    const rowShape = student.shape.slice(0, -1);
    if (typeof factors === 'number' || factors.rank === 0 || factors.shape.join() === rowShape.join()) {
      const rows = reduceRows(factors, rowShape, reduction);
      return crossEntropy<O>(smoothed, student, rows, reduction === Reduction.NONE ? 'none' : 'sum');
    }
    return reduceBroadcast(smoothed, student, factors, reduction) as O;
  });
}

function weightsArgument(weights: number | TensorArgument): number | Tensor {
  return typeof weights === 'number' ? weights : float32(numericTensor(weights, 'weights', NAME));
}

function smooth(labels: Tensor, labelSmoothing: number): Tensor {
  if (labelSmoothing === 0) return labels;
  const classes = labels.shape[labels.rank - 1];
  return add(mul(labels, 1 - labelSmoothing), labelSmoothing / classes);
}

/** The labels are the targets of the soft term at T = 1, so that they have a gradient. */
function crossEntropy<O extends Tensor>(
  labels: Tensor,
  student: Tensor,
  { weights, scale }: { weights: Tensor | null; scale: number },
  reduction: 'none' | 'sum',
): O {
  return calledBy(NAME, () =>
    runObjective<O>(
      { ...NOTHING_BESIDE, teacher: labels, student, weights },
      { ...CROSS_ENTROPY, targets: 'probabilities', teacherTemperature: 1, scale, temperature: 1, reduction },
    ),
  );
}

/** tf.losses.computeWeightedLoss for weights of another shape than the losses; each broadcasts against the other, as in any product of tensors. */
function reduceBroadcast(labels: Tensor, student: Tensor, weights: Tensor, reduction: Reduction): Tensor {
  const rowShape = student.shape.slice(0, -1);
  const shape = broadcastShape(rowShape, weights.shape);
  const each = mul(weights, ones(shape));
  // tfjs knows no gradient of comparisons, so they stay off the tape.
  const counts = withoutTape(() => cast(notEqual(each, 0), 'float32'));
  // A row that counts nowhere has weight 0 for the kernel, so that NaN in it reaches neither loss nor gradient.
  const isUsed = withoutTape(() => largestOver(counts, rowShape));
  const losses = crossEntropy(labels, student, { weights: isUsed, scale: 1 }, 'none');
  const weighted = mul(losses, each);
  if (reduction === Reduction.NONE) return weighted;
  const total = sum(weighted);
  if (reduction === Reduction.SUM) return total;
  // As there: a mean is divided by how often a weight is repeated, and not by how often a loss is.
  const repeated = Math.max(1, losses.size / weights.size);
  const divisor = reduction === Reduction.MEAN ? mul(sum(weights), repeated) : withoutTape(() => sum(counts));
  const isZero = withoutTape(() => cast(equal(divisor, 0), 'float32'));
  return reshape(div(total, add(divisor, isZero)), []);
}

/** The maximum over what broadcasting added to `shape`. */
function largestOver(values: Tensor, shape: readonly number[]): Tensor {
  const added = values.rank - shape.length;
  const axes = values.shape.flatMap((size, axis) =>
    axis < added || size !== shape[axis - added] ? [axis] : [],
  );
  return reshape(max(values, axes, true), [...shape]);
}

function broadcastShape(losses: readonly number[], weights: readonly number[]): number[] {
  const rank = Math.max(losses.length, weights.length);
  return Array.from({ length: rank }, (_, i) => {
    const a = losses[losses.length - rank + i] ?? 1;
    const b = weights[weights.length - rank + i] ?? 1;
    if (a === b || b === 1) return a;
    if (a === 1) return b;
    throw new Error(
      `${NAME}: weights must broadcast against the losses, of shape [${losses}]; got shape [${weights}].`,
    );
  });
}
