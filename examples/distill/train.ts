import * as tf from '@tensorflow/tfjs-core';
import type { Mlp } from '../mlp.ts';
import { type Examples, IMAGE_SIDE, IMAGE_SIZE } from '../mnist.ts';
import type { Random } from '../random.ts';

export interface TrainOptions {
  epochs: number;
  batchSize: number;
  /** At the start; it falls to 0 in a straight line. */
  learningRate: number;
  /** Shift each image by up to this many pixels each way, anew each time it is seen. */
  jitter: number;
  random: Random;
  /** What of a batch is reported, by name. Default its loss. */
  measure?: (logits: tf.Tensor2D, places: Int32Array) => Record<string, tf.Scalar>;
  /** Called every REPORT_EVERY batches with the number of images seen and what was measured. */
  onProgress(images: number, measured: Record<string, number>): void;
}

/** The examples of a batch, by their places in the training set, to a scalar loss. */
export type BatchLoss = (logits: tf.Tensor2D, places: Int32Array) => tf.Scalar;

const MOMENTUM = 0.9;
const REPORT_EVERY = 20;

/** Stochastic gradient descent with momentum over shuffled batches. */
export async function train(
  model: Mlp,
  examples: Examples,
  lossOf: BatchLoss,
  options: TrainOptions,
): Promise<void> {
  const { epochs, batchSize, learningRate, jitter, random, onProgress } = options;
  const measure = options.measure ?? ((logits, places) => ({ loss: lossOf(logits, places) }));
  const optimizer = tf.train.momentum(learningRate, MOMENTUM);
  const steps = epochs * Math.ceil(examples.count / batchSize);
  let step = 0;
  let images = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = random.permutation(examples.count);
    for (let start = 0; start < examples.count; start += batchSize) {
      const places = order.subarray(start, start + batchSize);
      optimizer.setLearningRate(learningRate * (1 - step / steps));
      const inputs = batchOf(examples, places, { jitter, random });
      optimizer.minimize(() => lossOf(model.logits(inputs), places), false, model.variables);
      if (step % REPORT_EVERY === 0) {
        onProgress(images, await read(tf.tidy(() => measure(model.logits(inputs), places))));
        await tf.nextFrame(); // lets the progress bar draw, and Ctrl-C through
      }
      inputs.dispose();
      step++;
      images += places.length;
    }
  }
  optimizer.dispose();
}

/** Disposes the scalars. */
async function read(scalars: Record<string, tf.Scalar>): Promise<Record<string, number>> {
  const values: Record<string, number> = {};
  for (const [name, scalar] of Object.entries(scalars)) {
    values[name] = (await scalar.data())[0];
    scalar.dispose();
  }
  return values;
}

/** The images at these places, [places, IMAGE_SIZE]; what is shifted in is black. */
export function batchOf(
  { images }: Examples,
  places: Int32Array,
  { jitter, random }: { jitter: number; random: Random },
): tf.Tensor2D {
  const batch = new Float32Array(places.length * IMAGE_SIZE);
  places.forEach((place, row) => {
    const image = images.subarray(place * IMAGE_SIZE, (place + 1) * IMAGE_SIZE);
    const to = batch.subarray(row * IMAGE_SIZE, (row + 1) * IMAGE_SIZE);
    const [down, right] = jitter === 0 ? [0, 0] : [0, 0].map(() => random.integer(2 * jitter + 1) - jitter);
    shift(image, to, down, right);
  });
  return tf.tensor2d(batch, [places.length, IMAGE_SIZE]);
}

function shift(image: Float32Array, to: Float32Array, down: number, right: number): void {
  if (down === 0 && right === 0) {
    to.set(image);
    return;
  }
  const from = Math.max(0, -right);
  const end = IMAGE_SIDE - Math.max(0, right);
  for (let y = Math.max(0, down); y < IMAGE_SIDE + Math.min(0, down); y++) {
    const line = (y - down) * IMAGE_SIDE;
    to.set(image.subarray(line + from, line + end), y * IMAGE_SIDE + from + right);
  }
}

const EVALUATION_BATCH = 1000;

/** The logits of every example, [count * classes] on the CPU. */
export async function logitsOf(model: Mlp, { images, count }: Examples): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (let start = 0; start < count; start += EVALUATION_BATCH) {
    const rows = Math.min(EVALUATION_BATCH, count - start);
    const values = images.subarray(start * IMAGE_SIZE, (start + rows) * IMAGE_SIZE);
    const logits = tf.tidy(() => model.logits(tf.tensor2d(values, [rows, IMAGE_SIZE])));
    parts.push((await logits.data()) as Float32Array);
    logits.dispose();
  }
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** How many examples have another label than their largest logit says. */
export function countErrors(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  let errors = 0;
  labels.forEach((label, n) => {
    let best = 0;
    for (let i = 1; i < classes; i++) if (logits[n * classes + i] > logits[n * classes + best]) best = i;
    if (best !== label) errors++;
  });
  return errors;
}
