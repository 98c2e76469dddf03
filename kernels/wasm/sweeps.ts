/**
 * What is read of a row before its gradient can be written. Every function takes `n` classes, a multiple of 16, and adds to the sums below, so that a row is
 * its whole sixteens and then a padded rest. Sums run in float32 lanes over a block of classes, in float64 over blocks.
 * `reverseKl` comes here with teacher and student exchanged.
 */
import { clamp, exp2, exp2Clamped, expm1Ratio, LOG2_E, log2, sumLanes } from './vectors';

/** Bytes of the classes whose terms are added up in float32: 64 in each lane. */
const BLOCK: usize = 1024;

/** sz, sv of MATH (12). */
export let sumStudent: f64 = 0;
export let sumTeacher: f64 = 0;
/** Sum of w x in units of log 2, x = a for the cross entropy, a - b for KL: MATH (13). In a near row M of MATH (21), in units of 1. */
export let sumCross: f64 = 0;
/** In a near row, sum of w b in units of log 2; of probabilities, sum of p log2 p. */
export let sumOwn: f64 = 0;
/** R of MATH (21). */
export let sumExcess: f64 = 0;
/** Of the hard term, MATH (18): s1, Y, sum y (z - mz) in units of log 2, sum of z - mz. */
export let sumHard: f64 = 0;
export let sumLabels: f64 = 0;
export let sumLabelled: f64 = 0;

/** mz and mv over the classes read so far, in the order of the divergence's arguments; mv is 0 for probabilities. */
export let maxSecond: f32 = 0;
export let maxFirst: f32 = 0;
/** The range of d of MATH (20) over those that were tested. A class that is masked in both has no d. */
export let lowest: f32 = 0;
export let highest: f32 = 0;
/** 1/T and log2(e)/T. */
let inverseTemperature: f32 = 0;
let toLog2: f32 = 0;

/** Sums and maxima of nothing. */
export function startRow(oneOverT: f64): void {
  oneOverT = min(oneOverT, 2e38); // finite in float32, so that 0 times it is 0
  inverseTemperature = <f32>oneOverT;
  toLog2 = <f32>(LOG2_E * oneOverT);
  maxSecond = -Infinity;
  maxFirst = -Infinity;
  lowest = Infinity;
  highest = -Infinity;
  sumStudent = 0;
  sumTeacher = 0;
  sumCross = 0;
  sumOwn = 0;
  sumExcess = 0;
  sumHard = 0;
  startLabels();
}

export function startLabels(): void {
  sumLabels = 0;
  sumLabelled = 0;
}

/** The largest value; NaN is passed over (the sums find it); -Infinity if there is none. */
function maximum(x: usize, n: i32): f32 {
  let m0 = f32x4.splat(-Infinity);
  let m1 = m0;
  let m2 = m0;
  let m3 = m0;
  for (const end = x + (<usize>n << 2); x < end; x += 64) {
    m0 = f32x4.pmax(m0, v128.load(x));
    m1 = f32x4.pmax(m1, v128.load(x, 16));
    m2 = f32x4.pmax(m2, v128.load(x, 32));
    m3 = f32x4.pmax(m3, v128.load(x, 48));
  }
  return maxLane(f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3)));
}

/**
 * Widens the maxima, without `hasLogits` that of the student alone, and the range of d as long as it is within `limit`: from the block of classes with which it is not,
 * only the maxima go on.
 */
export function sweepMaxima(second: usize, first: usize, n: i32, hasLogits: bool, limit: f32): void {
  const end = second + (<usize>n << 2);
  const toFirst = first - second;
  if (highest - lowest <= limit) second = sweepRange(second, first, n, limit);
  const left = <i32>((end - second) >> 2);
  if (!left) return;
  maxSecond = max(maxSecond, maximum(second, left));
  maxFirst = hasLogits ? max(maxFirst, maximum(second + toFirst, left)) : 0;
}

