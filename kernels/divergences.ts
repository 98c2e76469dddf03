import type { Divergence } from './objective.ts';

/**
 * In what a divergence differs from others for whoever prepares a row pass; its arithmetic is in its own
 * files.
 */
export interface DivergenceTraits {
  /** Has terms in the mixture m = beta p + (1 - beta) q, with sums of their own: MATH (6), (27). */
  hasMixture: boolean;
  /**
   * The value is a small difference of large numbers where p and q nearly agree: MATH (24). Of every
   * divergence the gradient is.
   */
  isSmallWhenNear: boolean;
  /**
   * The gradient to the student is measured from a mean over the row; that to the teacher's logits always is.
   */
  hasStudentLevel: boolean;
  /**
   * Where the value is infinite, the gradient to the student does not exist, or that to the teacher's logits.
   */
  lacksGradientAtInfinity: { student: boolean; teacher: boolean };
}

/** Of every divergence: the compiler asks for the entry of a new one, and what has none is not computed. */
export const DIVERGENCES: Readonly<Record<Divergence, DivergenceTraits>> = {
  crossEntropy: {
    hasMixture: false,
    isSmallWhenNear: false,
    hasStudentLevel: false,
    lacksGradientAtInfinity: { student: false, teacher: true },
  },
  kl: {
    hasMixture: false,
    isSmallWhenNear: true,
    hasStudentLevel: false,
    lacksGradientAtInfinity: { student: false, teacher: true },
  },
  reverseKl: {
    hasMixture: false,
    isSmallWhenNear: true,
    hasStudentLevel: true,
    lacksGradientAtInfinity: { student: true, teacher: false },
  },
  jsd: {
    hasMixture: true,
    isSmallWhenNear: true,
    hasStudentLevel: true,
    lacksGradientAtInfinity: { student: false, teacher: false }, // it is never infinite
  },
};
