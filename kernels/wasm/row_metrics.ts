/**
 * The metrics of the rows that were brought in: MATH (28)-(32). Nothing is written of a class. Per row four
 * sweeps of reads: the largest class of each side, maxima, sums with two exponentials per class, with labels
 * one more; KL of a near row takes a sweep of its own.
 */
import { addLabels, hardValueOf, labels, sumHardTerm } from './hard_term';
import { kl } from './kl';
import {
  addLanes,
  FIRST_TO_LOG2,
  isGroup,
  lanes,
  LOG_FIRST,
  LOG_SECOND,
  MAX_FIRST,
  MAX_SECOND,
  PER_W,
  SECOND_TO_LOG2,
  startSums,
  SUM_CROSS,
  SUM_FIRST,
  SUM_HARD,
  SUM_LABELLED,
  SUM_LABELS,
  SUM_OWN,
  SUM_SECOND,
  SUM_STUDENT_OWN,
  TOP_LABEL,
  TOP_STUDENT,
  TOP_TEACHER,
} from './lanes';
import { logOfSum } from './logarithms';
import { scaled } from './logits';
import { klOfNear, sweepNear } from './near';
import { CLASS_IDS, DISTRIBUTION, hasHardTerm, labelKind, scale } from './objective';
import {
  BLOCK,
  bytesOfBlock,
  classes,
  end,
  first,
  firstPad,
  labelPad,
  labelsOfAll,
  ofRow,
  PAD,
  rest,
  second,
  secondPad,
  student,
  studentPad,
  teacherTemperatureOf,
  temperatureOf,
  u,
  w,
  weights,
  wholeBytes,
} from './rows';
import { divideSums, isDistribution, logMassOf, massOf, sumsOf } from './sums';
import { isTemperature } from './temperature';
import { exp2, LN_2, share } from './vectors';

/** Numbers of a row: METRICS in kernels/metrics.ts. */
const METRICS: usize = 8;

/** METRICS float32 per row. */
let metrics: usize = 0;

export function setMetrics(to: usize): void {
  metrics = to;
}

/**
 * Finds the largest class of teacher and student, before logarithms take the place of probabilities, which
 * may round two of them to one.
 */
export function findTops(): void {
  findTop(TOP_STUDENT, student, studentPad);
  findTop(TOP_TEACHER, first, firstPad);
}

/**
 * Writes to a slot the first class, or classes of a group, with the largest value; -1 where none is larger
 * than -Infinity.
 */
function findTop(slot: usize, values: usize, pad: usize): void {
  let largest = f32x4.splat(-Infinity);
  let top = i32x4.splat(-1);
  const step = i32x4.splat(isGroup ? 1 : 4);
  const bytes = isGroup ? <usize>classes << 4 : wholeBytes;
  let at = isGroup ? i32x4.splat(0) : i32x4(0, 1, 2, 3);
  for (const behind = values + bytes; values < behind; values += 16) {
    const x = v128.load(values);
    const isLarger = f32x4.gt(x, largest);
    largest = v128.bitselect(x, largest, isLarger);
    top = v128.bitselect(at, top, isLarger);
    at = i32x4.add(at, step);
  }
  if (rest) {
    // The pad's other classes are not of the row.
    const firstOfRest = i32x4.splat(classes - rest);
    at = i32x4.add(i32x4.splat(classes - 16), i32x4(0, 1, 2, 3));
    for (const behind = pad + PAD; pad < behind; pad += 16) {
      const x = v128.load(pad);
      const isLarger = v128.and(f32x4.gt(x, largest), i32x4.ge_s(at, firstOfRest));
      largest = v128.bitselect(x, largest, isLarger);
      top = v128.bitselect(at, top, isLarger);
      at = i32x4.add(at, step);
    }
  }
  v128.store(lanes + slot, isGroup ? top : topOfLanes(largest, top));
}

/** Of equals the first. */
function topOfLanes(largest: v128, top: v128): v128 {
  let most = f32x4.pmax(largest, v128.shuffle<f32>(largest, largest, 2, 3, 0, 1));
  most = f32x4.pmax(most, v128.shuffle<f32>(most, most, 1, 0, 3, 2));
  // As numbers without a sign, those of other lanes come last.
  let first = v128.or(top, f32x4.ne(largest, most));
  first = i32x4.min_u(first, v128.shuffle<i32>(first, first, 2, 3, 0, 1));
  return i32x4.min_u(first, v128.shuffle<i32>(first, first, 1, 0, 3, 2));
}

/** Writes the metrics of the rows, once their maxima are known. */
export function measureRows(near: bool): void {
  startSums(SUM_HARD, SUM_LABELLED + 32);
  startSums(SUM_STUDENT_OWN, SUM_STUDENT_OWN + 32);
  if (hasHardTerm) sumHardTerm();
  if (labelKind == CLASS_IDS) addLabels();
  else if (labelKind == DISTRIBUTION) findTop(TOP_LABEL, labels, labelPad);
  if (rest) sweepEntropies(secondPad, firstPad, PAD);
  for (let at: usize = 0; at < wholeBytes; at += BLOCK) {
    sweepEntropies(second + at, first + at, bytesOfBlock(at));
  }
  logOfSum(SUM_SECOND, LOG_SECOND);
  logOfSum(SUM_FIRST, LOG_FIRST);
  divideSums();
  for (let at = lanes; at < end; at += 4) measureLane(at);
  if (near) measureNear();
}

