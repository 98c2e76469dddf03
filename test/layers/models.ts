import * as tf from '@tensorflow/tfjs';
import { Random } from '../random.ts';

export const CLASSES = 5;
export const FEATURES = 8;

/** Dense layers with ReLU between them, ending in logits; the same weights for the same seed. */
export function mlp(
  units: number,
  seed: number,
  { classes = CLASSES, last = {} }: { classes?: number; last?: { activation?: 'softmax' } } = {},
): tf.Sequential {
  const kernelInitializer = (layer: number) => tf.initializers.glorotUniform({ seed: 10 * seed + layer });
  return tf.sequential({
    layers: [
      tf.layers.dense({
        units,
        activation: 'relu',
        inputShape: [FEATURES],
        kernelInitializer: kernelInitializer(1),
      }),
      tf.layers.dense({ units: classes, kernelInitializer: kernelInitializer(2), ...last }),
    ],
  });
}

export interface Data {
  x: tf.Tensor2D;
  labels: tf.Tensor1D;
}

/** Rows of random features and random class ids. */
export function data(rows: number, seed: number): Data {
  const random = new Random(seed);
  return {
    x: tf.tensor2d(random.normals(rows * FEATURES), [rows, FEATURES]),
    labels: tf.tensor1d(
      Array.from({ length: rows }, () => random.integer(CLASSES)),
      'int32',
    ),
  };
}

/** All weights of a model, read back. */
export async function weightsOf(model: tf.LayersModel): Promise<number[]> {
  const values = await Promise.all(model.getWeights().map((weight) => weight.data()));
  return values.flatMap((weight) => [...weight]);
}

/** What is written to console.warn while f runs. */
export async function warningsOf(f: () => unknown): Promise<string> {
  const { warn } = console;
  const warnings: string[] = [];
  console.warn = (...parts: unknown[]) => {
    warnings.push(parts.join(' '));
  };
  try {
    await f();
  } finally {
    console.warn = warn;
  }
  return warnings.join('\n');
}

/** The message of the error that f ends in. */
export async function errorOf(f: () => unknown): Promise<string> {
  try {
    await f();
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
  throw new Error('Expected an error; got none.');
}
