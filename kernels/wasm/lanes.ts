/** What rows are computed with, by lane: of a group each row has one; of a row by itself all lanes have the same, and its sums are in the first. */

/** Where that lies: values as vectors of float32 first, then sums as four float64. A slot has 32 bytes, so that a vector may be stored at its last lane. */
export let lanes: usize = 0;
/** Whether lanes are the rows of a group. */
export let isGroup: bool = false;

/** log2(e)/T, 1/T, and the widest range of d of a near row. */
export const TO_LOG2: usize = 0;
export const INVERSE_T: usize = 32;
export const LIMIT: usize = 64;
/** mz and mv over the classes read so far, in the order of the divergence's arguments; mv is -Infinity for probabilities. */
export const MAX_SECOND: usize = 96;
export const MAX_FIRST: usize = 128;
/** The range of d of MATH (20) over those that were tested: minus the lowest, and the highest. A class that is masked in both has no d. */
export const MINUS_LOWEST: usize = 160;
export const HIGHEST: usize = 192;
/** The number of the lane's row. */
export const ROW: usize = 224;
/** Of the gradient: see gradients.ts. */
export const TO_U: usize = 256;
export const TO_W: usize = 288;
export const MEAN: usize = 320;
export const TO_R: usize = 352;
export const TO_LABEL: usize = 384;
export const CONSTANT: usize = 416;
/** What fills the gradient of a row that has none, 1 in other rows. */
export const FILLING: usize = 448;

/** s1 of the hard term, MATH (18), and sz, sv of MATH (12); in the place of sz, in a near row R of MATH (21). */
export const SUM_HARD: usize = 480;
export const SUM_STUDENT: usize = 512;
export const SUM_TEACHER: usize = 544;
/** Sum of w x in units of log 2, x = a for the cross entropy, a - b for KL: MATH (13). In a near row M of MATH (21), in units of 1. */
export const SUM_CROSS: usize = 576;
/** In a near row, sum of w b in units of log 2; of probabilities, sum of p log2 p. */
export const SUM_OWN: usize = 608;
/** Of the hard term, MATH (18): Y', sum y' (z - mz). */
export const SUM_LABELS: usize = 640;
export const SUM_LABELLED: usize = 672;
/** Logarithms of the first three lie so far behind them. */
export const TO_LOG: usize = 224;
export const LANES_BYTES: usize = 800;

export function setLanes(at: usize): void {
  lanes = at;
}

export function setGroup(is: bool): void {
  isGroup = is;
}

/** Maxima of nothing; the bounds of d are -Infinity, or Infinity where its range is not wanted. */
export function startMaxima(bounds: f32): void {
  const lowest = f32x4.splat(-Infinity);
  v128.store(lanes, lowest, MAX_SECOND);
  v128.store(lanes, lowest, MAX_FIRST);
  v128.store(lanes, f32x4.splat(bounds), MINUS_LOWEST);
  v128.store(lanes, f32x4.splat(bounds), HIGHEST);
}

/** Sums of nothing. */
export function startSums(): void {
  let sum = lanes + SUM_HARD;
  const end = sum + TO_LOG;
  do {
    v128.store(sum, f32x4.splat(0));
    v128.store(sum, f32x4.splat(0), 16);
    sum += 32;
  } while (sum < end);
}

/** Adds to a sum what lanes have of it, in float64. */
export function addLanes(sum: usize, x: v128): void {
  sum += lanes;
  const low = f64x2.promote_low_f32x4(x);
  const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  if (isGroup) {
    v128.store(sum, f64x2.add(v128.load(sum), low));
    v128.store(sum, f64x2.add(v128.load(sum, 16), high), 16);
  } else {
    const both = f64x2.add(low, high);
    store<f64>(sum, load<f64>(sum) + (f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1)));
  }
}

/** Makes every lane the largest of all that are not NaN. */
export function foldMaximum(slot: usize): void {
  let x = v128.load(lanes + slot);
  x = f32x4.pmax(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  v128.store(lanes + slot, f32x4.pmax(x, v128.shuffle<f32>(x, x, 1, 0, 3, 2)));
}
