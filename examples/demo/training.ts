/**
 * Trains a teacher on the true labels, then a student on the teacher's softened outputs, and beside it the
 * same student on the labels alone: the same first weights, the same batches in the same order, so that all
 * that differs is the loss.
 */
import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss, distillationMetrics } from '../../src/index.ts';
import { Mlp } from '../mlp.ts';
import { Random } from '../random.ts';
import { type ByteExamples, type ByteMnist, DIGITS, greyLevels, IMAGE_SIZE } from './mnist_in_browser.ts';
import type { Options } from './options.ts';

export type NetworkName = 'teacher' | 'student' | 'alone';
export type Networks = Record<NetworkName, Mlp>;

export function createNetworks({ teacherUnits, studentUnits, seed }: Options): Networks {
  const network = (units: number, seed: number) =>
    new Mlp([IMAGE_SIZE, units, units, DIGITS], new Random(seed));
  return {
    teacher: network(teacherUnits, seed),
    student: network(studentUnits, seed + 1),
    alone: network(studentUnits, seed + 1),
  };
}

/** A point of the curves. */
export interface Progress {
  phase: 'teacher' | 'students';
  imagesSeen: number;
  imagesTotal: number;
  /** Of the networks that learn in this phase; only at some reports. */
  points: Partial<Record<NetworkName, CurvePoint>>;
}

/** How a network does on the test images of the curves. */
export interface CurvePoint {
  /** Share of the images that it reads right. */
  accuracy: number;
  /**
   * KL divergence of its outputs from what it should say, a mean in nats: the teacher's from the labels, a
   * student's from the teacher at the temperature of the training.
   */
  distance: number;
}

/** How long to train without giving the page a chance to draw, ms. */
const SLICE_MS = 12;
/**
 * Steps that may wait for the device before one asks for a loss, so that a GPU is never far behind what the
 * page says.
 */
const MOST_STEPS_UNREAD = 16;
const POINTS_PER_EPOCH = 8;
/** In the first epoch most is learned. */
const POINTS_IN_FIRST_EPOCH = 16;
/** The curves use the first test images, the final count all of them. */
const TEST_IMAGES_OF_CURVES = 500;

/** Each `next()` trains for one slice. To pause is not to call it; to stop, call `return()`. */
export async function* train(
  networks: Networks,
  { train: examples, test }: ByteMnist,
  options: Options,
): AsyncGenerator<Progress, void> {
  const count = Math.min(options.trainingImages, examples.count);
  const all = Int32Array.from({ length: count }, (_, index) => index);
  const shown = all.filter((index) => examples.labels[index] !== options.hiddenDigit);
  const curves = { ...test, count: Math.min(TEST_IMAGES_OF_CURVES, options.testImages) };
  const { temperature, alpha } = options;

  yield* trainTogether(
    'teacher',
    { teacher: learner(networks.teacher, ({ labels }, logits) => labelLoss(labels, logits)) },
    { examples, indices: all, teacherLogits: new Float32Array(count * DIGITS) },
    { images: curves, teacherLogits: null, temperature },
    options,
  );
  // The teacher is a constant from here on: its logits are computed once, not once per epoch.
  const teacherLogits = await logitsOf(networks.teacher, examples, count);
  const teacherLogitsOfCurves = await logitsOf(networks.teacher, curves, curves.count);
  yield* trainTogether(
    'students',
    {
      student: learner(networks.student, ({ labels, teacherLogits }, logits) =>
        distillationLoss(teacherLogits, logits, { divergence: 'kl', temperature, labels, alpha }),
      ),
      alone: learner(networks.alone, ({ labels }, logits) => labelLoss(labels, logits)),
    },
    { examples, indices: shown, teacherLogits },
    { images: curves, teacherLogits: teacherLogitsOfCurves, temperature },
    options,
  );
}

/** What networks learn from. */
interface TrainingSet {
  examples: ByteExamples;
  /** The images used. */
  indices: Int32Array;
  /** Of every image up to the last one used, DIGITS each. Zeros while the teacher itself learns. */
  teacherLogits: Float32Array;
}

interface Batch {
  images: tf.Tensor2D;
  labels: tf.Tensor1D;
  teacherLogits: tf.Tensor2D;
}

interface Learner {
  network: Mlp;
  optimizer: tf.Optimizer;
  loss(batch: Batch, logits: tf.Tensor2D): tf.Scalar;
}

function learner(network: Mlp, loss: Learner['loss']): Learner {
  return { network, loss, optimizer: tf.train.adam(0.001) };
}

/**
 * The plain cross entropy: the labels are the targets, as a distribution with all its weight on one digit.
 */
function labelLoss(labels: tf.Tensor1D, logits: tf.Tensor2D): tf.Scalar {
  return distillationLoss(tf.oneHot(labels, DIGITS), logits, { targets: 'probabilities' });
}

