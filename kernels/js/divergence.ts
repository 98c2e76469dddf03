import type { SoftRow } from './soft_row.ts';

/**
 * A divergence D of MATH (3)-(6) in JavaScript: what is its own, of a row whose sums are known. `value` is D
 * where it is given.
 */
export interface DivergenceOfRow {
  value(row: SoftRow): number;
  /** Writes T dD/dz times `factor` to the row's place in `out`. */
  studentSlopes(row: SoftRow, value: number, factor: number, out: Float32Array): void;
  /** Writes T dD/dv times `factor`: teacher as logits. */
  teacherSlopes(row: SoftRow, value: number, factor: number, out: Float32Array): void;
  /** dD/dp_i of a class that either has mass in: teacher as probabilities. */
  probabilitySlope(row: SoftRow, i: number): number;
  /** p_i dD/dp_i, the slope to log p_i, where D is finite. */
  logProbabilitySlope(row: SoftRow, i: number): number;
}
