/** Logarithms of a row's sums, in float64. */

/** Natural logarithm of a positive, normal x: x = 2^e m with m around 1, log m = 2 atanh((m-1)/(m+1)). Absolute error below 1e-9; log 1 is exactly 0. */
export function log(x: f64): f64 {
  const bits = reinterpret<i64>(x);
  let exponent = f64(<i32>((bits >> 52) & 0x7ff) - 1023);
  let m = reinterpret<f64>((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    exponent += 1;
  }
  const s = (m - 1) / (m + 1);
  const s2 = s * s;
  const series = 2 + s2 * (2.0 / 3 + s2 * (2.0 / 5 + s2 * (2.0 / 7 + s2 * (2.0 / 9))));
  return exponent * 0.6931471805599453 + s * series;
}

/** s - log1p(s) for |s| <= 0.14, within 2e-9 of itself: with t = s/(2+s) the first two terms of 2 atanh(t) leave s t. MATH (25). */
export function excessOverLog1p(s: f64): f64 {
  const t = s / (2 + s);
  const t2 = t * t;
  return s * t - 2 * t * t2 * (1.0 / 3 + t2 * (1.0 / 5 + t2 * (1.0 / 7)));
}
