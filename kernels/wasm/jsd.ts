/**
 * J of MATH (6): beta KL(p || m) + (1 - beta) KL(q || m), m = beta p + (1 - beta) q. p and q stand inside a
 * logarithm, so that the two sums take a second sweep once sz and sv are known. In it m is divided by q/u,
 * which all classes have in common: m = MIXTURE_FIRST w + MIXTURE_SECOND u.
 */
import { setFactor } from './gradients';
import {
  addLanes,
  FIRST_INVERSE_T,
  FIRST_TO_LOG2,
  LAMBDA,
  lanes,
  LOG_FIRST,
  LOG_MIXTURE,
  LOG_SECOND,
  MAX_FIRST,
  MAX_SECOND,
  MEAN,
  MEAN_EXPM1,
  MIXTURE_FIRST,
  MIXTURE_SECOND,
  NEAR_KL,
  PER_MEAN_EXP,
  PER_W,
  SECOND_INVERSE_T,
  SECOND_TO_LOG2,
  startSums,
  SUM_CROSS,
  SUM_FIRST,
  SUM_FIRST_LOG,
  SUM_GAP,
  SUM_MIXTURE,
  SUM_SECOND,
  SUM_SECOND_LOG,
  TO_W,
} from './lanes';
import { logOfSum } from './logarithms';
import { scaled } from './logits';
import { beta, CENTRED, gradientTo, TO_STUDENT, TO_TEACHER, written } from './objective';
import {
  BLOCK,
  bytesOfBlock,
  end,
  first,
  firstPad,
  PAD,
  rest,
  second,
  secondPad,
  u,
  w,
  wholeBytes,
} from './rows';
import { isDistribution, logMassOf, massOf, sumsOf } from './sums';
import { entropyGap, exp2, expm1Ratio, LN_2, log1pSmall, log2, multiplyAdd, share } from './vectors';

/** sz and sv of MATH (12); nothing is written. */
export function sweepMasses(student: usize, teacher: usize, bytes: usize): void {
  const mz = v128.load(lanes, MAX_SECOND);
  const mv = v128.load(lanes, MAX_FIRST);
  const toA = v128.load(lanes, SECOND_TO_LOG2);
  const toB = v128.load(lanes, FIRST_TO_LOG2);
  let su = f32x4.splat(0);
  let sw = su;
  const end = student + bytes;
  do {
    const u0 = exp2(scaled(v128.load(student), mz, toA));
    const u1 = exp2(scaled(v128.load(student, 16), mz, toA));
    const w0 = exp2(scaled(v128.load(teacher), mv, toB));
    const w1 = exp2(scaled(v128.load(teacher, 16), mv, toB));
    su = f32x4.add(su, f32x4.add(u0, u1));
    sw = f32x4.add(sw, f32x4.add(w0, w1));
    teacher += 32;
    student += 32;
  } while (student < end);
  addLanes(SUM_SECOND, su);
  addLanes(SUM_FIRST, sw);
}

/** The second sweep: compares teacher and student with their mixture. */
export function sumMixture(near: bool): void {
  for (let at = lanes; at < end; at += 4) prepareMixture(at, near);
  startSums(SUM_FIRST_LOG, SUM_GAP + 32);
  if (near) {
    logOfSum(SUM_MIXTURE, LOG_MIXTURE);
    if (rest) sweepNearMixture(secondPad, firstPad, PAD);
    for (let at: usize = 0; at < wholeBytes; at += BLOCK) sweepNearMixture(u + at, w + at, bytesOfBlock(at));
  } else {
    if (rest) sweepMixture(secondPad, firstPad, secondPad, firstPad, PAD);
    for (let at: usize = 0; at < wholeBytes; at += BLOCK) {
      sweepMixture(second + at, first + at, u + at, w + at, bytesOfBlock(at));
    }
  }
}

