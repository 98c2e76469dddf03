/**
 * The soft term D of the rows that are worked on, and its gradient: which of the divergences' functions are
 * called, and with which factors.
 */
import { crossEntropy, sweepCrossEntropy, sweepGivenCrossEntropy, sweepLogOfStudent } from './cross_entropy';
import { setFactor, writeCentred, writeDifference, writeSlopes } from './gradients';
import { jsd, setFactorsOfJsd, sumMixture, sweepMasses } from './jsd';
import { kl, sweepGivenKl, sweepKl, sweepLogRatio } from './kl';
import {
  FIRST_INVERSE_T,
  LOG_FIRST,
  LOG_SECOND,
  MEAN,
  PER_U,
  PER_W,
  SECOND_INVERSE_T,
  SUM_CROSS,
  SUM_FIRST,
  SUM_SECOND,
  TO_U,
  TO_W,
} from './lanes';
import { logOfSum } from './logarithms';
import { klOfNear, sweepNear, sweepNearRatio } from './near';
import {
  CENTRED,
  CROSS_ENTROPY,
  DIFFERENCE,
  divergence,
  JSD,
  KL,
  QUOTIENT,
  SLOPES,
  written,
} from './objective';
import { writeQuotients } from './reverse_kl';
import { BLOCK, bytesOfBlock, first, firstPad, PAD, rest, second, secondPad, u, w, wholeBytes } from './rows';
import { divideSums, isGiven, logMassOf, massOf, sumsOf } from './sums';
import { LN_2 } from './vectors';

/** Sums of MATH (12), (13), (21) and their logarithms; of `jsd` those of its second sweep too. */
export function sumSoftTerm(near: bool): void {
  if (rest) sweepSoftTerm(near, secondPad, firstPad, secondPad, firstPad, PAD);
  for (let at: usize = 0; at < wholeBytes; at += BLOCK) {
    sweepSoftTerm(near, second + at, first + at, u + at, w + at, bytesOfBlock(at));
  }
  if (near) klOfNear();
  else logOfSum(SUM_SECOND, LOG_SECOND);
  if ((divergence == CROSS_ENTROPY) == near && !isGiven()) logOfSum(SUM_FIRST, LOG_FIRST);
  divideSums();
  if (divergence == JSD) sumMixture(near);
}

/** Writes u and w, or what takes their places. */
function sweepSoftTerm(near: bool, second: usize, first: usize, u: usize, w: usize, bytes: usize): void {
  const keepsX = written == CENTRED || written == SLOPES;
  if (near) {
    if (keepsX || divergence == JSD) sweepNearRatio(second, first, u, w, bytes);
    else sweepNear(second, first, u, w, bytes);
  } else if (divergence == CROSS_ENTROPY) {
    if (isGiven()) sweepGivenCrossEntropy(second, first, u, w, bytes);
    else if (keepsX) sweepLogOfStudent(second, first, u, w, bytes);
    else sweepCrossEntropy(second, first, u, w, bytes);
  } else if (divergence == JSD) {
    sweepMasses(second, first, bytes);
  } else {
    if (isGiven()) sweepGivenKl(second, first, u, w, bytes);
    else if (keepsX) sweepLogRatio(second, first, u, w, bytes);
    else sweepKl(second, first, u, w, bytes);
  }
}

/**
 * D of a lane; NaN if its row must be that even where D is left out. Keeps what the gradient of toSoft D is
 * written with.
 */
export function softTermOfLane(at: usize, near: bool, toSoft: f64): f64 {
  const sums = sumsOf(at);
  // NaN is not seen by products where w = 0, and the logarithm of sums knows none.
  if (!(load<f64>(sums, SUM_SECOND) + load<f64>(sums, SUM_FIRST) < Infinity)) return NaN;
  if (written == DIFFERENCE) setFactorsOfDifference(at, near, toSoft * load<f32>(at, SECOND_INVERSE_T));
  else if (divergence == JSD) setFactorsOfJsd(at, near, toSoft);
  else if (written == CENTRED) setFactorsOfCentred(at, near, toSoft * load<f32>(at, FIRST_INVERSE_T));
  else if (written == SLOPES) setFactorsOfSlopes(at, toSoft);
  else if (written == QUOTIENT) setFactorsOfQuotient(at, toSoft);
  if (divergence == CROSS_ENTROPY) return crossEntropy(sums, near);
  return divergence == JSD ? jsd(sums, near) : kl(sums, near);
}

/** MATH (3), (4), (9), (23). */
function setFactorsOfDifference(at: usize, near: bool, factor: f64): void {
  const sums = sumsOf(at);
  const toW = factor * load<f64>(sums, PER_W);
  if (near) {
    const s = (load<f64>(sums, SUM_CROSS) + load<f64>(sums, SUM_SECOND)) / load<f64>(sums, SUM_FIRST);
    const toU = toW / (1 + s);
    setFactor(at, TO_U, toU);
    setFactor(at, TO_W, toU * s);
  } else {
    setFactor(at, TO_U, factor * load<f64>(sums, PER_U));
    setFactor(at, TO_W, toW);
  }
}

/** MATH (5), (7), (8); x is in units of log 2, of a near row in units of 1. */
function setFactorsOfCentred(at: usize, near: bool, factor: f64): void {
  const sums = sumsOf(at);
  setFactor(at, TO_W, factor * load<f64>(sums, PER_W) * (near ? 1 : LN_2));
  setFactor(at, MEAN, load<f64>(sums, SUM_CROSS) / load<f64>(sums, SUM_FIRST));
}

/** MATH (11): -log q, or log p - log q + 1. */
function setFactorsOfSlopes(at: usize, toSoft: f64): void {
  const sums = sumsOf(at);
  let constant = load<f64>(sums, LOG_SECOND);
  if (divergence == KL) constant += logMassOf(sums) - load<f64>(sums, LOG_FIRST) + 1;
  setFactor(at, TO_W, toSoft * LN_2);
  setFactor(at, MEAN, toSoft * constant);
}

/** MATH (11): -q/p, where p may be 0 throughout. */
function setFactorsOfQuotient(at: usize, toSoft: f64): void {
  const sums = sumsOf(at);
  const sumTeacher = load<f64>(sums, SUM_SECOND);
  setFactor(at, TO_U, sumTeacher == 0 ? 0 : massOf(sums) / sumTeacher);
  setFactor(at, TO_W, toSoft * load<f64>(sums, PER_W));
}

/** Writes the gradient of classes, from what `sweepSoftTerm` left. */
export function writeSoftGradient(u: usize, w: usize, target: usize, bytes: usize): void {
  if (written == DIFFERENCE) writeDifference(u, w, target, bytes);
  else if (written == CENTRED) writeCentred(u, w, target, bytes);
  else if (written == SLOPES) writeSlopes(u, target, bytes);
  else writeQuotients(u, w, target, bytes);
}