/** Returns where in `student` it stopped. */
function sweepRange(student: usize, teacher: usize, n: i32, limit: f32): usize {
  const toTeacher = teacher - student;
  let mz = f32x4.splat(maxSecond);
  let mv = f32x4.splat(maxFirst);
  let low = f32x4.splat(lowest);
  let high = f32x4.splat(highest);
  const bound = f32x4.splat(limit);
  const end = student + (<usize>n << 2);
  while (student < end) {
    for (const stop = min(end, student + BLOCK); student < stop; student += 32) {
      const z0 = v128.load(student);
      const z1 = v128.load(student, 16);
      const v0 = v128.load(student + toTeacher);
      const v1 = v128.load(student + toTeacher, 16);
      const d0 = f32x4.sub(z0, v0);
      const d1 = f32x4.sub(z1, v1);
      mz = f32x4.pmax(f32x4.pmax(mz, z0), z1);
      mv = f32x4.pmax(f32x4.pmax(mv, v0), v1);
      low = f32x4.pmin(f32x4.pmin(low, d0), d1);
      high = f32x4.pmax(f32x4.pmax(high, d0), d1);
    }
    if (!i32x4.all_true(f32x4.le(f32x4.sub(high, low), bound))) break;
  }
  maxSecond = maxLane(mz);
  maxFirst = maxLane(mv);
  highest = maxLane(high);
  lowest = -maxLane(f32x4.neg(low));
  return student;
}