/**
 * Writes the mass that the gradient is of, u or w, and x = log2(m/q) or log2(m/p), which may lie over the
 * logits; x is NaN where neither side has the class. Both but for a constant.
 */
function sweepMixture(student: usize, teacher: usize, x: usize, massTo: usize, bytes: usize): void {
  const mz = v128.load(lanes, MAX_SECOND);
  const mv = v128.load(lanes, MAX_FIRST);
  const toA = v128.load(lanes, SECOND_TO_LOG2);
  const toB = v128.load(lanes, FIRST_TO_LOG2);
  const partOfW = v128.load(lanes, MIXTURE_FIRST);
  const partOfU = v128.load(lanes, MIXTURE_SECOND);
  const ofTeacher = i32x4.splat(gradientTo == TO_TEACHER ? -1 : 0);
  let sp = f32x4.splat(0);
  let sq = sp;
  const end = student + bytes;
  do {
    const a = scaled(v128.load(student), mz, toA);
    const b = scaled(v128.load(teacher), mv, toB);
    const ui = exp2(a);
    const wi = exp2(b);
    const logMixture = log2(multiplyAdd(wi, partOfW, f32x4.mul(ui, partOfU)));
    const overTeacher = f32x4.sub(logMixture, b);
    const overStudent = f32x4.sub(logMixture, a);
    sp = f32x4.add(sp, share(wi, overTeacher));
    sq = f32x4.add(sq, share(ui, overStudent));
    const difference = f32x4.sub(a, b);
    const isNone = f32x4.ne(difference, difference);
    v128.store(x, v128.or(v128.bitselect(overTeacher, overStudent, ofTeacher), isNone));
    v128.store(massTo, v128.bitselect(wi, ui, ofTeacher));
    teacher += 16;
    x += 16;
    massTo += 16;
    student += 16;
  } while (student < end);
  addLanes(SUM_FIRST_LOG, sp);
  addLanes(SUM_SECOND_LOG, sq);
}

/**
 * As `sweepMixture`, in units of 1, of y and w in their places: MATH (27). The mass of the student is w
 * e^y/(1 + s), that is w q/p.
 */
function sweepNearMixture(y: usize, w: usize, bytes: usize): void {
  const lambda = v128.load(lanes, LAMBDA);
  const meanExpm1 = v128.load(lanes, MEAN_EXPM1);
  const perMeanExp = v128.load(lanes, PER_MEAN_EXP);
  const partOfQ = v128.load(lanes, MIXTURE_SECOND);
  const ofTeacher = i32x4.splat(gradientTo == TO_TEACHER ? -1 : 0);
  let sp = f32x4.splat(0);
  let sq = sp;
  let sg = sp;
  const end = y + bytes;
  do {
    const yi = v128.load(y);
    const wi = v128.load(w);
    const expm1 = multiplyAdd(yi, expm1Ratio(yi), yi);
    const e = f32x4.mul(f32x4.sub(expm1, meanExpm1), perMeanExp);
    const toMixture = f32x4.mul(e, partOfQ);
    const overTeacher = log1pSmall(toMixture);
    const overStudent = f32x4.sub(overTeacher, f32x4.sub(yi, lambda));
    const massOfStudent = multiplyAdd(wi, e, wi);
    sp = f32x4.add(sp, f32x4.mul(wi, overTeacher));
    sq = f32x4.add(sq, f32x4.mul(massOfStudent, overStudent));
    const gap = f32x4.sub(f32x4.mul(entropyGap(e), partOfQ), entropyGap(toMixture));
    sg = f32x4.add(sg, f32x4.mul(wi, gap));
    v128.store(y, v128.bitselect(overTeacher, overStudent, ofTeacher));
    v128.store(w, v128.bitselect(wi, massOfStudent, ofTeacher));
    w += 16;
    y += 16;
  } while (y < end);
  addLanes(SUM_FIRST_LOG, sp);
  addLanes(SUM_SECOND_LOG, sq);
  addLanes(SUM_GAP, sg);
}

