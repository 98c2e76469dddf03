/**
 * What is read of rows before their gradient can be written. Every function takes so many `bytes` of a block of classes, an even number of vectors and not none, and
 * adds to the sums: in float32 lanes within the block, in float64 over blocks. `reverseKl` comes here with teacher and student exchanged.
 */
import {
  addLanes,
  HIGHEST,
  INVERSE_T,
  LIMIT,
  lanes,
  MAX_FIRST,
  MAX_SECOND,
  MINUS_LOWEST,
  SUM_CROSS,
  SUM_HARD,
  SUM_LABELLED,
  SUM_LABELS,
  SUM_OWN,
  SUM_STUDENT,
  SUM_TEACHER,
  TO_LOG2,
} from './lanes';
import { clamp, exp2, exp2Clamped, expm1Ratio, LOG2_E, log2 } from './vectors';

/** The largest value of each lane; NaN is passed over (the sums find it). */
function addMaximum(slot: usize, x: usize, bytes: usize): void {
  let m0 = v128.load(lanes + slot);
  let m1 = m0;
  const end = x + bytes;
  do {
    m0 = f32x4.pmax(m0, v128.load(x));
    m1 = f32x4.pmax(m1, v128.load(x, 16));
    x += 32;
  } while (x < end);
  v128.store(lanes + slot, f32x4.pmax(m0, m1));
}

