/** Logarithms of rows' sums, in float64. */
import { isGroup, lanes } from './lanes';

/**
 * Writes natural logarithms of a sum, positive and normal, by lane: x = 2^e m, sqrt(1/2) <= m < sqrt(2), log
 * m = 2 atanh((m-1)/(m+1)). Absolute error below 1e-9; log 1 is exactly 0. Of 0 it is some finite number.
 */
export function logOfSum(sum: usize, log: usize): void {
  let at = lanes + sum;
  const end = at + (isGroup ? 32 : 16);
  const toLog = log - sum;
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
    v128.store(at + toLog, f64x2.add(f64x2.mul(whole, f64x2.splat(0.6931471805599453)), f64x2.mul(p, s)));
    at += 16;
  } while (at < end);
}
