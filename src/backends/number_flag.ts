import { env } from '@tensorflow/tfjs-core';

/**
 * The value of a flag that tunes a kernel, read at every call, so that a change has effect at once. Throws if
 * it is none of the integers that it may be.
 */
export function numberFlag(flag: string, { least, most }: { least: number; most: number }): number {
  const value = env().getNumber(flag);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(
    `softmaxCrossEntropyWithTemperature: flag ${flag} must be an integer from ${least} to ${most}; got ${value}.`,
  );
}
