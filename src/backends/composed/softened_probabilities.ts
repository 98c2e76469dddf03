import {
  abs,
  add,
  div,
  equal,
  less,
  lessEqual,
  log,
  maximum,
  mul,
  sub,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import { type Objective, ROUNDING_OF_SUM, SMALLEST_PROBABILITY } from '../../../kernels/objective.ts';
import { sumClasses } from './tensors.ts';

/**
 * Probabilities that are softened, and their sum S: what makes of a divergence from a distribution that from
 * S times it, MATH (33)-(35).
 */
export interface SoftenedProbabilities {
  /** P, [rows, classes]. */
  given: Tensor;
  /** Whether P counts as 0. */
  absent: Tensor;
  /** S, [rows, 1]; 1 where only its rounding keeps it from that, which would be a divergence. */
  sum: Tensor;
  /** log S, [rows, 1]; 0 where S is 0. */
  logSum: Tensor;
}

export function softenedProbabilities(given: Tensor): SoftenedProbabilities {
  const absent = less(given, SMALLEST_PROBABILITY);
  const rounded = sumClasses(where(absent, 0, given));
  const sum = where(lessEqual(abs(sub(rounded, 1)), ROUNDING_OF_SUM), 1, rounded);
  return { given, absent, sum, logSum: log(where(equal(sum, 0), 1, sum)) };
}

/** log P, which stands for v; -Infinity where P is 0. */
export const logitsOf = ({ given, absent }: SoftenedProbabilities): Tensor =>
  where(absent, Number.NEGATIVE_INFINITY, log(maximum(given, SMALLEST_PROBABILITY)));

/** c of MATH (35): what m sums to. */
export const mixtureSum = ({ sum }: SoftenedProbabilities, { beta }: Objective): Tensor =>
  add(mul(sum, beta), 1 - beta);

/** beta' of MATH (35). */
export const mixtureBeta = (softened: SoftenedProbabilities, objective: Objective): Tensor =>
  div(mul(softened.sum, objective.beta), mixtureSum(softened, objective));
