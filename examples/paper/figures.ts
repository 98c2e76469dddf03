/**
 * What section 3 of Hinton, Vinyals, Dean, arXiv 1503.02531, reports for MNIST: errors among the 10,000 test
 * images unless another unit is named.
 */
export const PAPER = {
  teacher: { errors: 67 },
  hardStudent: { errors: 146 },
  softStudent: { errors: 74 },
  without3: { errors: 206, errorsOn3: 133, shifted: { errors: 109, errorsOn3: 14 } },
  only7And8: { errors: 4730, shifted: { errors: 1320 } }, // printed as 47.3 % and 13.2 %
  temperatures: {
    30: 'temperatures from 2.5 to 4 work significantly better than higher or lower ones',
    300: 'all temperatures above 8 give fairly similar results',
  },
} as const;

/** What is counted of a network, once, after its training. */
export interface Counts {
  errors: number;
  errorsOn3?: number;
  /** Among the held-out training images. */
  heldOutErrors?: number;
  /**
   * Of a network that lacked digits: after a shift of their biases that serves the held-out training images
   * best.
   */
  shifted?: ShiftedErrors;
  /** After the one that serves the test images best, which is how the paper chose its own. */
  shiftedForTest?: ShiftedErrors;
}

export interface Errors {
  errors: number;
  /** Among the images of a 3. */
  errorsOn3: number;
}

export interface ShiftedErrors extends Errors {
  by: number;
}

/** Mean, and what is sampled of its spread: the standard deviation of a run, undefined for a single one. */
export function meanAndSpread(values: readonly number[]): { mean: number; deviation?: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}
