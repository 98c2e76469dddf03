/**
 * The row pass in float32 with 128-bit SIMD: `crossEntropy` and `kl` of logits and of probabilities, `reverseKl` of logits, the hard term; the gradient to the
 * student, and for logits the one to the teacher. MATH (1)-(5), (7)-(9), (12)-(18), (20)-(26). kernels/js has the rest.
 *
 * Per row: maxima (read 2C), sums (read 2C, write u and w, 2C), gradient (read 2C, write C), so two exponentials per class. The maxima come with the range of z - v,
 * which tells a near row, until a block of classes says that the row is none; a near row needs one exponential per class.
 * u and w may lie over student and teacher (private memory) or apart from them (the memory of others). The last classes of a row that is no multiple of 16 are
 * worked on in pads, filled up with classes that do not exist: nothing beyond the row is written, and what is read there (60 bytes at most) counts for nothing.
 * Nothing is allocated, and no memory is used but what the pointers say: the module may run on a foreign heap.
 *
 * exp is 2^y with y = (z - mz) (log2(e)/T), within 2 units in the last place of 2^y. y carries two roundings, so a term e^a is off by |a| 1.2e-7 of itself: at
 * most 0.5e-7 of the largest term, because |a| e^a <= 1/e.
 * Rows that are not finite: the sums are NaN where the row must be, and w = 0 takes a class without mass out of the products.
 */
import { addHardGradient, writeDifference, writeNearDifference, writeToTeacher } from './gradients';
import { excessOverLog1p, log } from './scalars';
import {
  highest,
  lowest,
  maxFirst,
  maxSecond,
  startLabels,
  startRow,
  sumCross,
  sumExcess,
  sumHard,
  sumLabelled,
  sumLabels,
  sumOwn,
  sumStudent,
  sumTeacher,
  sweepCrossEntropy,
  sweepEntropy,
  sweepHard,
  sweepKl,
  sweepLabels,
  sweepMaxima,
  sweepNear,
  sweepProbabilities,
  sweepToTeacher,
} from './sweeps';
import { LN_2 } from './vectors';

/** Bits of `mode`. Those for reverseKl exchange teacher and student in the soft term: it is kl with the roles exchanged. */
const PROBABILITIES: i32 = 1;
const KL: i32 = 2;
const EXCHANGED: i32 = 4;
/** The gradient wanted is the one to the soft term's first argument: the teacher's, the student's if exchanged. */
const TO_FIRST: i32 = 8;
const SCALE_BY_T_SQUARED: i32 = 16;
const CLASS_IDS: i32 = 32;
const DISTRIBUTION: i32 = 64;
/** The hard term has a part in what is wanted. */
const HARD: i32 = 128;

/** Bytes of a pad: sixteen classes. */
const PAD: usize = 64;

let mode: i32 = 0;
let temperatureOfAll: f64 = 0;
let scale: f64 = 0;
let softWeight: f64 = 0;
let hardWeight: f64 = 0;
let labelSmoothing: f64 = 0;

let roomForU: usize = 0;
let stepOfU: usize = 0;
let roomForW: usize = 0;
let stepOfW: usize = 0;
let roomForR: usize = 0;
let teacherPad: usize = 0;
let studentPad: usize = 0;
let labelPad: usize = 0;
let rPad: usize = 0;
let zeroPad: usize = 0;

/** Classes of a row; how many of them are in whole sixteens, how many are left. */
let classes: i32 = 0;
let whole: i32 = 0;
let rest: i32 = 0;

/** The running row. First and second are the arguments of the divergence: KL(first || second). */
let first: usize = 0;
let second: usize = 0;
let firstPad: usize = 0;
let secondPad: usize = 0;
let u: usize = 0;
let w: usize = 0;
let temperature: f64 = 0;
let near: bool = false;
let meanExcess: f64 = 0; // s of MATH (22)
let mean: f64 = 0;
let soft: f64 = 0;
let smoothedLabelSum: f64 = 0;

