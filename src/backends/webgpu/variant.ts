import { DIVERGENCES } from '../../../kernels/divergences.ts';
import { type Objective, type RowPassOutputs, teacherReadingOf } from '../../../kernels/objective.ts';
import type { RowPassRequest } from '../row_pass.ts';
import type { Modules, Variant } from './pipeline.ts';
import type { Plan } from './plan.ts';

/**
 * What the kernels of a row pass are specialised by: what it is asked for, how it is cut, and the least width
 * of the device's subgroups.
 */
export interface Choice extends Pick<RowPassRequest<never>, 'outputs' | 'reduction'> {
  objective: Pick<Objective, 'targets' | 'teacherTemperature' | 'divergence' | 'labels'>;
  sums: Modules['sums'];
  plan: Plan;
  smallestSubgroup: number;
}

const PHASE = { whole: 0, statistics: 1, nearSums: 2, mixtureSums: 3, finish: 4 } as const;
export type Phase = keyof typeof PHASE;

/** The dispatches of a row pass, in their order: one, or those of kernels/wgsl/split.wgsl. */
export function phasesOf({
  objective,
  outputs,
  plan: { parts },
}: Pick<Choice, 'objective' | 'outputs' | 'plan'>): Phase[] {
  if (parts === 1) return ['whole'];
  const phases: Phase[] = ['statistics'];
  // NEEDS_RANGE and NEEDS_MIXTURE of kernels/wgsl.
  const { isSmallWhenNear, hasMixture } = DIVERGENCES[objective.divergence];
  if (teacherReadingOf(objective) !== 'probabilities' && (isSmallWhenNear || outputs !== 'loss'))
    phases.push('nearSums');
  if (hasMixture) phases.push('mixtureSums');
  return [...phases, 'finish'];
}

const GRADIENT: Readonly<Record<RowPassOutputs, number>> = {
  loss: 0,
  lossAndStudentGradient: 1,
  studentGradient: 1,
  teacherGradient: 2,
};
const LOWEST_BITS = 0xff7fc99e; // of kernels/wgsl/numbers.wgsl

export function writesLoss({ outputs }: Pick<Choice, 'outputs'>): boolean {
  return outputs === 'loss' || outputs === 'lossAndStudentGradient';
}

export function variantOf(choice: Choice, phase: Phase): Variant {
  const { objective, outputs, reduction, sums, plan: chosen, smallestSubgroup } = choice;
  const { divergence, labels } = objective;
  const reading = teacherReadingOf(objective);
  const asLogits = reading !== 'probabilities';
  const lacks = DIVERGENCES[divergence].lacksGradientAtInfinity;
  const teacherLacks = { logits: lacks.teacher, probabilities: false, softenedProbabilities: true };
  const isFlag = (value: boolean) => (value ? 1 : 0);
  return {
    modules: { inputs: chosen.inputs, team: chosen.team, sums, labels },
    constants: {
      LANES: chosen.lanes,
      WORKGROUP: chosen.workgroup,
      VECTORS: chosen.vectors,
      RESIDENT: isFlag(chosen.isResident),
      TARGETS: isFlag(!asLogits),
      SOFTENED: isFlag(reading === 'softenedProbabilities'),
      HAS_TEACHER_TEMPERATURE: isFlag(asLogits && objective.teacherTemperature !== 0),
      ABSENT_TEACHER_BITS: asLogits ? LOWEST_BITS : 0,
      WRITES_LOSS: isFlag(writesLoss(choice)),
      LACKS_GRADIENT_AT_INFINITY: isFlag(
        outputs === 'teacherGradient' ? teacherLacks[reading] : lacks.student,
      ),
      GRADIENT: GRADIENT[outputs],
      REDUCES: isFlag(reduction === 'sum'),
      PHASE: PHASE[phase],
      TILE: chosen.tile,
      MIN_SUBGROUP: smallestSubgroup,
    },
  };
}
