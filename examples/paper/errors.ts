import { DIGITS, type Examples } from '../mnist.ts';
import type { Errors } from './figures.ts';

/**
 * Errors of logits, with `shift` added to those of some digits: what a change of these digits' biases does.
 */
export function countErrors(
  logits: Float32Array,
  { labels }: Examples,
  shift: { digits: readonly number[]; by: number } = { digits: [], by: 0 },
): Errors {
  let [errors, errorsOn3] = [0, 0];
  labels.forEach((label, row) => {
    let best = 0;
    let bestLogit = Number.NEGATIVE_INFINITY;
    for (let digit = 0; digit < DIGITS; digit++) {
      const logit = logits[row * DIGITS + digit] + (shift.digits.includes(digit) ? shift.by : 0);
      if (logit > bestLogit) [best, bestLogit] = [digit, logit];
    }
    if (best === label) return;
    errors++;
    if (label === 3) errorsOn3++;
  });
  return { errors, errorsOn3 };
}

/** The mean cross entropy of logits with the labels, nats: finer than a count of errors. */
export function meanCrossEntropy(logits: Float32Array, { labels, count }: Examples): number {
  let sum = 0;
  labels.forEach((label, row) => {
    const values = logits.subarray(row * DIGITS, (row + 1) * DIGITS);
    const largest = Math.max(...values);
    const total = values.reduce((exponentials, logit) => exponentials + Math.exp(logit - largest), 0);
    sum += largest + Math.log(total) - values[label];
  });
  return sum / count;
}

/**
 * The shift of these digits' biases, in steps of 0.1 up to 20 either way, that makes the fewest errors among
 * these examples.
 */
export function bestShift(
  logits: Float32Array,
  examples: Examples,
  digits: readonly number[],
): Errors & { by: number } {
  let best = { by: 0, ...countErrors(logits, examples) };
  for (let step = -200; step <= 200; step++) {
    const by = step / 10;
    const counted = countErrors(logits, examples, { digits, by });
    if (counted.errors < best.errors) best = { by, ...counted };
  }
  return best;
}
