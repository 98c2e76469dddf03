/** The hard term H of MATH (2), (18), at T = 1. */
import {
  addLanes,
  CONSTANT,
  isGroup,
  lanes,
  LOG_HARD,
  MAX_FIRST,
  MAX_SECOND,
  SUM_HARD,
  SUM_LABELLED,
  SUM_LABELS,
  TO_LABEL,
  TO_R,
} from './lanes';
import { logOfSum } from './logarithms';
import { scaled } from './logits';
import { DISTRIBUTION, hardWeight, isExchanged, labelKind, labelSmoothing, NO_ALPHA } from './objective';
import {
  alphaOf,
  BLOCK,
  bringIn,
  bytesOfBlock,
  classes,
  end,
  fillPad,
  labelPad,
  labelsOfAll,
  mergeRest,
  ofRow,
  PAD,
  r,
  rest,
  rPad,
  student,
  studentPad,
  wholeBytes,
} from './rows';
import { exp2, LOG2_E, share } from './vectors';

/** Where the labels are, one for every class. Class ids are not. */
export let labels: usize = 0;

/** Writes r, and finds what H needs; comes before the soft term, which may write over the student. */
export function sumHardTerm(): void {
  if (rest) sweepStudent(studentPad, rPad, PAD);
  for (let at: usize = 0; at < wholeBytes; at += BLOCK) sweepStudent(student + at, r + at, bytesOfBlock(at));
  logOfSum(SUM_HARD, LOG_HARD);
  if (labelSmoothing != 0) sumSmoothing();
  if (labelKind == DISTRIBUTION) sumDistribution();
}

/** mz, whichever argument of the divergence the student is. */
// @ts-ignore: decorator
@inline
function maxOfStudent(at: usize): usize {
  return at + (isExchanged ? MAX_FIRST : MAX_SECOND);
}

/** exp(z - mz), MATH (12). */
function sweepStudent(student: usize, r: usize, bytes: usize): void {
  const mz = v128.load(maxOfStudent(lanes));
  const c = f32x4.splat(<f32>LOG2_E);
  let sum = f32x4.splat(0);
  const end = student + bytes;
  do {
    const ri = exp2(scaled(v128.load(student), mz, c));
    v128.store(r, ri);
    sum = f32x4.add(sum, ri);
    r += 16;
    student += 16;
  } while (student < end);
  addLanes(SUM_HARD, sum);
}

/** The part of the labels that smoothing gives to every class. */
function sumSmoothing(): void {
  const part = <f32>(labelSmoothing / classes);
  const ones = labelPad + PAD;
  fillPad(ones, 1);
  if (rest) {
    fillPad(labelPad, 0);
    mergeRest(labelPad, ones);
    sweepLabels(studentPad, labelPad, 16, PAD, part);
  }
  // Without the class that makes those of a group even.
  const whole = isGroup ? <usize>classes << 4 : wholeBytes;
  for (let at: usize = 0; at < whole; at += BLOCK) {
    sweepLabels(student + at, ones, 0, min(BLOCK, whole - at), part);
  }
}

function sumDistribution(): void {
  const part = <f32>(1 - labelSmoothing);
  labels = bringIn(labelsOfAll, labelPad, 0);
  if (rest) sweepLabels(studentPad, labelPad, 16, PAD, part);
  for (let at: usize = 0; at < wholeBytes; at += BLOCK) {
    sweepLabels(student + at, labels + at, 16, bytesOfBlock(at), part);
  }
}

/**
 * Adds `part` of the labels to Y' and to the sum of y' (z - mz). With `labelStep` 0 one vector of labels
 * serves all classes.
 */
function sweepLabels(student: usize, labels: usize, labelStep: usize, bytes: usize, part: f32): void {
  const mz = v128.load(maxOfStudent(lanes));
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

/**
 * Labels that are ids: adds that of each row, or makes its sums NaN. Also where the hard term is left out,
 * since a wrong id makes its row NaN; but not where the row's alpha is 0.
 */
export function addLabels(): void {
  for (let at = lanes; at < end; at += 4) {
    if (alphaOf(at) != 0) addLabel(at, load<i32>(ofRow(labelsOfAll, at, 4)));
  }
}

function addLabel(at: usize, label: i32): void {
  const lane = at - lanes;
  const sums = at + lane;
  if (<u32>label < <u32>classes) {
    const z = load<f32>(student + (isGroup ? (<usize>label << 4) + lane : <usize>label << 2));
    const part = 1 - labelSmoothing;
    store<f64>(sums, load<f64>(sums, SUM_LABELS) + part, SUM_LABELS);
    store<f64>(sums, load<f64>(sums, SUM_LABELLED) + part * (z - load<f32>(maxOfStudent(at))), SUM_LABELLED);
  } else {
    store<f64>(sums, NaN, SUM_LABELS);
  }
}

/** Y' of a lane. */
export function sumOfLabels(at: usize): f64 {
  return load<f64>(at + (at - lanes), SUM_LABELS);
}

/** H, MATH (18). */
export function hardValueOf(sums: usize): f64 {
  return load<f64>(sums, SUM_LABELS) * load<f64>(sums, LOG_HARD) - load<f64>(sums, SUM_LABELLED);
}

/** H of a lane times its weight and w, 0 with an alpha of 0; keeps what its gradient is written with. */
export function hardTermOfLane(at: usize, weight: f64): f64 {
  const a = alphaOf(at);
  if (a == 0) {
    setFactors(at, 0, 0, 0);
    return 0;
  }
  const sums = at + (at - lanes);
  const sumLabels = load<f64>(sums, SUM_LABELS);
  const toHard = weight * hardWeight * (a == NO_ALPHA ? 1 : a);
  setFactors(
    at,
    (toHard * sumLabels) / load<f64>(sums, SUM_HARD),
    toHard * (1 - labelSmoothing),
    (toHard * labelSmoothing) / classes,
  );
  return toHard * hardValueOf(sums);
}

function setFactors(at: usize, toR: f64, toLabel: f64, constant: f64): void {
  v128.store(at, f32x4.splat(<f32>toR), TO_R);
  v128.store(at, f32x4.splat(<f32>toLabel), TO_LABEL);
  v128.store(at, f32x4.splat(<f32>constant), CONSTANT);
}
