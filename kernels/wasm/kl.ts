/** KL of MATH (4), KL(p || q). */
import { LOG_FIRST, LOG_SECOND, NEAR_KL, PER_W, SUM_CROSS } from './lanes';
import { sweepGiven, sweepLogits } from './logits';
import { isExchanged } from './objective';
import { isDistribution, logMassOf, massOf } from './sums';
import { LN_2 } from './vectors';

export function sweepKl(second: usize, first: usize, u: usize, w: usize, bytes: usize): void {
  sweepLogits(second, first, u, w, bytes, true, false);
}

/** For the gradient to the first argument: x = a - b in the place of u. */
export function sweepLogRatio(second: usize, first: usize, x: usize, w: usize, bytes: usize): void {
  sweepLogits(second, first, x, w, bytes, true, true);
}

/** Of probabilities as they are. */
export function sweepGivenKl(student: usize, teacher: usize, u: usize, w: usize, bytes: usize): void {
  sweepGiven(student, teacher, u, w, bytes, true);
}

/** KL(first || second), of masses that need not be 1: MATH (17), (25), (34). */
export function kl(sums: usize, near: bool): f64 {
  const mass = isExchanged ? 1 : massOf(sums);
  const logOfMasses = isExchanged ? -logMassOf(sums) : logMassOf(sums);
  if (near) return mass * (load<f64>(sums, NEAR_KL) + logOfMasses);
  const logOfSums = load<f64>(sums, LOG_SECOND) - load<f64>(sums, LOG_FIRST) + logOfMasses;
  const value = mass * logOfSums - LN_2 * load<f64>(sums, PER_W) * load<f64>(sums, SUM_CROSS);
  return isDistribution(sums) ? max(value, 0) : value; // rounding
}
