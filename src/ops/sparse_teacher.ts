import {
  cast,
  concat,
  div,
  equal,
  exp,
  greater,
  less,
  log,
  logicalAnd,
  logicalNot,
  max,
  maximum,
  mul,
  pow,
  reshape,
  scalar,
  slice,
  sub,
  sum,
  Tensor,
  tidy,
  topk,
  where,
} from '@tensorflow/tfjs-core';
import type { Tail } from '../../kernels/objective.ts';
import {
  checkOneOf,
  checkOptionNames,
  float32,
  logitsOfOneShape,
  numericTensor,
  perRowTensor,
  type TensorArgument,
  temperatureArgument,
} from '../arguments.ts';
import { areFirst, coarseClasses, entriesOf } from '../backends/composed/coarse_classes.ts';
import { withoutTape } from '../run_objective.ts';
import { share } from '../share.ts';
import { classIdsArgument } from './labels.ts';

/** What the classes that a {@link SparseTeacher} does not list have of its probability. */
export type SparseTail = 'bucket' | 'uniform' | 'renormalize' | 'none';

/**
 * A teacher of which only the largest classes of each row are known, as vLLM, SGLang or an API answer with. Two tensors
 * or arrays of the same shape, `[..., k]`, where the logits of the student are `[..., C]`; k from 1 to C. A constant for
 * gradients.
 */
export interface SparseTeacher {
  /**
   * Class ids, whole numbers in [0, C), in any order; -1: no entry. Of a class that is listed twice in a row the first
   * entry counts. An id that is no class makes its row NaN.
   */
  indices: TensorArgument;
  /** Natural logarithms of probabilities, or logits, as `kind` says; -Infinity: no entry. NaN or +Infinity make their row NaN. */
  values: TensorArgument;
  /** Default 'logProbabilities'. */
  kind?: 'logProbabilities' | 'logits';
  /** T > 0 at which the log-probabilities, and tailLogProbability, were taken. Default 1. */
  temperature?: number;
  /**
   * How the classes that are not listed are compared: 'bucket' (default) as one class that has what the entries leave of
   * 1, against the joint probability that the student gives them; 'uniform' each with the same part of it; 'renormalize'
   * not at all, and the entries are divided by their sum; 'none' not at all, and the entries are taken as they are.
   */
  tail?: SparseTail;
  /** `[...]`: logarithm of the probability of all classes that are not listed. Default: log(1 - sum of the entries). */
  tailLogProbability?: TensorArgument;
}

const OPTIONS: Record<keyof SparseTeacher, true> = {
  indices: true,
  values: true,
  kind: true,
  temperature: true,
  tail: true,
  tailLogProbability: true,
};

const KINDS = ['logProbabilities', 'logits'] as const;
const TAILS = ['bucket', 'uniform', 'renormalize', 'none'] as const;

export function isSparseTeacher(teacher: unknown): teacher is SparseTeacher {
  if (typeof teacher !== 'object' || teacher === null || teacher instanceof Tensor) return false;
  return (
    !Array.isArray(teacher) && !ArrayBuffer.isView(teacher) && ('indices' in teacher || 'values' in teacher)
  );
}

/** What kernels take of a sparse teacher. */
export interface SparseInputs {
  /** p, float32 [..., k]. */
  teacher: Tensor;
  /** int32 [..., k]. */
  indices: Tensor;
  /** float32 [...], or null for what the entries leave. */
  tail: Tensor | null;
  kind: Tail;
}

/** z, and the temperature that the teacher is compared at: one number, or one per row. */
export interface ComparedWith {
  student: Tensor;
  temperature: number | Tensor;
}

/** Checked, and brought to the temperature it is compared at: MATH (38). All constants. */
export function sparseInputs(
  given: SparseTeacher,
  compared: ComparedWith,
  functionName: string,
): SparseInputs {
  checkOptionNames(given, OPTIONS, functionName);
  const kind = checkOneOf(given.kind ?? 'logProbabilities', KINDS, 'teacher.kind', functionName);
  const tail = checkOneOf(given.tail ?? 'bucket', TAILS, 'teacher.tail', functionName);
  const { temperature: taken } = temperatureArgument(given.temperature ?? 1, [], functionName);
  const shape = compared.student.shape.slice(0, -1);
  return withoutTape(() => {
    const { indices, values } = entriesArgument(given, compared.student.shape, functionName);
    const tailTensor =
      given.tailLogProbability === undefined
        ? null
        : exp(perRowTensor(given.tailLogProbability, shape, 'teacher.tailLogProbability', functionName));
    checkTail({ kind, tail, taken, hasTail: tailTensor !== null }, compared, functionName);
    const rows = { indices, values, tail: tailTensor, taken };
    const made =
      kind === 'logits' ? ofLogits(rows, tail, compared) : ofLogProbabilities(rows, tail, compared);
    const back = (tensor: Tensor, to: number[]) => share(reshape(tensor, to));
    return {
      teacher: back(made.p, indices.shape),
      indices: share(indices),
      tail: made.tail && back(made.tail, made.tail.size === 1 ? [] : shape),
      kind: tail === 'renormalize' ? 'none' : tail,
    };
  });
}

