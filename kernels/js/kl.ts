import { writeShareDifference } from './cross_entropy.ts';
import type { DivergenceOfRow } from './divergence.ts';
import { SMALL } from './mass.ts';
import type { SoftRow } from './soft_row.ts';

/** MATH (4), (8), (11), (17). */
export const kl: DivergenceOfRow = {
  value(row) {
    const difference = row.crossEntropy() - row.teacherEntropy();
    return row.isDistribution && difference < SMALL ? sumOfExcesses(row) : difference;
  },
  studentSlopes: writeShareDifference,
  teacherSlopes(row, value, factor, out) {
    const none = value === Number.POSITIVE_INFINITY ? Number.NaN : 0;
    for (let i = 0; i < row.classes; i++) {
      const p = row.teacherShare(i);
      out[row.start + i] = none + (p === 0 ? 0 : -factor * p * (row.logRatio(i) + value));
    }
  },
  probabilitySlope: (row, i) => 1 - row.logRatio(i),
  logProbabilitySlope: (row, i) => (row.w[i] === 0 ? 0 : row.teacherShare(i) * (1 - row.logRatio(i))),
};

/** KL as the sum of p log(p/q) - p + q: no term is negative, so none cancels another. */
function sumOfExcesses(row: SoftRow): number {
  let sum = 0;
  for (let i = 0; i < row.classes; i++) {
    const p = row.teacherShare(i);
    const x = row.logRatio(i);
    sum += p === 0 ? row.studentShare(i) : p * (Math.expm1(x) - x);
  }
  return sum;
}
