import {
  add,
  div,
  exp,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  max,
  maximum,
  mul,
  reshape,
  sub,
  type Tensor,
  tidy,
  where,
} from '@tensorflow/tfjs-core';
import {
  checkOneOf,
  checkOptionNames,
  logitsOfOneShape,
  type TensorArgument,
  temperatureArgument,
} from '../arguments.ts';
import { anyClass, everyClass, sumClasses } from '../backends/composed/tensors.ts';
import { largestFinite } from '../backends/half_textures.ts';
import { withoutTape } from '../run_objective.ts';
import { share } from '../share.ts';

const NAME = 'averageTeachers';

/** How {@link averageTeachers} averages; all are optional. */
export interface AverageTeachersOptions {
  /**
   * 'arithmetic' (default): the mean of the softened probabilities, as an ensemble predicts. 'geometric': the mean of the logits, of which the softmax is the
   * geometric mean of the probabilities, scaled to sum to one; the temperature has no part in it.
   */
  mean?: 'arithmetic' | 'geometric';
  /** T > 0, finite, at which the result is to be given to the loss: one number (or a tensor of rank 0), or one per row `[...]`. Default 1. */
  temperature?: number | TensorArgument;
  /** One number >= 0 for each teacher; together 1. Default: all alike. A teacher of weight 0 is left out, whatever it holds. */
  weights?: readonly number[];
}

const OPTIONS: Record<keyof AverageTeachersOptions, true> = { mean: true, temperature: true, weights: true };

/**
 * The logits of several teachers as those of one, to be given to a loss at the same temperature:
 *
 *     arithmetic   T log sum_m w_m softmax(v_m / T)      softmax(result / T) is the mean of the softened probabilities
 *     geometric    sum_m w_m v_m                         softmax(result / T) is their geometric mean, scaled to sum to one
 *
 * The two differ: where one teacher is sure that it is not a class, so is the geometric mean. Source: Hinton, Vinyals, Dean, arXiv 1503.02531, section 1.
 *
 * ```js
 * const teacher = averageTeachers([teacherLogits, teacherLogits.mul(0.5)], {temperature: 4});
 * const loss = distillationLoss(teacher, studentLogits, {temperature: 4});
 * ```
 *
 * @param teachers one or more, each logits `[..., C]` of the same shape, rank 1 to 6. Constants for gradients.
 * @param options mean, temperature and weights: {@link AverageTeachersOptions}.
 * @returns float32 `[..., C]`, a new tensor. A class is masked (-Infinity) where all teachers mask it (arithmetic), or where one does (geometric). A row that is NaN
 *     to the loss, for one of its teachers, is NaN.
 * @throws TypeError if teachers is no array of tensors or numbers, or weights no array of numbers.
 * @throws RangeError if the temperature is not a finite number above 0, a weight is negative, the weights do not sum to 1, or mean is neither word.
 * @throws Error if there is no teacher, shapes differ, there are not as many weights as teachers, or an option is unknown.
 */
export function averageTeachers<O extends Tensor = Tensor>(
  teachers: readonly TensorArgument[],
  options: AverageTeachersOptions = {},
): O {
  checkOptionNames(options, OPTIONS, NAME);
  const mean = checkOneOf(options.mean ?? 'arithmetic', ['arithmetic', 'geometric'], 'mean', NAME);
  if (!Array.isArray(teachers)) {
    throw new TypeError(
      `${NAME}: teachers must be an array of logits, one of each teacher; got ${teachers}.`,
    );
  }
  if (teachers.length === 0) throw new Error(`${NAME}: expected one teacher or more; got none.`);
  const weights = weightsArgument(options.weights, teachers.length);
  return tidy(() =>
    withoutTape(() => {
      const logits = logitsOf(teachers);
      const rowShape = logits[0].shape.slice(0, -1);
      const given = temperatureArgument(options.temperature ?? 1, rowShape, NAME);
      const t = given.temperatureTensor ?? given.temperature;
      const members = logits.flatMap((v, m) => (weights[m] === 0 ? [] : [{ v, weight: weights[m] }]));
      if (members.length === 1) return share(members[0].v) as O;
      const rows = asRows(members);
      const average =
        mean === 'arithmetic' ? arithmeticMean(rows, temperatureOfRows(t)) : geometricMean(rows);
      const invalid = rows.map(({ v }) => isInvalidRow(v)).reduce((any, one) => logicalOr(any, one));
      return reshape(where(invalid, Number.NaN, average), logits[0].shape) as O;
    }),
  );
}