function entriesArgument(given: SparseTeacher, studentShape: readonly number[], functionName: string) {
  const ids = numericTensor(given.indices, 'teacher.indices', functionName);
  const values = float32(numericTensor(given.values, 'teacher.values', functionName));
  const text = (shape: readonly number[]) => `[${shape.join(',')}]`;
  const leading = studentShape.slice(0, -1);
  const k = ids.shape[ids.rank - 1] ?? 0;
  if (ids.rank !== leading.length + 1 || text(ids.shape.slice(0, -1)) !== text(leading)) {
    throw new Error(
      `${functionName}: teacher.indices must have shape [${[...leading, 'k'].join(',')}] beside a student of shape ${text(studentShape)}; got shape ${text(ids.shape)}.`,
    );
  }
  if (text(values.shape) !== text(ids.shape)) {
    throw new Error(
      `${functionName}: teacher.values and teacher.indices must have the same shape; got ${text(values.shape)} and ${text(ids.shape)}.`,
    );
  }
  if (k < 1)
    throw new Error(
      `${functionName}: teacher.indices must have one entry a row or more; got shape ${text(ids.shape)}.`,
    );
  const indices = classIdsArgument(given.indices, ids, -1);
  const isNone = less(reshape(values, [values.size]), LOWEST);
  const kept = where(isNone, scalar(-1, 'int32'), reshape(indices, [indices.size]));
  return { indices: reshape(kept, ids.shape), values };
}

/** Below it there is -Infinity alone. */
const LOWEST = -3.4e38;

interface Tails {
  kind: (typeof KINDS)[number];
  tail: SparseTail;
  taken: number;
  hasTail: boolean;
}

function checkTail(
  { kind, tail, taken, hasTail }: Tails,
  { temperature }: ComparedWith,
  functionName: string,
): void {
  if (kind === 'logits' && !hasTail && tail !== 'renormalize') {
    throw new Error(
      `${functionName}: logits of some classes do not say what the others have; got kind 'logits' and tail '${tail}' without tailLogProbability. ` +
        "Give tailLogProbability at the temperature of the comparison, as topKTeacher does, or say tail: 'renormalize'.",
    );
  }
  if (kind === 'logProbabilities' && tail === 'bucket' && temperature !== taken) {
    const at = typeof temperature === 'number' ? `${temperature}` : 'one for each row';
    throw new Error(
      `${functionName}: what classes that are not listed have together at T = ${taken} does not say what they have at another T; got a teacher taken at ${taken} and compared at ${at}, with tail 'bucket'. ` +
        `Take it at that T (topKTeacher, with {temperature}), compare it at the one it was taken at (teacherTemperature: ${taken}), or say tail: 'uniform' or 'renormalize'.`,
    );
  }
}

interface RowsOfEntries {
  indices: Tensor;
  values: Tensor;
  /** t at the temperature it was taken at. */
  tail: Tensor | null;
  taken: number;
}

interface Made {
  p: Tensor;
  tail: Tensor | null;
}

/** [rows, k], with a T for all or [rows, 1]. */
const inRows = (x: Tensor): Tensor => reshape(x, [-1, x.shape[x.rank - 1]]);
const inColumn = (t: number | Tensor): number | Tensor =>
  typeof t === 'number' ? t : reshape(t, [t.size, 1]);

/** exp(x - the largest) of the entries that count once each, and their sum, 1 where there is none. */
function exponentialsOf(x: Tensor, indices: Tensor): { e: Tensor; sum: Tensor; largest: Tensor } {
  const counts = logicalAnd(greater(indices, -1), areFirst(indices));
  const finite = where(counts, x, LOWEST);
  const top = max(finite, 1, true);
  const largest = where(greater(top, LOWEST), top, 0);
  const e = where(counts, exp(sub(x, largest)), 0);
  const total = sum(e, 1, true);
  return { e, sum: where(equal(total, 0), 1, total), largest };
}

function ofLogits(
  { indices, values, tail }: RowsOfEntries,
  kind: SparseTail,
  { temperature }: ComparedWith,
): Made {
  const { e, sum: total } = exponentialsOf(div(inRows(values), inColumn(temperature)), inRows(indices));
  const p = div(e, total);
  if (kind === 'renormalize' || tail === null) return { p, tail: null };
  return { p: mul(p, sub(1, inColumn(tail))), tail };
}

