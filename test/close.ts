/** How far a number may be from the truth: absolute, one bound for all or one for each. */
export type Bound = number | ((index: number) => number);

/**
 * Throws unless every number is within its bound of the truth; NaN matches only NaN, an infinity only itself,
 * and zero-length only zero-length.
 * `!(error <= bound)` and not `error > bound`, so that NaN never passes.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  bound: Bound,
  what: string,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: ${actual.length} values, expected ${expected.length}.`);
  }
  let worst = -1;
  let worstExcess = 1;
  for (let i = 0; i < actual.length; i++) {
    if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
    const limit = typeof bound === 'number' ? bound : bound(i);
    const excess = Number.isFinite(expected[i]) ? Math.abs(actual[i] - expected[i]) / limit : Number.NaN;
    if (excess <= worstExcess) continue;
    worst = i;
    if (!(excess > worstExcess)) break; // NaN: nothing is worse
    worstExcess = excess;
  }
  if (worst < 0) return;
  const limit = typeof bound === 'number' ? bound : bound(worst);
  throw new Error(
    `${what}: value ${worst} of ${actual.length} is ${actual[worst]}, expected ${expected[worst]} within ${limit}` +
      ` (off by ${Math.abs(actual[worst] - expected[worst])}).`,
  );
}
