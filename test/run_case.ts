import * as tf from '@tensorflow/tfjs-core';
import { type DistillationOptions, distillationLoss } from '../src/index.ts';
import { backend } from './backends/current.ts';
import { expectClose } from './close.ts';
import { classesOf, type ObjectiveCase, type ReferenceRows, reference } from './objective_case.ts';
import { Random } from './random.ts';

/** Relative error that numerics allow: of max(1, truth) for values, of 1/T for gradients. */
export const TOLERANCE =
  backend.precision === 'f16'
    ? 1e-2
    : backend.backendName === 'webgpu' || backend.backendName === 'webgl'
      ? 1e-5
      : 2e-6;

export interface CaseTensors {
  teacher: tf.Tensor;
  student: tf.Tensor;
  options: DistillationOptions;
}

/** The case on the current backend; the caller disposes. */
export function tensorsOf(problem: ObjectiveCase): CaseTensors {
  const { shape, options, labelIds, labelDistribution } = problem;
  const rowShape = shape.slice(0, -1);
  const { labels: _, temperature, teacherTemperature, alpha, weights, ...plain } = options;
  const tensors: DistillationOptions = { ...plain, temperature: perRow(temperature, rowShape) };
  for (const [name, values] of Object.entries({ teacherTemperature, alpha, weights }))
    if (values !== undefined) tensors[name as 'weights'] = perRow(values, rowShape);
  if (labelIds) tensors.labels = tf.tensor(labelIds, rowShape, 'int32');
  if (labelDistribution) tensors.labels = tf.tensor(labelDistribution, shape);
  return {
    teacher: tf.tensor(problem.teacher, shape),
    student: tf.tensor(problem.student, shape),
    options: { ...tensors, reduction: tf.Reduction.NONE },
  };
}

function perRow(values: number | number[], rowShape: number[]): number | tf.Tensor {
  return typeof values === 'number' ? values : tf.tensor(values, rowShape, 'float32');
}

export interface CaseResult {
  loss: Float32Array;
  dStudent: Float32Array;
  dTeacher: Float32Array | null;
}

/** Per-row losses and gradients for the incoming gradient dLoss, which is one per row. */
export async function runCase(
  problem: ObjectiveCase,
  dLoss: Float32Array,
  withTeacher: boolean,
): Promise<CaseResult> {
  const { teacher, student, options } = tensorsOf(problem);
  const f = (z: tf.Tensor, v: tf.Tensor) =>
    distillationLoss(v, z, { ...options, teacherGradient: withTeacher });
  const dy = tf.tensor(dLoss, problem.shape.slice(0, -1));
  const xs = withTeacher ? [student, teacher] : [student];
  const { value, grads } = tf.valueAndGrads((z, v = teacher) => f(z, v))(xs, dy);
  const read = async (tensor: tf.Tensor) => (await tensor.data()) as Float32Array;
  const result = {
    loss: await read(value),
    dStudent: await read(grads[0]),
    dTeacher: withTeacher ? await read(grads[1]) : null,
  };
  tf.dispose([
    teacher,
    student,
    dy,
    value,
    grads,
    Object.values(options).filter((x) => x instanceof tf.Tensor),
  ]);
  return result;
}

/** Incoming gradients that are not all ones, nor all of one sign. */
export function unevenGradients(rows: number): Float32Array {
  const random = new Random(rows);
  return Float32Array.from(
    { length: rows },
    (_, n) => (n % 3 === 0 ? 1 : 0.5 + random.uniform()) * (n % 5 === 4 ? -1 : 1),
  );
}

const LARGEST_HALF = 65504;

const SMALLEST_HALF = 2 ** -24;

/**
 * To eleven significant bits, and to multiples of the smallest half, as half-precision textures hold a
 * number.
 */
export function roundToHalf(values: Float32Array): Float32Array {
  return values.map((value) => {
    if (!Number.isFinite(value) || value === 0) return value;
    const unit = Math.max(2 ** (Math.floor(Math.log2(Math.abs(value))) - 10), SMALLEST_HALF);
    return Math.round(value / unit) * unit;
  });
}

/** The case as the textures of the backend can hold it. */
export function asHeld(problem: ObjectiveCase): ObjectiveCase {
  if (backend.precision === 'f32') return problem;
  return { ...problem, teacher: roundToHalf(problem.teacher), student: roundToHalf(problem.student) };
}

