/**
 * Rows in which teacher and student nearly agree, where the difference of probabilities and KL come from the
 * difference of logits: MATH (20)-(26).
 */
import {
  addLanes,
  FIRST_TO_LOG2,
  HIGHEST,
  isGroup,
  lanes,
  MAX_FIRST,
  MINUS_LOWEST,
  NEAR_KL,
  SECOND_INVERSE_T,
  SUM_CROSS,
  SUM_FIRST,
  SUM_OWN,
  SUM_SECOND,
} from './lanes';
import { scaled } from './logits';
import { clamp, exp2Clamped, expm1Ratio, multiplyAdd } from './vectors';

/** For the gradient to the second argument: writes w and w expm1(y). */
export function sweepNear(second: usize, first: usize, to: usize, w: usize, bytes: usize): void {
  sweepDisagreement(second, first, to, w, bytes, false);
}

/** For other gradients, and `jsd`: writes w and y. */
export function sweepNearRatio(second: usize, first: usize, y: usize, w: usize, bytes: usize): void {
  sweepDisagreement(second, first, y, w, bytes, true);
}

/** What rounding took from d = z - v: TwoSum, MATH (20). */
// @ts-ignore: decorator
@inline
function roundingOf(d: v128, z: v128, v: v128): v128 {
  const back = f32x4.sub(d, z);
  return f32x4.sub(f32x4.sub(z, f32x4.sub(d, back)), f32x4.add(v, back));
}

/**
 * In a near row -Infinity on one side is -Infinity on the other; not so beside a NaN, but one in v shows in
 * w.
 */
// @ts-ignore: decorator
@inline
function unlessMasked(y: v128, z: v128): v128 {
  return v128.and(y, f32x4.ne(z, f32x4.splat(-Infinity)));
}

/** MATH (20), (21). By pairs of vectors, as in `sweepLogits`. */
// @ts-ignore: decorator
@inline
function sweepDisagreement(
  second: usize,
  first: usize,
  to: usize,
  w: usize,
  bytes: usize,
  keepsY: bool,
): void {
  const mv = v128.load(lanes, MAX_FIRST);
  const c = v128.load(lanes, FIRST_TO_LOG2);
  const it = v128.load(lanes, SECOND_INVERSE_T);
  const high = v128.load(lanes, HIGHEST);
  const range = f32x4.add(high, v128.load(lanes, MINUS_LOWEST));
  const center = f32x4.sub(high, f32x4.mul(range, f32x4.splat(0.5)));
  // In other rows the rounding of d is at most 2^-20 of the range.
  const areShifted = f32x4.gt(f32x4.abs(center), f32x4.mul(range, f32x4.splat(16)));
  const isAnyShifted = v128.any_true(areShifted);
  let sw = f32x4.splat(0);
  let sb = sw;
  let sy = sw;
  let sr = sw;
  const end = second + bytes;
  do {
    const z0 = v128.load(second);
    const v0 = v128.load(first);
    const d0 = f32x4.sub(z0, v0);
    let y0 = f32x4.sub(d0, center);
    const z1 = v128.load(second, 16);
    const v1 = v128.load(first, 16);
    const d1 = f32x4.sub(z1, v1);
    let y1 = f32x4.sub(d1, center);
    if (isAnyShifted) {
      y0 = f32x4.add(y0, v128.and(roundingOf(d0, z0, v0), areShifted));
      y1 = f32x4.add(y1, v128.and(roundingOf(d1, z1, v1), areShifted));
    }
    y0 = unlessMasked(f32x4.mul(y0, it), z0);
    y1 = unlessMasked(f32x4.mul(y1, it), z1);
    const b0 = clamp(scaled(v0, mv, c));
    const b1 = clamp(scaled(v1, mv, c));
    const w0 = exp2Clamped(b0);
    const w1 = exp2Clamped(b1);
    const q0 = expm1Ratio(y0);
    const q1 = expm1Ratio(y1);
    const m0 = f32x4.mul(w0, y0);
    const m1 = f32x4.mul(w1, y1);
    const r0 = f32x4.mul(m0, q0);
    const r1 = f32x4.mul(m1, q1);
    if (keepsY) {
      v128.store(to, y0);
      v128.store(to, y1, 16);
    } else {
      v128.store(to, f32x4.add(m0, r0));
      v128.store(to, f32x4.add(m1, r1), 16);
    }
    v128.store(w, w0);
    v128.store(w, w1, 16);
    sw = f32x4.add(sw, f32x4.add(w0, w1));
    sb = f32x4.add(sb, multiplyAdd(w0, b0, f32x4.mul(w1, b1)));
    sy = f32x4.add(sy, f32x4.add(m0, m1));
    sr = f32x4.add(sr, f32x4.add(r0, r1));
    first += 32;
    to += 32;
    w += 32;
    second += 32;
  } while (second < end);
  addLanes(SUM_FIRST, sw);
  addLanes(SUM_OWN, sb);
  addLanes(SUM_CROSS, sy);
  addLanes(SUM_SECOND, sr);
}

/**
 * Writes KL by lane: rho - (s - log1p(s)), the latter for |s| <= 0.14 within 2e-9 of itself, because
 * with t = s/(2+s) the first two terms of 2 atanh(t) leave s t. MATH (22), (25).
 */
export function klOfNear(): void {
  let at = lanes;
  const end = at + (isGroup ? 32 : 16);
  do {
    const perFirst = f64x2.div(f64x2.splat(1), v128.load(at, SUM_FIRST));
    const rho = f64x2.mul(v128.load(at, SUM_SECOND), perFirst);
    const s = f64x2.add(f64x2.mul(v128.load(at, SUM_CROSS), perFirst), rho);
    const t = f64x2.div(s, f64x2.add(s, f64x2.splat(2)));
    const t2 = f64x2.mul(t, t);
    let p = f64x2.add(f64x2.mul(t2, f64x2.splat(2.0 / 7)), f64x2.splat(2.0 / 5));
    p = f64x2.add(f64x2.mul(p, t2), f64x2.splat(2.0 / 3));
    p = f64x2.sub(f64x2.mul(p, t2), s);
    v128.store(at, f64x2.pmax(f64x2.add(f64x2.mul(p, t), rho), f64x2.splat(0)), NEAR_KL);
    at += 16;
  } while (at < end);
}