async function* trainTogether(
  phase: Progress['phase'],
  learners: Partial<Record<NetworkName, Learner>>,
  set: TrainingSet,
  curves: Curves,
  { epochs, batchSize, seed }: Options,
): AsyncGenerator<Progress, void> {
  const entries = Object.entries(learners) as [NetworkName, Learner][];
  const random = new Random(seed + 2);
  const batches = Math.ceil(set.indices.length / batchSize);
  const imagesTotal = epochs * set.indices.length;
  let imagesSeen = 0;
  let sliceStart = performance.now();
  try {
    yield { phase, imagesSeen, imagesTotal, points: await pointsOf(entries, curves) };
    for (let epoch = 0; epoch < epochs; epoch++) {
      const order = random.permutation(set.indices.length).map((place) => set.indices[place]);
      const spacing = Math.max(
        1,
        Math.floor(batches / (epoch === 0 ? POINTS_IN_FIRST_EPOCH : POINTS_PER_EPOCH)),
      );
      for (let batch = 0; batch < batches; batch++) {
        const indices = order.subarray(batch * batchSize, (batch + 1) * batchSize);
        const loss = takeStep(entries, set, indices);
        if (batch % MOST_STEPS_UNREAD === 0) await loss.data();
        loss.dispose();
        imagesSeen += indices.length;
        const isPoint = (batch + 1) % spacing === 0 || imagesSeen === imagesTotal;
        if (!isPoint && performance.now() - sliceStart < SLICE_MS) continue;
        const points = isPoint ? await pointsOf(entries, curves) : {};
        yield { phase, imagesSeen, imagesTotal, points };
        sliceStart = performance.now();
      }
    }
  } finally {
    for (const [, { optimizer }] of entries) optimizer.dispose();
  }
}

/**
 * Every network learns from one batch. Returns the last one's loss, which the device has when it has done all
 * the rest.
 */
function takeStep(learners: [NetworkName, Learner][], set: TrainingSet, indices: Int32Array): tf.Scalar {
  return tf.tidy(() => {
    const batch = takeBatch(set, indices);
    const losses = learners.map(([, { network, optimizer, loss }]) =>
      optimizer.minimize(() => loss(batch, network.logits(batch.images)), true, network.variables),
    );
    const last = losses.at(-1);
    if (!last) throw new Error('takeStep: no network learns.');
    return last;
  });
}

function takeBatch({ examples, teacherLogits }: TrainingSet, indices: Int32Array): Batch {
  const rows = indices.length;
  const logits = new Float32Array(rows * DIGITS);
  for (let row = 0; row < rows; row++) {
    const start = indices[row] * DIGITS;
    logits.set(teacherLogits.subarray(start, start + DIGITS), row * DIGITS);
  }
  return {
    images: tf.tensor2d(greyLevels(examples, indices), [rows, IMAGE_SIZE]),
    labels: tf.tensor1d(
      Int32Array.from(indices, (index) => examples.labels[index]),
      'int32',
    ),
    teacherLogits: tf.tensor2d(logits, [rows, DIGITS]),
  };
}

/** Images in one forward pass. */
const CHUNK = 500;

/** The logits of the first `count` images, count * DIGITS. */
export async function logitsOf(network: Mlp, examples: ByteExamples, count: number): Promise<Float32Array> {
  const logits = new Float32Array(count * DIGITS);
  for (let start = 0; start < count; start += CHUNK) {
    const rows = Math.min(CHUNK, count - start);
    const indices = Array.from({ length: rows }, (_, row) => start + row);
    logits.set(await logitsOfImages(network, greyLevels(examples, indices)), start * DIGITS);
  }
  return logits;
}

/** @param images rows of IMAGE_SIZE grey levels in [0, 1]. */
export async function logitsOfImages(network: Mlp, images: Float32Array): Promise<Float32Array> {
  const logits = tf.tidy(() => network.logits(tf.tensor2d(images, [images.length / IMAGE_SIZE, IMAGE_SIZE])));
  const values = await logits.data<'float32'>();
  logits.dispose();
  return values;
}

/**
 * How many rows of logits have their largest value at another place than the label says; of one digit, or of
 * all.
 */
export function countErrors(logits: Float32Array, labels: Uint8Array, digit?: number): number {
  let errors = 0;
  for (let row = 0; row < logits.length / DIGITS; row++) {
    if (digit !== undefined && labels[row] !== digit) continue;
    if (likeliest(logits.subarray(row * DIGITS, (row + 1) * DIGITS)) !== labels[row]) errors++;
  }
  return errors;
}

/** The digit with the largest logit. */
export function likeliest(logits: ArrayLike<number>): number {
  const values = Array.from(logits);
  return values.indexOf(Math.max(...values));
}

/** What the curves are measured on. */
interface Curves {
  images: ByteExamples;
  /** Of the images; null while the teacher learns from labels. */
  teacherLogits: Float32Array | null;
  temperature: number;
}

async function pointsOf(learners: [NetworkName, Learner][], curves: Curves): Promise<Progress['points']> {
  const points: Progress['points'] = {};
  for (const [name, { network }] of learners) {
    const logits = await logitsOf(network, curves.images, curves.images.count);
    points[name] = await pointOf(logits, curves);
  }
  return points;
}

async function pointOf(
  logits: Float32Array,
  { images, teacherLogits, temperature }: Curves,
): Promise<CurvePoint> {
  const shape: [number, number] = [images.count, DIGITS];
  const metrics = tf.tidy(() => {
    const student = tf.tensor2d(logits, shape);
    const labels = tf.tensor1d(images.labels.subarray(0, images.count), 'int32');
    return teacherLogits === null
      ? distillationMetrics(tf.oneHot(labels, DIGITS), student, { targets: 'probabilities', labels })
      : distillationMetrics(tf.tensor2d(teacherLogits, shape), student, { temperature, labels });
  });
  const [[distance], [accuracy]] = await Promise.all([metrics.kl.data(), metrics.accuracy.data()]);
  tf.dispose(Object.values(metrics));
  return { accuracy, distance };
}
