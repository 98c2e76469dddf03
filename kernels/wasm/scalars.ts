/** Logarithms of rows' sums, and of near rows what takes their place, in float64. */
import { isGroup, lanes, SUM_CROSS, SUM_STUDENT, SUM_TEACHER, TO_LOG } from './lanes';

/**
 * Writes natural logarithms of a sum, positive and normal, by lane: x = 2^e m, sqrt(1/2) <= m < sqrt(2), log m = 2 atanh((m-1)/(m+1)). Absolute error below 1e-9;
 * log 1 is exactly 0.
 */
export function logOfSum(sum: usize): void {
  let at = lanes + sum;
  const end = at + (isGroup ? 32 : 16);
  do {
    const x = v128.load(at);
    const one = f64x2.splat(1);
    // In the upper half of each number, which holds all of the exponent.
    const exponent = i32x4.shr_s(i32x4.sub(x, i32x4(0, 0x3fe6a09e, 0, 0x3fe6a09e)), 20);
    const m = i32x4.sub(x, v128.and(i32x4.shl(exponent, 20), i64x2.splat(0xffff_ffff_0000_0000)));
    const s = f64x2.div(f64x2.sub(m, one), f64x2.add(m, one));
    const s2 = f64x2.mul(s, s);
    let p = f64x2.add(f64x2.mul(s2, f64x2.splat(2.0 / 9)), f64x2.splat(2.0 / 7));
    p = f64x2.add(f64x2.mul(p, s2), f64x2.splat(2.0 / 5));
    p = f64x2.add(f64x2.mul(p, s2), f64x2.splat(2.0 / 3));
    p = f64x2.add(f64x2.mul(p, s2), f64x2.splat(2));
    const whole = f64x2.convert_low_i32x4_s(v128.shuffle<i32>(exponent, exponent, 1, 3, 1, 3));
    v128.store(at, f64x2.add(f64x2.mul(whole, f64x2.splat(0.6931471805599453)), f64x2.mul(p, s)), TO_LOG);
    at += 16;
  } while (at < end);
}

/**
 * Writes KL of near rows by lane, where others have the logarithm of the student's sum: rho - (s - log1p(s)), the latter for |s| <= 0.14 within 2e-9 of itself, because
 * with t = s/(2+s) the first two terms of 2 atanh(t) leave s t. MATH (22), (25).
 */
export function klOfNear(): void {
  let at = lanes;
  const end = at + (isGroup ? 32 : 16);
  do {
    const oneOverTeacher = f64x2.div(f64x2.splat(1), v128.load(at, SUM_TEACHER));
    const rho = f64x2.mul(v128.load(at, SUM_STUDENT), oneOverTeacher);
    const s = f64x2.add(f64x2.mul(v128.load(at, SUM_CROSS), oneOverTeacher), rho);
    const t = f64x2.div(s, f64x2.add(s, f64x2.splat(2)));
    const t2 = f64x2.mul(t, t);
    let p = f64x2.add(f64x2.mul(t2, f64x2.splat(2.0 / 7)), f64x2.splat(2.0 / 5));
    p = f64x2.add(f64x2.mul(p, t2), f64x2.splat(2.0 / 3));
    p = f64x2.sub(f64x2.mul(p, t2), s);
    v128.store(at, f64x2.pmax(f64x2.add(f64x2.mul(p, t), rho), f64x2.splat(0)), SUM_STUDENT + TO_LOG);
    at += 16;
  } while (at < end);
}
