/**
 * What is read of a row before its gradient can be written. Every function takes `n` classes, a multiple of 16, and adds to the sums below, so that a row is
 * its whole sixteens and then a padded rest. Sums run in float32 lanes over a block of classes, in float64 over blocks.
 * `reverseKl` comes here with teacher and student exchanged.
 */
import { exp2, expm1Excess, LOG2_E, log2, sumLanes } from './vectors';

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

export function startRow(): void {
  sumStudent = 0;
  sumTeacher = 0;
  sumCross = 0;
  sumOwn = 0;
  sumExcess = 0;
  sumHard = 0;
  sumLabels = 0;
  sumLabelled = 0;
}

/** The largest value; NaN is passed over (the sums find it); -Infinity if there is none. */
export function maximum(x: usize, n: i32): f32 {
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
  m0 = f32x4.pmax(f32x4.pmax(m0, m1), f32x4.pmax(m2, m3));
  m0 = f32x4.pmax(m0, v128.shuffle<f32>(m0, m0, 2, 3, 0, 1));
  return max(f32x4.extract_lane(m0, 0), f32x4.extract_lane(m0, 1));
}

/** Whether |z - v - reference| <= limit at every class that is not masked in both, MATH (20). Stops at the first block that says no. */
export function isNear(student: usize, teacher: usize, n: i32, reference: f32, limit: f32): bool {
  const center = f32x4.splat(reference);
  const bound = f32x4.splat(limit);
  const toTeacher = teacher - student;
  const end = student + (<usize>n << 2);
  while (student < end) {
    let beyond = i32x4.splat(0);
    for (const stop = min(end, student + BLOCK); student < stop; student += 32) {
      const d0 = f32x4.sub(v128.load(student), v128.load(student + toTeacher));
      const d1 = f32x4.sub(v128.load(student, 16), v128.load(student + toTeacher, 16));
      beyond = v128.or(beyond, f32x4.gt(f32x4.abs(f32x4.sub(d0, center)), bound));
      beyond = v128.or(beyond, f32x4.gt(f32x4.abs(f32x4.sub(d1, center)), bound));
    }
    if (v128.any_true(beyond)) return false;
  }
  return true;
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
  maxStudent: f32,
  maxTeacher: f32,
  toLog2: f32,
  isKl: bool,
): void {
  const mz = f32x4.splat(maxStudent);
  const mv = f32x4.splat(maxTeacher);
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
  maxStudent: f32,
  maxTeacher: f32,
  toLog2: f32,
): void {
  sweep(student, teacher, u, w, n, maxStudent, maxTeacher, toLog2, false);
}

export function sweepKl(
  student: usize,
  teacher: usize,
  u: usize,
  w: usize,
  n: i32,
  maxStudent: f32,
  maxTeacher: f32,
  toLog2: f32,
): void {
  sweep(student, teacher, u, w, n, maxStudent, maxTeacher, toLog2, true);
}

