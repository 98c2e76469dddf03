import {
  cast,
  mul,
  notEqual,
  onesLike,
  Reduction,
  type Scalar,
  scalar,
  Tensor,
  tidy,
} from '@tensorflow/tfjs-core';
import { DIVERGENCES } from '../../kernels/divergences.ts';
import { type Divergence, OF_STUDENT, type Tail, type Targets } from '../../kernels/objective.ts';
import { TARGETS, wordsOf } from '../../kernels/words.ts';
import {
  checkBoolean,
  checkInRange,
  checkInt32,
  checkOneOf,
  checkOptionNames,
  logitsOfOneShape,
  numbersOf,
  pairOfLogits,
  perRowTensor,
  type TensorArgument,
  teacherTemperatureArgument,
  temperatureArgument,
} from '../arguments.ts';
import { calledBy } from '../called_by.ts';
import { runObjective, withoutTape } from '../run_objective.ts';
import { share } from '../share.ts';
import { keepRows } from './keep_rows.ts';
import { type Labels, labelsArgument } from './labels.ts';
import { checkReduction, reduceRows } from './reduce_rows.ts';
import { isSparseTeacher, type SparseTail, type SparseTeacher, sparseInputs } from './sparse_teacher.ts';

const NAME = 'distillationLoss';

/** The options of {@link distillationLoss}; all are optional. */
export interface DistillationOptions {
  /** T > 0, finite: one number (or a tensor of rank 0), or one per row `[...]`. Default 1. Values in a tensor are not checked; a wrong one makes its row NaN. */
  temperature?: number | TensorArgument;
  /**
   * T of the teacher, finite and > 0: one number (or a tensor of rank 0), or one per row `[...]`:
   * p = softmax(v / teacherTemperature). Default: `temperature`, for each row its own. The factor T^2 is that of
   * `temperature`. In rows where the two are equal, teacher and student that nearly agree keep their digits at every T.
   * Values in a tensor are not checked; a wrong one makes its row NaN.
   */
  teacherTemperature?: number | TensorArgument;
  /**
   * How to read `teacher`: as logits v (default), or as probabilities at T = 1, such as those of a model that ends in a softmax, which need not sum to one. These are softened as their logits would be:
   * p is p^(1 / teacherTemperature), scaled to the sum that they had. With `teacherTemperature: 1` they are used as they are.
   */
  targets?: Targets;
  /**
   * The soft term D: 'crossEntropy' -sum p log q (default), 'kl' KL(p||q), 'reverseKl' KL(q||p), or 'jsd' beta KL(p||m) + (1-beta) KL(q||m)
   * with m = beta p + (1-beta) q.
   */
  divergence?: Divergence;
  /** 'jsd' only, in [0, 1], default 0.5; by the convention of the generalised JSD, 0 is KL(p||q) and 1 is KL(q||p). */
  beta?: number;
  /** Adds the hard term. Class ids `[...]`, int32 or whole numbers in float32, each in [0, C) or `ignoreIndex`; or a distribution, float32 `[..., C]`. A constant for gradients. */
  labels?: TensorArgument;
  /**
   * Weight of the hard term, in [0, 1]; the soft term has the rest. One number, or one per row `[...]`, so that rows with
   * and without a label can share a batch: a row whose alpha is 0 needs no valid label. Default 0.5 with labels; an error
   * without them. A constant for gradients. Values in a tensor are not checked; a wrong one makes its row NaN.
   */
  alpha?: number | TensorArgument;
  /** s in [0, 1), default 0: the hard term takes (1 - s) labels + s/C for labels. An error without labels. */
  labelSmoothing?: number;
  /** Multiply the soft term by T^2, so that its gradient keeps its size when T changes. Default true. */
  scaleByTemperatureSquared?: boolean;
  /** One number (or a tensor of rank 0), or one per row `[...]`. Default 1. A row of weight 0 counts for exactly 0, whatever it holds. */
  weights?: number | TensorArgument;
  /** An int32, whatever its sign: rows with this class id count in neither term, nor in the mean. Needs labels that are class ids. */
  ignoreIndex?: number;
  /**
   * As in tf.losses; default SUM_BY_NONZERO_WEIGHTS, the mean over the rows whose weight is not 0. MEAN divides by the sum of the weights, and not at all where that
   * is 0, also where weights of both signs cancel (tf.losses gives an infinity there).
   */
  reduction?: Reduction;
  /** Let gradients flow to the teacher too. Default false: the teacher is a constant. */
  teacherGradient?: boolean;
}

