import type { Measure } from '../../../kernels/metrics.ts';
import {
  type Divergence,
  type LabelKind,
  type Objective,
  type RowPassOutputs,
  type TeacherReading,
  teacherReadingOf,
} from '../../../kernels/objective.ts';
import { unknownWord } from '../../../kernels/words.ts';
import type { Kernel } from './kernel.ts';

/** The numbers of kernels/wasm/objective.ts. */
const READINGS: Record<TeacherReading, number> = { logits: 0, probabilities: 1, softenedProbabilities: 2 };
const DIVERGENCES: Record<Divergence, number> = { crossEntropy: 0, kl: 1, reverseKl: 2, jsd: 3 };
const GRADIENTS: Record<RowPassOutputs, number> = {
  loss: 0,
  lossAndStudentGradient: 1,
  studentGradient: 1,
  teacherGradient: 2,
};
const LABELS: Record<LabelKind, number> = { none: 0, classIds: 1, distribution: 2 };

/** What is given once for all rows; of what each row is given, or none is, the numbers are not read. */
export interface ForAllRows {
  temperature?: number;
  /** Default: the objective's. */
  teacherTemperature?: number | null;
  /** Default: both terms have the objective's weights. */
  alpha?: number | null;
  weight?: number;
}

/** NO_ALPHA of kernels/wasm/objective.ts. */
const NO_ALPHA = -1;

/**
 * A value that was given, as the kernel takes it: one that is out of range must not be taken for a sign of
 * its own.
 */
const inRange = (value: number) => (value >= 0 && value <= Number.MAX_VALUE ? value : Number.NaN);
const asTemperature = (value: number) => (value > 0 ? value : Number.NaN);

/** Hands the kernel what its next row passes compute. */
export function setObjective(
  kernel: Kernel,
  objective: Objective,
  outputs: RowPassOutputs,
  { temperature = 1, teacherTemperature = null, alpha = null, weight = 1 }: ForAllRows,
): void {
  const { divergence, labels, scaleByTemperatureSquared } = objective;
  kernel.setObjective(
    READINGS[teacherReadingOf(objective)],
    DIVERGENCES[divergence],
    GRADIENTS[outputs],
    LABELS[labels],
    scaleByTemperatureSquared ? 1 : 0,
    temperature,
    teacherTemperature === null ? objective.teacherTemperature : asTemperature(teacherTemperature),
    objective.beta,
    alpha === null ? NO_ALPHA : inRange(alpha),
    objective.scale * weight,
    objective.softWeight,
    objective.hardWeight,
    objective.labelSmoothing,
  );
}

/** Hands the kernel what its next row metrics are of. */
export function setMeasure(
  kernel: Kernel,
  measure: Measure,
  { temperature = 1, teacherTemperature = null, weight = 1 }: ForAllRows,
): void {
  kernel.setMeasure(
    READINGS[teacherReadingOf(measure)],
    LABELS[measure.labels],
    temperature,
    teacherTemperature === null ? measure.teacherTemperature : asTemperature(teacherTemperature),
    weight,
  );
}

/**
 * Whether the SIMD kernel computes this; kernels/js computes everything. The gradient through a softening
 * divides by probabilities, which are small, and in float32 at a low temperature has too few digits left for
 * that.
 */
export function isCarried(objective: Objective, outputs: RowPassOutputs): boolean {
  return outputs !== 'teacherGradient' || teacherReadingOf(objective) !== 'softenedProbabilities';
}

/** Whether labels of such an objective are read: class ids always, because a wrong one makes its row NaN. */
export function readsLabels({ labels, hardWeight }: Objective, outputs: RowPassOutputs): boolean {
  switch (labels) {
    case 'none':
      return false;
    case 'classIds':
      return true;
    case 'distribution':
      return hardWeight !== 0 && outputs !== 'teacherGradient';
    default:
      return unknownWord('labels', labels);
  }
}
