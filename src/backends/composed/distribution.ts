import {
  div,
  equal,
  less,
  log,
  max,
  maximum,
  mul,
  sub,
  type Tensor,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { expOrZero, productOrZero, sumClasses } from './tensors.ts';

/** Largest finite float32, just below it: comparisons against it find what is not finite. */
export const FINITE = 3.4e38;
/** Stands for -Infinity in differences: exp gives 0, and 0 times it is 0. */
export const FAR_BELOW = -1e30;
/** Smallest normal float32: TensorFlow takes what is smaller for 0, whose logarithm is infinite. */
export const TINY = 2 ** -126;

/**
 * A distribution over classes, and the differences and sums it came from: MATH (12), (14). All [rows,
 * classes] or [rows, 1].
 */
export interface Distribution {
  masked: Tensor;
  /** mz or mv. */
  maximum: Tensor | number;
  /** a or b; FAR_BELOW where masked. */
  scaled: Tensor;
  logSum: Tensor | number;
  probability: Tensor;
  logProbability: Tensor;
}

/** softmax(logits / temperature). */
export function softmaxOf(logits: Tensor, temperature: Tensor | number): Distribution {
  const masked = less(logits, -FINITE);
  const maximum = max(where(masked, -FINITE, logits), 1, true);
  const difference = sub(logits, maximum);
  const quotient =
    typeof temperature === 'number' ? mul(difference, 1 / temperature) : div(difference, temperature);
  const scaled = where(masked, FAR_BELOW, quotient);
  const exponentials = expOrZero(scaled);
  const sum = sumClasses(exponentials);
  const total = where(equal(sum, 0), 1, sum); // without a class
  const logSum = log(total);
  return {
    masked,
    maximum,
    scaled,
    logSum,
    probability: div(exponentials, total),
    logProbability: sub(scaled, logSum),
  };
}

/** Probabilities that are used as they are, whatever they sum to. */
export function asGiven(probability: Tensor): Distribution {
  const masked = equal(probability, 0);
  const logProbability = where(masked, FAR_BELOW, log(maximum(probability, TINY)));
  return {
    masked: zerosLike(masked),
    maximum: 0,
    scaled: logProbability,
    logSum: 0,
    probability,
    logProbability,
  };
}

/** E_p[x] or E_q[x]; of probabilities as given sum p x. */
export const mean = ({ probability }: Distribution, x: Tensor) => sumClasses(productOrZero(probability, x));