const OPTIONS: Record<keyof DistillationOptions, true> = {
  temperature: true,
  teacherTemperature: true,
  targets: true,
  divergence: true,
  beta: true,
  labels: true,
  alpha: true,
  labelSmoothing: true,
  scaleByTemperatureSquared: true,
  weights: true,
  ignoreIndex: true,
  reduction: true,
  teacherGradient: true,
};

/**
 * The distillation loss in nats, for each row
 *
 *     alpha * CE(labels, softmax(z)) + (1 - alpha) * T^2 * D(softmax(v / T), softmax(z / T))
 *
 * (alpha is 0 without labels; the teacher may have a T of its own), then weighted and reduced. One fused pass over the logits gives the loss and, while gradients are recorded, the
 * student's gradient with it. Source: Hinton, Vinyals, Dean, arXiv 1503.02531, section 2.
 *
 * ```js
 * const loss = distillationLoss(teacherLogits, studentLogits, {temperature: 4, labels, alpha: 0.1});
 * ```
 *
 * @param teacher v, logits `[..., C]`, rank 1 to 6; or probabilities, see `targets`; or a {@link SparseTeacher}, of which only the largest classes are known. A constant for
 *     gradients unless `teacherGradient`.
 * @param student z, logits `[..., C]` of the same shape.
 * @param options temperature, divergence, labels, weights and the rest of {@link DistillationOptions}.
 * @returns float32: a scalar, or `[...]` with `reduction: tf.Reduction.NONE`; a `Scalar` in its type too, where the reduction is known not to be NONE. A row with NaN, +Infinity or a class id that is no whole number in [0, C) is NaN, unless
 *     its weight is 0 or it is ignored. Where all weights are 0, or there are no rows, the loss is 0.
 * @throws TypeError if an argument or option is of the wrong kind.
 * @throws RangeError if a number is out of range, or a word is none of those that an option knows.
 * @throws Error if shapes do not fit, an option is unknown, or it needs another option that is not given (as alpha needs labels).
 */
export function distillationLoss(
  teacher: TensorArgument | SparseTeacher,
  student: TensorArgument,
  options: DistillationOptions & { reduction: Reduction.NONE },
): Tensor;
export function distillationLoss(
  teacher: TensorArgument | SparseTeacher,
  student: TensorArgument,
  options?: DistillationOptions & { reduction?: Exclude<Reduction, Reduction.NONE> },
): Scalar;
export function distillationLoss<O extends Tensor = Tensor>(
  teacher: TensorArgument | SparseTeacher,
  student: TensorArgument,
  options?: DistillationOptions,
): O;
export function distillationLoss<O extends Tensor>(
  teacher: TensorArgument | SparseTeacher,
  student: TensorArgument,
  options: DistillationOptions = {},
): O {
  const checked = checkOptions(options, NAME);
  return tidy(() => {
    if (isSparseTeacher(teacher)) {
      const [z] = logitsOfOneShape({ student }, NAME);
      const { tensors, attrs } = sparseObjectiveOf(teacher, z, options, checked, NAME);
      return calledBy(NAME, () => runObjective<O>({ ...tensors, student: z }, attrs));
    }
    const [given, studentLogits] = pairOfLogits({ teacher, student }, NAME);
    const { tensors, attrs } = objectiveOf(options, checked, studentLogits.shape, NAME);
    return calledBy(NAME, () =>
      runObjective<O>(
        { teacher: checked.teacherGradient ? given : share(given), student: studentLogits, ...tensors },
        attrs,
      ),
    );
  });
}