/** Of lanes that are not NaN. */
// @ts-ignore: decorator
@inline
function maxLane(x: v128): f32 {
  x = f32x4.pmax(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  x = f32x4.pmax(x, v128.shuffle<f32>(x, x, 1, 0, 3, 2));
  return f32x4.extract_lane(x, 0);
}

/** (x - maximum)/T in units of log 2: the difference first, which is exact where it is small. */
// @ts-ignore: decorator
@inline
function scale(x: v128, maximum: v128, toLog2: v128): v128 {
  return f32x4.mul(f32x4.sub(x, maximum), toLog2);
}

/** w x, and 0 where w = 0: such a class has no mass, whatever x is. */
// @ts-ignore: decorator
@inline
function share(w: v128, x: v128): v128 {
  return v128.and(f32x4.mul(w, x), f32x4.ne(w, f32x4.splat(0)));
}

/**
 * Teacher as logits: writes u and w, which may lie over z and v. Sixteen classes at a time, because V8 builds the constants of exp2 anew in every
 * iteration; by pairs of vectors, because there are 16 registers.
 */
// @ts-ignore: decorator
@inline
function sweep(
  student: usize,
  teacher: usize,
  u: usize,
  w: usize,
  n: i32,
  isKl: bool,
): void {
  const mz = f32x4.splat(maxSecond);
  const mv = f32x4.splat(maxFirst);
  const c = f32x4.splat(toLog2);
  const end = student + (<usize>n << 2);
  while (student < end) {
    let su = f32x4.splat(0);
    let sw = su;
    let sx = su;
    for (const stop = min(end, student + BLOCK); student < stop; student += 64) {
      const a0 = scale(v128.load(student), mz, c);
      const a1 = scale(v128.load(student, 16), mz, c);
      const b0 = scale(v128.load(teacher), mv, c);
      const b1 = scale(v128.load(teacher, 16), mv, c);
      const u0 = exp2(a0);
      const u1 = exp2(a1);
      const w0 = exp2(b0);
      const w1 = exp2(b1);
      v128.store(u, u0);
      v128.store(u, u1, 16);
      v128.store(w, w0);
      v128.store(w, w1, 16);
      su = f32x4.add(su, f32x4.add(u0, u1));
      sw = f32x4.add(sw, f32x4.add(w0, w1));
      const x0 = share(w0, isKl ? f32x4.sub(a0, b0) : a0);
      const x1 = share(w1, isKl ? f32x4.sub(a1, b1) : a1);
      sx = f32x4.add(sx, f32x4.add(x0, x1));

      const a2 = scale(v128.load(student, 32), mz, c);
      const a3 = scale(v128.load(student, 48), mz, c);
      const b2 = scale(v128.load(teacher, 32), mv, c);
      const b3 = scale(v128.load(teacher, 48), mv, c);
      const u2 = exp2(a2);
      const u3 = exp2(a3);
      const w2 = exp2(b2);
      const w3 = exp2(b3);
      v128.store(u, u2, 32);
      v128.store(u, u3, 48);
      v128.store(w, w2, 32);
      v128.store(w, w3, 48);
      su = f32x4.add(su, f32x4.add(u2, u3));
      sw = f32x4.add(sw, f32x4.add(w2, w3));
      const x2 = share(w2, isKl ? f32x4.sub(a2, b2) : a2);
      const x3 = share(w3, isKl ? f32x4.sub(a3, b3) : a3);
      sx = f32x4.add(sx, f32x4.add(x2, x3));
      teacher += 64;
      u += 64;
      w += 64;
    }
    sumStudent += sumLanes(su);
    sumTeacher += sumLanes(sw);
    sumCross += sumLanes(sx);
  }
}

export function sweepCrossEntropy(
  student: usize,
  teacher: usize,
  u: usize,
  w: usize,
  n: i32,
): void {
  sweep(student, teacher, u, w, n, false);
}

export function sweepKl(
  student: usize,
  teacher: usize,
  u: usize,
  w: usize,
  n: i32,
): void {
  sweep(student, teacher, u, w, n, true);
}

/** As `sweep`, for the gradient to the teacher: writes x in the place of u. `kl` is 1 or 0: x = a - kl b. */
export function sweepToTeacher(
  student: usize,
  teacher: usize,
  x: usize,
  w: usize,
  n: i32,
  kl: f32,
): void {
  const mz = f32x4.splat(maxSecond);
  const mv = f32x4.splat(maxFirst);
  const c = f32x4.splat(toLog2);
  const end = student + (<usize>n << 2);
  while (student < end) {
    let su = f32x4.splat(0);
    let sw = su;
    let sx = su;
    for (const stop = min(end, student + BLOCK); student < stop; student += 16) {
      const a = scale(v128.load(student), mz, c);
      const b = scale(v128.load(teacher), mv, c);
      const wi = exp2(b);
      const xi = f32x4.sub(a, f32x4.mul(b, f32x4.splat(kl)));
      v128.store(x, xi);
      v128.store(w, wi);
      su = f32x4.add(su, exp2(a));
      sw = f32x4.add(sw, wi);
      sx = f32x4.add(sx, share(wi, xi));
      teacher += 16;
      x += 16;
      w += 16;
    }
    sumStudent += sumLanes(su);
    sumTeacher += sumLanes(sw);
    sumCross += sumLanes(sx);
  }
}

/** Teacher as probabilities: writes u, and p as w. */
export function sweepProbabilities(
  student: usize,
  teacher: usize,
  u: usize,
  w: usize,
  n: i32,
): void {
  const mz = f32x4.splat(maxSecond);
  const c = f32x4.splat(toLog2);
  const end = student + (<usize>n << 2);
  while (student < end) {
    let su = f32x4.splat(0);
    let sp = su;
    let sx = su;
    for (const stop = min(end, student + BLOCK); student < stop; student += 32) {
      const a0 = scale(v128.load(student), mz, c);
      const a1 = scale(v128.load(student, 16), mz, c);
      const p0 = v128.load(teacher);
      const p1 = v128.load(teacher, 16);
      const u0 = exp2(a0);
      const u1 = exp2(a1);
      v128.store(u, u0);
      v128.store(u, u1, 16);
      v128.store(w, p0);
      v128.store(w, p1, 16);
      su = f32x4.add(su, f32x4.add(u0, u1));
      sp = f32x4.add(sp, f32x4.add(p0, p1));
      sx = f32x4.add(sx, f32x4.add(share(p0, a0), share(p1, a1)));
      teacher += 32;
      u += 32;
      w += 32;
    }
    sumStudent += sumLanes(su);
    sumTeacher += sumLanes(sp);
    sumCross += sumLanes(sx);
  }
}

/** Sum of p log2 p, for KL of probabilities. */
export function sweepEntropy(teacher: usize, n: i32): void {
  const end = teacher + (<usize>n << 2);
  while (teacher < end) {
    let sum = f32x4.splat(0);
    for (const stop = min(end, teacher + BLOCK); teacher < stop; teacher += 16) {
      const p = v128.load(teacher);
      sum = f32x4.add(sum, f32x4.mul(p, log2(p)));
    }
    sumOwn += sumLanes(sum);
  }
}

/** What rounding took from d = z - v: TwoSum, MATH (20). */
// @ts-ignore: decorator
@inline
function roundingOf(d: v128, z: v128, v: v128): v128 {
  const back = f32x4.sub(d, z);
  return f32x4.sub(f32x4.sub(z, f32x4.sub(d, back)), f32x4.add(v, back));
}

/** In a near row -Infinity on one side is -Infinity on the other; not so beside a NaN, but one in v shows in w. */
// @ts-ignore: decorator
@inline
function unlessMasked(y: v128, z: v128): v128 {
  return v128.and(y, f32x4.ne(z, f32x4.splat(-Infinity)));
}

/** A near row: writes w and expm1(y), or y itself if `keepsY`. MATH (20), (21). By pairs of vectors, as in `sweep`. */
export function sweepNear(
  student: usize,
  teacher: usize,
  to: usize,
  w: usize,
  n: i32,
  keepsY: bool,
): void {
  const mv = f32x4.splat(maxFirst);
  const c = f32x4.splat(toLog2);
  const reference = lowest + (highest - lowest) * 0.5;
  // In other rows the rounding of d is at most 2^-20 of the range.
  const isShifted = abs(reference) > (highest - lowest) * 16;
  const center = f32x4.splat(reference);
  const it = f32x4.splat(inverseTemperature);
  const added = i32x4.splat(keepsY ? 0 : -1);
  const end = student + (<usize>n << 2);
  while (student < end) {
    let sw = f32x4.splat(0);
    let sb = sw;
    let sy = sw;
    let sr = sw;
    for (const stop = min(end, student + BLOCK); student < stop; student += 64) {
      const z0 = v128.load(student);
      const v0 = v128.load(teacher);
      const d0 = f32x4.sub(z0, v0);
      let y0 = f32x4.sub(d0, center);
      const z1 = v128.load(student, 16);
      const v1 = v128.load(teacher, 16);
      const d1 = f32x4.sub(z1, v1);
      let y1 = f32x4.sub(d1, center);
      const z2 = v128.load(student, 32);
      const v2 = v128.load(teacher, 32);
      const d2 = f32x4.sub(z2, v2);
      let y2 = f32x4.sub(d2, center);
      const z3 = v128.load(student, 48);
      const v3 = v128.load(teacher, 48);
      const d3 = f32x4.sub(z3, v3);
      let y3 = f32x4.sub(d3, center);
      if (isShifted) {
        y0 = f32x4.add(y0, roundingOf(d0, z0, v0));
        y1 = f32x4.add(y1, roundingOf(d1, z1, v1));
        y2 = f32x4.add(y2, roundingOf(d2, z2, v2));
        y3 = f32x4.add(y3, roundingOf(d3, z3, v3));
      }
      y0 = unlessMasked(f32x4.mul(y0, it), z0);
      y1 = unlessMasked(f32x4.mul(y1, it), z1);
      y2 = unlessMasked(f32x4.mul(y2, it), z2);
      y3 = unlessMasked(f32x4.mul(y3, it), z3);

      const b0 = clamp(scale(v0, mv, c));
      const b1 = clamp(scale(v1, mv, c));
      const w0 = exp2Clamped(b0);
      const w1 = exp2Clamped(b1);
      const q0 = expm1Ratio(y0);
      const q1 = expm1Ratio(y1);
      v128.store(to, f32x4.add(y0, f32x4.mul(y0, v128.and(q0, added))));
      v128.store(to, f32x4.add(y1, f32x4.mul(y1, v128.and(q1, added))), 16);
      v128.store(w, w0);
      v128.store(w, w1, 16);
      sw = f32x4.add(sw, f32x4.add(w0, w1));
      sb = f32x4.add(sb, f32x4.add(f32x4.mul(w0, b0), f32x4.mul(w1, b1)));
      const m0 = f32x4.mul(w0, y0);
      const m1 = f32x4.mul(w1, y1);
      sy = f32x4.add(sy, f32x4.add(m0, m1));
      sr = f32x4.add(sr, f32x4.add(f32x4.mul(m0, q0), f32x4.mul(m1, q1)));

      const b2 = clamp(scale(v2, mv, c));
      const b3 = clamp(scale(v3, mv, c));
      const w2 = exp2Clamped(b2);
      const w3 = exp2Clamped(b3);
      const q2 = expm1Ratio(y2);
      const q3 = expm1Ratio(y3);
      v128.store(to, f32x4.add(y2, f32x4.mul(y2, v128.and(q2, added))), 32);
      v128.store(to, f32x4.add(y3, f32x4.mul(y3, v128.and(q3, added))), 48);
      v128.store(w, w2, 32);
      v128.store(w, w3, 48);
      sw = f32x4.add(sw, f32x4.add(w2, w3));
      sb = f32x4.add(sb, f32x4.add(f32x4.mul(w2, b2), f32x4.mul(w3, b3)));
      const m2 = f32x4.mul(w2, y2);
      const m3 = f32x4.mul(w3, y3);
      sy = f32x4.add(sy, f32x4.add(m2, m3));
      sr = f32x4.add(sr, f32x4.add(f32x4.mul(m2, q2), f32x4.mul(m3, q3)));
      teacher += 64;
      to += 64;
      w += 64;
    }
    sumTeacher += sumLanes(sw);
    sumOwn += sumLanes(sb);
    sumCross += sumLanes(sy);
    sumExcess += sumLanes(sr);
  }
}

/** exp(z - mz) of the hard term, written to r. MATH (12). */
export function sweepHard(student: usize, r: usize, n: i32, maxStudent: f32): void {
  const mz = f32x4.splat(maxStudent);
  const c = f32x4.splat(<f32>LOG2_E);
  const end = student + (<usize>n << 2);
  while (student < end) {
    let sum = f32x4.splat(0);
    for (const stop = min(end, student + BLOCK); student < stop; student += 32) {
      const r0 = exp2(scale(v128.load(student), mz, c));
      const r1 = exp2(scale(v128.load(student, 16), mz, c));
      v128.store(r, r0);
      v128.store(r, r1, 16);
      sum = f32x4.add(sum, f32x4.add(r0, r1));
      r += 32;
    }
    sumHard += sumLanes(sum);
  }
}

/** Adds to Y and to the sum of y (z - mz), for labels that are a distribution. With `labelStep` 0 one vector of labels serves all classes. */
export function sweepLabels(student: usize, labels: usize, labelStep: usize, n: i32, maxStudent: f32): void {
  const mz = f32x4.splat(maxStudent);
  const end = student + (<usize>n << 2);
  while (student < end) {
    let sum = f32x4.splat(0);
    let labelled = sum;
    for (const stop = min(end, student + BLOCK); student < stop; student += 16) {
      const y = v128.load(labels);
      sum = f32x4.add(sum, y);
      labelled = f32x4.add(labelled, share(y, f32x4.sub(v128.load(student), mz)));
      labels += labelStep;
    }
    sumLabels += sumLanes(sum);
    sumLabelled += sumLanes(labelled);
  }
}
