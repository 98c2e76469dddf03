/** How the teacher is given: as logits v, or as probabilities p (which need not sum to one). */
export type Targets = 'logits' | 'probabilities';

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
  divergence: Divergence;
  /** `jsd` only, 0 < beta < 1: the weight of p in the mixture m. */
  beta: number;
  /** Weight of the soft term. 0 leaves the term out. */
  softWeight: number;
  /** Multiply the soft term by the row's T^2. */
  scaleByTemperatureSquared: boolean;
  labels: LabelKind;
  /** Weight of the hard term. 0 leaves the term out. */
  hardWeight: number;
  /** Hard term only, in [0, 1). */
  labelSmoothing: number;
  /** Constant factor of every row, such as 1/rows for a mean. */
  scale: number;
};

/** The bare cross entropy of two distributions: no hard term, no T^2. */
export const CROSS_ENTROPY: Objective = {
  targets: 'logits',
  divergence: 'crossEntropy',
  beta: 0.5,
  softWeight: 1,
  scaleByTemperatureSquared: false,
  labels: 'none',
  hardWeight: 0,
  labelSmoothing: 0,
  scale: 1,
};

/** What a row pass writes: the losses, the gradient to the student, to the teacher, or losses and student gradient at once. */
export type RowPassOutputs = 'loss' | 'lossAndStudentGradient' | 'studentGradient' | 'teacherGradient';