/** As `objectiveOf`, of a teacher of which only some classes are listed: with its tensors. */
export function sparseObjectiveOf(
  teacher: SparseTeacher,
  student: Tensor,
  options: DistillationOptions,
  checked: CheckedOptions,
  functionName: string,
) {
  for (const option of ['targets', 'teacherGradient'] as const) {
    if (options[option] === undefined) continue;
    throw new Error(
      `${functionName}: ${option} is not for a sparse teacher, which says by its kind what it holds and is a constant; got ${option} ${options[option]}.`,
    );
  }
  checkDefined(checked.divergence, teacher.tail ?? 'bucket', functionName);
  const { teacherTemperature, ...others } = options;
  const { tensors, attrs } = objectiveOf(others, checked, student.shape, functionName);
  const compared = teacherTemperatureArgument(
    teacherTemperature,
    { targets: 'logits', temperature: attrs.temperature },
    student.shape.slice(0, -1),
    functionName,
  );
  const temperature =
    compared.teacherTemperatureTensor ??
    (compared.teacherTemperature === OF_STUDENT ? null : compared.teacherTemperature) ??
    tensors.temperature ??
    attrs.temperature;
  const sparse = sparseInputs(teacher, { student, temperature }, functionName);
  return {
    tensors: { ...tensors, teacher: sparse.teacher, indices: sparse.indices, tail: sparse.tail },
    attrs: { ...attrs, targets: 'probabilities' as const, teacherTemperature: 1, tail: sparse.kind },
  };
}

/** Where classes that are not listed have no probability, some divergences are infinite or mean nothing. */
function checkDefined(divergence: Divergence, tail: SparseTail, functionName: string): void {
  if (tail === 'bucket' || tail === 'uniform') return;
  if (divergence === 'reverseKl' || (divergence === 'jsd' && tail === 'none')) {
    const why =
      divergence === 'reverseKl'
        ? 'it is infinite where the teacher has no probability'
        : 'it compares distributions, and the entries alone are none';
    throw new Error(
      `${functionName}: divergence '${divergence}' cannot be had with tail '${tail}': ${why}. Say tail: 'bucket' or 'uniform'.`,
    );
  }
}

/** What the options say of logits of this shape, as the kernel takes it: its tensors but for teacher and student, and its attributes. */
export function objectiveOf(
  options: DistillationOptions,
  checked: CheckedOptions,
  shape: readonly number[],
  functionName: string,
) {
  const rowShape = shape.slice(0, -1);
  const { temperature, temperatureTensor } = temperatureArgument(
    options.temperature ?? 1,
    rowShape,
    functionName,
  );
  const { teacherTemperature, teacherTemperatureTensor } = teacherTemperatureArgument(
    options.teacherTemperature,
    { targets: checked.targets, temperature },
    rowShape,
    functionName,
  );
  const { alpha, alphaTensor } = alphaArgument(options, rowShape, functionName);
  const labels = labelsArgument(options.labels, { shape }, options.ignoreIndex, functionName);
  const weights = weightsArgument(options, labels, rowShape, functionName);
  const rows = reduceRows(weights, rowShape, checked.reduction);
  const tensors = {
    temperature: temperatureTensor,
    teacherTemperature: teacherTemperatureTensor,
    alpha: alphaTensor,
    indices: null,
    tail: null,
    labels: alpha === 0 ? null : labels.tensor,
    weights: rows.weights,
  };
  const attrs = {
    targets: checked.targets,
    tail: 'bucket' as Tail,
    teacherTemperature,
    divergence: checked.divergence,
    beta: checked.beta,
    softWeight: alphaTensor ? 1 : 1 - alpha,
    scaleByTemperatureSquared: checked.scaleByTemperatureSquared,
    labels: alpha === 0 ? ('none' as const) : labels.kind,
    hardWeight: alphaTensor ? 1 : alpha,
    labelSmoothing: checked.labelSmoothing,
    scale: rows.scale,
    temperature,
    reduction: checked.reduction === Reduction.NONE ? ('none' as const) : ('sum' as const),
  };
  return { tensors, attrs };
}

