/**
 * The row pass over typed arrays, in float64 arithmetic.
 *
 * Equations: MATH (1)-(18), (33)-(36). float64 keeps the digits that the near rows of MATH (20)-(27) are
 * about; only a very small divergence is summed from its own terms.
 * Traffic per row: teacher and student are read once from memory (maxima first, then sums while the row is in
 * cache), the gradient is written once. Two exponentials per class, kept in a scratch row of float64 between
 * the sums and the gradient.
 * Rows that are not finite: the table at the end of MATH.md.
 */

import type { Divergence, Objective } from '../objective.ts';
import { unknownWord } from '../words.ts';
import { crossEntropy } from './cross_entropy.ts';
import type { DivergenceOfRow } from './divergence.ts';
import { HardTerm } from './hard_term.ts';
import { jsd } from './jsd.ts';
import { kl } from './kl.ts';
import { reverseKl } from './reverse_kl.ts';
import { SoftRow } from './soft_row.ts';
import { temperaturesOf, type ValuesOfRows, valueOfRow } from './temperatures.ts';

export interface RowPassArguments {
  rows: number;
  classes: number;
  /** v or p, [rows, classes]. */
  teacher: Float32Array;
  /** z, [rows, classes]. */
  student: Float32Array;
  temperature: ValuesOfRows;
  /** null: `objective.teacherTemperature` says which. */
  teacherTemperature: ValuesOfRows | null;
  /** null: the weights of the two terms are those of the objective. */
  alpha: ValuesOfRows | null;
  /** Class ids [rows], a distribution [rows, classes], or null with `labels: 'none'`. */
  labels: ArrayLike<number> | null;
  /** null for 1. */
  weights: ValuesOfRows | null;
  objective: Objective;
  /** [rows], or null if not wanted. */
  loss: Float32Array | null;
  /** [rows, classes], or null if not wanted. */
  dStudent: Float32Array | null;
  /** [rows, classes], or null if not wanted. */
  dTeacher: Float32Array | null;
}

const DIVERGENCES: Record<Divergence, DivergenceOfRow> = { crossEntropy, kl, reverseKl, jsd };

/** Writes loss, dStudent and dTeacher of every row, those that are not null. */
export function rowPass(args: RowPassArguments): void {
  const { rows, classes, alpha, weights, labels, objective, loss, dStudent, dTeacher } = args;
  const divergence = DIVERGENCES[objective.divergence];
  const row = new SoftRow({ ...args, read: objective, beta: objective.beta });
  const hard = labels === null ? null : new HardTerm({ ...args, labels });
  const fill = (n: number, value: number) => {
    if (loss) loss[n] = value;
    for (const gradient of [dStudent, dTeacher]) gradient?.fill(value, n * classes, (n + 1) * classes);
  };
  for (let n = 0; n < rows; n++) {
    const start = n * classes;
    const weight = objective.scale * (weights === null ? 1 : valueOfRow(weights, n));
    if (weight === 0) {
      fill(n, 0);
      continue;
    }
    const temperatures = temperaturesOf(args, objective, n);
    const alphaOfRow = alpha === null ? null : valueOfRow(alpha, n);
    const isShare = alphaOfRow === null || (alphaOfRow >= 0 && alphaOfRow <= 1);
    const hasLabels = hard !== null && alphaOfRow !== 0;
    const isValid = isShare && !Number.isNaN(weight) && (!hasLabels || hard.isValid(n));
    if (temperatures === null || !isValid || !row.findMaxima(start)) {
      fill(n, Number.NaN);
      continue;
    }
    row.sum(temperatures);
    const t = temperatures.student;
    const softWeight = objective.softWeight * (alphaOfRow === null ? 1 : 1 - alphaOfRow);
    const hardWeight = hasLabels ? objective.hardWeight * (alphaOfRow ?? 1) : 0;
    const toSoft = weight * softWeight * (objective.scaleByTemperatureSquared ? t * t : 1);
    const toHard = weight * hardWeight;
    const soft = softWeight === 0 ? 0 : divergence.value(row);
    const hardValue = !hasLabels || hardWeight === 0 ? 0 : hard.value(n, start, row.maxStudent);
    // A term whose weight is 0 is left out.
    if (loss) loss[n] = (softWeight === 0 ? 0 : toSoft * soft) + (hardWeight === 0 ? 0 : toHard * hardValue);
    if (softWeight === 0) {
      for (const gradient of [dStudent, dTeacher]) gradient?.fill(0, start, start + classes);
    } else {
      if (dStudent) divergence.studentSlopes(row, soft, toSoft / t, dStudent);
      if (dTeacher) writeTeacherSlopes(divergence, row, soft, toSoft, dTeacher);
    }
    if (dStudent && hasLabels && hardWeight !== 0)
      hard.addGradient(dStudent, n, start, row.maxStudent, toHard);
  }
}

/** MATH (7)-(11), (36), times `factor`. */
function writeTeacherSlopes(
  divergence: DivergenceOfRow,
  row: SoftRow,
  value: number,
  factor: number,
  out: Float32Array,
): void {
  const { reading, classes, start } = row;
  switch (reading) {
    case 'logits':
      divergence.teacherSlopes(row, value, factor / row.teacherTemperature, out);
      return;
    case 'probabilities':
      for (let i = 0; i < classes; i++) {
        const isNoClass = row.teacherShare(i) === 0 && row.studentLog(i) === Number.NEGATIVE_INFINITY;
        out[start + i] = isNoClass ? 0 : factor * divergence.probabilitySlope(row, i);
      }
      return;
    case 'softenedProbabilities':
      writeSlopesThroughSoftening(divergence, row, value, factor, out);
      return;
    default:
      unknownWord('reading', reading satisfies never);
  }
}

/** MATH (36), times `factor`. */
function writeSlopesThroughSoftening(
  divergence: DivergenceOfRow,
  row: SoftRow,
  value: number,
  factor: number,
  out: Float32Array,
): void {
  const { classes, start, teacherMass, teacherTemperature } = row;
  if (value === Number.POSITIVE_INFINITY) {
    out.fill(Number.NaN, start, start + classes); // there is no finite one
    return;
  }
  let sum = 0;
  for (let i = 0; i < classes; i++) sum += divergence.logProbabilitySlope(row, i);
  const ofMass = sum / teacherMass;
  for (let i = 0; i < classes; i++) {
    const own = divergence.logProbabilitySlope(row, i) - row.teacherShare(i) * ofMass;
    out[start + i] = row.isAbsent(i) ? 0 : factor * (ofMass + own / (teacherTemperature * row.given(i)));
  }
}
