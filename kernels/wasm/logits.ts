/**
 * The sweep that `crossEntropy` and `kl` have in common, and `reverseKl` with teacher and student exchanged.
 */
import {
  addLanes,
  FIRST_TO_LOG2,
  lanes,
  MAX_FIRST,
  MAX_SECOND,
  SECOND_TO_LOG2,
  SUM_CROSS,
  SUM_FIRST,
  SUM_SECOND,
} from './lanes';
import { exp2, log2, share } from './vectors';

/** (x - maximum)/T in units of log 2: the difference first, which is exact where it is small. */
// @ts-ignore: decorator
@inline
export function scaled(x: v128, maximum: v128, toLog2: v128): v128 {
  return f32x4.mul(f32x4.sub(x, maximum), toLog2);
}

/**
 * MATH (12), (13): writes w, and u or, for a gradient that needs it, x in its place; they may lie over the
 * logits. x = a, for `isKl` a - b, NaN where both mask the class. By pairs of vectors, because there are 16
 * registers.
 */
// @ts-ignore: decorator
@inline
export function sweepLogits(
  second: usize,
  first: usize,
  u: usize,
  w: usize,
  bytes: usize,
  isKl: bool,
  keepsX: bool,
): void {
  const mz = v128.load(lanes, MAX_SECOND);
  const mv = v128.load(lanes, MAX_FIRST);
  const toA = v128.load(lanes, SECOND_TO_LOG2);
  const toB = v128.load(lanes, FIRST_TO_LOG2);
  let su = f32x4.splat(0);
  let sw = su;
  let sx = su;
  const end = second + bytes;
  do {
    const a0 = scaled(v128.load(second), mz, toA);
    const a1 = scaled(v128.load(second, 16), mz, toA);
    const b0 = scaled(v128.load(first), mv, toB);
    const b1 = scaled(v128.load(first, 16), mv, toB);
    const u0 = exp2(a0);
    const u1 = exp2(a1);
    const w0 = exp2(b0);
    const w1 = exp2(b1);
    const d0 = f32x4.sub(a0, b0);
    const d1 = f32x4.sub(a1, b1);
    if (keepsX) {
      v128.store(u, isKl ? d0 : v128.or(a0, f32x4.ne(d0, d0)));
      v128.store(u, isKl ? d1 : v128.or(a1, f32x4.ne(d1, d1)), 16);
    } else {
      v128.store(u, u0);
      v128.store(u, u1, 16);
    }
    v128.store(w, w0);
    v128.store(w, w1, 16);
    su = f32x4.add(su, f32x4.add(u0, u1));
    sw = f32x4.add(sw, f32x4.add(w0, w1));
    const x0 = share(w0, isKl ? d0 : a0);
    const x1 = share(w1, isKl ? d1 : a1);
    sx = f32x4.add(sx, f32x4.add(x0, x1));
    first += 32;
    u += 32;
    w += 32;
    second += 32;
  } while (second < end);
  addLanes(SUM_SECOND, su);
  addLanes(SUM_FIRST, sw);
  addLanes(SUM_CROSS, sx);
}

/** As `sweepLogits`, of a teacher given as probabilities that are used as they are: writes u, and p as w. */
// @ts-ignore: decorator
@inline
export function sweepGiven(
  student: usize,
  teacher: usize,
  u: usize,
  w: usize,
  bytes: usize,
  isKl: bool,
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
    sx = f32x4.add(sx, share(p, isKl ? f32x4.sub(a, log2(p)) : a));
    teacher += 16;
    u += 16;
    w += 16;
    student += 16;
  } while (student < end);
  addLanes(SUM_SECOND, su);
  addLanes(SUM_FIRST, sp);
  addLanes(SUM_CROSS, sx);
}