/**
 * What the second sweep needs of a lane: of a near row the weight of q in m/c, MATH (35), of others the
 * weights of w and u.
 */
function prepareMixture(at: usize, near: bool): void {
  const sums = sumsOf(at);
  const sumSecond = load<f64>(sums, SUM_SECOND);
  if (near) {
    const perFirst = 1 / load<f64>(sums, SUM_FIRST);
    const meanOfY = load<f64>(sums, SUM_CROSS) * perFirst;
    const s = meanOfY + sumSecond * perFirst;
    const c = beta * massOf(sums) + (1 - beta);
    store<f64>(sums, c, SUM_MIXTURE);
    v128.store(at, f32x4.splat(<f32>((1 - beta) / c)), MIXTURE_SECOND);
    v128.store(at, f32x4.splat(<f32>(load<f64>(sums, NEAR_KL) + meanOfY)), LAMBDA);
    v128.store(at, f32x4.splat(<f32>s), MEAN_EXPM1);
    v128.store(at, f32x4.splat(<f32>(1 / (1 + s))), PER_MEAN_EXP);
  } else {
    v128.store(at, f32x4.splat(<f32>(beta * load<f64>(sums, PER_W) * sumSecond)), MIXTURE_FIRST);
    v128.store(at, f32x4.splat(<f32>(1 - beta)), MIXTURE_SECOND);
  }
}

/** J; of a near row with m/c in the place of m, so that it sums to 1: MATH (6), (27), (35). */
export function jsd(sums: usize, near: bool): f64 {
  const mass = massOf(sums);
  if (near) {
    const c = load<f64>(sums, SUM_MIXTURE);
    const value = (c * load<f64>(sums, SUM_GAP)) / load<f64>(sums, SUM_FIRST);
    if (mass == 1) return max(value, 0); // rounding
    return value + beta * mass * logMassOf(sums) - c * load<f64>(sums, LOG_MIXTURE);
  }
  const ofTeacher = mass * logOfRatio(sums) - LN_2 * load<f64>(sums, PER_W) * load<f64>(sums, SUM_FIRST_LOG);
  const ofStudent = (-LN_2 * load<f64>(sums, SUM_SECOND_LOG)) / load<f64>(sums, SUM_SECOND);
  const value = beta * ofTeacher + (1 - beta) * ofStudent;
  return isDistribution(sums) ? max(value, 0) : value;
}

/** log(p/q) of a class with w = u. */
function logOfRatio(sums: usize): f64 {
  return logMassOf(sums) + load<f64>(sums, LOG_SECOND) - load<f64>(sums, LOG_FIRST);
}

/** Keeps what the gradient of toSoft J is written with. MATH (6), (10), (11). */
export function setFactorsOfJsd(at: usize, near: bool, toSoft: f64): void {
  const sums = sumsOf(at);
  const unit = near ? 1 : LN_2;
  if (gradientTo == TO_STUDENT) {
    const perSum = 1 / load<f64>(sums + (near ? SUM_FIRST : SUM_SECOND));
    const factor = toSoft * (1 - beta) * load<f32>(at, SECOND_INVERSE_T) * perSum;
    setFactor(at, TO_W, unit * factor);
    setFactor(at, MEAN, perSum * load<f64>(sums, SUM_SECOND_LOG));
  } else if (written == CENTRED) {
    const factor = toSoft * beta * load<f32>(at, FIRST_INVERSE_T) * load<f64>(sums, PER_W);
    setFactor(at, TO_W, unit * factor);
    setFactor(at, MEAN, load<f64>(sums, SUM_FIRST_LOG) / load<f64>(sums, SUM_FIRST));
  } else {
    setFactor(at, TO_W, unit * toSoft * beta);
    setFactor(at, MEAN, toSoft * beta * logOfRatio(sums));
  }
}
