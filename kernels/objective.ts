import { unknownWord } from './words.ts';

/** How the teacher is given: as logits v, or as probabilities p (which need not sum to one). */
export type Targets = 'logits' | 'probabilities';

/**
 * What the classes that a sparse teacher does not list have of its mass: what the entries leave, as one class or spread
 * over them evenly; or nothing.
 */
export type Tail = 'bucket' | 'uniform' | 'none';

/** The soft term D between teacher p and student q, MATH (3)-(6): -sum p log q, KL(p||q), KL(q||p), or the generalised Jensen-Shannon divergence. */
export type Divergence = 'crossEntropy' | 'kl' | 'reverseKl' | 'jsd';

/** How the hard term's labels are given. `none` leaves the hard term out. */
export type LabelKind = 'none' | 'classIds' | 'distribution';

/**
 * What one row costs: `scale * weight * (hardWeight * H + softWeight * t * D)`, MATH (1). The numbers and switches that every kernel
 * needs besides its tensors; checked and completed by the public ops, so that a kernel can trust it.
 */
export type Objective = {
  targets: Targets;
  /** Of a sparse teacher alone. */
  tail: Tail;
  /**
   * T of the teacher; OF_STUDENT: that of the student's row; OF_ITS_ROW: a tensor has one for each row.
   * Probabilities are used as they are at 1, and otherwise softened: MATH (33).
   */
  teacherTemperature: number;
  divergence: Divergence;
  /** `jsd` only, 0 < beta < 1: the weight of p in the mixture m. */
  beta: number;
  /** Weight of the soft term, of rows with an alpha of their own times 1 - alpha. 0 leaves the term out. */
  softWeight: number;
  /** Multiply the soft term by the row's T^2. */
  scaleByTemperatureSquared: boolean;
  labels: LabelKind;
  /** Weight of the hard term, of rows with an alpha of their own times alpha. 0 leaves the term out. */
  hardWeight: number;
  /** Hard term only, in [0, 1). */
  labelSmoothing: number;
  /** Constant factor of every row, such as 1/rows for a mean. */
  scale: number;
};

/** Values of `teacherTemperature` that are no temperature. */
export const OF_STUDENT = 0;
export const OF_ITS_ROW = -1;

/**
 * What the teacher's numbers are to a row pass: `logits` v; `probabilities` p, used as they are; or `softenedProbabilities`, whose logarithms stand for v.
 */
export type TeacherReading = 'logits' | 'probabilities' | 'softenedProbabilities';

export function teacherReadingOf({
  targets,
  teacherTemperature,
}: Pick<Objective, 'targets' | 'teacherTemperature'>): TeacherReading {
  switch (targets) {
    case 'logits':
      return 'logits';
    case 'probabilities':
      return teacherTemperature === 1 ? 'probabilities' : 'softenedProbabilities';
    default:
      return unknownWord('targets', targets satisfies never);
  }
}

/** Whether there is one temperature and nothing to soften but logits: what a kernel computes that knows nothing of MATH (33)-(37). */
export function hasOneTemperature(objective: Pick<Objective, 'targets' | 'teacherTemperature'>): boolean {
  const reading = teacherReadingOf(objective);
  switch (reading) {
    case 'logits':
      return objective.teacherTemperature === OF_STUDENT;
    case 'probabilities':
      return true;
    case 'softenedProbabilities':
      return false;
    default:
      return unknownWord('reading', reading satisfies never);
  }
}

/** A probability that is softened counts as 0 below this, the smallest normal float32: some devices take such numbers for 0. */
export const SMALLEST_PROBABILITY = 2 ** -126;

/** Probabilities that are softened sum to one if they do but for this: their rounding alone would be a divergence. */
export const ROUNDING_OF_SUM = 1e-6;

/** The bare cross entropy of two distributions: no hard term, no T^2. */
export const CROSS_ENTROPY: Objective = {
  targets: 'logits',
  tail: 'bucket',
  teacherTemperature: OF_STUDENT,
  divergence: 'crossEntropy',
  beta: 0.5,
  softWeight: 1,
  scaleByTemperatureSquared: false,
  labels: 'none',
  hardWeight: 0,
  labelSmoothing: 0,
  scale: 1,
};

/** The hard term alone, beside which the teacher, any logits, is of no account. */
export const hardTermAlone = (objective: Objective): Objective => ({
  ...objective,
  targets: 'logits',
  teacherTemperature: OF_STUDENT,
  softWeight: 0,
});

/** What a row pass writes: the losses, the gradient to the student, to the teacher, or losses and student gradient at once. */
export type RowPassOutputs = 'loss' | 'lossAndStudentGradient' | 'studentGradient' | 'teacherGradient';
