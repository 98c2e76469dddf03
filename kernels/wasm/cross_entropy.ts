/** CE of MATH (3): -sum p log q. */
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
  SUM_OWN,
  SUM_SECOND,
} from './lanes';
import { scaled, sweepLogits } from './logits';
import { massOf } from './sums';
import { exp2, LN_2, share } from './vectors';

export function sweepCrossEntropy(student: usize, teacher: usize, u: usize, w: usize, bytes: usize): void {
  sweepLogits(student, teacher, u, w, bytes, false, false);
}

/** For the gradient to the teacher: x = a in the place of u. */
export function sweepLogOfStudent(student: usize, teacher: usize, x: usize, w: usize, bytes: usize): void {
  sweepLogits(student, teacher, x, w, bytes, false, true);
}

/** Of probabilities as they are: writes u, and p as w. */
export function sweepGivenCrossEntropy(
  student: usize,
  teacher: usize,
  u: usize,
  w: usize,
  bytes: usize,
): void {
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
    sx = f32x4.add(sx, share(p, a));
    teacher += 16;
    u += 16;
    w += 16;
    student += 16;
  } while (student < end);
  addLanes(SUM_SECOND, su);
  addLanes(SUM_FIRST, sp);
  addLanes(SUM_CROSS, sx);
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
