/** Four classes at a time. Arithmetic is IEEE 754: comparisons with NaN are false and infinities are safe. */

/** Logits are brought to powers of two: 2^y needs no constant of its own, and no second rounding of it. */
export const LOG2_E: f64 = 1.4426950408889634;
export const LN_2: f64 = 0.6931471805599453;

/** 1.5 * 2^23 + 126: added to y it leaves the integer nearest to y, plus 126, in the low bits. */
const ROUNDER: f32 = 12583038;

/**
 * 2^y for y <= 0; 0 for y <= -125.5, which is e^-87; NaN for NaN. 2^y = 2^(n-1) P(f), y = n + f, |f| <= 1/2. P carries the factor 2, so that n = -126
 * gives the exponent bits of 0 and the floor needs no mask. P(0) is exactly 2, so 2^0 is exactly 1.
 * Largest error over all float32 y in (-125.5, 0]: 1.95 units in the last place.
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
  const high = f32x4.add(f32x4.mul(f, f32x4.splat(2 * 0.0013162917457520962)), f32x4.splat(2 * 0.009671447798609734));
  const middle = f32x4.add(f32x4.mul(f, f32x4.splat(2 * 0.05551088601350784)), f32x4.splat(2 * 0.24022243916988373));
  let p = f32x4.add(f32x4.mul(high, f32x4.mul(f, f)), middle);
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(2 * 0.6931467056274414));
  p = f32x4.add(f32x4.mul(p, f), f32x4.splat(2));
  return f32x4.mul(p, i32x4.shl(rounded, 23));
}

/** log2(x) for normal x > 0, and something finite for 0: x = 2^e m, sqrt(1/2) <= m < sqrt(2), log m = 2 atanh((m-1)/(m+1)). */
// @ts-ignore: decorator
@inline
export function log2(x: v128): v128 {
  const one = f32x4.splat(1);
  const exponent = i32x4.shr_s(i32x4.sub(x, i32x4.splat(0x3f3504f3)), 23);
  const m = i32x4.sub(x, i32x4.shl(exponent, 23));
  const s = f32x4.div(f32x4.sub(m, one), f32x4.add(m, one));
  const s2 = f32x4.mul(s, s);
  let p = f32x4.splat(<f32>((LOG2_E * 2) / 7));
  p = f32x4.add(f32x4.mul(p, s2), f32x4.splat(<f32>((LOG2_E * 2) / 5)));
  p = f32x4.add(f32x4.mul(p, s2), f32x4.splat(<f32>((LOG2_E * 2) / 3)));
  p = f32x4.add(f32x4.mul(p, s2), f32x4.splat(<f32>(LOG2_E * 2)));
  return f32x4.add(f32x4.convert_i32x4_s(exponent), f32x4.mul(p, s));
}

/** expm1(x)/x - 1 for |x| <= 1/8, MATH (21): x/2 + x^2/6 + x^3/24. Off by |x|^3/60 of itself: 1.3e-7 at 0.02, 3e-5 at 1/8, with opposite signs on the two sides. */
// @ts-ignore: decorator
@inline
export function expm1Ratio(x: v128): v128 {
  const p = f32x4.add(f32x4.mul(x, f32x4.splat(1.0 / 24)), f32x4.splat(1.0 / 6));
  return f32x4.mul(f32x4.add(f32x4.mul(p, x), f32x4.splat(0.5)), x);
}
