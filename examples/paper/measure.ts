import type * as tf from '@tensorflow/tfjs';
import type { Examples } from '../mnist.ts';
import { bestShift, countErrors } from './errors.ts';
import type { Measured, Shifted, TemperaturePoint } from './figures.ts';
import type { Job } from './plan.ts';
import { logitsOf } from './train.ts';

export interface Trained {
  job: Job;
  model: tf.LayersModel;
  /** Of the held-out training images. */
  heldOutLogits: Float32Array;
}

/** Everything that is counted on the test images, at once. */
export async function measure(
  trained: readonly Trained[],
  test: Examples,
  heldOut: Examples,
): Promise<Measured> {
  const measured: Measured = { hardStudent: [], softStudent: [], temperatures: [] };
  for (const { job, model, heldOutLogits } of trained) {
    const logits = await logitsOf(model, test);
    const { errors, errorsOn3 } = countErrors(logits, test);
    const shifted = (digits: number[]): Shifted => {
      const { by } = bestShift(heldOutLogits, heldOut, digits);
      return {
        errors,
        errorsOn3,
        shifted: { by, ...countErrors(logits, test, { digits, by }) },
        shiftedForTest: bestShift(logits, test, digits),
      };
    };
    const { role, seed } = job;
    switch (role) {
      case 'teacher':
        measured.teacher = { errors };
        break;
      case 'hardStudent':
      case 'softStudent':
        measured[role].push({ seed, errors });
        break;
      case 'without3':
        measured.without3 = shifted([3]);
        break;
      case 'only7And8':
        measured.only7And8 = shifted([7, 8]);
        break;
      case 'byTemperature':
        measured.temperatures.push({ ...pointOf(job), errors });
        break;
      default:
        role satisfies never;
    }
  }
  return measured;
}

function pointOf({ units, seed, targets }: Job): Omit<TemperaturePoint, 'errors'> {
  if (targets.kind !== 'teacher' || (units !== 30 && units !== 300)) {
    throw new Error('measure: a network by temperature has 30 or 300 units and a teacher.');
  }
  return { units, temperature: targets.temperature, seed };
}
