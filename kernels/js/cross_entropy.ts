import type { DivergenceOfRow } from './divergence.ts';
import type { SoftRow } from './soft_row.ts';

/** MATH (3), (7), (11), (15). */
export const crossEntropy: DivergenceOfRow = {
  value: (row) => row.crossEntropy(),
  studentSlopes: writeShareDifference,
  teacherSlopes(row, value, factor, out) {
    // No finite gradient exists where the loss has no finite value.
    const none = value === Number.POSITIVE_INFINITY ? Number.NaN : 0;
    for (let i = 0; i < row.classes; i++) {
      const p = row.teacherShare(i);
      out[row.start + i] = none + (p === 0 ? 0 : factor * p * (-row.studentLog(i) - value));
    }
  },
  probabilitySlope: (row, i) => -row.studentLog(i),
  logProbabilitySlope: (row, i) => (row.w[i] === 0 ? 0 : -row.teacherShare(i) * row.studentLog(i)),
};

/** S q - p: MATH (3), (4). */
export function writeShareDifference(row: SoftRow, _value: number, factor: number, out: Float32Array): void {
  const { classes, start, u, w, sumStudent, teacherMass, perTeacher } = row;
  const toQ = teacherMass / sumStudent;
  for (let i = 0; i < classes; i++) out[start + i] = factor * (toQ * u[i] - perTeacher * w[i]);
}
