/**
 * How the properties are drawn. The runner reads it from the environment and puts it into the bundle of a
 * suite.
 */
export interface PropertySettings {
  /** Every property starts from it: the same seed draws the same cases. */
  seed: number;
  /** Generated cases per backend, at least. */
  calls: number;
}

/**
 * An integer; `random` for another one in every run. Default 1503, so that a red `npm test` means a change.
 */
const SEED = 'TFJS_DISTILL_PROPERTY_SEED';
/** Default 100; `npm run test:fuzz` asks for 2,000. */
const CALLS = 'TFJS_DISTILL_PROPERTY_CALLS';

export function propertySettings(): PropertySettings {
  const seed = process.env[SEED] ?? '1503';
  return {
    seed: seed === 'random' ? Math.floor(Math.random() * 2 ** 31) : integerOf(SEED, seed),
    calls: integerOf(CALLS, process.env[CALLS] ?? '100'),
  };
}

function integerOf(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value)) throw new RangeError(`${name} must be an integer; got '${text}'.`);
  return value;
}