/** Widens the maxima, without `hasLogits` that of the student alone, and the range of d, as long as it is within its limit in some lane. */
export function sweepMaxima(second: usize, first: usize, bytes: usize, hasLogits: bool): void {
  let low = f32x4.neg(v128.load(lanes, MINUS_LOWEST));
  let high = v128.load(lanes, HIGHEST);
  if (v128.any_true(f32x4.le(f32x4.sub(high, low), v128.load(lanes, LIMIT)))) {
    let mz = v128.load(lanes, MAX_SECOND);
    let mv = v128.load(lanes, MAX_FIRST);
    const end = second + bytes;
    do {
      const z0 = v128.load(second);
      const z1 = v128.load(second, 16);
      const v0 = v128.load(first);
      const v1 = v128.load(first, 16);
      const d0 = f32x4.sub(z0, v0);
      const d1 = f32x4.sub(z1, v1);
      mz = f32x4.pmax(f32x4.pmax(mz, z0), z1);
      mv = f32x4.pmax(f32x4.pmax(mv, v0), v1);
      low = f32x4.pmin(f32x4.pmin(low, d0), d1);
      high = f32x4.pmax(f32x4.pmax(high, d0), d1);
      first += 32;
      second += 32;
    } while (second < end);
    v128.store(lanes, mz, MAX_SECOND);
    v128.store(lanes, mv, MAX_FIRST);
    v128.store(lanes, f32x4.neg(low), MINUS_LOWEST);
    v128.store(lanes, high, HIGHEST);
  } else {
    addMaximum(MAX_SECOND, second, bytes);
    if (hasLogits) addMaximum(MAX_FIRST, first, bytes);
  }
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

/** Teacher as logits: writes u and w, which may lie over z and v. By pairs of vectors, because there are 16 registers. */
// @ts-ignore: decorator
@inline
function sweepLogits(student: usize, teacher: usize, u: usize, w: usize, bytes: usize, isKl: bool): void {
  const mz = v128.load(lanes, MAX_SECOND);
  const mv = v128.load(lanes, MAX_FIRST);
  const c = v128.load(lanes, TO_LOG2);
  let su = f32x4.splat(0);
  let sw = su;
  let sx = su;
  const end = student + bytes;
  do {
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
    teacher += 32;
    u += 32;
    w += 32;
    student += 32;
  } while (student < end);
  addLanes(SUM_STUDENT, su);
  addLanes(SUM_TEACHER, sw);
  addLanes(SUM_CROSS, sx);
}

export function sweepCrossEntropy(student: usize, teacher: usize, u: usize, w: usize, bytes: usize): void {
  sweepLogits(student, teacher, u, w, bytes, false);
}

export function sweepKl(student: usize, teacher: usize, u: usize, w: usize, bytes: usize): void {
  sweepLogits(student, teacher, u, w, bytes, true);
}

/** As `sweepLogits`, for the gradient to the teacher: writes x in the place of u, x = a, for KL a - b. */
export function sweepToTeacher(student: usize, teacher: usize, x: usize, w: usize, bytes: usize, isKl: bool): void {
  const mz = v128.load(lanes, MAX_SECOND);
  const mv = v128.load(lanes, MAX_FIRST);
  const c = v128.load(lanes, TO_LOG2);
  const ofB = i32x4.splat(isKl ? -1 : 0);
  let su = f32x4.splat(0);
  let sw = su;
  let sx = su;
  const end = student + bytes;
  do {
    const a = scale(v128.load(student), mz, c);
    const b = scale(v128.load(teacher), mv, c);
    const wi = exp2(b);
    const xi = f32x4.sub(a, v128.and(b, ofB));
    v128.store(x, xi);
    v128.store(w, wi);
    su = f32x4.add(su, exp2(a));
    sw = f32x4.add(sw, wi);
    sx = f32x4.add(sx, share(wi, xi));
    teacher += 16;
    x += 16;
    w += 16;
    student += 16;
  } while (student < end);
  addLanes(SUM_STUDENT, su);
  addLanes(SUM_TEACHER, sw);
  addLanes(SUM_CROSS, sx);
}

/** Teacher as probabilities: writes u, and p as w. */
export function sweepProbabilities(student: usize, teacher: usize, u: usize, w: usize, bytes: usize): void {
  const mz = v128.load(lanes, MAX_SECOND);
  const c = v128.load(lanes, TO_LOG2);
  let su = f32x4.splat(0);
  let sp = su;
  let sx = su;
  const end = student + bytes;
  do {
    const a = scale(v128.load(student), mz, c);
    const p = v128.load(teacher);
    const ui = exp2(a);
    v128.store(u, ui);
    v128.store(w, p);
    su = f32x4.add(su, ui);
    sp = f32x4.add(sp, p);
    sx = f32x4.add(sx, share(p, a));
    teacher += 16;
    u += 16;
    w += 16;
    student += 16;
  } while (student < end);
  addLanes(SUM_STUDENT, su);
  addLanes(SUM_TEACHER, sp);
  addLanes(SUM_CROSS, sx);
}

/** Sum of p log2 p, for KL of probabilities. */
export function sweepEntropy(teacher: usize, bytes: usize): void {
  let sum = f32x4.splat(0);
  const end = teacher + bytes;
  do {
    const p = v128.load(teacher);
    sum = f32x4.add(sum, f32x4.mul(p, log2(p)));
    teacher += 16;
  } while (teacher < end);
  addLanes(SUM_OWN, sum);
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

/** Near rows: writes w and w expm1(y), or y in its place for the gradient to the teacher. MATH (20), (21). By pairs of vectors, as in `sweepLogits`. */
export function sweepNear(student: usize, teacher: usize, to: usize, w: usize, bytes: usize, toFirst: bool): void {
  const mv = v128.load(lanes, MAX_FIRST);
  const c = v128.load(lanes, TO_LOG2);
  const it = v128.load(lanes, INVERSE_T);
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
  const end = student + bytes;
  do {
    const z0 = v128.load(student);
    const v0 = v128.load(teacher);
    const d0 = f32x4.sub(z0, v0);
    let y0 = f32x4.sub(d0, center);
    const z1 = v128.load(student, 16);
    const v1 = v128.load(teacher, 16);
    const d1 = f32x4.sub(z1, v1);
    let y1 = f32x4.sub(d1, center);
    if (isAnyShifted) {
      y0 = f32x4.add(y0, v128.and(roundingOf(d0, z0, v0), areShifted));
      y1 = f32x4.add(y1, v128.and(roundingOf(d1, z1, v1), areShifted));
    }
    y0 = unlessMasked(f32x4.mul(y0, it), z0);
    y1 = unlessMasked(f32x4.mul(y1, it), z1);
    const b0 = clamp(scale(v0, mv, c));
    const b1 = clamp(scale(v1, mv, c));
    const w0 = exp2Clamped(b0);
    const w1 = exp2Clamped(b1);
    const q0 = expm1Ratio(y0);
    const q1 = expm1Ratio(y1);
    const m0 = f32x4.mul(w0, y0);
    const m1 = f32x4.mul(w1, y1);
    const r0 = f32x4.mul(m0, q0);
    const r1 = f32x4.mul(m1, q1);
    if (toFirst) {
      v128.store(to, y0);
      v128.store(to, y1, 16);
    } else {
      v128.store(to, f32x4.add(m0, r0));
      v128.store(to, f32x4.add(m1, r1), 16);
    }
    v128.store(w, w0);
    v128.store(w, w1, 16);
    sw = f32x4.add(sw, f32x4.add(w0, w1));
    sb = f32x4.add(sb, f32x4.add(f32x4.mul(w0, b0), f32x4.mul(w1, b1)));
    sy = f32x4.add(sy, f32x4.add(m0, m1));
    sr = f32x4.add(sr, f32x4.add(r0, r1));
    teacher += 32;
    to += 32;
    w += 32;
    student += 32;
  } while (student < end);
  addLanes(SUM_TEACHER, sw);
  addLanes(SUM_OWN, sb);
  addLanes(SUM_CROSS, sy);
  addLanes(SUM_STUDENT, sr);
}

/** exp(z - mz) of the hard term, written to r; mz is what lies at `maxStudent`. MATH (12). */
export function sweepHard(student: usize, r: usize, bytes: usize, maxStudent: usize): void {
  const mz = v128.load(maxStudent);
  const c = f32x4.splat(<f32>LOG2_E);
  let sum = f32x4.splat(0);
  const end = student + bytes;
  do {
    const ri = exp2(scale(v128.load(student), mz, c));
    v128.store(r, ri);
    sum = f32x4.add(sum, ri);
    r += 16;
    student += 16;
  } while (student < end);
  addLanes(SUM_HARD, sum);
}

/** Adds `part` of the labels to Y' and to the sum of y' (z - mz). With `labelStep` 0 one vector of labels serves all classes. */
export function sweepLabels(student: usize, labels: usize, labelStep: usize, bytes: usize, maxStudent: usize, part: f32): void {
  const mz = v128.load(maxStudent);
  let sum = f32x4.splat(0);
  let labelled = sum;
  const end = student + bytes;
  do {
    const y = f32x4.mul(v128.load(labels), f32x4.splat(part));
    sum = f32x4.add(sum, y);
    labelled = f32x4.add(labelled, share(y, f32x4.sub(v128.load(student), mz)));
    labels += labelStep;
    student += 16;
  } while (student < end);
  addLanes(SUM_LABELS, sum);
  addLanes(SUM_LABELLED, labelled);
}
