import * as tf from '@tensorflow/tfjs-core';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES, optionCases, shapeCases } from '../cases.ts';
import { type CaseOptions, makeCase } from '../objective_case.ts';
import { expectCase } from '../run_case.ts';

beforeAll(startBackend);

type Flags = Partial<Record<'LANES' | 'PARTS' | 'INPUTS', number>>;

/**
 * Runs with a forced plan: a software adapter would choose one or four threads to a row by itself, a GPU up
 * to 1,024, tiles and split rows.
 */
async function withPlan(flags: Flags, run: () => Promise<void>): Promise<void> {
  const set = (value: (name: keyof Flags) => number) => {
    for (const name of ['LANES', 'PARTS', 'INPUTS'] as const) {
      tf.env().set(`TFJS_DISTILL_WEBGPU_${name}`, value(name));
    }
  };
  set((name) => flags[name] ?? 0);
  try {
    await run();
  } finally {
    set(() => 0);
  }
}

const MASKED = Number.NEGATIVE_INFINITY;

/**
 * Probabilities that are softened, at the temperature of both and at one of their own; a class that is masked
 * has none.
 */
const SOFTENED: readonly Partial<CaseOptions>[] = [
  { targets: 'probabilities' },
  { targets: 'probabilities', teacherTemperature: 0.7 },
];

/** Masks of every kind, NaN, nearly equal and equal rows, in rows that a plan cuts in several places. */
const oddRows = (divergence: (typeof DIVERGENCES)[number], classes: number, own: Partial<CaseOptions> = {}) =>
  makeCase(
    '',
    [7, classes],
    { divergence, temperature: 2, ...own },
    {
      seed: 31,
      edit: ({ teacher, student }) => {
        const at = (row: number, i: number) => row * classes + i;
        const isLogits = own.targets !== 'probabilities';
        const logit = (i: number) => (isLogits ? teacher[i] : Math.log(teacher[i]));
        const masked = isLogits ? MASKED : 0;
        teacher[0] = masked;
        student[0] = student[at(1, classes - 1)] = MASKED;
        teacher[at(2, classes >> 1)] = masked;
        student[at(3, classes - 1)] = Number.NaN;
        for (let i = at(4, 0); i < at(5, 0); i++) student[i] = logit(i) + 1e-3 * student[i];
        for (let i = at(5, 0); i < at(6, 0); i++) student[i] = logit(i);
      },
    },
  );

const PLANS: { name: string; flags: Flags; mostClasses: number; rowClasses: number }[] = [
  { name: '2 threads to a row', flags: { LANES: 2 }, mostClasses: 2000, rowClasses: 70 },
  { name: '32 threads to a row', flags: { LANES: 32 }, mostClasses: 2000, rowClasses: 72 },
  { name: '256 threads to a row', flags: { LANES: 256 }, mostClasses: 2000, rowClasses: 70 },
  { name: 'rows in tiles', flags: { INPUTS: 3 }, mostClasses: 200, rowClasses: 33 },
  { name: 'rows split over 3 workgroups', flags: { PARTS: 3 }, mostClasses: 60_000, rowClasses: 168 },
];

/**
 * Each plan takes every fifth of the option cases: all of them together, since a case means a pipeline or two
 * to compile.
 */
const OPTION_STEP = PLANS.length;

if (backend.backendName === 'webgpu') {
  for (const [index, { name, flags, mostClasses, rowClasses }] of PLANS.entries()) {
    describe(name, () => {
      for (const problem of shapeCases().filter(({ shape }) => shape[shape.length - 1] <= mostClasses)) {
        it(problem.name, () => withPlan(flags, () => expectCase(problem)));
      }
      for (const problem of optionCases().filter((_, i) => i % OPTION_STEP === index)) {
        it(problem.name, () => withPlan(flags, () => expectCase(problem)));
      }
      for (const divergence of DIVERGENCES) {
        it(`${divergence}: masks, NaN and nearly equal rows`, () =>
          withPlan(flags, () => expectCase(oddRows(divergence, rowClasses))));
        it(`${divergence}: the same with softened probabilities`, () =>
          withPlan(flags, async () => {
            for (const own of SOFTENED) await expectCase(oddRows(divergence, rowClasses, own));
          }));
      }
      it('kl: the same with a teacher at a temperature of its own', () =>
        withPlan(flags, () => expectCase(oddRows('kl', rowClasses, { teacherTemperature: 0.7 }))));
    });
  }
} else {
  it('is about the threads of WebGPU', () => expect(tf.getBackend()).not.toBe('webgpu'));
}
