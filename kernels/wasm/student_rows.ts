/**
 * Sweeps over one row of the student alone, for a teacher of which only some classes are listed: the host
 * takes the listed classes out between them. Rows have 16 classes or more; nothing behind a row is read or
 * written.
 */
import { exp2 } from './vectors';

/** mz; NaN if a logit is NaN. */
export function maxOfRow(student: usize, classes: i32): f32 {
  const end = student + (<usize>classes << 2);
  const last = end - 16;
  let max = v128.load(last);
  for (; student < last; student += 16) max = f32x4.max(max, v128.load(student));
  max = f32x4.max(max, v128.shuffle<f32>(max, max, 2, 3, 0, 1));
  max = f32x4.max(max, v128.shuffle<f32>(max, max, 1, 0, 3, 2));
  return f32x4.extract_lane(max, 0);
}

/** Writes u = exp((z - mz)/T), MATH (12); `toLog2` is (log2 e)/T. u lies elsewhere than the student. */
export function writeExponentials(student: usize, u: usize, classes: i32, max: f32, toLog2: f32): void {
  const mz = f32x4.splat(max);
  const c = f32x4.splat(toLog2);
  const last = student + (<usize>classes << 2) - 16;
  const toU = u - student;
  for (; student < last; student += 16) {
    v128.store(student + toU, exp2(f32x4.mul(f32x4.sub(v128.load(student), mz), c)));
  }
  v128.store(last + toU, exp2(f32x4.mul(f32x4.sub(v128.load(last), mz), c)));
}

/** In float64, from float32 sums of 128 numbers a lane. */
export function sumOfRow(u: usize, classes: i32): f64 {
  const end = u + (<usize>classes << 2);
  const whole = u + ((<usize>classes & ~3) << 2);
  let total: f64 = 0;
  while (u < whole) {
    const block = min(u + 2048, whole);
    let sum = f32x4.splat(0);
    for (; u < block; u += 16) sum = f32x4.add(sum, v128.load(u));
    const low = f64x2.promote_low_f32x4(sum);
    const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(sum, sum, 2, 3, 0, 1));
    const both = f64x2.add(low, high);
    total += f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  }
  for (; u < end; u += 4) total += load<f32>(u);
  return total;
}

/** Writes factor u to the gradient, or adds it; it may lie over u. */
export function writeScaled(u: usize, gradient: usize, classes: i32, factor: f32, adds: bool): void {
  const c = f32x4.splat(factor);
  const end = u + (<usize>classes << 2);
  const whole = u + ((<usize>classes & ~3) << 2);
  const to = gradient - u;
  for (; u < whole; u += 16) {
    const slope = f32x4.mul(v128.load(u), c);
    v128.store(u + to, adds ? f32x4.add(v128.load(u + to), slope) : slope);
  }
  for (; u < end; u += 4) {
    const slope = load<f32>(u) * factor;
    store<f32>(u + to, adds ? load<f32>(u + to) + slope : slope);
  }
}
