/**
 * What rows are computed with, by lane: of a group each row has one; of a row by itself all lanes have the
 * same, and its sums are in the first.
 */

/**
 * Where that lies: values as vectors of float32 first, then sums as four float64. A slot has 32 bytes, so
 * that a vector may be stored at its last lane.
 */
export let lanes: usize = 0;
/** Whether lanes are the rows of a group. */
export let isGroup: bool = false;

/**
 * log2(e)/T and 1/T, of the first and the second argument of the divergence, and the widest range of d of a
 * near row.
 */
export const FIRST_TO_LOG2: usize = 0;
export const SECOND_TO_LOG2: usize = 32;
export const FIRST_INVERSE_T: usize = 64;
export const SECOND_INVERSE_T: usize = 96;
export const LIMIT: usize = 128;
/**
 * mz and mv over the classes read so far, in the order of the divergence's arguments; mv is -Infinity for
 * probabilities that are used as they are.
 */
export const MAX_SECOND: usize = 160;
export const MAX_FIRST: usize = 192;
/**
 * The range of d of MATH (20) over those that were tested: minus the lowest, and the highest. A class that is
 * masked in both has no d.
 */
export const MINUS_LOWEST: usize = 224;
export const HIGHEST: usize = 256;
/** The number of the lane's row. */
export const ROW: usize = 288;
/**
 * Of the mixture of `jsd`: weight of w and of u in it; of a near row lambda and s of MATH (22), and 1/(1 +
 * s).
 */
export const MIXTURE_FIRST: usize = 320;
export const MIXTURE_SECOND: usize = 352;
export const LAMBDA: usize = 384;
export const MEAN_EXPM1: usize = 416;
export const PER_MEAN_EXP: usize = 448;
/** Of the gradient: see gradients.ts. */
export const TO_U: usize = 480;
export const TO_W: usize = 512;
export const MEAN: usize = 544;
export const TO_R: usize = 576;
export const TO_LABEL: usize = 608;
export const CONSTANT: usize = 640;
/** What fills the gradient of a row that has none, 1 in other rows. */
export const FILLING: usize = 704;

/** S of a teacher given as probabilities. */
export const SUM_MASS: usize = 736;
/**
 * s1 of the hard term, MATH (18), and sz, sv of MATH (12), in the order of the divergence's arguments; in a
 * near row, R of MATH (21) in the place of the second's.
 */
export const SUM_HARD: usize = 768;
export const SUM_SECOND: usize = 800;
export const SUM_FIRST: usize = 832;
/**
 * Sum of w x in units of log 2, x = a for the cross entropy, a - b for KL: MATH (13). In a near row M of MATH
 * (21), in units of 1.
 */
export const SUM_CROSS: usize = 864;
/** Sum of w b in units of log 2, of near rows. */
export const SUM_OWN: usize = 896;
/** Of the hard term, MATH (18): Y', sum y' (z - mz). */
export const SUM_LABELS: usize = 928;
export const SUM_LABELLED: usize = 960;
/**
 * Of `jsd`: sums of w log(m/p) and u log(m/q), in units of log 2, but for a constant; in a near row in units
 * of 1, and J by classes.
 */
export const SUM_FIRST_LOG: usize = 992;
export const SUM_SECOND_LOG: usize = 1024;
export const SUM_GAP: usize = 1056;
/** Natural logarithms of sums. */
export const LOG_MASS: usize = 1088;
export const LOG_HARD: usize = 1120;
export const LOG_SECOND: usize = 1152;
export const LOG_FIRST: usize = 1184;
/** KL of a near row, MATH (25). */
export const NEAR_KL: usize = 1216;
/** c of MATH (35): what a mixture sums to. */
export const SUM_MIXTURE: usize = 1248;
export const LOG_MIXTURE: usize = 1280;
/** S; and what u and w are multiplied with to be probabilities, times the mass of the first argument. */
export const MASS: usize = 1312;
export const PER_U: usize = 1344;
export const PER_W: usize = 1376;
/** Of metrics: sum of u a in units of log 2, and the first class with the largest value, and that value. */
export const SUM_STUDENT_OWN: usize = 1408;
export const TOP_STUDENT: usize = 1440;
export const TOP_TEACHER: usize = 1472;
export const TOP_LABEL: usize = 1504;
export const LANES_BYTES: usize = 1536;

export function setLanes(at: usize): void {
  lanes = at;
}

export function setGroup(is: bool): void {
  isGroup = is;
}

/** What maxima begin with; the bounds of d are -Infinity, or Infinity where its range is not wanted. */
export function startMaxima(ofSecond: f32, ofFirst: f32, bounds: f32): void {
  v128.store(lanes, f32x4.splat(ofSecond), MAX_SECOND);
  v128.store(lanes, f32x4.splat(ofFirst), MAX_FIRST);
  v128.store(lanes, f32x4.splat(bounds), MINUS_LOWEST);
  v128.store(lanes, f32x4.splat(bounds), HIGHEST);
}

/** Makes sums from one slot to before another 0. */
// @ts-ignore: decorator
@inline
export function startSums(first: usize, behind: usize): void {
  let sum = lanes + first;
  const end = lanes + behind;
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
