/** Four classes at a time. Arithmetic is IEEE 754: comparisons with NaN are false and infinities are safe. */

/** Logits are brought to powers of two: 2^y needs no constant of its own, and no second rounding of it. */
export const LOG2_E: f64 = 1.4426950408889634;
export const LN_2: f64 = 0.6931471805599453;

/** 1.5 * 2^23 + 126: added to y it leaves the integer nearest to y, plus 126, in the low bits. */
const ROUNDER: f32 = 12583038;

/**
 * x y + z: rounded once in the build with relaxed SIMD, on processors that have the instruction; twice in the
 * other.
 */
// @ts-ignore: decorator
@inline
export function multiplyAdd(x: v128, y: v128, z: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f32x4.relaxed_madd(x, y, z);
  return f32x4.add(f32x4.mul(x, y), z);
}

/**
 * 2^y for y <= 0; 0 for y <= -125.5, which is e^-87; NaN for NaN. 2^y = 2^(n-1) P(f), y = n + f, |f| <= 1/2.
 * P carries the factor 2, so that n = -126 gives the exponent bits of 0 and the floor needs no mask. P(0) is
 * exactly 2, so 2^0 is exactly 1. Largest error over all float32 y in (-125.5, 0]: 1.95 units in the last
 * place.
 */
// @ts-ignore: decorator
@inline
export function exp2(y: v128): v128 {
  return exp2Clamped(clamp(y));
}

/** Not below -126, where 2^y is 0 for `exp2`. */
// @ts-ignore: decorator
@inline
export function clamp(y: v128): v128 {
  return f32x4.pmax(y, f32x4.splat(-126));
}

/** As `exp2`, of what `clamp` gives. */
// @ts-ignore: decorator
@inline
export function exp2Clamped(clamped: v128): v128 {
  const rounded = f32x4.add(clamped, f32x4.splat(ROUNDER));
  const f = f32x4.sub(clamped, f32x4.sub(rounded, f32x4.splat(ROUNDER)));
  const high = multiplyAdd(f, f32x4.splat(2 * 0.0013162917457520962), f32x4.splat(2 * 0.009671447798609734));
  const middle = multiplyAdd(f, f32x4.splat(2 * 0.05551088601350784), f32x4.splat(2 * 0.24022243916988373));
  let p = multiplyAdd(high, f32x4.mul(f, f), middle);
  p = multiplyAdd(p, f, f32x4.splat(2 * 0.6931467056274414));
  p = multiplyAdd(p, f, f32x4.splat(2));
  return f32x4.mul(p, i32x4.shl(rounded, 23));
}

/**
 * log2(x) for normal x > 0, and -127 for 0: x = 2^e m, sqrt(1/2) <= m < sqrt(2), log m = 2
 * atanh((m-1)/(m+1)).
 */
// @ts-ignore: decorator
@inline
export function log2(x: v128): v128 {
  const one = f32x4.splat(1);
  const exponent = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const m = i32x4.sub(x, i32x4.shl(exponent, 23));
  const s = f32x4.div(f32x4.sub(m, one), f32x4.add(m, one));
  const s2 = f32x4.mul(s, s);
  let p = f32x4.splat(<f32>((LOG2_E * 2) / 7));
  p = multiplyAdd(p, s2, f32x4.splat(<f32>((LOG2_E * 2) / 5)));
  p = multiplyAdd(p, s2, f32x4.splat(<f32>((LOG2_E * 2) / 3)));
  p = multiplyAdd(p, s2, f32x4.splat(<f32>(LOG2_E * 2)));
  return multiplyAdd(p, s, f32x4.convert_i32x4_s(exponent));
}

/**
 * log p of a probability: -Infinity of 0; NaN of what is none, which are +Infinity, NaN and what is below 0.
 */
// @ts-ignore: decorator
@inline
export function logOfProbability(p: v128): v128 {
  const isSubnormal = f32x4.lt(p, f32x4.splat(1.17549435e-38));
  const normal = v128.bitselect(f32x4.mul(p, f32x4.splat(4294967296)), p, isSubnormal);
  const power = f32x4.sub(log2(normal), v128.and(isSubnormal, f32x4.splat(32)));
  const isPositive = v128.and(f32x4.gt(p, f32x4.splat(0)), f32x4.lt(p, f32x4.splat(Infinity)));
  const other = v128.bitselect(f32x4.splat(-Infinity), f32x4.splat(NaN), f32x4.eq(p, f32x4.splat(0)));
  return v128.bitselect(f32x4.mul(power, f32x4.splat(<f32>LN_2)), other, isPositive);
}

/**
 * expm1(x)/x - 1 for |x| <= 1/8, MATH (21): x/2 + x^2/6 + x^3/24. Off by |x|^3/60 of itself: 1.3e-7 at 0.02,
 * 3e-5 at 1/8, with opposite signs on the two sides.
 */
// @ts-ignore: decorator
@inline
export function expm1Ratio(x: v128): v128 {
  const p = multiplyAdd(x, f32x4.splat(1.0 / 24), f32x4.splat(1.0 / 6));
  return f32x4.mul(multiplyAdd(p, x, f32x4.splat(0.5)), x);
}

/** log1p(x) for |x| <= 1/3, within 2e-7 of itself: 2 atanh(x/(2+x)). */
// @ts-ignore: decorator
@inline
export function log1pSmall(x: v128): v128 {
  const s = f32x4.div(x, f32x4.add(x, f32x4.splat(2)));
  const s2 = f32x4.mul(s, s);
  let p = f32x4.splat(2.0 / 7);
  p = multiplyAdd(p, s2, f32x4.splat(2.0 / 5));
  p = multiplyAdd(p, s2, f32x4.splat(2.0 / 3));
  p = multiplyAdd(p, s2, f32x4.splat(2));
  return f32x4.mul(p, s);
}

/**
 * h(x) = (1 + x) log1p(x) - x of MATH (26) for |x| <= 1/3: the sum of (-x)^k/(k(k-1)), k from 2 to 9. Off by
 * x^8/45 of itself.
 */
// @ts-ignore: decorator
@inline
export function entropyGap(x: v128): v128 {
  let p = f32x4.splat(-1.0 / 72);
  p = multiplyAdd(p, x, f32x4.splat(1.0 / 56));
  p = multiplyAdd(p, x, f32x4.splat(-1.0 / 42));
  p = multiplyAdd(p, x, f32x4.splat(1.0 / 30));
  p = multiplyAdd(p, x, f32x4.splat(-1.0 / 20));
  p = multiplyAdd(p, x, f32x4.splat(1.0 / 12));
  p = multiplyAdd(p, x, f32x4.splat(-1.0 / 6));
  p = multiplyAdd(p, x, f32x4.splat(0.5));
  return f32x4.mul(f32x4.mul(p, x), x);
}

/** w x, and 0 where w = 0: such a class has no mass, whatever x is. */
// @ts-ignore: decorator
@inline
export function share(w: v128, x: v128): v128 {
  return v128.and(f32x4.mul(w, x), f32x4.ne(w, f32x4.splat(0)));
}
