/**
 * One loss with its gradient, and the kernels that ran: what every consumer reports. Becomes measure.mjs
 * beside them.
 */
import type * as TensorFlow from '@tensorflow/tfjs-core';
import type { distillationLoss } from '../../src/index.ts';

export const TEACHER = [
  [4, 1, -2, 0],
  [-1, 3, 0.5, 2],
];
export const STUDENT = [
  [1, 2, 0, -1],
  [0, 0, 1, 4],
];
export const TEMPERATURE = 2;

export interface Measurement {
  backend: string;
  kernels: string[];
  loss: number;
  dStudent: number[];
}

/** The consumer hands in its own tfjs-core and its own copy of the package. */
export async function measure(
  tf: typeof TensorFlow,
  distill: { distillationLoss: typeof distillationLoss },
  backendName: string,
): Promise<Measurement> {
  await tf.setBackend(backendName);
  await tf.ready();
  const teacher = tf.tensor2d(TEACHER);
  const student = tf.tensor2d(STUDENT);
  const lossAndGradient = tf.valueAndGrad((studentLogits) =>
    distill.distillationLoss(teacher, studentLogits, { temperature: TEMPERATURE }),
  );
  const results: { value: TensorFlow.Tensor; grad: TensorFlow.Tensor }[] = [];
  const { kernelNames } = await tf.profile(() => {
    results.push(lossAndGradient(student));
    return results[0].value;
  });
  const [{ value, grad }] = results;
  const [loss] = await value.data();
  return { backend: tf.getBackend(), kernels: kernelNames, loss, dStudent: Array.from(await grad.data()) };
}
