import * as tf from '@tensorflow/tfjs-core';
import {
  type DistillationOptions,
  distillationLoss,
  distillationMetrics,
  softmaxCrossEntropy,
} from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';

beforeAll(startBackend);

const [ROWS, CLASSES] = [4, 5];
const random = new Random(83);
const numbers = (count: number, low: number, high: number) =>
  Array.from({ length: count }, () => low + (high - low) * random.uniform());

/** Values and shape of every argument that can be a tensor. */
const ARGUMENTS = {
  teacher: { values: numbers(ROWS * CLASSES, -3, 3), shape: [ROWS, CLASSES] },
  student: { values: numbers(ROWS * CLASSES, -3, 3), shape: [ROWS, CLASSES] },
  temperature: { values: numbers(ROWS, 1, 4), shape: [ROWS] },
  'temperature of all rows': { values: [2.5], shape: [] },
  'labels as ids': { values: [3, 0, 4, 1], shape: [ROWS], dtype: 'int32' },
  'labels as ids in float32': { values: [3, 0, 4, 1], shape: [ROWS] },
  'labels as a distribution': { values: numbers(ROWS * CLASSES, 0, 0.4), shape: [ROWS, CLASSES] },
  weights: { values: numbers(ROWS, 0, 2), shape: [ROWS] },
  'weight of all rows': { values: [0.5], shape: [] },
  'incoming gradient': { values: numbers(ROWS, -1, 1), shape: [ROWS] },
  'constant incoming gradient': { values: [2, 2, 2, 2], shape: [ROWS] },
} satisfies Record<string, { values: number[]; shape: number[]; dtype?: 'int32' }>;
type Argument = keyof typeof ARGUMENTS;

/** On 'webgl' a slice of an unpacked texture is a view of it, which shares what tfjs keeps of the whole. */
const VIEWS: Record<string, (around: tf.Tensor, first: number, size: number) => tf.Tensor> = {
  slice: (around, first, size) => tf.slice(around, [first], [size]),
  'slice of a slice': (around, first, size) =>
    tf.slice(tf.slice(around, [1], [around.size - 1]), [first - 1], [size]),
};

/** Constants around the values, for a constant to stand out or not. */
const PADDING = 2;

/** The argument as part of a longer tensor that lies on the device, which was read back before or not. */
async function viewOf(argument: Argument, view: string, wasRead: boolean): Promise<tf.Tensor> {
  const { values, shape, dtype }: { values: number[]; shape: number[]; dtype?: 'int32' } =
    ARGUMENTS[argument];
  const padding = new Array(PADDING).fill(argument === 'constant incoming gradient' ? 1 : 7);
  // A sum leaves an unpacked texture.
  const around = tf.tidy(() => {
    const padded = tf.tensor1d([...padding, ...values, ...padding], dtype);
    return tf.sum(tf.stack([padded, tf.zerosLike(padded)]), 0);
  });
  if (wasRead) await around.data();
  return tf.tidy(() => tf.reshape(VIEWS[view](around, PADDING, values.length), shape));
}

const uploaded = (argument: Argument) => {
  const { values, shape, dtype }: { values: number[]; shape: number[]; dtype?: 'int32' } =
    ARGUMENTS[argument];
  return tf.tensor(values, shape, dtype);
};

/** Everything that reads the arguments, one after another. */
async function results(given: Partial<Record<Argument, tf.Tensor>>): Promise<number[][]> {
  const take = (argument: Argument) => given[argument] ?? uploaded(argument);
  const choose = (...names: Argument[]) => take(names.find((name) => name in given) ?? names[0]);
  const tensors = tf.tidy(() => {
    const temperature = choose('temperature', 'temperature of all rows');
    const labels = choose('labels as ids', 'labels as ids in float32', 'labels as a distribution');
    const weights = choose('weights', 'weight of all rows');
    const dLoss = choose('incoming gradient', 'constant incoming gradient');
    const options: DistillationOptions = { temperature, labels, weights, reduction: tf.Reduction.NONE };
    const loss = (teacher: tf.Tensor, student: tf.Tensor) =>
      distillationLoss(teacher, student, { ...options, teacherGradient: true });
    const { value, grads } = tf.valueAndGrads(loss)([take('teacher'), take('student')], dLoss);
    const metrics = distillationMetrics(take('teacher'), take('student'), { temperature, labels, weights });
    const cross = softmaxCrossEntropy(tf.softmax(take('teacher')), take('student'), weights);
    return [value, ...grads, ...Object.values(metrics), cross];
  });
  return Promise.all(tensors.map(async (tensor) => [...(await tensor.data())]));
}

/** Half-precision textures round what a sum leaves as they round what is uploaded. */
const CLOSE = backend.precision === 'f16' ? 4e-3 : 1e-5;

describe.each(Object.keys(ARGUMENTS) as Argument[])('%s as part of another tensor', (argument) => {
  for (const view of Object.keys(VIEWS)) {
    it(`a ${view}, of a tensor that was read back and of one that was not`, async () => {
      const truth = await results({ [argument]: uploaded(argument) });
      for (const wasRead of [false, true]) {
        const found = await results({ [argument]: await viewOf(argument, view, wasRead) });
        found.forEach((values, k) => {
          expectClose(values, truth[k], (i) => CLOSE * (1 + Math.abs(truth[k][i])), `result ${k}`);
        });
      }
    });
  }
});