/** As `sweep`, for the gradient to the teacher: writes x in the place of u. `kl` is 1 or 0: x = a - kl b. */
export function sweepToTeacher(
  student: usize,
  teacher: usize,
  x: usize,
  w: usize,
  n: i32,
  maxStudent: f32,
  maxTeacher: f32,
  toLog2: f32,
  kl: f32,
): void {
  const mz = f32x4.splat(maxStudent);
  const mv = f32x4.splat(maxTeacher);
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
  maxStudent: f32,
  toLog2: f32,
): void {
  const mz = f32x4.splat(maxStudent);
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

/** y of MATH (20), and 0 at a class masked in both: z - v is d + e exactly (TwoSum), and so is that of the reference class. */
// @ts-ignore: decorator
@inline
function disagreement(z: v128, v: v128, reference: v128, referenceRest: v128, inverseTemperature: v128): v128 {
  const d = f32x4.sub(z, v);
  const back = f32x4.sub(d, z);
  const rest = f32x4.sub(f32x4.sub(z, f32x4.sub(d, back)), f32x4.add(v, back));
  const apart = f32x4.add(f32x4.sub(d, reference), f32x4.sub(rest, referenceRest));
  // In a near row -Infinity on one side is -Infinity on the other; not so beside a NaN, but that shows in w.
  const exists = f32x4.ne(f32x4.pmax(z, v), f32x4.splat(-Infinity));
  return v128.and(f32x4.mul(apart, inverseTemperature), exists);
}

/** A near row: writes w and expm1(y), or y itself if `keepsY`. MATH (20), (21). Two vectors at a time, as in `sweep`. */
export function sweepNear(
  student: usize,
  teacher: usize,
  to: usize,
  w: usize,
  n: i32,
  maxTeacher: f32,
  inverseTemperature: f32,
  toLog2: f32,
  reference: f32,
  referenceRest: f32,
  keepsY: bool,
): void {
  const mv = f32x4.splat(maxTeacher);
  const c = f32x4.splat(toLog2);
  const first = f32x4.splat(reference);
  const firstRest = f32x4.splat(referenceRest);
  const it = f32x4.splat(inverseTemperature);
  const added = i32x4.splat(keepsY ? 0 : -1);
  const end = student + (<usize>n << 2);
  while (student < end) {
    let sw = f32x4.splat(0);
    let sb = sw;
    let sy = sw;
    let sr = sw;
    for (const stop = min(end, student + BLOCK); student < stop; student += 32) {
      const v0 = v128.load(teacher);
      const v1 = v128.load(teacher, 16);
      const y0 = disagreement(v128.load(student), v0, first, firstRest, it);
      const y1 = disagreement(v128.load(student, 16), v1, first, firstRest, it);
      const b0 = scale(v0, mv, c);
      const b1 = scale(v1, mv, c);
      const w0 = exp2(b0);
      const w1 = exp2(b1);
      const r0 = expm1Excess(y0);
      const r1 = expm1Excess(y1);
      v128.store(to, f32x4.add(y0, v128.and(r0, added)));
      v128.store(to, f32x4.add(y1, v128.and(r1, added)), 16);
      v128.store(w, w0);
      v128.store(w, w1, 16);
      sw = f32x4.add(sw, f32x4.add(w0, w1));
      sb = f32x4.add(sb, f32x4.add(share(w0, b0), share(w1, b1)));
      sy = f32x4.add(sy, f32x4.add(f32x4.mul(w0, y0), f32x4.mul(w1, y1)));
      sr = f32x4.add(sr, f32x4.add(f32x4.mul(w0, r0), f32x4.mul(w1, r1)));
      teacher += 32;
      to += 32;
      w += 32;
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

/** Y and sum of y (z - mz), for labels that are a distribution. */
export function sweepLabels(student: usize, labels: usize, n: i32, maxStudent: f32): void {
  const mz = f32x4.splat(maxStudent);
  const end = student + (<usize>n << 2);
  while (student < end) {
    let sum = f32x4.splat(0);
    let labelled = sum;
    for (const stop = min(end, student + BLOCK); student < stop; student += 16) {
      const y = v128.load(labels);
      sum = f32x4.add(sum, y);
      labelled = f32x4.add(labelled, share(y, f32x4.sub(v128.load(student), mz)));
      labels += 16;
    }
    sumLabels += sumLanes(sum);
    sumLabelled += sumLanes(labelled);
  }
}

/** Sum of z - mz over n classes, any n, for label smoothing: -Infinity if one is masked. */
export function sumBelowMaximum(student: usize, n: i32, maxStudent: f32): f64 {
  const mz = f32x4.splat(maxStudent);
  const end = student + (<usize>n << 2);
  const whole = student + (<usize>(n & ~3) << 2);
  let total: f64 = 0;
  while (student < whole) {
    let sum = f32x4.splat(0);
    for (const stop = min(whole, student + BLOCK); student < stop; student += 16) {
      sum = f32x4.add(sum, f32x4.sub(v128.load(student), mz));
    }
    total += sumLanes(sum);
  }
  for (; student < end; student += 4) total += load<f32>(student) - maxStudent;
  return total;
}