/** What the next row passes cost and write. `temperature` is T of rows that are given none of their own. */
export function setObjective(
  modeBits: i32,
  temperature: f64,
  scaleOfAll: f64,
  soft: f64,
  hard: f64,
  smoothing: f64,
): void {
  mode = modeBits;
  temperatureOfAll = temperature;
  scale = scaleOfAll;
  softWeight = soft;
  hardWeight = hard;
  labelSmoothing = smoothing;
}

/** Where the next row passes keep what they need: u and w of row n at `n` steps, r of one row (with a hard term), 320 bytes for pads, aligned to 16. */
export function setRoom(u: usize, uStep: usize, w: usize, wStep: usize, r: usize, pads: usize): void {
  roomForU = u;
  stepOfU = uStep;
  roomForW = w;
  stepOfW = wStep;
  roomForR = r;
  teacherPad = pads;
  studentPad = pads + PAD;
  labelPad = pads + 2 * PAD;
  rPad = pads + 3 * PAD;
  zeroPad = pads + 4 * PAD;
}

/**
 * Writes loss and gradient of every row, those whose pointer is not 0, and returns the sum of the losses. `gradient` may be the room for u.
 * `temperatures`, `weights`: one float32 per row, or 0. `labels`: int32 ids or float32 distributions, or 0.
 */
export function rowPass(
  rows: i32,
  classesOfRow: i32,
  teacher: usize,
  student: usize,
  labels: usize,
  temperatures: usize,
  weights: usize,
  loss: usize,
  gradient: usize,
): f64 {
  classes = classesOfRow;
  rest = classes & 15;
  whole = classes - rest;
  u = roomForU;
  w = roomForW;
  const rowBytes = <usize>classes << 2;
  const labelBytes = mode & DISTRIBUTION ? rowBytes : 4;
  fillPad(zeroPad, 0, 0, 0);
  let total: f64 = 0;
  for (let n = 0; n < rows; n++) {
    temperature = temperatures ? load<f32>(temperatures) : temperatureOfAll;
    const weight: f64 = weights ? scale * load<f32>(weights) : scale;
    let value: f64 = 0;
    if (weight != 0) value = weight * rowValue(teacher, student, labels);
    if (gradient) {
      if (weight != 0 && value == value) writeGradient(gradient, labels, weight);
      else fill(gradient, classes, <f32>value); // 0 or NaN
    }
    total += value;
    if (loss) {
      store<f32>(loss, <f32>value);
      loss += 4;
    }
    if (temperatures) temperatures += 4;
    if (weights) weights += 4;
    if (gradient) gradient += rowBytes;
    if (labels) labels += labelBytes;
    teacher += rowBytes;
    student += rowBytes;
    u += stepOfU;
    w += stepOfW;
  }
  return total;
}

/** MATH (1) without w; NaN if the row is one of those that must be. */
function rowValue(teacher: usize, student: usize, labels: usize): f64 {
  if (!(temperature > 0 && temperature < Infinity)) return NaN;
  if (mode & CLASS_IDS && !(<u32>load<i32>(labels) < <u32>classes)) return NaN;
  startRow(1 / temperature);
  fillPads(teacher, student);
  findMaxima();
  let value: f64 = 0;
  if (mode & HARD) value = hardWeight * hardTerm(student, labels);
  softTerm();
  // Such a row must be NaN even if its soft term is left out.
  if (soft != soft) return NaN;
  if (softWeight == 0) return value;
  return value + softWeight * (mode & SCALE_BY_T_SQUARED ? temperature * temperature : 1) * soft;
}

function fillPads(teacher: usize, student: usize): void {
  first = teacher;
  second = student;
  firstPad = teacherPad;
  secondPad = studentPad;
  if (mode & EXCHANGED) {
    first = student;
    second = teacher;
    firstPad = studentPad;
    secondPad = teacherPad;
  }
  if (!rest) return;
  const wholeBytes = <usize>whole << 2;
  fillPad(teacherPad, teacher + wholeBytes, rest, mode & PROBABILITIES ? 0 : -Infinity);
  fillPad(studentPad, student + wholeBytes, rest, -Infinity);
}

