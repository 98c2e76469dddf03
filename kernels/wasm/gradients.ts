/**
 * What is written of a row or a group once its sums are known. Every function takes so many `bytes` of
 * classes, an even number of vectors and not none; outputs may lie over inputs.
 */
import { CONSTANT, lanes, MEAN, TO_LABEL, TO_R, TO_U, TO_W } from './lanes';

/** Keeps a number that the gradient of a lane is written with. */
// @ts-ignore: decorator
@inline
export function setFactor(at: usize, slot: usize, factor: f64): void {
  v128.store(at + slot, f32x4.splat(<f32>factor));
}

/** toU u - toW w: MATH (3), (4), (9), of near rows (23), with w expm1(y) in the place of u. */
export function writeDifference(u: usize, w: usize, gradient: usize, bytes: usize): void {
  const cu = v128.load(lanes, TO_U);
  const cw = v128.load(lanes, TO_W);
  const end = u + bytes;
  do {
    const g0 = f32x4.sub(f32x4.mul(v128.load(u), cu), f32x4.mul(v128.load(w), cw));
    const g1 = f32x4.sub(f32x4.mul(v128.load(u, 16), cu), f32x4.mul(v128.load(w, 16), cw));
    v128.store(gradient, g0);
    v128.store(gradient, g1, 16);
    w += 32;
    gradient += 32;
    u += 32;
  } while (u < end);
}

/** toW w (mean - x), 0 where toW w = 0: MATH (5)-(8), (10). */
export function writeCentred(x: usize, w: usize, gradient: usize, bytes: usize): void {
  const mean = v128.load(lanes, MEAN);
  const cw = v128.load(lanes, TO_W);
  const end = x + bytes;
  do {
    const wi = f32x4.mul(v128.load(w), cw);
    const slope = f32x4.mul(wi, f32x4.sub(mean, v128.load(x)));
    v128.store(gradient, v128.and(slope, f32x4.ne(wi, f32x4.splat(0))));
    w += 16;
    gradient += 16;
    x += 16;
  } while (x < end);
}

/** mean - toW x, 0 where x is NaN because neither side has the class: MATH (11). */
export function writeSlopes(x: usize, gradient: usize, bytes: usize): void {
  const mean = v128.load(lanes, MEAN);
  const cx = v128.load(lanes, TO_W);
  for (const end = x + bytes; x < end; x += 16) {
    const xi = v128.load(x);
    v128.store(gradient, v128.and(f32x4.sub(mean, f32x4.mul(xi, cx)), f32x4.eq(xi, xi)));
    gradient += 16;
  }
}

/**
 * Adds toR r - toLabel y - constant: MATH (2). Only `areMany` labels are read; what they are does not matter
 * where toLabel is 0.
 */
export function addHardGradient(r: usize, labels: usize, gradient: usize, bytes: usize, areMany: bool): void {
  const cr = v128.load(lanes, TO_R);
  const cy = areMany ? v128.load(lanes, TO_LABEL) : f32x4.splat(0);
  const isLabelled = f32x4.ne(cy, f32x4.splat(0));
  const constant = v128.load(lanes, CONSTANT);
  const end = r + bytes;
  do {
    const target = f32x4.add(v128.and(f32x4.mul(v128.load(labels), cy), isLabelled), constant);
    const slope = f32x4.sub(f32x4.mul(v128.load(r), cr), target);
    v128.store(gradient, f32x4.add(v128.load(gradient), slope));
    labels += 16;
    gradient += 16;
    r += 16;
  } while (r < end);
}
