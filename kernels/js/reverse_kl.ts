import type { DivergenceOfRow } from './divergence.ts';
import { SMALL } from './mass.ts';
import type { SoftRow } from './soft_row.ts';

/** MATH (5), (9), (11). */
export const reverseKl: DivergenceOfRow = {
  value(row) {
    let sum = 0;
    for (let i = 0; i < row.classes; i++) {
      const q = row.studentShare(i);
      if (q !== 0) sum += q * row.logRatio(i);
    }
    return row.isDistribution && sum < SMALL ? sumOfExcesses(row) : sum;
  },
  studentSlopes(row, value, factor, out) {
    const none = value === Number.POSITIVE_INFINITY ? Number.NaN : 0;
    for (let i = 0; i < row.classes; i++) {
      const q = row.studentShare(i);
      out[row.start + i] = none + (q === 0 ? 0 : factor * q * (row.logRatio(i) - value));
    }
  },
  teacherSlopes(row, _value, factor, out) {
    for (let i = 0; i < row.classes; i++)
      out[row.start + i] = factor * (row.teacherShare(i) - row.studentShare(i));
  },
  probabilitySlope: (row, i) => (row.u[i] === 0 ? 0 : -row.studentShare(i) / row.teacherShare(i)),
  logProbabilitySlope: (row, i) => -row.studentShare(i),
};

/** KL(q || p) as the sum of q log(q/p) - q + p: no term is negative, so none cancels another. */
function sumOfExcesses(row: SoftRow): number {
  let sum = 0;
  for (let i = 0; i < row.classes; i++) {
    const q = row.studentShare(i);
    const x = -row.logRatio(i);
    sum += q === 0 ? row.teacherShare(i) : q * (Math.expm1(x) - x);
  }
  return sum;
}
