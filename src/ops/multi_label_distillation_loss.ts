import {
  customGrad,
  div,
  fill,
  mul,
  notEqual,
  ones,
  Reduction,
  reshape,
  type Scalar,
  sum,
  type Tensor,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { Targets } from '../../kernels/objective.ts';
import { TARGETS, wordsOf } from '../../kernels/words.ts';
import {
  checkInRange,
  checkOneOf,
  checkOptionNames,
  float32,
  numericTensor,
  pairOfLogits,
  perRowTensor,
  type TensorArgument,
  temperatureArgument,
} from '../arguments.ts';
import { withoutTape } from '../run_objective.ts';
import { keepRows } from './keep_rows.ts';
import { checkReduction, reduceRows } from './reduce_rows.ts';
import { logitOf, sigmoidCrossEntropies } from './sigmoid_elements.ts';

const NAME = 'multiLabelDistillationLoss';

/** The options of {@link multiLabelDistillationLoss}; all are optional. */
export interface MultiLabelDistillationOptions {
  /** T > 0, finite: one number (or a tensor of rank 0), or one per row `[...]`. Default 1. Values in a tensor are not checked. */
  temperature?: number | TensorArgument;
  /** How to read `teacher`: as logits v (default), or as probabilities in [0, 1], one of each label, at T = 1. These are softened as their logits log(p / (1 - p)) would be. */
  targets?: Targets;
  /** Adds the hard term: 0 or 1 for each label of each row, or a number between, `[..., C]`. A constant for gradients. */
  labels?: TensorArgument;
  /** Weight of the hard term, in [0, 1]; the soft term has the rest. Default 0.5 with labels; an error without them. */
  alpha?: number;
  /** Hard term only: one number for each label, `[C]`, by which its part is multiplied. The divisor of the mean over labels stays C. An error without labels. */
  classWeights?: TensorArgument;
  /** One number (or a tensor of rank 0), or one per row `[...]`. Default 1. A row of weight 0 counts for exactly 0, whatever it holds. */
  weights?: number | TensorArgument;
  /** As in tf.losses; default SUM_BY_NONZERO_WEIGHTS, the mean over the rows whose weight is not 0. */
  reduction?: Reduction;
}

const OPTIONS: Record<keyof MultiLabelDistillationOptions, true> = {
  temperature: true,
  targets: true,
  labels: true,
  alpha: true,
  classWeights: true,
  weights: true,
  reduction: true,
};

/**
 * The distillation loss of models whose labels are independent, so that several may be true: a sigmoid of each logit in place of one softmax. In nats, for each row
 *
 *     mean over labels c of   alpha * H(y_c, s(z_c)) + (1 - alpha) * T^2 * H(s(v_c / T), s(z_c / T)),   H(p, q) = -p log q - (1 - p) log(1 - q)
 *
 * with the sigmoid s (alpha is 0 without labels), then weighted and reduced. Its gradient to z_c is (1 - alpha) T (s(z_c / T) - s(v_c / T)) / C plus alpha (s(z_c) - y_c) / C, of which logits that nearly agree keep
 * their digits; gradients of every order. Made of stock ops on every backend.
 *
 * ```js
 * const tags = tf.tensor2d([[1, 0, 1]]);
 * const loss = multiLabelDistillationLoss([[3, -2, 1]], [[1, -1, 0]], {temperature: 2, labels: tags, alpha: 0.1});
 * ```
 *
 * @param teacher v, logits `[..., C]`, rank 1 to 6, one of each label; or probabilities, see `targets`. A constant for gradients.
 * @param student z, logits `[..., C]` of the same shape. C may be 1.
 * @param options temperature, labels, weights and the rest of {@link MultiLabelDistillationOptions}.
 * @returns float32: a scalar, or `[...]` with `reduction: tf.Reduction.NONE`. A row with NaN is NaN, and its gradient is NaN at the label that is; a probability outside of [0, 1] is NaN. Where all weights are 0, or there are no rows, the loss is 0.
 * @throws TypeError if an argument or option is of the wrong kind.
 * @throws RangeError if a number is out of range, or a word is none of those that an option knows.
 * @throws Error if shapes do not fit, an option is unknown, or it needs labels that are not given.
 */
export function multiLabelDistillationLoss(
  teacher: TensorArgument,
  student: TensorArgument,
  options: MultiLabelDistillationOptions & { reduction: Reduction.NONE },
): Tensor;
export function multiLabelDistillationLoss(
  teacher: TensorArgument,
  student: TensorArgument,
  options?: MultiLabelDistillationOptions & { reduction?: Exclude<Reduction, Reduction.NONE> },
): Scalar;
export function multiLabelDistillationLoss<O extends Tensor = Tensor>(
  teacher: TensorArgument,
  student: TensorArgument,
  options?: MultiLabelDistillationOptions,
): O;
export function multiLabelDistillationLoss<O extends Tensor>(
  teacher: TensorArgument,
  student: TensorArgument,
  options: MultiLabelDistillationOptions = {},
): O {
  const { targets, alpha, reduction } = checkOptions(options);
  return tidy(() => {
    const [given, studentLogits] = pairOfLogits({ teacher, student }, NAME);
    const { shape } = studentLogits;
    const rowShape = shape.slice(0, -1);
    const classes = shape[shape.length - 1];
    const rows = studentLogits.size / classes;
    const { weights: ofRows = 1 } = options;
    const weights = typeof ofRows === 'number' ? ofRows : perRowTensor(ofRows, rowShape, 'weights', NAME);
    const reduced = reduceRows(weights, rowShape, reduction);
    const isKept = keptElements(weights, rows, classes);
    const asRows = (x: Tensor) => {
      const flat = reshape(x, [rows, classes]);
      return isKept === null ? flat : keepRows(flat, isKept);
    };
    const constants = withoutTape(() => ({
      teacher: targets === 'probabilities' ? logitOf(asRows(given)) : asRows(given),
      temperature: temperatureOfRows(options, rowShape),
      labels: options.labels === undefined ? null : asRows(labelsArgument(options.labels, shape)),
      hardWeight: hardWeight(options, alpha, classes),
    }));
    if (rows === 0) return noRows(studentLogits, reduction === Reduction.NONE ? rowShape : []) as O;
    const terms = { ...constants, softWeight: 1 - alpha };
    const losses = div(sum(sigmoidCrossEntropies(asRows(studentLogits), terms), 1), classes);
    const weighted =
      reduced.weights === null
        ? losses
        : mul(losses, reshape(reduced.weights, weightShape(reduced.weights, rows)));
    const scaled = reduced.scale === 1 ? weighted : mul(weighted, reduced.scale);
    return (reduction === Reduction.NONE ? reshape(scaled, rowShape) : sum(scaled)) as O;
  });
}

function checkOptions(options: MultiLabelDistillationOptions) {
  checkOptionNames(options, OPTIONS, NAME);
  for (const option of ['alpha', 'classWeights'] as const) {
    if (options[option] === undefined || options.labels !== undefined) continue;
    throw new Error(`${NAME}: ${option} is about the hard term, which needs labels; got no labels.`);
  }
  const alpha =
    options.labels === undefined ? 0 : checkInRange(options.alpha ?? 0.5, { low: 0, high: 1 }, 'alpha', NAME);
  return {
    targets: checkOneOf(options.targets ?? 'logits', wordsOf(TARGETS), 'targets', NAME),
    alpha,
    reduction: checkReduction(options.reduction, NAME),
  };
}

function labelsArgument(given: TensorArgument, shape: readonly number[]): Tensor {
  const labels = float32(numericTensor(given, 'labels', NAME));
  if (labels.shape.join() === shape.join()) return labels;
  throw new Error(
    `${NAME}: labels must be one number for each label of each row, of shape [${shape}]; got shape [${labels.shape}].`,
  );
}

/** One number, or `[rows, 1]`. */
function temperatureOfRows(
  { temperature: given = 1 }: MultiLabelDistillationOptions,
  rowShape: readonly number[],
): number | Tensor {
  const { temperature, temperatureTensor } = temperatureArgument(given, rowShape, NAME);
  return temperatureTensor === null ? temperature : reshape(temperatureTensor, [temperatureTensor.size, 1]);
}

function hardWeight(
  { classWeights }: MultiLabelDistillationOptions,
  alpha: number,
  classes: number,
): number | Tensor {
  if (classWeights === undefined) return alpha;
  const weights = float32(numericTensor(classWeights, 'classWeights', NAME));
  if (weights.rank === 1 && weights.size === classes) return mul(weights, alpha);
  throw new Error(
    `${NAME}: classWeights must be one number for each label, of shape [${classes}]; got shape [${weights.shape}].`,
  );
}

/** What is not of a row of weight 0, `[rows, C]`; null if there can be no such row. */
function keptElements(weights: number | Tensor, rows: number, classes: number): Tensor | null {
  if (typeof weights === 'number') return weights === 0 ? fill([rows, classes], 0, 'bool') : null;
  return withoutTape(() => {
    const perRow = mul(reshape(weights, weightShape(weights, rows)), ones([rows]));
    return notEqual(mul(reshape(perRow, [rows, 1]), ones([1, classes])), 0);
  });
}

const weightShape = (weights: Tensor, rows: number) => (weights.size === 1 && rows !== 1 ? [] : [rows]);

/** A 0 whose gradient is one, too: the stock sum over no rows is whatever lay in memory, on 'wasm'. */
function noRows(student: Tensor, shape: number[]): Tensor {
  const none = customGrad((z) => ({ value: fill(shape, 0), gradFunc: () => zerosLike(z as Tensor) }));
  return none(student);
}