export type CheckedOptions = ReturnType<typeof checkOptions>;

/** Everything that can be checked without a tensor, with defaults filled in. */
export function checkOptions(options: DistillationOptions, functionName: string) {
  checkOptionNames(options, OPTIONS, functionName);
  const targets = checkOneOf(options.targets ?? 'logits', wordsOf(TARGETS), 'targets', functionName);
  const named = checkOneOf(
    options.divergence ?? 'crossEntropy',
    wordsOf(DIVERGENCES),
    'divergence',
    functionName,
  );
  if (options.beta !== undefined && named !== 'jsd') {
    throw new Error(`${functionName}: beta is an option of divergence 'jsd'; got divergence '${named}'.`);
  }
  for (const option of ['alpha', 'labelSmoothing', 'ignoreIndex'] as const) {
    if (options[option] !== undefined && options.labels === undefined) {
      throw new Error(
        `${functionName}: ${option} is about the hard term, which needs labels; got ${option} ${shown(options[option])} and no labels.`,
      );
    }
  }
  const beta = checkInRange(options.beta ?? 0.5, { low: 0, high: 1 }, 'beta', functionName);
  if (options.labels !== undefined && typeof options.alpha === 'number')
    checkInRange(options.alpha, { low: 0, high: 1 }, 'alpha', functionName);
  const limits: Record<string, Divergence> = { 0: 'kl', 1: 'reverseKl' };
  if (options.ignoreIndex !== undefined) checkInt32(options.ignoreIndex, 'ignoreIndex', functionName);
  return {
    targets,
    divergence: named === 'jsd' ? (limits[beta] ?? named) : named,
    beta,
    labelSmoothing: checkInRange(
      options.labelSmoothing ?? 0,
      { low: 0, high: 1, openAbove: true },
      'labelSmoothing',
      functionName,
    ),
    scaleByTemperatureSquared: checkBoolean(
      options.scaleByTemperatureSquared ?? true,
      'scaleByTemperatureSquared',
      functionName,
    ),
    reduction: checkReduction(options.reduction, functionName),
    teacherGradient: checkBoolean(options.teacherGradient ?? false, 'teacherGradient', functionName),
  };
}

/** A number, or what stands in its place. */
const shown = (value: unknown) => (typeof value === 'number' ? value : 'per row');

/** Weight of the hard term: 0 without labels, a checked number, or a tensor (then the number is 1). */
function alphaArgument(
  { alpha = 0.5, labels }: DistillationOptions,
  rowShape: readonly number[],
  functionName: string,
): { alpha: number; alphaTensor: Tensor | null } {
  if (labels === undefined) return { alpha: 0, alphaTensor: null };
  const check = (value: unknown) => checkInRange(value, { low: 0, high: 1 }, 'alpha', functionName);
  if (typeof alpha === 'number') return { alpha: check(alpha), alphaTensor: null };
  if (!(alpha instanceof Tensor)) for (const value of numbersOf(alpha)) check(value);
  const tensor = withoutTape(() => perRowTensor(alpha, rowShape, 'alpha', functionName));
  return { alpha: 1, alphaTensor: share(tensor) };
}

/** The weight of each row: a number for all, or a tensor with one value or one per row. */
function weightsArgument(
  options: DistillationOptions,
  labels: Labels,
  rowShape: number[],
  functionName: string,
): number | Tensor {
  const { weights = 1, ignoreIndex } = options;
  const given =
    typeof weights === 'number' ? weights : perRowTensor(weights, rowShape, 'weights', functionName);
  if (ignoreIndex === undefined) return given;
  if (labels.kind !== 'classIds' || labels.tensor === null) {
    throw new Error(`${functionName}: ignoreIndex needs labels that are class ids; got a distribution.`);
  }
  const kept = notEqual(labels.tensor, scalar(ignoreIndex, 'int32'));
  const ones = cast(kept, 'float32');
  if (typeof given === 'number') return mul(ones, given);
  const perRow = given.rank === 0 ? mul(given, onesLike(ones)) : given;
  return keepRows(perRow, kept);
}
