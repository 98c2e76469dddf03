/** Rows that are looked at: each one more makes a coincidence less likely. */
export const ROWS_LOOKED_AT = 16;

/** How far a sum of probabilities may be from 1: what rounding to half precision leaves. */
const NEARLY = 2e-3;

/** What the numbers of some rows plainly are: distributions; independent probabilities that are none; or numbers that are no probabilities. null: they may be either. */
export type PlainKind = 'distributions' | 'logits';

/**
 * What [rows, classes] plainly are, told by their values. Logits pass for distributions only if all of them lie in [0, 1] and those of each row sum to 1, which
 * is no accident; one number outside of it, in any row, tells that they are logits. Rows that hold NaN tell nothing.
 */
export function plainKindOf(values: ArrayLike<number>, classes: number): PlainKind | null {
  const rows = Math.min(ROWS_LOOKED_AT, Math.floor(values.length / classes));
  if (classes < 2 || rows === 0) return null;
  let sumToOne = true;
  for (let n = 0; n < rows; n++) {
    let sum = 0;
    for (let i = n * classes; i < (n + 1) * classes; i++) {
      if (Number.isNaN(values[i])) return null;
      if (values[i] < 0 || values[i] > 1 + NEARLY) return 'logits';
      sum += values[i];
    }
    sumToOne &&= Math.abs(sum - 1) <= NEARLY;
  }
  return sumToOne ? 'distributions' : null;
}
