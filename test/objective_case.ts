import type { DistillationOptions } from '../src/index.ts';
import { Random } from './random.ts';
import { type ReferenceResult, type ReferenceRow, referenceRow } from './reference.ts';

/** The options that a case varies, as plain numbers; per-row values are one number or one per row. */
export interface CaseOptions
  extends Pick<
    DistillationOptions,
    'targets' | 'divergence' | 'beta' | 'labelSmoothing' | 'scaleByTemperatureSquared' | 'ignoreIndex'
  > {
  temperature: number | number[];
  teacherTemperature?: number | number[];
  alpha?: number | number[];
  labels?: 'classIds' | 'distribution';
  weights?: number | number[];
}

/** One problem: tensors as flat arrays, options, and by `reference()` the truth for them. */
export interface ObjectiveCase {
  name: string;
  shape: number[];
  teacher: Float32Array;
  student: Float32Array;
  labelIds: Int32Array | null;
  labelDistribution: Float32Array | null;
  options: CaseOptions;
}

/** Random logits of the given spread; `edit` may overwrite what makes the case special. */
export function makeCase(
  name: string,
  shape: number[],
  options: CaseOptions,
  make: { seed: number; spread?: number; mass?: number; edit?: (problem: ObjectiveCase) => void },
): ObjectiveCase {
  const random = new Random(make.seed);
  const classes = shape[shape.length - 1];
  const rows = shape.slice(0, -1).reduce((product, size) => product * size, 1);
  const spread = make.spread ?? 3;
  const problem: ObjectiveCase = {
    name,
    shape,
    teacher:
      options.targets === 'probabilities'
        ? random.distributions(rows, classes, make.mass)
        : random.normals(rows * classes, spread),
    student: random.normals(rows * classes, spread),
    labelIds:
      options.labels === 'classIds' ? Int32Array.from({ length: rows }, () => random.integer(classes)) : null,
    labelDistribution: options.labels === 'distribution' ? random.distributions(rows, classes) : null,
    options,
  };
  make.edit?.(problem);
  return problem;
}

/**
 * Rows of 20 classes whose second row is edited, so that its neighbours show whether the damage stays in it.
 */
export function edited(
  name: string,
  options: CaseOptions,
  edit: (row: { v: Float32Array; z: Float32Array }) => void,
): ObjectiveCase {
  return makeCase(name, [4, 20], options, {
    seed: 7,
    edit: ({ teacher, student }) => edit({ v: teacher.subarray(20, 40), z: student.subarray(20, 40) }),
  });
}

export function rowsOf(problem: ObjectiveCase): number {
  return problem.shape.slice(0, -1).reduce((product, size) => product * size, 1);
}

export function classesOf(problem: ObjectiveCase): number {
  return problem.shape[problem.shape.length - 1];
}

const perRow = (values: number | number[] | undefined, row: number, missing: number): number =>
  values === undefined ? missing : typeof values === 'number' ? values : values[row];

/** Row n as the reference takes it. */
export function referenceRowOf(problem: ObjectiveCase, n: number): ReferenceRow {
  const { options, teacher, student, labelIds, labelDistribution } = problem;
  const classes = classesOf(problem);
  const slice = (values: Float32Array) => values.subarray(n * classes, (n + 1) * classes);
  const alpha = options.labels ? perRow(options.alpha, n, 0.5) : 0;
  const ignored = labelIds !== null && options.ignoreIndex === labelIds[n];
  const row: ReferenceRow = {
    teacher: slice(teacher),
    student: slice(student),
    temperature: perRow(options.temperature, n, 1),
    softWeight: 1 - alpha,
    hardWeight: alpha,
    scaleByTemperatureSquared: options.scaleByTemperatureSquared ?? true,
    weight: ignored ? 0 : perRow(options.weights, n, 1),
    labelSmoothing: options.labelSmoothing ?? 0,
    targets: options.targets ?? 'logits',
    ...(options.teacherTemperature === undefined
      ? {}
      : { teacherTemperature: perRow(options.teacherTemperature, n, 1) }),
    divergence: options.divergence ?? 'crossEntropy',
    beta: options.beta ?? 0.5,
  };
  if (options.divergence === 'jsd' && options.beta === 0) row.divergence = 'kl';
  if (options.divergence === 'jsd' && options.beta === 1) row.divergence = 'reverseKl';
  // A row whose own alpha is 0 needs no valid label.
  if (alpha === 0 && typeof options.alpha === 'object') return row;
  if (labelIds) row.label = labelIds[n];
  if (labelDistribution) row.label = slice(labelDistribution);
  return row;
}

export interface ReferenceRows {
  loss: Float64Array;
  dStudent: Float64Array;
  dTeacher: Float64Array;
  /** Size of the row's terms: bounds on values are relative to max(this, |truth|). */
  valueScale: Float64Array;
  /** Size of the row's gradient: bounds on gradients are relative to this. */
  gradientScale: Float64Array;
  /**
   * Size of the row's largest logarithm, at least 1: what a gradient that contains log p or log q is relative
   * to.
   */
  logScale: Float64Array;
}

function spreadOf(logits: ArrayLike<number>): number {
  const finite = Array.from(logits).filter(Number.isFinite);
  return finite.length === 0
    ? 0
    : finite.reduce((a, b) => Math.max(a, b)) - finite.reduce((a, b) => Math.min(a, b));
}

/** The truth of every row. */
export function reference(problem: ObjectiveCase): ReferenceRows {
  const rows = rowsOf(problem);
  const classes = classesOf(problem);
  const result: ReferenceRows = {
    loss: new Float64Array(rows),
    dStudent: new Float64Array(rows * classes),
    dTeacher: new Float64Array(rows * classes),
    valueScale: new Float64Array(rows),
    gradientScale: new Float64Array(rows),
    logScale: new Float64Array(rows),
  };
  for (let n = 0; n < rows; n++) {
    const row = referenceRowOf(problem, n);
    const truth: ReferenceResult = referenceRow(row);
    const { temperature: t, softWeight = 1, hardWeight = 0, weight = 1 } = row;
    const softFactor = softWeight * (row.scaleByTemperatureSquared ? t * t : 1);
    result.loss[n] = truth.loss;
    result.dStudent.set(truth.dStudent, n * classes);
    result.dTeacher.set(truth.dTeacher, n * classes);
    result.valueScale[n] = Math.abs(weight) * (softFactor + hardWeight);
    result.gradientScale[n] = Math.abs(weight) * (softFactor / t + hardWeight);
    const teacherTemperature = row.teacherTemperature ?? t;
    const isGiven = row.targets === 'probabilities' && teacherTemperature === 1;
    const logits = row.targets === 'logits' ? row.teacher : Float64Array.from(row.teacher, Math.log);
    result.logScale[n] = Math.max(
      1,
      spreadOf(row.student) / t,
      isGiven ? 1 : spreadOf(logits) / teacherTemperature,
    );
  }
  return result;
}
