/** What the next row passes compute, the same for all of their rows: MATH (1). */

/**
 * How the teacher is given: logits v; probabilities p, taken as they are; or probabilities that are softened,
 * whose logarithms stand for v. MATH (33).
 */
export const LOGITS: i32 = 0;
export const PROBABILITIES: i32 = 1;
export const SOFTENED_PROBABILITIES: i32 = 2;

/** The soft term D. MATH (3)-(6). */
export const CROSS_ENTROPY: i32 = 0;
export const KL: i32 = 1;
export const REVERSE_KL: i32 = 2;
export const JSD: i32 = 3;

/** The gradient that is written. */
export const NO_GRADIENT: i32 = 0;
export const TO_STUDENT: i32 = 1;
export const TO_TEACHER: i32 = 2;

/** Values of `teacherTemperature` that are no temperature. */
export const OF_STUDENT: f64 = 0;
export const OF_ITS_ROW: f64 = -1;

export const NO_ALPHA: f64 = -1;

/** How the labels of the hard term are given. */
export const NO_LABELS: i32 = 0;
export const CLASS_IDS: i32 = 1;
export const DISTRIBUTION: i32 = 2;

/**
 * What is written of a class once the sums are known, by the names of the functions that do. NOTHING of a
 * loss alone.
 */
export const NOTHING: i32 = 0;
export const DIFFERENCE: i32 = 1;
export const CENTRED: i32 = 2;
export const SLOPES: i32 = 3;
export const QUOTIENT: i32 = 4;

export let reading: i32 = LOGITS;
export let divergence: i32 = CROSS_ENTROPY;
export let gradientTo: i32 = NO_GRADIENT;
export let labelKind: i32 = NO_LABELS;
/** Of a row that is given none of its own. */
export let temperature: f64 = 1;
/** OF_STUDENT: that of its row; OF_ITS_ROW: one that the row is given. */
export let teacherTemperature: f64 = OF_STUDENT;
export let scalesByTemperatureSquared: bool = false;
/** Weight of p in the mixture of `jsd`. */
export let beta: f64 = 0;
export let scale: f64 = 1;
export let softWeight: f64 = 1;
export let hardWeight: f64 = 0;
export let labelSmoothing: f64 = 0;
/** Weight of the hard term in both, of rows that are given none of their own; -1 if no row is. */
export let alpha: f64 = NO_ALPHA;

/**
 * What is left of `labels` where the hard term has no part in what is wanted: class ids, since a wrong one
 * makes its row NaN.
 */
export let hasHardTerm: bool = false;
/** The arguments of the divergence are exchanged: D(q, p), as in `reverseKl`. */
export let isExchanged: bool = false;
/** The logarithms of probabilities take their place: what is computed needs them. */
export let readsLogarithms: bool = false;
/** What is written of a class once the sums are known. */
export let written: i32 = NOTHING;
export function setObjective(
  readingOfTeacher: i32,
  divergenceOfRow: i32,
  gradient: i32,
  labels: i32,
  areScaled: bool,
  temperatureOfAll: f64,
  temperatureOfTeachers: f64,
  betaOfMixture: f64,
  alphaOfAll: f64,
  scaleOfAll: f64,
  soft: f64,
  hard: f64,
  smoothing: f64,
): void {
  reading = readingOfTeacher;
  divergence = divergenceOfRow;
  gradientTo = gradient;
  labelKind = labels;
  temperature = temperatureOfAll;
  teacherTemperature = temperatureOfTeachers;
  scalesByTemperatureSquared = areScaled;
  beta = betaOfMixture;
  alpha = alphaOfAll;
  scale = scaleOfAll;
  softWeight = soft;
  hardWeight = hard;
  labelSmoothing = smoothing;
  const isToTeacher = gradient == TO_TEACHER;
  hasHardTerm = labels != NO_LABELS && hard != 0 && !isToTeacher;
  isExchanged = divergenceOfRow == REVERSE_KL;
  readsLogarithms =
    readingOfTeacher == SOFTENED_PROBABILITIES ||
    (readingOfTeacher == PROBABILITIES && (isToTeacher || divergenceOfRow > KL));
  written = writtenOf(gradient);
}

function writtenOf(gradient: i32): i32 {
  if (gradient == NO_GRADIENT) return NOTHING;
  const isToTeacher = gradient == TO_TEACHER;
  if (isToTeacher && reading == PROBABILITIES) return isExchanged ? QUOTIENT : SLOPES;
  // To the second argument of KL it is a difference, to the first it is not.
  return divergence != JSD && isToTeacher == isExchanged ? DIFFERENCE : CENTRED;
}

/** What the next row metrics are of: KL and the plain labels of MATH (28)-(32), all from logarithms. */
export function setMeasure(
  readingOfTeacher: i32,
  labels: i32,
  temperatureOfAll: f64,
  temperatureOfTeachers: f64,
  weight: f64,
): void {
  setObjective(
    readingOfTeacher,
    KL,
    NO_GRADIENT,
    labels,
    false,
    temperatureOfAll,
    temperatureOfTeachers,
    0,
    NO_ALPHA,
    weight,
    1,
    1,
    0,
  );
  readsLogarithms = readingOfTeacher != LOGITS;
}
