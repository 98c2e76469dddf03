/** CE of MATH (3): -sum p log q. */
import { LOG_FIRST, LOG_SECOND, NEAR_KL, PER_W, SUM_CROSS, SUM_FIRST, SUM_OWN } from './lanes';
import { sweepGiven, sweepLogits } from './logits';
import { massOf } from './sums';
import { LN_2 } from './vectors';

export function sweepCrossEntropy(student: usize, teacher: usize, u: usize, w: usize, bytes: usize): void {
  sweepLogits(student, teacher, u, w, bytes, false, false);
}

/** For the gradient to the teacher: x = a in the place of u. */
export function sweepLogOfStudent(student: usize, teacher: usize, x: usize, w: usize, bytes: usize): void {
  sweepLogits(student, teacher, x, w, bytes, false, true);
}

/** Of probabilities as they are. */
export function sweepGivenCrossEntropy(
  student: usize,
  teacher: usize,
  u: usize,
  w: usize,
  bytes: usize,
): void {
  sweepGiven(student, teacher, u, w, bytes, false);
}

/** MATH (15); of a near row from (16) and (25). */
export function crossEntropy(sums: usize, near: bool): f64 {
  if (near) {
    const meanOfB = (LN_2 * load<f64>(sums, SUM_OWN)) / load<f64>(sums, SUM_FIRST);
    return massOf(sums) * (load<f64>(sums, NEAR_KL) + load<f64>(sums, LOG_FIRST) - meanOfB);
  }
  const meanOfA = LN_2 * load<f64>(sums, PER_W) * load<f64>(sums, SUM_CROSS);
  return massOf(sums) * load<f64>(sums, LOG_SECOND) - meanOfA;
}
