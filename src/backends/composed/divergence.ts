import type { Tensor } from '@tensorflow/tfjs-core';
import type { Objective } from '../../../kernels/objective.ts';
import type { Rows } from './rows.ts';
import type { SoftenedProbabilities } from './softened_probabilities.ts';

/**
 * A divergence D of MATH (3)-(6) in stock ops: what is its own. Where the teacher is softened probabilities,
 * D is that from the distribution s of MATH (33), and the last three make of it that from S s.
 */
export interface ComposedDivergence {
  /** D where it is finite, [rows, 1]. */
  value(row: Rows): Tensor;
  /** Where it is not, [rows, 1]; null: it is finite everywhere. */
  isInfinite: ((row: Rows) => Tensor) | null;
  /** T dD/dz, [rows, classes]. */
  studentSlopes(row: Rows): Tensor;
  /** T_t dD/dv, [rows, classes]: teacher as logits. */
  teacherSlopes(row: Rows): Tensor;
  /**
   * dD/dp of classes that either has mass in, [rows, classes]: teacher as probabilities that are used as they
   * are.
   */
  probabilitySlopes(row: Rows): Tensor;
  /** What D(s, q) is multiplied by, MATH (34), (35), and with it its slopes: [rows, 1]. */
  factor(softened: SoftenedProbabilities, objective: Objective): Tensor;
  /** What is added then; null: nothing. [rows, 1]. */
  summand: ((softened: SoftenedProbabilities, objective: Objective) => Tensor) | null;
  /** dD/dS of MATH (36), [rows, 1]. */
  slopesToSum(row: Rows, softened: SoftenedProbabilities): Tensor;
}
