/** Below this, exp(x) counts as 0 on every backend: about the logarithm of the smallest normal float32. */
const EXP_FLOOR = -87;

/**
 * exp(x) with the floor that decides whether a class has any mass: see "Rows that are not finite" in MATH.md.
 */
export function mass(x: number): number {
  return x < EXP_FLOOR ? 0 : Math.exp(x);
}

/**
 * Below this the plain difference of a cross entropy and an entropy has fewer than nine digits left in
 * float64.
 */
export const SMALL = 1e-6;