function ofLogProbabilities(
  { indices, values, tail, taken }: RowsOfEntries,
  kind: SparseTail,
  { student, temperature }: ComparedWith,
): Made {
  if (temperature === taken && kind !== 'renormalize')
    return { p: exp(inRows(values)), tail: kind === 'none' ? null : tail };
  const ids = inRows(indices);
  const power = typeof temperature === 'number' ? taken / temperature : div(taken, inColumn(temperature));
  const softened = exponentialsOf(mul(inRows(values), power), ids);
  if (kind === 'renormalize') return { p: div(softened.e, softened.sum), tail: null };
  const given = exponentialsOf(inRows(values), ids);
  const mass = mul(sum(given.e, 1, true), exp(given.largest));
  if (kind === 'none') return { p: mul(div(softened.e, softened.sum), mass), tail: null };
  // Evenly spread, what is left of each of the n others is (t/n)^power.
  const { isListed } = entriesOf(ids, student.shape[student.rank - 1]);
  const isOther = logicalAnd(logicalNot(isListed), greater(inRows(student), LOWEST));
  const others = maximum(sum(cast(isOther, 'float32'), 1, true), 1);
  const left = tail === null ? maximum(sub(1, mass), 0) : inColumn(tail);
  const ofOthers = mul(others, pow(div(left, others), power));
  const ofEntries = mul(softened.e, exp(softened.largest));
  const total = sum(concat([ofEntries, ofOthers], 1), 1, true);
  return { p: div(ofEntries, total), tail: div(ofOthers, total) };
}

/** The options of {@link topKTeacher}; all are optional. */
export interface TopKOptions {
  /** T > 0, one number, at which the teacher will be compared with a student. Default 1. */
  temperature?: number;
}

const TOP_K_OPTIONS: Record<keyof TopKOptions, true> = { temperature: true };

/** A {@link SparseTeacher} of tensors. */
export interface TopKTeacher extends SparseTeacher {
  /** int32 `[..., k]`. */
  indices: Tensor;
  /** float32 `[..., k]`, log-probabilities at `temperature`. */
  values: Tensor;
  /** float32 `[...]`. */
  tailLogProbability: Tensor;
  temperature: number;
}

const NAME = 'topKTeacher';

/**
 * The k largest classes of each row of a teacher's logits, and what the others have together, as a {@link SparseTeacher}: of 32,000 classes the
 * largest 64 take a thousandth of the memory with their indices. The log-probabilities, and that of the others, are exact at `temperature`.
 *
 * ```js
 * import { topKTeacher } from 'tfjs-distill';
 *
 * const teacher = topKTeacher(teacherLogits, 2, {temperature: 4});
 * const loss = distillationLoss(teacher, studentLogits, {temperature: 4});
 * ```
 *
 * @param teacherLogits v, `[..., C]`, rank 1 to 6; a constant for gradients.
 * @param k how many classes of a row, a whole number in [1, C].
 * @param options temperature: {@link TopKOptions}.
 * @returns indices, values, tailLogProbability (-Infinity where k is C) and temperature. The caller disposes the tensors.
 * @throws TypeError if teacherLogits are no tensor of numbers.
 * @throws RangeError if k is not a whole number in [1, C], or the temperature not a finite number above 0.
 * @throws Error if an option is unknown.
 */
export function topKTeacher(
  teacherLogits: TensorArgument,
  k: number,
  options: TopKOptions = {},
): TopKTeacher {
  checkOptionNames(options, TOP_K_OPTIONS, NAME);
  const { temperature } = temperatureArgument(options.temperature ?? 1, [], NAME);
  const made = tidy(() =>
    withoutTape(() => {
      const [logits] = logitsOfOneShape({ teacherLogits }, NAME);
      const classes = logits.shape[logits.rank - 1];
      if (!(Number.isInteger(k) && k >= 1 && k <= classes))
        throw new RangeError(`${NAME}: k must be a whole number in [1, ${classes}]; got ${k}.`);
      const student = inRows(logits);
      const { indices } = topk(student, k);
      const [rows] = student.shape;
      const coarse = coarseClasses({
        student,
        indices,
        probabilities: mul(cast(indices, 'float32'), 0),
        tail: null,
        temperature,
      });
      const x = mul(coarse.student, 1 / temperature);
      const logSum = log(sum(exp(x), 1, true)); // relative to the largest class, which is listed
      const logP = sub(x, logSum);
      const rowShape = logits.shape.slice(0, -1);
      return {
        indices: reshape(indices, [...rowShape, k]),
        values: reshape(slice(logP, [0, 0], [rows, k]), [...rowShape, k]),
        tailLogProbability: reshape(slice(logP, [0, k], [rows, 1]), rowShape),
      };
    }),
  );
  return { ...made, temperature };
}