/** A, B, D, sz and sv of MATH (12), (13), in units of log 2 and with the other sign. */
function sweepEntropies(student: usize, teacher: usize, bytes: usize): void {
  const mz = v128.load(lanes, MAX_SECOND);
  const mv = v128.load(lanes, MAX_FIRST);
  const toA = v128.load(lanes, SECOND_TO_LOG2);
  const toB = v128.load(lanes, FIRST_TO_LOG2);
  let su = f32x4.splat(0);
  let sw = su;
  let cross = su;
  let own = su;
  let ownOfStudent = su;
  const behind = student + bytes;
  do {
    const a = scaled(v128.load(student), mz, toA);
    const b = scaled(v128.load(teacher), mv, toB);
    const ui = exp2(a);
    const wi = exp2(b);
    su = f32x4.add(su, ui);
    sw = f32x4.add(sw, wi);
    cross = f32x4.add(cross, share(wi, a));
    own = f32x4.add(own, share(wi, b));
    ownOfStudent = f32x4.add(ownOfStudent, share(ui, a));
    teacher += 16;
    student += 16;
  } while (student < behind);
  addLanes(SUM_SECOND, su);
  addLanes(SUM_FIRST, sw);
  addLanes(SUM_CROSS, cross);
  addLanes(SUM_OWN, own);
  addLanes(SUM_STUDENT_OWN, ownOfStudent);
}

/** Where the metrics of a lane's row go. */
// @ts-ignore: decorator
@inline
function metricsOf(at: usize): usize {
  return ofRow(metrics, at, 4 * METRICS);
}

// @ts-ignore: decorator
@inline
function weightOf(at: usize): f64 {
  return weights ? scale * load<f32>(ofRow(weights, at, 4)) : scale;
}

function measureLane(at: usize): void {
  const to = metricsOf(at);
  const weight = weightOf(at);
  if (weight == 0 || !isValid(at)) {
    const all = f32x4.splat(weight == 0 ? 0 : NaN);
    v128.store(to, all);
    v128.store(to, all, 16);
    return;
  }
  const sums = sumsOf(at);
  const sumStudent = load<f64>(sums, SUM_SECOND);
  const perW = load<f64>(sums, PER_W);
  const logOfTeacher = load<f64>(sums, LOG_FIRST) - logMassOf(sums);
  const logOfStudent = load<f64>(sums, LOG_SECOND);
  const cross = massOf(sums) * logOfStudent - LN_2 * perW * load<f64>(sums, SUM_CROSS);
  const entropy = massOf(sums) * logOfTeacher - LN_2 * perW * load<f64>(sums, SUM_OWN);
  const kl = cross - entropy;
  const top = load<i32>(at, TOP_STUDENT);
  store<f32>(to, <f32>(weight * cross));
  store<f32>(to, <f32>(weight * (isDistribution(sums) ? max(kl, 0) : kl)), 4);
  store<f32>(to, <f32>(weight * entropy), 8);
  store<f32>(to, <f32>(weight * (logOfStudent - (LN_2 * load<f64>(sums, SUM_STUDENT_OWN)) / sumStudent)), 12);
  store<f32>(to, <f32>(top == load<i32>(at, TOP_TEACHER) ? weight : 0), 16);
  store<f32>(to, <f32>(hasHardTerm ? weight * hardValueOf(sums) : 0), 20);
  store<f32>(to, <f32>(hasHardTerm && top == labelOf(at) ? weight : 0), 24);
  store<f32>(to, <f32>weight, 28);
}

/** Whether a lane's row is not one that must be NaN. */
function isValid(at: usize): bool {
  const sums = sumsOf(at);
  const t = temperatureOf(at);
  const areTemperatures = isTemperature(t) && isTemperature(teacherTemperatureOf(at, t));
  const areFinite = load<f64>(sums, SUM_SECOND) + load<f64>(sums, SUM_FIRST) < Infinity;
  return areTemperatures && areFinite && abs(load<f64>(sums, SUM_LABELS)) < Infinity;
}

/** The class that is the row's label, or the largest of its distribution. */
function labelOf(at: usize): i32 {
  return labelKind == CLASS_IDS ? load<i32>(ofRow(labelsOfAll, at, 4)) : load<i32>(at, TOP_LABEL);
}

/**
 * KL of near rows, in the place of the difference of a cross entropy and an entropy. May write over the rows.
 */
function measureNear(): void {
  startSums(SUM_SECOND, SUM_OWN + 32);
  if (rest) sweepNear(secondPad, firstPad, secondPad, firstPad, PAD);
  for (let at: usize = 0; at < wholeBytes; at += BLOCK) {
    sweepNear(second + at, first + at, u + at, w + at, bytesOfBlock(at));
  }
  klOfNear();
  for (let at = lanes; at < end; at += 4) {
    const weight = weightOf(at);
    if (weight != 0 && isValid(at)) store<f32>(metricsOf(at), <f32>(weight * kl(sumsOf(at), true)), 4);
  }
}
