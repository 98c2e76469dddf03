/**
 * What a divergence needs of the sums of a lane besides themselves: MATH (14). Functions take `sums`, where
 * the lane's slots of float64 begin.
 */
import {
  isGroup,
  lanes,
  LOG_FIRST,
  LOG_MASS,
  MASS,
  PER_U,
  PER_W,
  SUM_FIRST,
  SUM_MASS,
  SUM_SECOND,
} from './lanes';
import { logOfSum } from './logarithms';
import {
  isExchanged,
  LOGITS,
  PROBABILITIES,
  reading,
  readsLogarithms,
  SOFTENED_PROBABILITIES,
} from './objective';
import { end } from './rows';

/**
 * Softened probabilities sum to one if they do so but for this: their rounding alone would be a divergence.
 * MATH (33).
 */
const ROUNDING_OF_MASS: f64 = 1e-6;

// @ts-ignore: decorator
@inline
export function sumsOf(at: usize): usize {
  return at + (at - lanes);
}

/** S. */
// @ts-ignore: decorator
@inline
export function massOf(sums: usize): f64 {
  return reading == LOGITS ? 1 : load<f64>(sums, MASS);
}

/** log S, 0 of probabilities as they are, of which no logarithm is known. */
// @ts-ignore: decorator
@inline
export function logMassOf(sums: usize): f64 {
  return reading == LOGITS ? 0 : load<f64>(sums, LOG_MASS);
}

/** Whether w is p, as it was given: then no logarithms of it are known. */
// @ts-ignore: decorator
@inline
export function isGiven(): bool {
  return reading == PROBABILITIES && !readsLogarithms;
}

/** Whether the teacher is known to be a distribution, of which no divergence is negative. */
// @ts-ignore: decorator
@inline
export function isDistribution(sums: usize): bool {
  return reading == LOGITS || (reading == SOFTENED_PROBABILITIES && load<f64>(sums, MASS) == 1);
}

/** Writes by lane S, PER_U and PER_W. */
export function divideSums(): void {
  const stop = lanes + (isGroup ? 32 : 16);
  for (let at = lanes; at < stop; at += 16) {
    v128.store(at, f64x2.div(f64x2.splat(1), v128.load(at, SUM_SECOND)), PER_U);
    v128.store(at, f64x2.div(f64x2.splat(1), v128.load(at, SUM_FIRST)), PER_W);
  }
  if (reading == LOGITS) return;
  if (readsLogarithms) logOfSum(SUM_MASS, LOG_MASS);
  for (let at = lanes; at < end; at += 4) divideSumsOfProbabilities(sumsOf(at));
}

function divideSumsOfProbabilities(sums: usize): void {
  const sumFirst = load<f64>(sums, SUM_FIRST);
  let mass = sumFirst;
  let massOfFirst = mass;
  let perW: f64 = 1;
  if (readsLogarithms) {
    mass = load<f64>(sums, SUM_MASS);
    if (reading == SOFTENED_PROBABILITIES && abs(mass - 1) <= ROUNDING_OF_MASS) {
      mass = 1;
      store<f64>(sums, 0, LOG_MASS);
    }
    // All 0, they stay so.
    massOfFirst = isExchanged ? 1 : mass;
    perW = sumFirst == 0 ? 0 : massOfFirst / sumFirst;
  } else {
    store<f64>(sums, 0, LOG_MASS);
    store<f64>(sums, 0, LOG_FIRST);
  }
  store<f64>(sums, mass, MASS);
  store<f64>(sums, load<f64>(sums, PER_U) * massOfFirst, PER_U);
  store<f64>(sums, perW, PER_W);
}
