/**
 * The row pass: loss and gradient of the rows that were brought in. MATH (1)-(27), (33)-(36).
 *
 * Per row three sweeps: maxima (read 2C), sums (read 2C, write u and w, 2C), gradient (read 2C, write C); two
 * exponentials per class. The maxima come with the range of z - v, which tells whether the row is near, until
 * a block of classes shows that it is not. A near row needs one exponential per class. `jsd` takes a fourth
 * sweep.
 */
import { addHardGradient } from './gradients';
import { addLabels, hardTermOfLane, labels, sumHardTerm, sumOfLabels } from './hard_term';
import { FILLING, isGroup, lanes, startSums, SUM_HARD, SUM_LABELLED, TO_LABEL } from './lanes';
import {
  CENTRED,
  CLASS_IDS,
  DISTRIBUTION,
  gradientTo,
  hasHardTerm,
  labelKind,
  scale,
  NO_ALPHA,
  scalesByTemperatureSquared,
  softWeight,
  TO_TEACHER,
  written,
} from './objective';
import {
  alphaOf,
  BLOCK,
  bytesOfBlock,
  end,
  firstPad,
  gradients,
  labelPad,
  labelsOfAll,
  mergeRest,
  ofRow,
  PAD,
  r,
  rest,
  rowBytes,
  rPad,
  secondPad,
  teacherTemperatureOf,
  temperatureOf,
  transposeOut,
  u,
  w,
  weights,
  wholeBytes,
} from './rows';
import { isTemperature } from './temperature';
import { softTermOfLane, sumSoftTerm, writeSoftGradient } from './soft_term';

/** One float32 per row, or 0. */
let losses: usize = 0;
/** Sum of the losses. */
export let total: f64 = 0;

export function setLosses(to: usize): void {
  losses = to;
  total = 0;
}

/** Loss and gradient of the rows that were brought in, once their maxima are known. */
export function passOfRows(near: bool): void {
  startSums(SUM_HARD, SUM_LABELLED + 32);
  if (hasHardTerm) sumHardTerm();
  if (labelKind == CLASS_IDS) addLabels();
  sumSoftTerm(near);
  for (let at = lanes; at < end; at += 4) {
    const weight: f64 = weights ? scale * load<f32>(ofRow(weights, at, 4)) : scale;
    const value = weight != 0 ? lossOfLane(at, near, weight) : 0;
    if (weight == 0 || value != value) v128.store(at, f32x4.splat(<f32>value), FILLING);
    total += value;
    if (losses) store<f32>(ofRow(losses, at, 4), <f32>value);
  }
  if (written) writeGradient();
}

/**
 * MATH (1) of a lane's row, NaN if it is one of those that must be; keeps what its gradient is written with.
 */
function lossOfLane(at: usize, near: bool, weight: f64): f64 {
  const t = temperatureOf(at);
  const a = alphaOf(at);
  const softPart = a == NO_ALPHA ? softWeight : softWeight * (1 - a);
  const toSoft = weight * softPart * (scalesByTemperatureSquared ? t * t : 1);
  const soft = softTermOfLane(at, near, toSoft);
  // Such a row is NaN even if its soft term is left out.
  const isValid = isTemperature(t) && isTemperature(teacherTemperatureOf(at, t)) && soft == soft;
  const isAlpha = a == NO_ALPHA || (a >= 0 && a <= 1);
  if (!(isValid && isAlpha && (a == 0 || abs(sumOfLabels(at)) < Infinity))) return NaN;
  let value = softPart != 0 ? toSoft * soft : 0;
  const isWithout = softPart == 0 && gradientTo == TO_TEACHER;
  const isLacking = written == CENTRED && abs(value) == Infinity;
  v128.store(at, f32x4.splat(isLacking ? NaN : isWithout ? 0 : 1), FILLING);
  if (hasHardTerm) value += hardTermOfLane(at, weight);
  return value;
}

/**
 * Writes the gradient; then, row by row, takes off the one label where the others are 0, and fills rows that
 * have no gradient.
 */
function writeGradient(): void {
  const target = isGroup ? u : ofRow(gradients, lanes, rowBytes);
  // The rest first: what its gradient is merged into was stored long ago then, and need not be waited for.
  if (rest) {
    writeGradientOf(secondPad, firstPad, rPad, labelPad, secondPad, PAD);
    mergeRest(target + rowBytes - PAD, secondPad);
  }
  for (let at: usize = 0; at < wholeBytes; at += BLOCK) {
    writeGradientOf(u + at, w + at, r + at, labels + at, target + at, bytesOfBlock(at));
  }
  if (isGroup) transposeOut(gradients, target);
  const hasOneLabel = hasHardTerm && labelKind == CLASS_IDS;
  if (!hasOneLabel && i32x4.all_true(f32x4.eq(v128.load(lanes, FILLING), f32x4.splat(1)))) return;
  for (let at = lanes; at < end; at += 4) finishGradient(at, hasOneLabel);
}

function writeGradientOf(u: usize, w: usize, r: usize, labels: usize, target: usize, bytes: usize): void {
  writeSoftGradient(u, w, target, bytes);
  if (!hasHardTerm) return;
  const areMany = labelKind == DISTRIBUTION;
  addHardGradient(r, areMany ? labels : r, target, bytes, areMany);
}

function finishGradient(at: usize, hasOneLabel: bool): void {
  let gradient = ofRow(gradients, at, rowBytes);
  const fill = load<f32>(at, FILLING);
  if (fill != 1) {
    for (const behind = gradient + rowBytes; gradient < behind; gradient += 4) store<f32>(gradient, fill);
  } else if (hasOneLabel && alphaOf(at) != 0) {
    gradient += <usize>load<i32>(ofRow(labelsOfAll, at, 4)) << 2;
    store<f32>(gradient, load<f32>(gradient) - load<f32>(at, TO_LABEL));
  }
}
