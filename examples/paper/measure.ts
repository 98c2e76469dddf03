import type * as tf from '@tensorflow/tfjs';
import { DIGITS, type Mnist } from '../mnist.ts';
import { holdOut } from './batches.ts';
import { bestShift, countErrors } from './errors.ts';
import type { Counts } from './figures.ts';
import type { Job } from './plan.ts';
import { logitsOf } from './train.ts';

/** Everything that is counted of a network once its training has ended. */
export async function countsOf(job: Job, model: tf.LayersModel, { train, test }: Mnist): Promise<Counts> {
  const logits = await logitsOf(model, test);
  const { heldOut } = holdOut(train);
  const heldOutLogits = await logitsOf(model, heldOut);
  const counts = {
    ...countErrors(logits, test),
    // Others have been trained on these images.
    ...(job.holdsOut && { heldOutErrors: countErrors(heldOutLogits, heldOut).errors }),
  };
  const shifted = shiftedDigitsOf(job);
  if (shifted === null) return counts;
  const { by } = bestShift(heldOutLogits, heldOut, shifted);
  return {
    ...counts,
    shifted: { by, ...countErrors(logits, test, { digits: shifted, by }) },
    shiftedForTest: bestShift(logits, test, shifted),
  };
}

/**
 * The paper raises the bias of the one digit that a student lacked, and lowers those of the two that it saw
 * alone.
 */
function shiftedDigitsOf({ digits }: Job): readonly number[] | null {
  if (digits === undefined) return null;
  const lacking = Array.from({ length: DIGITS }, (_, digit) => digit).filter(
    (digit) => !digits.includes(digit),
  );
  return lacking.length < digits.length ? lacking : digits;
}
