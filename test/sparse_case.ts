import * as tf from '@tensorflow/tfjs-core';
import { type DistillationOptions, distillationLoss, type SparseTeacher } from '../src/index.ts';
import { Random } from './random.ts';
import { type ReferenceRow, referenceRow } from './reference.ts';

/**
 * Rows of a student, and of a teacher of which some classes are listed. Numbers are as float32 holds them.
 */
export interface SparseCase {
  classes: number;
  rows: SparseRow[];
  tail: 'bucket' | 'uniform' | 'renormalize' | 'none';
  objective: Pick<ReferenceRow, 'divergence' | 'beta' | 'labelSmoothing'> & {
    temperature: number | number[];
  };
  /** Weight of the hard term; without labels none. */
  alpha?: number | number[];
  weights?: number[];
}

export interface SparseRow {
  student: Float32Array;
  ids: number[];
  /** Log-probabilities at the temperature of the comparison. */
  values: number[];
  /** log t; default: log of what the entries leave. */
  tailLogProbability?: number;
  label?: number | Float32Array;
}

const { NEGATIVE_INFINITY } = Number;

/** Logits of a spread of 3, and the k largest of a teacher's, softened. Ids in no order. */
export function sparseRow(seed: number, classes: number, k: number, temperature: number): SparseRow {
  const random = new Random(seed);
  const student = random.normals(classes, 3);
  const teacher = Array.from(random.normals(classes, 3), (v) => v / temperature);
  const logSum = Math.log(teacher.reduce((sum, v) => sum + Math.exp(v), 0));
  const order = teacher.map((_, i) => i).sort((a, b) => teacher[b] - teacher[a]);
  const ids = order.slice(0, k).sort((a, b) => Math.sin(a + seed) - Math.sin(b + seed));
  return { student, ids, values: ids.map((id) => Math.fround(teacher[id] - logSum)) };
}

export interface SparseTruth {
  loss: number[];
  dStudent: Float64Array[];
}

const of = (values: number | number[] | undefined, n: number, missing: number) =>
  values === undefined ? missing : typeof values === 'number' ? values : values[n];

/**
 * The truth, in float64: the entries that count and all other classes as one, by the reference for dense
 * rows.
 */
export function sparseTruth(problem: SparseCase): SparseTruth {
  const results = problem.rows.map((row, n) => truthOfRow(problem, row, n));
  return { loss: results.map(({ loss }) => loss), dStudent: results.map(({ dStudent }) => dStudent) };
}

function truthOfRow(problem: SparseCase, row: SparseRow, n: number) {
  const { classes, objective, tail } = problem;
  const temperature = of(objective.temperature, n, 1);
  const weight = of(problem.weights, n, 1);
  const alpha = row.label === undefined ? 0 : of(problem.alpha, n, 0.5);
  const dStudent = new Float64Array(classes);
  const common = { ...objective, temperature, weight, scaleByTemperatureSquared: true };
  if (weight === 0) return { loss: 0, dStudent };
  const hard =
    row.label === undefined
      ? null
      : referenceRow({
          ...common,
          teacher: row.student,
          student: row.student,
          label: row.label,
          softWeight: 0,
          hardWeight: alpha,
        });
  hard?.dStudent.forEach((slope, i) => {
    dStudent[i] += slope;
  });
  const entries = new Map<number, number>();
  let isWrong = false;
  row.ids.forEach((id, j) => {
    const value = row.values[j];
    if (id === -1 || value === NEGATIVE_INFINITY) return;
    if (!(Number.isInteger(id) && id >= 0 && id < classes) || !(value < Number.POSITIVE_INFINITY))
      isWrong = true;
    else if (!entries.has(id)) entries.set(id, Math.exp(value));
  });
  if (isWrong) return { loss: Number.NaN, dStudent: dStudent.fill(Number.NaN) };
  const listed = Array.from(entries.keys());
  const given = Array.from(entries.values());
  const sum = given.reduce((a, b) => a + b, 0);
  const p = tail === 'renormalize' ? given.map((x) => x / sum) : given;
  const others = Array.from({ length: classes }, (_, i) => i).filter(
    (i) => !entries.has(i) && row.student[i] > NEGATIVE_INFINITY,
  );
  const left =
    tail === 'renormalize' || tail === 'none'
      ? 0
      : row.tailLogProbability === undefined
        ? Math.max(0, 1 - sum)
        : Math.exp(row.tailLogProbability);
  const spread = tail === 'uniform';
  const largest = others.reduce((most, i) => Math.max(most, row.student[i]), NEGATIVE_INFINITY);
  const shares = others.map((i) => Math.exp((row.student[i] - largest) / temperature));
  const total = shares.reduce((a, b) => a + b, 0);
  const isNothing = others.length === 0 && (listed.length === classes || left <= 1e-6);
  const ofOthers = spread ? others.map(() => left / others.length) : [isNothing ? 0 : left];
  const logitsOfOthers = spread
    ? others.map((i) => row.student[i])
    : [others.length === 0 ? NEGATIVE_INFINITY : largest + temperature * Math.log(total)];
  const soft = referenceRow({
    ...common,
    teacher: [...p, ...ofOthers],
    student: [...listed.map((i) => row.student[i]), ...logitsOfOthers],
    targets: 'probabilities',
    teacherTemperature: 1,
    softWeight: 1 - alpha,
  });
  listed.forEach((i, j) => {
    dStudent[i] += soft.dStudent[j];
  });
  others.forEach((i, j) => {
    dStudent[i] += spread
      ? soft.dStudent[listed.length + j]
      : (soft.dStudent[listed.length] * shares[j]) / total;
  });
  const isNaNRow = Number.isNaN(soft.loss) || row.student.some((z) => !(z < Number.POSITIVE_INFINITY));
  if (isNaNRow) return { loss: Number.NaN, dStudent: dStudent.fill(Number.NaN) };
  if (soft.dStudent.some(Number.isNaN)) dStudent.fill(Number.NaN);
  return { loss: soft.loss + (hard?.loss ?? 0), dStudent };
}

