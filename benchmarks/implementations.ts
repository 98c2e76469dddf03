import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss } from '../src/index.ts';
import type { LossName } from './implementation_names.ts';
import type { Phase } from './row.ts';

export const TEMPERATURE = 2;

export interface Outcome {
  loss: tf.Tensor;
  /** dLoss/dz; null if only the value was asked for. */
  dStudent: tf.Tensor | null;
}

type Loss = (teacherLogits: tf.Tensor2D, studentLogits: tf.Tensor2D) => tf.Tensor;

/**
 * The job of all: the mean over rows of -sum p log q, p = softmax(v/T), q = softmax(z/T); without the factor
 * T^2, which not all of them have.
 */
const LOSSES: Record<LossName, Loss> = {
  'tfjs-distill': (v, z) =>
    distillationLoss(v, z, { temperature: TEMPERATURE, scaleByTemperatureSquared: false }),
  stock: (v, z) => tf.losses.softmaxCrossEntropy(tf.softmax(tf.div(v, TEMPERATURE)), tf.div(z, TEMPERATURE)),
  composed: (v, z) => composed(v)(z),
};

/**
 * The best that we could write with stock ops: log softmax once, and by tf.customGrad the gradient q - p that
 * tfjs would take nine kernels to find.
 */
function composed(v: tf.Tensor2D): (z: tf.Tensor2D) => tf.Tensor {
  return tf.customGrad((input: tf.Tensor | tf.GradSaveFunc, save: tf.Tensor | tf.GradSaveFunc) => {
    const z = input as tf.Tensor2D;
    const p = tf.softmax(tf.mul(v, 1 / TEMPERATURE));
    const logQ = tf.logSoftmax(tf.mul(z, 1 / TEMPERATURE));
    (save as tf.GradSaveFunc)([p, logQ]);
    const rows = z.shape[0];
    return {
      value: tf.mul(tf.sum(tf.sum(tf.mul(p, logQ), -1)), -1 / rows),
      gradFunc: (dy: tf.Tensor, [p, logQ]: tf.Tensor[]) =>
        tf.mul(tf.sub(tf.exp(logQ), p), tf.mul(dy, 1 / (TEMPERATURE * rows))),
    };
  }) as (z: tf.Tensor2D) => tf.Tensor;
}

/** One call. The caller disposes of what comes back; nothing else is left. */
export function computeLoss(
  name: LossName,
  phase: Phase,
  teacherLogits: tf.Tensor2D,
  studentLogits: tf.Tensor2D,
): Outcome {
  const loss = LOSSES[name];
  if (phase === 'value') return { loss: tf.tidy(() => loss(teacherLogits, studentLogits)), dStudent: null };
  const { value, grad } = tf.valueAndGrad((z: tf.Tensor) => loss(teacherLogits, z as tf.Tensor2D))(
    studentLogits,
  );
  return { loss: value, dStudent: grad };
}

/** tfjs's floor: the negative of next to nothing, and its gradient: what any op costs before it computes. */
export function computeFloor(phase: Phase, x: tf.Tensor): Outcome {
  if (phase === 'value') return { loss: tf.neg(x), dStudent: null };
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => tf.neg(x))(x);
  return { loss: value, dStudent: grad };
}