/** Value and gradients of a case against the truth, within TOLERANCE. */
export async function expectCase(given: ObjectiveCase, withTeacher = true): Promise<void> {
  const problem = asHeld(given);
  const truth = reference(problem);
  const dLoss = unevenGradients(truth.loss.length);
  const { loss, dStudent, dTeacher } = await runCase(problem, dLoss, withTeacher);
  const bounds = boundsOf(problem, truth, dLoss);
  expectClose(loss, truth.loss, bounds.loss, 'loss');
  expectClose(dStudent, bounds.dStudentTruth, bounds.dStudent, 'dStudent');
  if (dTeacher) {
    const { dTeacherTruth } = bounds;
    if (backend.precision === 'f16') {
      // -q/p can be larger than a half-precision texture holds.
      for (let i = 0; i < dTeacher.length; i++)
        if (Math.abs(dTeacherTruth[i]) > LARGEST_HALF) dTeacher[i] = dTeacherTruth[i] = 0;
    }
    expectClose(dTeacher, dTeacherTruth, bounds.dTeacher, 'dTeacher');
  }
}

/** Where T is large: T^2 D within 1e-3, and the gradient within 1e-4 of its row's largest element. */
export async function expectOwnSize(problem: ObjectiveCase): Promise<void> {
  const [rows, classes] = problem.shape;
  const truth = reference(problem);
  const { loss, dStudent } = await runCase(problem, new Float32Array(rows).fill(1), false);
  const own = problem.options.divergence === 'crossEntropy' ? TOLERANCE : 1e-3;
  expectClose(loss, truth.loss, (n) => own * Math.abs(truth.loss[n]), 'loss');
  const largest = Array.from({ length: rows }, (_, n) =>
    truth.dStudent
      .subarray(n * classes, (n + 1) * classes)
      .reduce((most, slope) => Math.max(most, Math.abs(slope)), 0),
  );
  expectClose(dStudent, truth.dStudent, (i) => 1e-4 * largest[Math.floor(i / classes)], 'dStudent');
}

export interface CaseBounds {
  loss: (row: number) => number;
  dStudent: (index: number) => number;
  dTeacher: (index: number) => number;
  dStudentTruth: Float64Array;
  dTeacherTruth: Float64Array;
}

/** How far a backend may be from the truth: each bound is TOLERANCE times the size of what it bounds. */
export function boundsOf(problem: ObjectiveCase, truth: ReferenceRows, dLoss: Float32Array): CaseBounds {
  const classes = classesOf(problem);
  const dStudentTruth = scaleRows(truth.dStudent, dLoss, classes);
  const dTeacherTruth = scaleRows(truth.dTeacher, dLoss, classes);
  return {
    loss: (n) => TOLERANCE * Math.max(truth.valueScale[n], Math.abs(truth.loss[n])),
    dStudent: gradientBound(truth, dLoss, problem),
    dTeacher: teacherBound(truth, dTeacherTruth, dLoss, problem),
    dStudentTruth,
    dTeacherTruth,
  };
}

const scaleRows = (values: Float64Array, dLoss: Float32Array, classes: number) =>
  values.map((value, i) => value * dLoss[Math.floor(i / classes)]);

function gradientBound(truth: ReferenceRows, dLoss: Float32Array, problem: ObjectiveCase) {
  const classes = classesOf(problem);
  const { divergence, beta } = problem.options;
  const hasLogarithm = divergence === 'reverseKl' || (divergence === 'jsd' && beta === 1);
  return (i: number) => {
    const n = Math.floor(i / classes);
    return TOLERANCE * truth.gradientScale[n] * Math.abs(dLoss[n]) * (hasLogarithm ? truth.logScale[n] : 1);
  };
}

/**
 * The teacher's slope is p (or 1) times a logarithm or a difference of logits, so it is held relative to the
 * row's largest slope too. Through a softening it is the sum of such a slope and of one like the loss, which
 * may cancel.
 */
function teacherBound(
  truth: ReferenceRows,
  expected: Float64Array,
  dLoss: Float32Array,
  problem: ObjectiveCase,
) {
  const classes = classesOf(problem);
  const { targets, temperature: t, teacherTemperature } = problem.options;
  const bounds = truth.gradientScale.map((scale, n) => {
    const finite = expected.subarray(n * classes, (n + 1) * classes).filter(Number.isFinite);
    const largest = finite.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0);
    const toProbability = targets === 'probabilities' ? (typeof t === 'number' ? t : t[n]) : 1;
    const isSoftened = targets === 'probabilities' && teacherTemperature !== 1;
    const ofSum = isSoftened ? Math.max(truth.valueScale[n], Math.abs(truth.loss[n] || 0)) : 0;
    const own = Math.max(toProbability * scale * Math.abs(dLoss[n]) * truth.logScale[n], largest);
    return TOLERANCE * (own + (Number.isFinite(ofSum) ? ofSum : 0) * Math.abs(dLoss[n]));
  });
  return (i: number) => bounds[Math.floor(i / classes)];
}
