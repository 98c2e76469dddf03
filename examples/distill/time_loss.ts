import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss } from '../../src/index.ts';

export interface LossTimes {
  rows: number;
  classes: number;
  /** Median, ms. */
  fused: number;
  stock: number;
}

const ROUNDS = 30;
const WARM_UP = 5;

/**
 * Value and gradient of a distillation loss with class ids: the fused op beside stock ops, taken in turns.
 */
export async function timeLoss(
  rows: number,
  classes: number,
  { temperature, alpha }: { temperature: number; alpha: number },
): Promise<LossTimes> {
  const [teacher, student] = [7, 8].map((seed) => tf.randomNormal([rows, classes], 0, 3, 'float32', seed));
  const labels = tf.tidy(() =>
    tf.cast(tf.floor(tf.randomUniform([rows], 0, classes, 'float32', 9)), 'int32'),
  );
  const fused = (z: tf.Tensor): tf.Scalar => distillationLoss(teacher, z, { temperature, labels, alpha });
  const stock = (z: tf.Tensor): tf.Scalar => {
    const soft = tf.losses.softmaxCrossEntropy(
      tf.softmax(tf.div(teacher, temperature)),
      tf.div(z, temperature),
    );
    const hard = tf.losses.softmaxCrossEntropy(tf.oneHot(labels as tf.Tensor1D, classes), z);
    return tf.add(tf.mul(hard, alpha), tf.mul(soft, (1 - alpha) * temperature ** 2));
  };
  const times: Record<'fused' | 'stock', number[]> = { fused: [], stock: [] };
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    for (const [name, loss] of [
      ['fused', fused],
      ['stock', stock],
    ] as const) {
      const start = performance.now();
      const { value, grad } = tf.valueAndGrad(loss)(student);
      await value.data(); // waits for the device
      if (round >= WARM_UP) times[name].push(performance.now() - start);
      tf.dispose([value, grad]);
    }
  }
  tf.dispose([teacher, student, labels]);
  return { rows, classes, fused: median(times.fused), stock: median(times.stock) };
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}
