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
  hardStudent?: { errors: number };
  softStudent?: { errors: number };
  without3?: Shifted & { biasShift: number };
  only7And8?: Shifted & { biasShift: number };
  temperatures: TemperaturePoint[];
}

/** Errors as trained, and after the one bias shift that serves the test set best, as the paper chose it. */
interface Shifted {
  errors: number;
  errorsOn3: number;
  shifted: { errors: number; errorsOn3: number };
}

export interface TemperaturePoint {
  /** Per hidden layer. */
  units: 30 | 300;
  temperature: number;
  seed: number;
  errors: number;
}
