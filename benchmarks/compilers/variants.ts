/**
 * The pipelines that are compiled: what a GPU with many threads is given for the shapes that GPUs train on.
 */
import type { Variant } from '../../src/backends/webgpu/pipeline.ts';
import { plan } from '../../src/backends/webgpu/plan.ts';
import { type Choice, phasesOf, variantOf } from '../../src/backends/webgpu/variant.ts';
import { DIVERGENCES } from '../../test/cases.ts';
import { pipelinesOf } from '../../test/webgpu_pipelines.ts';

export interface NamedVariant {
  /** Its row of the table: `kl [64,262144] finish`. */
  name: string;
  variant: Variant;
}

/**
 * Rows and classes: streamed, whole in registers with few and many threads, in tiles, and split over
 * workgroups.
 */
const SHAPES = [
  [8192, 32_000],
  [65_536, 100],
  [32_768, 1000],
  [65_536, 10],
  [64, 262_144],
  [8, 262_144],
] as const;

const OPEN = { lanes: 0, parts: 0, inputs: null };

export interface Chip {
  hasSubgroups: boolean;
  smallestSubgroup: number;
  mostThreads: number;
}

/** No labels, and one temperature for teacher and student. */
const LOGITS_ALONE = { targets: 'logits', teacherTemperature: 0, labels: 'none' } as const;

/**
 * Value and gradient of each divergence at each shape, the metrics, and a teacher whose probabilities are
 * softened. A variant that several shapes share comes once, under the first.
 */
export function variantsOf({ hasSubgroups, smallestSubgroup, mostThreads }: Chip): NamedVariant[] {
  const device = { isSoftware: false, hasSubgroups, mostThreads };
  const named: NamedVariant[] = [];
  for (const [rows, classes] of SHAPES) {
    const add = (
      choice: Omit<Choice, 'plan' | 'smallestSubgroup'>,
      mostParts: number,
      name: string = choice.sums,
    ) => {
      const chosen = plan({ rows, classes, device, asked: OPEN });
      const parts = Math.min(chosen.parts, mostParts);
      const whole: Choice = { ...choice, plan: { ...chosen, parts }, smallestSubgroup };
      for (const phase of phasesOf(whole))
        named.push({
          name: `${name} [${rows},${classes}] ${phase}`,
          variant: variantOf(whole, phase),
        });
    };
    for (const divergence of DIVERGENCES) {
      const objective = { ...LOGITS_ALONE, divergence };
      add({ objective, outputs: 'lossAndStudentGradient', reduction: 'sum', sums: divergence }, Infinity);
    }
    const objective = { ...LOGITS_ALONE, divergence: 'kl' } as const;
    add({ objective, outputs: 'loss', reduction: 'none', sums: 'entropies' }, 1);
    const softened = { ...objective, targets: 'probabilities' } as const;
    add(
      { objective: softened, outputs: 'lossAndStudentGradient', reduction: 'sum', sums: 'kl' },
      Infinity,
      'kl of softened probabilities',
    );
  }
  const seen = new Set<string>();
  return named.filter(({ variant }) => {
    const key = JSON.stringify(variant);
    return !seen.has(key) && seen.add(key);
  });
}

/**
 * Every `step`-th of the pipelines that any plan and any call can ask for, those of a CPU in a GPU's place
 * among them.
 */
export function everyPipeline(chip: Chip, step: number): NamedVariant[] {
  return pipelinesOf(chip, chip.smallestSubgroup, step).map((variant) => ({
    name: Object.entries({ ...variant.modules, ...variant.constants })
      .map(([name, value]) => `${name}=${value}`)
      .join(' '),
    variant,
  }));
}
