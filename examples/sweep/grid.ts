/** One student. alpha 1 is labels alone, for which the temperature means nothing. */
export interface Point {
  /** Of its one hidden layer. */
  units: number;
  temperature: number;
  alpha: number;
  seed: number;
}

export interface Run extends Point {
  /** Of the 10,000 test images. */
  errors: number;
}

interface Training {
  epochs: number;
  learningRate: number;
  jitter: number;
}

export interface Sweep {
  teacher: Training & { units: number[]; errors: number };
  student: Training & { images: number };
  batchSize: number;
  runs: Run[];
}

export const TEMPERATURES = [1, 2, 4, 8, 20];
export const ALPHAS = [0, 0.1, 0.5, 0.9];
export const SIZES = [30, 100];
const SEEDS = [1, 2];

/**
 * Every temperature with every alpha, and labels alone, for students of either size; seed by seed, so that a
 * sweep cut short has all of the grid.
 */
export function grid(): Point[] {
  const points = SIZES.flatMap((units) => [
    { units, temperature: 1, alpha: 1 },
    ...TEMPERATURES.flatMap((temperature) => ALPHAS.map((alpha) => ({ units, temperature, alpha }))),
  ]);
  return SEEDS.flatMap((seed) => points.map((point) => ({ ...point, seed })));
}
