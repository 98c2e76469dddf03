/** What section 3 of Hinton, Vinyals, Dean, arXiv 1503.02531, reports for MNIST: errors among the 10,000 test images unless another unit is named. */
export const PAPER = {
  teacher: { errors: 67 },
  hardStudent: { errors: 146 },
  softStudent: { errors: 74 },
  without3: { errors: 206, errorsOn3: 133, shifted: { errors: 109, errorsOn3: 14 } },
  only7And8: { errorRate: 0.473, shifted: { errorRate: 0.132 } },
  temperatures: {
    30: 'temperatures from 2.5 to 4 work significantly better than higher or lower ones',
    300: 'all temperatures above 8 give fairly similar results',
  },
} as const;

/** What we measured, as far as the run has come. */
export interface Measured {
  teacher?: { errors: number };
  /** By seed. */
  hardStudent: BySeed[];
  softStudent: BySeed[];
  without3?: Shifted;
  only7And8?: Shifted;
  temperatures: TemperaturePoint[];
}

export interface BySeed {
  seed: number;
  errors: number;
}

export interface Errors {
  errors: number;
  /** Among the images of a 3. */
  errorsOn3: number;
}

/** As trained, and after a shift of biases. */
export interface Shifted extends Errors {
  /** The shift that serves the held-out training images best. */
  shifted: Errors & { by: number };
  /** The one that serves the test images best, which is how the paper chose its own. */
  shiftedForTest: Errors & { by: number };
}

export interface TemperaturePoint extends BySeed {
  /** Per hidden layer. */
  units: 30 | 300;
  temperature: number;
}

export function meanErrors(runs: readonly { errors: number }[]): number | undefined {
  return runs.length === 0 ? undefined : runs.reduce((sum, { errors }) => sum + errors, 0) / runs.length;
}