interface Member {
  /** [rows, C]. */
  v: Tensor;
  /** Above 0. */
  weight: number;
}

function weightsArgument(weights: readonly number[] | undefined, teachers: number): readonly number[] {
  if (weights === undefined) return Array(teachers).fill(1 / teachers);
  if (!Array.isArray(weights) || weights.some((weight) => typeof weight !== 'number')) {
    throw new TypeError(
      `${NAME}: weights must be an array of numbers, one for each teacher; got ${weights}.`,
    );
  }
  if (weights.length !== teachers) {
    throw new Error(
      `${NAME}: expected one weight for each of ${teachers} teachers; got ${weights.length} weights.`,
    );
  }
  if (!weights.every((weight) => weight >= 0)) {
    throw new RangeError(`${NAME}: weights must be 0 or more each; got [${weights}].`);
  }
  const sum = weights.reduce((total, weight) => total + weight, 0);
  if (Math.abs(sum - 1) <= 1e-6) return weights;
  throw new RangeError(
    `${NAME}: weights must sum to 1; got [${weights}], which sum to ${sum}. Divide each by the sum.`,
  );
}

function logitsOf(teachers: readonly TensorArgument[]): Tensor[] {
  return logitsOfOneShape(Object.fromEntries(teachers.map((of, m) => [`teachers[${m}]`, of])), NAME);
}

function asRows(members: readonly Member[]): Member[] {
  return members.map(({ v, weight }) => ({ v: reshape(v, [-1, v.shape[v.rank - 1]]), weight }));
}

const temperatureOfRows = (t: number | Tensor) => (typeof t === 'number' ? t : reshape(t, [t.size, 1]));

const isMasked = (v: Tensor) => less(v, -largestFinite());

/** Of a masked class a number that exp takes for 0. */
function logSoftmax(v: Tensor, temperature: number | Tensor): Tensor {
  const limit = largestFinite();
  const most = max(maximum(v, -limit), 1, true);
  const scaled = div(sub(maximum(v, -limit), most), temperature);
  return sub(scaled, log(sumClasses(exp(scaled))));
}

/** T log sum_m exp(log w_m + log p_m), relative to the largest of the terms. */
function arithmeticMean(members: readonly Member[], temperature: number | Tensor): Tensor {
  const terms = members.map(({ v, weight }) => add(logSoftmax(v, temperature), Math.log(weight)));
  const largest = terms.reduce((most, term) => maximum(most, term));
  const sum = terms.map((term) => exp(sub(term, largest))).reduce((total, term) => add(total, term));
  const logMean = mul(add(largest, log(sum)), temperature);
  return withMask(members, logMean, (all, one) => logicalAnd(all, one));
}

function geometricMean(members: readonly Member[]): Tensor {
  const terms = members.map(({ v, weight }) => mul(where(isMasked(v), 0, v), weight));
  return withMask(
    members,
    terms.reduce((total, term) => add(total, term)),
    (any, one) => logicalOr(any, one),
  );
}

function withMask(
  members: readonly Member[],
  average: Tensor,
  join: (masked: Tensor, other: Tensor) => Tensor,
): Tensor {
  const masked = members.map(({ v }) => isMasked(v)).reduce(join);
  return where(masked, Number.NEGATIVE_INFINITY, average);
}

/** [rows, 1]: NaN or +Infinity in it, or no class. */
function isInvalidRow(v: Tensor): Tensor {
  return logicalOr(anyClass(logicalNot(lessEqual(v, largestFinite()))), everyClass(isMasked(v)));
}