export interface SparseTensors {
  teacher: SparseTeacher;
  student: tf.Tensor2D;
  options: DistillationOptions;
}

export function sparseTensors(problem: SparseCase): SparseTensors {
  const { rows, objective, tail, alpha, weights } = problem;
  const [{ label, tailLogProbability }] = rows;
  const shape: [number, number] = [rows.length, rows[0].ids.length];
  const { temperature, ...others } = objective;
  const perRow = (values: number | number[]) => (typeof values === 'number' ? values : tf.tensor1d(values));
  const labels =
    typeof label === 'number'
      ? tf.tensor1d(
          rows.map((row) => row.label as number),
          'int32',
        )
      : tf.tensor2d(
          rows.flatMap((row) => Array.from((row.label ?? []) as Float32Array)),
          [rows.length, label ? problem.classes : 0],
        );
  const options: DistillationOptions = {
    ...others,
    temperature: perRow(temperature),
    reduction: tf.Reduction.NONE,
    ...(label === undefined ? {} : { labels, ...(alpha === undefined ? {} : { alpha: perRow(alpha) }) }),
    ...(weights ? { weights: tf.tensor1d(weights) } : {}),
  } as DistillationOptions;
  const isOneTemperature = typeof temperature === 'number';
  return {
    teacher: {
      indices: tf.tensor2d(
        rows.flatMap(({ ids }) => ids),
        shape,
        'int32',
      ),
      values: tf.tensor2d(
        rows.flatMap(({ values }) => values),
        shape,
        'float32',
      ),
      ...(isOneTemperature ? { temperature } : {}),
      tail,
      ...(tailLogProbability === undefined
        ? {}
        : {
            tailLogProbability: tf.tensor1d(rows.map((row) => row.tailLogProbability ?? NEGATIVE_INFINITY)),
          }),
    },
    student: tf.tensor2d(
      rows.flatMap(({ student }) => Array.from(student)),
      [rows.length, problem.classes],
    ),
    options,
  };
}

/** Loss of each row and its gradient, for an incoming gradient of 1. */
export async function runSparse(
  problem: SparseCase,
): Promise<{ loss: Float32Array; dStudent: Float32Array }> {
  const { value, grads } = tf.tidy(() => {
    const { teacher, student, options } = sparseTensors(problem);
    const f = (z: tf.Tensor) => distillationLoss(teacher, z, options);
    return tf.valueAndGrads(f)([student], tf.ones([problem.rows.length]));
  });
  const [loss, dStudent] = [(await value.data()) as Float32Array, (await grads[0].data()) as Float32Array];
  tf.dispose([value, grads]);
  return { loss, dStudent };
}