/**
 * Copies `count` values to a pad and fills it up. By whole vectors, because a vector that is loaded just after parts of it were stored waits for them; so it reads
 * beyond the row, whose neighbours the mask takes out, unless memory ends there.
 */
function fillPad(pad: usize, from: usize, count: i32, filler: f32): void {
  const filling = f32x4.splat(filler);
  if (from + PAD <= <usize>memory.size() << 16) {
    for (const end = pad + PAD; pad < end; pad += 16) {
      const given = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
      v128.store(pad, v128.bitselect(v128.load(from), filling, given));
      from += 16;
      count -= 4;
    }
    return;
  }
  v128.store(pad, filling);
  v128.store(pad, filling, 16);
  v128.store(pad, filling, 32);
  v128.store(pad, filling, 48);
  copy(pad, from, count);
}

function copy(to: usize, from: usize, count: i32): void {
  const end = from + (<usize>count << 2);
  for (const vectors = from + (<usize>(count & ~3) << 2); from < vectors; from += 16) {
    v128.store(to, v128.load(from));
    to += 16;
  }
  for (; from < end; from += 4) {
    store<f32>(to, load<f32>(from));
    to += 4;
  }
}

function fill(to: usize, count: i32, value: f32): void {
  for (const end = to + (<usize>count << 2); to < end; to += 4) store<f32>(to, value);
}

/** mz and mv, and whether the row is near, MATH (20). */
function findMaxima(): void {
  const hasLogits = !(mode & PROBABILITIES);
  // The gradient of a cross entropy to its first argument has no difference of probabilities in it.
  const limit = <f32>(hasLogits && (mode & (KL | TO_FIRST)) != TO_FIRST ? temperature * 0.25 : NaN);
  if (whole) sweepMaxima(second, first, whole, hasLogits, limit);
  if (rest) sweepMaxima(secondPad, firstPad, 16, hasLogits, limit);
  near = classes > 1 && highest - lowest <= limit;
}

/** H of MATH (18); comes before the soft term, which may write over the student. */
function hardTerm(student: usize, labels: usize): f64 {
  const maxStudent = mode & EXCHANGED ? maxFirst : maxSecond;
  sweepHard(student, roomForR, whole, maxStudent);
  if (rest) sweepHard(studentPad, rPad, 16, maxStudent);
  let below: f64 = 0;
  if (labelSmoothing != 0) {
    fillPad(labelPad, 0, 0, 1);
    sweepLabels(student, labelPad, 0, whole, maxStudent);
    fillPad(labelPad, labelPad, rest, 0);
    if (rest) sweepLabels(studentPad, labelPad, 16, 16, maxStudent);
    below = (labelSmoothing / classes) * sumLabelled;
    startLabels();
  }
  let labelSum: f64 = 1;
  let labelled: f64 = 0;
  if (mode & DISTRIBUTION) {
    sweepLabels(student, labels, 16, whole, maxStudent);
    if (rest) {
      fillPad(labelPad, labels + (<usize>whole << 2), rest, 0);
      sweepLabels(studentPad, labelPad, 16, 16, maxStudent);
    }
    labelSum = sumLabels;
    labelled = sumLabelled;
    if (!(abs(labelSum) < Infinity)) return NaN;
  } else {
    labelled = load<f32>(student + (<usize>load<i32>(labels) << 2)) - maxStudent;
  }
  smoothedLabelSum = (1 - labelSmoothing) * labelSum + labelSmoothing;
  return smoothedLabelSum * log(sumHard) - (1 - labelSmoothing) * labelled - below;
}

/** D, and what its gradient needs. */
function softTerm(): void {
  sweepSoft(second, first, u, w, whole);
  if (rest) sweepSoft(secondPad, firstPad, secondPad, firstPad, 16);
  if (near) softOfNear();
  else softOfPlain();
}

