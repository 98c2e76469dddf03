/** KL of MATH (4), KL(p || q). */
import {
  addLanes,
  lanes,
  LOG_FIRST,
  LOG_SECOND,
  MAX_SECOND,
  NEAR_KL,
  PER_W,
  SECOND_TO_LOG2,
  SUM_CROSS,
  SUM_FIRST,
  SUM_SECOND,
} from './lanes';
import { scaled, sweepLogits } from './logits';
import { isExchanged } from './objective';
import { isDistribution, logMassOf, massOf } from './sums';
import { exp2, LN_2, log2, share } from './vectors';

export function sweepKl(second: usize, first: usize, u: usize, w: usize, bytes: usize): void {
  sweepLogits(second, first, u, w, bytes, true, false);
}

/** For the gradient to the first argument: x = a - b in the place of u. */
export function sweepLogRatio(second: usize, first: usize, x: usize, w: usize, bytes: usize): void {
  sweepLogits(second, first, x, w, bytes, true, true);
}

/** Of probabilities as they are: writes u, and p as w. */
export function sweepGivenKl(student: usize, teacher: usize, u: usize, w: usize, bytes: usize): void {
  const mz = v128.load(lanes, MAX_SECOND);
  const toA = v128.load(lanes, SECOND_TO_LOG2);
  let su = f32x4.splat(0);
  let sp = su;
  let sx = su;
  const end = student + bytes;
  do {
    const a = scaled(v128.load(student), mz, toA);
    const p = v128.load(teacher);
    const ui = exp2(a);
    v128.store(u, ui);
    v128.store(w, p);
    su = f32x4.add(su, ui);
    sp = f32x4.add(sp, p);
    sx = f32x4.add(sx, share(p, f32x4.sub(a, log2(p))));
    teacher += 16;
    u += 16;
    w += 16;
    student += 16;
  } while (student < end);
  addLanes(SUM_SECOND, su);
  addLanes(SUM_FIRST, sp);
  addLanes(SUM_CROSS, sx);
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
