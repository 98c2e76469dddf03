import type { DivergenceOfRow } from './divergence.ts';
import { SMALL } from './mass.ts';
import type { SoftRow } from './soft_row.ts';

/** MATH (6), (10), (11). */
export const jsd: DivergenceOfRow = {
  value(row) {
    compareWithMixture(row);
    const { beta } = row;
    const sum = beta * meanTeacherLog(row) + (1 - beta) * meanStudentLog(row);
    return row.isDistribution && sum < SMALL ? compareClosely(row) : sum;
  },
  studentSlopes(row, _value, factor, out) {
    const mean = meanStudentLog(row);
    const toQ = factor * (1 - row.beta);
    for (let i = 0; i < row.classes; i++) {
      const q = row.studentShare(i);
      out[row.start + i] = q === 0 ? 0 : toQ * q * (row.studentOverMixture[i] - mean);
    }
  },
  teacherSlopes(row, _value, factor, out) {
    const mean = meanTeacherLog(row);
    const toP = factor * row.beta;
    for (let i = 0; i < row.classes; i++) {
      const p = row.teacherShare(i);
      out[row.start + i] = p === 0 ? 0 : toP * p * (row.teacherOverMixture[i] - mean);
    }
  },
  probabilitySlope: (row, i) =>
    row.w[i] === 0 ? Number.NEGATIVE_INFINITY : row.beta * row.teacherOverMixture[i],
  logProbabilitySlope: (row, i) =>
    row.w[i] === 0 ? 0 : row.teacherShare(i) * row.beta * row.teacherOverMixture[i],
};

/** log(p/m) and log(q/m) of every class, which are not numbers where the class has no mass. */
function compareWithMixture(row: SoftRow): void {
  const { beta, classes, teacherOverMixture, studentOverMixture } = row;
  for (let i = 0; i < classes; i++) {
    const logMixture = Math.log(beta * row.teacherShare(i) + (1 - beta) * row.studentShare(i));
    teacherOverMixture[i] = row.teacherLog(i) - logMixture;
    studentOverMixture[i] = row.studentLog(i) - logMixture;
  }
}

/** K_p of MATH (10). */
function meanTeacherLog(row: SoftRow): number {
  let sum = 0;
  for (let i = 0; i < row.classes; i++) {
    const p = row.teacherShare(i);
    if (p !== 0) sum += p * row.teacherOverMixture[i];
  }
  return sum;
}

/** K_q of MATH (6). */
function meanStudentLog(row: SoftRow): number {
  let sum = 0;
  for (let i = 0; i < row.classes; i++) {
    const q = row.studentShare(i);
    if (q !== 0) sum += q * row.studentOverMixture[i];
  }
  return sum;
}

/**
 * The logarithms again, from m/p - 1 and m/q - 1 where p and q nearly agree, and J by classes. beta (m - p) +
 * (1 - beta) (m - q) is 0, so it may be added to the term of a class, which makes two terms of it that are
 * not negative: where p and q agree, none cancels another.
 */
function compareClosely(row: SoftRow): number {
  const { beta, classes, teacherOverMixture, studentOverMixture } = row;
  let sum = 0;
  for (let i = 0; i < classes; i++) {
    const p = row.teacherShare(i);
    const q = row.studentShare(i);
    const x = row.logRatio(i);
    if (Math.abs(x) <= 1) {
      const overP = (1 - beta) * Math.expm1(x);
      const overQ = beta * Math.expm1(-x);
      teacherOverMixture[i] = -Math.log1p(overP);
      studentOverMixture[i] = -Math.log1p(overQ);
      sum += beta * p * (overP + teacherOverMixture[i]) + (1 - beta) * q * (overQ + studentOverMixture[i]);
    } else {
      if (p !== 0) sum += beta * p * teacherOverMixture[i];
      if (q !== 0) sum += (1 - beta) * q * studentOverMixture[i];
    }
  }
  return sum;
}
