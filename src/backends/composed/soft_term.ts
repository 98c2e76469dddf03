import { add, div, equal, logicalAnd, maximum, mul, square, type Tensor, where } from '@tensorflow/tfjs-core';
import { DIVERGENCES as TRAITS } from '../../../kernels/divergences.ts';
import { type Divergence, SMALLEST_PROBABILITY } from '../../../kernels/objective.ts';
import { unknownWord } from '../../../kernels/words.ts';
import { crossEntropy } from './cross_entropy.ts';
import type { ComposedDivergence } from './divergence.ts';
import { jsd } from './jsd.ts';
import { kl } from './kl.ts';
import { reverseKl } from './reverse_kl.ts';
import type { Rows } from './rows.ts';
import { productOrZero, timesWeight } from './tensors.ts';

const DIVERGENCES: Readonly<Record<Divergence, ComposedDivergence>> = { crossEntropy, kl, reverseKl, jsd };

/** softWeight t D of MATH (1), [rows, 1]. */
export const softValue = (row: Rows): Tensor => timesWeight(softFactor(row), divergenceOf(row));

/** D of MATH (3)-(6), (34), (35), [rows, 1]; by default that of the objective. */
export function divergenceOf(row: Rows, name = row.objective.divergence): Tensor {
  const divergence = DIVERGENCES[name];
  const value = whereInfinite(divergence, row, Number.POSITIVE_INFINITY, divergence.value(row));
  const { softened, objective } = row;
  if (softened === null) return value;
  const scaled = productOrZero(divergence.factor(softened, objective), value);
  return divergence.summand === null ? scaled : add(scaled, divergence.summand(softened, objective));
}

/** softWeight t dD/dz of MATH (3)-(6), [rows, classes]. */
export function softGradient(row: Rows): Tensor {
  const { objective, softened, temperature } = row;
  const divergence = DIVERGENCES[objective.divergence];
  const own = divergence.studentSlopes(row);
  const lacks = TRAITS[objective.divergence].lacksGradientAtInfinity.student;
  const slopes = lacks ? whereInfinite(divergence, row, Number.NaN, own) : own;
  const gradient = timesWeight(div(softFactor(row), temperature), slopes);
  return softened === null ? gradient : mul(gradient, divergence.factor(softened, objective));
}

/** softWeight t times the gradient of D to what was given as the teacher, [rows, classes]. */
export function softTeacherGradient(row: Rows): Tensor {
  const factor = softFactor(row);
  switch (row.reading) {
    case 'logits':
      return timesWeight(div(factor, row.teacherTemperature), slopesToLogits(row));
    case 'probabilities':
      return timesWeight(factor, slopesToProbabilities(row));
    case 'softenedProbabilities':
      return timesWeight(factor, slopesThroughSoftening(row));
    default:
      return unknownWord('reading', row.reading satisfies never);
  }
}

/** MATH (7)-(10) without 1/T_t. */
function slopesToLogits(row: Rows): Tensor {
  const { objective } = row;
  const divergence = DIVERGENCES[objective.divergence];
  const slopes = divergence.teacherSlopes(row);
  const lacks = TRAITS[objective.divergence].lacksGradientAtInfinity.teacher;
  return lacks ? whereInfinite(divergence, row, Number.NaN, slopes) : slopes;
}

/** MATH (11). A class that neither side has does not exist. */
function slopesToProbabilities(row: Rows): Tensor {
  const slopes = DIVERGENCES[row.objective.divergence].probabilitySlopes(row);
  return where(logicalAnd(equal(row.teacher.probability, 0), row.student.masked), 0, slopes);
}

/**
 * MATH (36). There is no finite slope where D is infinite; a class that the probabilities lack stays without.
 */
function slopesThroughSoftening(row: Rows): Tensor {
  const { objective, softened, teacherTemperature } = row;
  if (softened === null)
    throw new Error('slopesThroughSoftening: the teacher is not softened probabilities.');
  const divergence = DIVERGENCES[objective.divergence];
  const own = mul(divergence.teacherSlopes(row), divergence.factor(softened, objective));
  const toGiven = div(div(own, teacherTemperature), maximum(softened.given, SMALLEST_PROBABILITY));
  const slopes = where(softened.absent, 0, add(toGiven, divergence.slopesToSum(row, softened)));
  return whereInfinite(divergence, row, Number.NaN, slopes);
}

/** `x`, but `value` in rows where the divergence is infinite. */
function whereInfinite({ isInfinite }: ComposedDivergence, row: Rows, value: number, x: Tensor): Tensor {
  return isInfinite === null ? x : where(isInfinite(row), value, x);
}

/** softWeight t of MATH (1), [rows, 1] or a number. */
function softFactor({ objective, softWeight, temperature }: Rows): Tensor | number {
  if (!objective.scaleByTemperatureSquared) return softWeight;
  if (typeof temperature !== 'number') return mul(square(temperature), softWeight);
  return typeof softWeight === 'number'
    ? softWeight * temperature * temperature
    : mul(softWeight, temperature * temperature);
}
