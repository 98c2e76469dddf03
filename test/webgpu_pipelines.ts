import type { Divergence, LabelKind, Objective, RowPassOutputs } from '../kernels/objective.ts';
import { type Variant, variantKey } from '../src/backends/webgpu/pipeline.ts';
import { type Plan, type PlanDevice, type PlanProblem, plan } from '../src/backends/webgpu/plan.ts';
import { type Choice, phasesOf, variantOf } from '../src/backends/webgpu/variant.ts';
import { DIVERGENCES } from './cases.ts';

/** What the choice of a plan depends on, and a device tells. */
export type Threads = Pick<PlanDevice, 'mostThreads' | 'hasSubgroups'>;

/** Lengths of rows and numbers of rows, on both sides of every step that plan.ts makes. */
const CLASSES = [
  1, 2, 7, 10, 14, 17, 23, 24, 25, 30, 100, 101, 255, 256, 1000, 1001, 1027, 4096, 4097, 5000, 16_384, 32_000,
  50_257,
];
const LONG_CLASSES = [32_768, 131_073, 262_144];
const ROWS = [1, 8, 64, 70_000];
const OPEN = { lanes: 0, parts: 0, inputs: null };

/**
 * Every plan that a device of so many threads may be given, as a GPU or as a CPU that stands in for one, and
 * behind each flag.
 */
export function plansOf(threads: Threads): Plan[] {
  const problems: PlanProblem[] = [];
  const add = (
    rows: number,
    classes: number,
    isSoftware: boolean,
    asked: Partial<PlanProblem['asked']> = {},
  ) => problems.push({ rows, classes, device: { ...threads, isSoftware }, asked: { ...OPEN, ...asked } });
  for (const isSoftware of [false, true]) {
    for (const classes of [...CLASSES, ...LONG_CLASSES])
      for (const rows of ROWS) add(rows, classes, isSoftware);
    for (let lanes = 1; lanes <= Math.min(1024, threads.mostThreads); lanes *= 2)
      for (const classes of [7, 33, 72, 5000, 5001]) add(7, classes, isSoftware, { lanes });
    for (const parts of [2, 3, 64]) for (const classes of [33, 5000]) add(7, classes, isSoftware, { parts });
    for (const inputs of ['scalar', 'tile'] as const)
      for (const classes of [1, 4, 10, 33, 200, 1535]) add(7, classes, isSoftware, { inputs });
  }
  return distinct(problems.map(plan), ({ mostGroups, parts, ...compiled }) =>
    JSON.stringify({ ...compiled, isSplit: parts > 1 }),
  );
}

const OUTPUTS: RowPassOutputs[] = ['loss', 'lossAndStudentGradient', 'studentGradient', 'teacherGradient'];
const LABELS: LabelKind[] = ['none', 'classIds', 'distribution'];
/**
 * As logits, at the student's temperature or at one of their own; as probabilities, used as they are or
 * softened at either temperature.
 */
const TEACHERS: Pick<Objective, 'targets' | 'teacherTemperature'>[] = [
  { targets: 'logits', teacherTemperature: 0 },
  { targets: 'logits', teacherTemperature: 2 },
  { targets: 'probabilities', teacherTemperature: 1 },
  { targets: 'probabilities', teacherTemperature: 0 },
  { targets: 'probabilities', teacherTemperature: 2 },
];
const REDUCTIONS: Choice['reduction'][] = ['none', 'sum'];

type Asked = Omit<Choice, 'plan' | 'smallestSubgroup'>;

/** All that a row pass, or a row of metrics, can be asked for. */
function askedOf(): Asked[] {
  const asked: Asked[] = [];
  for (const teacher of TEACHERS)
    for (const labels of LABELS) {
      const objective = (divergence: Divergence) => ({ ...teacher, labels, divergence });
      for (const divergence of DIVERGENCES)
        for (const outputs of OUTPUTS)
          for (const reduction of REDUCTIONS)
            asked.push({ objective: objective(divergence), outputs, reduction, sums: divergence });
      asked.push({ objective: objective('kl'), outputs: 'loss', reduction: 'none', sums: 'entropies' });
    }
  return asked;
}

/**
 * Pipelines for a device: of all plans, each with all that can be asked for, every `step`-th. With a `step`
 * that has no factor in common with the number of things to ask for (495), all of these come up in turn; with
 * 1, every pipeline there is.
 */
export function pipelinesOf(threads: Threads, smallestSubgroup: number, step: number): Variant[] {
  const asked = askedOf();
  const choices = plansOf(threads).flatMap((plan) =>
    asked.map((one) => ({
      ...one,
      plan: one.sums === 'entropies' ? { ...plan, parts: 1 } : plan,
      smallestSubgroup,
    })),
  );
  const variants = choices
    .filter((_, i) => i % step === 0)
    .flatMap((choice) => phasesOf(choice).map((phase) => variantOf(choice, phase)));
  return distinct(variants, variantKey);
}

function distinct<T>(values: readonly T[], keyOf: (value: T) => string): T[] {
  return [...new Map(values.map((value) => [keyOf(value), value])).values()];
}
