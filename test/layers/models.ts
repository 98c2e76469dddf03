import * as tf from '@tensorflow/tfjs';
import { Random } from '../random.ts';

export const CLASSES = 5;
export const FEATURES = 8;

/** Dense layers with ReLU between them, ending in logits; the same weights for the same seed. */
export function mlp(
  units: number,
  seed: number,
  {
    classes = CLASSES,
    last = {},
  }: { classes?: number; last?: { activation?: 'softmax' | 'sigmoid' | 'tanh' } } = {},
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

/** A tf.GraphModel of one matrix product, features to logits, as tfjs-converter writes them; `last` are the ops that follow it. */
export async function graphModel(
  kernel: Float32Array,
  {
    classes = CLASSES,
    last = [],
  }: {
    classes?: number;
    last?: readonly ('Softmax' | 'Sigmoid' | 'Tanh' | 'Relu6' | 'Identity' | 'Relu')[];
  } = {},
): Promise<tf.GraphModel> {
  const dtype = { type: 'DT_FLOAT' };
  const shapeOf = (...sizes: number[]) => ({ shape: { dim: sizes.map((size) => ({ size: `${size}` })) } });
  const model = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: {
        node: [
          { name: 'x', op: 'Placeholder', attr: { dtype, shape: shapeOf(-1, FEATURES) } },
          {
            name: 'kernel',
            op: 'Const',
            attr: {
              dtype,
              value: { tensor: { dtype: 'DT_FLOAT', tensorShape: shapeOf(FEATURES, classes).shape } },
            },
          },
          {
            name: 'logits',
            op: 'MatMul',
            input: ['x', 'kernel'],
            attr: { T: dtype, transpose_a: { b: false }, transpose_b: { b: false } },
          },
          ...last.map((op, k) => ({
            name: `${op}${k}`,
            op,
            input: [k === 0 ? 'logits' : `${last[k - 1]}${k - 1}`],
            attr: { T: dtype },
          })),
        ],
        versions: { producer: 1, minConsumer: 1 },
      },
      weightSpecs: [{ name: 'kernel', shape: [FEATURES, classes], dtype: 'float32' }],
      weightData: new Float32Array(kernel).buffer,
    }),
  );
  return model;
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
