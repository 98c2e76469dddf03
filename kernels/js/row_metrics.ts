/**
 * The metrics of every row over typed arrays, in float64 arithmetic: MATH (28)-(32).
 *
 * Traffic per row: teacher, student and labels are read once from memory (maxima first, then sums while the
 * row is in cache), eight numbers are written.
 * Two exponentials per class; a third with labels, unless T = 1. A KL that is small is summed from its own
 * terms, which takes the exponentials again.
 * Rows that are not finite: the table at the end of MATH.md.
 */

import { METRICS, type Measure } from '../metrics.ts';
import { kl } from './kl.ts';
import { mass } from './mass.ts';
import { SoftRow } from './soft_row.ts';
import { type Temperatures, temperaturesOf, type ValuesOfRows, valueOfRow } from './temperatures.ts';

export interface RowMetricsArguments {
  rows: number;
  classes: number;
  /** v or p, [rows, classes]. */
  teacher: Float32Array;
  /** z, [rows, classes]. */
  student: Float32Array;
  temperature: ValuesOfRows;
  /** null: `measure.teacherTemperature` says which. */
  teacherTemperature: ValuesOfRows | null;
  /** Class ids [rows], a distribution [rows, classes], or null with `labels: 'none'`. */
  labels: ArrayLike<number> | null;
  /** null for 1. */
  weights: ValuesOfRows | null;
  measure: Measure;
  /** [rows, METRICS.length]. */
  metrics: Float32Array;
}

/** Writes METRICS of every row. */
export function rowMetrics(args: RowMetricsArguments): void {
  const { rows, weights, measure, metrics } = args;
  const row = new SoftRow({ ...args, read: measure, beta: 0.5 });
  for (let n = 0; n < rows; n++) {
    const weight = weights === null ? 1 : valueOfRow(weights, n);
    const to = n * METRICS.length;
    if (weight === 0) {
      metrics.fill(0, to, to + METRICS.length);
      continue;
    }
    const temperatures = temperaturesOf(args, measure, n);
    const values = temperatures === null ? null : measureRow(args, row, n, temperatures);
    for (let k = 0; k < METRICS.length; k++)
      metrics[to + k] = weight * (values === null ? Number.NaN : values[k]);
  }
}

/**
 * The largest value and the first class that has it; null if a value is NaN or +Infinity, or none is finite.
 */
function largest(x: ArrayLike<number>, start: number, classes: number): { at: number; value: number } | null {
  let at = -1;
  let value = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < classes; i++) {
    const xi = x[start + i];
    if (!(xi < Number.POSITIVE_INFINITY)) return null;
    if (xi > value) {
      value = xi;
      at = i;
    }
  }
  return at < 0 ? null : { at, value };
}

/** The numbers of METRICS without w; null if the row must be NaN. */
function measureRow(
  args: RowMetricsArguments,
  row: SoftRow,
  n: number,
  temperatures: Temperatures,
): number[] | null {
  const { classes, teacher, student } = args;
  const start = n * classes;
  const topStudent = largest(student, start, classes);
  const topTeacher = largest(teacher, start, classes);
  if (topStudent === null || topTeacher === null) return null;
  const hard = hardMetrics(args, n, topStudent);
  if (hard === null) return null;
  row.start = start;
  row.maxStudent = topStudent.value;
  row.maxTeacher = topTeacher.value;
  if (row.reading === 'softenedProbabilities' && !row.findMaxima(start)) return null;
  row.sum(temperatures);
  if (!Number.isFinite(row.teacherMass)) return null;
  const agreement = topStudent.at === topTeacher.at ? 1 : 0;
  return [
    row.crossEntropy(),
    kl.value(row),
    row.teacherEntropy(),
    row.studentEntropy(),
    agreement,
    hard.loss,
    hard.accuracy,
    1,
  ];
}

/**
 * MATH (2) with the plain labels at T = 1, and whether the student's first choice is theirs; zeros without
 * labels, null if the labels make the row NaN.
 */
function hardMetrics(
  { classes, student, labels, measure }: RowMetricsArguments,
  n: number,
  top: { at: number; value: number },
): { loss: number; accuracy: number } | null {
  if (measure.labels === 'none' || labels === null) return { loss: 0, accuracy: 0 };
  const start = n * classes;
  let s1 = 0;
  for (let i = start; i < start + classes; i++) s1 += mass(student[i] - top.value);
  if (measure.labels === 'classIds') {
    const id = labels[n];
    if (!(id >= 0 && id < classes)) return null;
    return { loss: Math.log(s1) + top.value - student[start + id], accuracy: id === top.at ? 1 : 0 };
  }
  const topLabel = largest(labels, start, classes);
  if (topLabel === null) return null;
  let sum = 0;
  let below = 0;
  for (let i = start; i < start + classes; i++) {
    sum += labels[i];
    if (labels[i] !== 0) below += labels[i] * (top.value - student[i]);
  }
  if (!(Math.abs(sum) < Number.POSITIVE_INFINITY)) return null;
  return { loss: sum * Math.log(s1) + below, accuracy: topLabel.at === top.at ? 1 : 0 };
}