/** MATH (12), (13), (21). */
function sweepSoft(second: usize, first: usize, u: usize, w: usize, n: i32): void {
  const toFirst = (mode & TO_FIRST) != 0;
  if (near) {
    sweepNear(second, first, u, w, n, toFirst);
  } else if (mode & PROBABILITIES) {
    sweepProbabilities(second, first, u, w, n);
    if (mode & KL) sweepEntropy(w, n);
  } else if (toFirst) {
    sweepToTeacher(second, first, u, w, n, mode & KL ? 1 : 0);
  } else if (mode & KL) {
    sweepKl(second, first, u, w, n);
  } else {
    sweepCrossEntropy(second, first, u, w, n);
  }
}

/** MATH (22), (25). */
function softOfNear(): void {
  mean = sumCross / sumTeacher;
  const rho = sumExcess / sumTeacher;
  const excess = excessOverLog1p(mean + rho);
  meanExcess = mean + rho;
  soft = max(rho - excess, 0); // rounding
  if (!(mode & KL)) soft += log(sumTeacher) - (LN_2 * sumOwn) / sumTeacher;
}

/** MATH (14)-(17). */
function softOfPlain(): void {
  if (mode & PROBABILITIES) {
    // Neither is seen by the products where p = 0, and the logarithm here knows no NaN.
    const isNumber = sumTeacher < Infinity && sumStudent == sumStudent;
    soft = isNumber ? sumTeacher * log(sumStudent) - LN_2 * (sumCross - sumOwn) : NaN;
    return;
  }
  mean = sumCross / sumTeacher;
  soft = log(sumStudent) - LN_2 * mean;
  if (mode & KL) soft = max(soft - log(sumTeacher), 0); // rounding
}

/** Row by row the whole sixteens, then the rest by way of its pad. */
function writeGradient(gradient: usize, labels: usize, weight: f64): void {
  const factor =
    (weight * softWeight * (mode & SCALE_BY_T_SQUARED ? temperature * temperature : 1)) / temperature;
  writeSoftGradient(u, w, gradient, whole, factor);
  if (rest) writeSoftGradient(secondPad, firstPad, secondPad, 16, factor);
  if (mode & HARD) writeHardGradient(gradient, labels, weight * hardWeight);
  if (rest) copy(gradient + (<usize>whole << 2), secondPad, rest);
  // The one label of the row, where the others have 0.
  if ((mode & (HARD | CLASS_IDS)) == (HARD | CLASS_IDS)) {
    const labelled = gradient + (<usize>load<i32>(labels) << 2);
    store<f32>(labelled, load<f32>(labelled) - <f32>(weight * hardWeight * (1 - labelSmoothing)));
  }
}

/** MATH (3), (4), (7), (8), (23), times T; `factor` is w softWeight t / T. */
function writeSoftGradient(u: usize, w: usize, gradient: usize, n: i32, factor: f64): void {
  const toW = <f32>(mode & PROBABILITIES ? factor : factor / sumTeacher);
  if (mode & TO_FIRST) {
    if (softWeight == 0) fill(gradient, n, 0);
    else if (soft == Infinity) fill(gradient, n, NaN);
    else writeToTeacher(u, w, gradient, n, <f32>mean, near ? toW : <f32>LN_2 * toW);
  } else if (near) {
    const toE = <f32>(factor / sumTeacher / (1 + meanExcess));
    writeNearDifference(u, w, gradient, n, <f32>meanExcess, toE);
  } else {
    const toU = (mode & PROBABILITIES ? factor * sumTeacher : factor) / sumStudent;
    writeDifference(u, w, gradient, n, <f32>toU, toW);
  }
}

/** MATH (2); `factor` is w hardWeight. */
function writeHardGradient(gradient: usize, labels: usize, factor: f64): void {
  const toR = <f32>((factor * smoothedLabelSum) / sumHard);
  const toLabel = <f32>(factor * (1 - labelSmoothing));
  const constant = <f32>((factor * labelSmoothing) / classes);
  const areMany = (mode & DISTRIBUTION) != 0;
  addHardGradient(roomForR, areMany ? labels : zeroPad, areMany ? 16 : 0, gradient, whole, toR, toLabel, constant);
  if (rest) addHardGradient(rPad, areMany ? labelPad : zeroPad, 16, secondPad, 16, toR, toLabel, constant);
}
