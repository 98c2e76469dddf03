import fc from 'fast-check';
import { backend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';
import { type CaseOptions, classesOf, makeCase, type ObjectiveCase, rowsOf } from '../objective_case.ts';
import { Random } from '../random.ts';
import { asHeld } from '../run_case.ts';

/** One generated problem, small enough to read when it is a counterexample: `problemOf` makes the numbers. */
export interface Draw {
  leading: number[];
  classes: number;
  targets: 'logits' | 'probabilities';
  /** Of the teacher: that of its row, one of its own, or 1. */
  teacherTemperature: 'same' | 'own' | 'one';
  /** Of each row of probabilities. */
  mass: number;
  divergence: (typeof DIVERGENCES)[number];
  beta: number;
  labels: 'none' | 'classIds' | 'distribution';
  alpha: number;
  labelSmoothing: number;
  ignoreIndex: boolean;
  scaleByTemperatureSquared: boolean;
  temperature: number;
  temperaturePerRow: boolean;
  weights: 'none' | 'number' | 'perRow';
  /** Standard deviation of the logits. */
  spread: number;
  /**
   * How the student relates to the teacher. `grid`: both are multiples of 1/4, so that small shifts are exact
   * in any precision; `ranks`: every row of both is a permutation of 0, 1, 2, ..., so that its largest logit
   * leads by 1.
   */
  logits: 'independent' | 'near' | 'equal' | 'masked' | 'grid' | 'ranks';
  seed: number;
}

/** What a property says of its draws instead of leaving it to chance. */
export type Fixed = { [name in keyof Draw]?: readonly Draw[name][] };

const isHalf = backend.precision === 'f16';

/** Tenth powers of ten: shrinks towards 1. */
const logarithmic = (low: number, high: number) =>
  fc
    .integer({ min: Math.round(10 * Math.log10(low)), max: Math.round(10 * Math.log10(high)) })
    .map((k) => Number((10 ** (k / 10)).toPrecision(3)));

const tenths = (high: number) => fc.integer({ min: 0, max: high }).map((k) => k / 10);

const MOST_ROWS = 24;

/** Row axes, up to rank 6 with the classes. */
const leading = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 5 }).map((sizes) => {
  let rows = 1;
  return sizes.map((size) => {
    const kept = rows * size > MOST_ROWS ? 1 : size;
    rows *= kept;
    return kept;
  });
});

const classes = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 3, arbitrary: fc.integer({ min: 13, max: 300 }) },
  { weight: 1, arbitrary: fc.integer({ min: 301, max: isHalf ? 2049 : 3000 }) },
);

/** Half-precision textures hold T^2 times a loss only while both are moderate, and class ids up to 2048. */
const ARBITRARIES: { [name in keyof Draw]: fc.Arbitrary<Draw[name]> } = {
  leading,
  classes,
  targets: fc.constantFrom('logits', 'logits', 'probabilities'),
  teacherTemperature: fc.constantFrom('same', 'same', 'own', 'one'),
  mass: fc.constantFrom(1, 1, 0.5, 3),
  divergence: fc.constantFrom(...DIVERGENCES),
  beta: tenths(10),
  labels: fc.constantFrom('none', 'classIds', 'distribution'),
  alpha: tenths(10),
  labelSmoothing: tenths(9),
  ignoreIndex: fc.boolean(),
  scaleByTemperatureSquared: fc.boolean(),
  temperature: isHalf ? logarithmic(0.5, 10) : logarithmic(0.05, 100),
  temperaturePerRow: fc.boolean(),
  weights: fc.constantFrom('none', 'number', 'perRow'),
  spread: isHalf ? logarithmic(0.1, 10) : logarithmic(0.1, 1000),
  logits: isHalf
    ? fc.constantFrom('independent', 'equal')
    : fc.constantFrom('independent', 'independent', 'near', 'equal', 'masked'),
  seed: fc.integer({ min: 0, max: 9999 }),
};

/** Every option at random but those that are fixed. */
export function draws(fixed: Fixed): fc.Arbitrary<Draw> {
  const chosen = Object.fromEntries(
    Object.entries(fixed).map(([name, values]) => [name, fc.constantFrom(...values)]),
  );
  return fc.record({ ...ARBITRARIES, ...chosen });
}

/** The numbers of a draw. */
export function problemOf(draw: Draw): ObjectiveCase {
  const random = new Random(draw.seed + 1);
  const rows = draw.leading.reduce((product, size) => product * size, 1);
  const options: CaseOptions = {
    targets: draw.targets,
    divergence: draw.divergence,
    scaleByTemperatureSquared: draw.scaleByTemperatureSquared,
    temperature: draw.temperaturePerRow
      ? Array.from({ length: rows }, () => Math.fround(draw.temperature * 2 ** (random.uniform() - 0.5)))
      : draw.temperature,
  };
  if (draw.teacherTemperature === 'one') options.teacherTemperature = 1;
  if (draw.teacherTemperature === 'own') options.teacherTemperature = 1.5 * draw.temperature;
  if (draw.divergence === 'jsd') options.beta = draw.beta;
  if (draw.labels !== 'none')
    Object.assign(options, { labels: draw.labels, alpha: draw.alpha, labelSmoothing: draw.labelSmoothing });
  if (draw.labels === 'classIds' && draw.ignoreIndex) options.ignoreIndex = 0;
  if (draw.weights === 'number') options.weights = 0.75;
  if (draw.weights === 'perRow')
    options.weights = Array.from({ length: rows }, () => random.integer(4) * 0.5);
  const problem = makeCase('', [...draw.leading, draw.classes], options, {
    seed: draw.seed,
    spread: draw.spread,
    mass: draw.mass,
    edit: (made) => relate(made, draw, random),
  });
  return asHeld(problem);
}

function relate(problem: ObjectiveCase, { logits, targets, temperature }: Draw, random: Random): void {
  const { teacher, student } = problem;
  const teacherIsLogits = targets === 'logits';
  const teacherLogits = teacherIsLogits ? teacher : teacher.map(Math.log);
  switch (logits) {
    case 'independent':
      return;
    case 'equal':
      student.set(teacherLogits);
      return;
    case 'near':
      for (let i = 0; i < student.length; i++)
        student[i] = teacherLogits[i] + 0.05 * temperature * random.normal();
      return;
    case 'masked':
      for (let i = 0; i < student.length; i++) {
        if (random.integer(10) === 0) teacher[i] = teacherIsLogits ? Number.NEGATIVE_INFINITY : 0;
        if (random.integer(10) === 0) student[i] = Number.NEGATIVE_INFINITY;
      }
      return;
    case 'grid':
      for (const values of teacherIsLogits ? [teacher, student] : [student])
        for (let i = 0; i < values.length; i++) values[i] = (random.integer(65) - 32) / 4;
      return;
    case 'ranks':
      for (const values of teacherIsLogits ? [teacher, student] : [student])
        for (let n = 0; n < rowsOf(problem); n++) rank(values, n, classesOf(problem), random);
      return;
    default:
      logits satisfies never;
  }
}

function rank(values: Float32Array, row: number, classes: number, random: Random): void {
  values.set(permutation(classes, random), row * classes);
}

export function permutation(length: number, random: Random): number[] {
  const order = Array.from({ length }, (_, i) => i);
  for (let i = length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}
