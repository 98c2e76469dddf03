import * as tf from '@tensorflow/tfjs';
import { cacheTeacherLogits, Distiller } from '../../src/layers/index.ts';
import { DIGITS, type Examples, IMAGE_SIZE } from '../mnist.ts';
import { indicesOf, jitteredImagesAt, rowsAt, shuffled } from './batches.ts';
import { type Checkpoints, restore, stateOf } from './checkpoint.ts';
import { applyConstraints, network, reseedDropout } from './networks.ts';
import { optimizerOf } from './optimizers.ts';
import { BATCH_SIZE, type Job } from './plan.ts';

/** Constraints are applied to the weights every so many batches. */
const CONSTRAINT_INTERVAL = 10;
const EVALUATION_BATCH_SIZE = 1000;

export interface Watcher {
  batch(job: Job, examples: number): void;
  epoch(job: Job, epochs: number, logs: tf.Logs, seconds: number): void;
}

/**
 * Trains a network to the end of its plan, from where its checkpoint left it, and tells how long all of its
 * epochs took.
 */
export async function train(
  job: Job,
  examples: Examples,
  teacherLogits: Float32Array | null,
  checkpoints: Checkpoints,
  watcher: Watcher,
): Promise<{ model: tf.LayersModel; seconds: number }> {
  const model = network(job);
  const optimizer = optimizerOf(job);
  const saved = checkpoints.read(job);
  if (saved !== null) await restore(saved, model, optimizer);
  const trainEpoch = trainerOf(job, model, optimizer, examples, teacherLogits);
  const indices = indicesOf(examples, job);
  let seconds = saved?.seconds ?? 0;
  for (let epoch = saved?.epochs ?? 0; epoch < job.epochs; epoch++) {
    const start = performance.now();
    optimizer.setLearningRate(job.learningRate * (1 - epoch / job.epochs));
    reseedDropout(model, 1000 * job.seed + epoch);
    const logs = await trainEpoch(shuffled(indices, 1000 * job.seed + epoch), {
      epochs: epoch + 1,
      initialEpoch: epoch,
      batchSize: BATCH_SIZE,
      shuffle: false, // done above, by a seed
      verbose: 0,
      yieldEvery: 'never',
      callbacks: {
        onBatchEnd: async (batch, logs) => {
          afterBatch(job, model, batch, logs, watcher);
          await new Promise(setImmediate); // or nobody hears of Ctrl-C
        },
      },
    });
    seconds += (performance.now() - start) / 1000;
    const tensors = await stateOf(model, optimizer);
    checkpoints.write(job, { epochs: epoch + 1, seconds, tensors });
    watcher.epoch(job, epoch + 1, logs, seconds);
  }
  optimizer.dispose();
  return { model, seconds };
}

function afterBatch(
  job: Job,
  model: tf.LayersModel,
  batch: number,
  logs: tf.Logs | undefined,
  watcher: Watcher,
) {
  if (job.targets.kind === 'labelsRegularised' && batch % CONSTRAINT_INTERVAL === 0) applyConstraints(model);
  watcher.batch(job, logs?.size ?? 0);
}

type EpochArgs = Omit<tf.ModelFitArgs, 'validationData' | 'classWeight' | 'sampleWeight'>;
type TrainEpoch = (order: Int32Array, args: EpochArgs) => Promise<tf.Logs>;

function trainerOf(
  job: Job,
  model: tf.LayersModel,
  optimizer: tf.Optimizer,
  examples: Examples,
  teacherLogits: Float32Array | null,
): TrainEpoch {
  const { targets } = job;
  if (targets.kind === 'teacher') {
    if (teacherLogits === null)
      throw new Error(`train: ${job.name} needs the logits of the teacher, which is to be trained first.`);
    const { temperature } = targets;
    return async (order, args) => {
      const images = rowsAt(examples.images, IMAGE_SIZE, order);
      const logits = rowsAt(teacherLogits, DIGITS, order);
      const distiller = new Distiller({ student: model, teacher: logits, temperature });
      distiller.compile({ optimizer, metrics: ['klDivergence', 'agreement'] });
      const history = await distiller.fit(images, null, args);
      tf.dispose([images, logits]);
      return lastOf(history);
    };
  }
  model.compile({
    optimizer,
    loss: (labels, logits) => tf.losses.softmaxCrossEntropy(labels, logits),
    metrics: ['accuracy'],
  });
  return async (order, args) => {
    const seed = 1000 * job.seed + (args.initialEpoch ?? 0);
    const images =
      targets.kind === 'labelsRegularised'
        ? jitteredImagesAt(examples, order, { jitter: targets.jitter, seed })
        : rowsAt(examples.images, IMAGE_SIZE, order);
    const labels = tf.tidy(() =>
      tf
        .oneHot(
          tf.tensor1d(
            order.map((index) => examples.labels[index]),
            'int32',
          ),
          DIGITS,
        )
        .toFloat(),
    );
    const history = await model.fit(images, labels, args);
    tf.dispose([images, labels]);
    return lastOf(history);
  };
}

function lastOf({ history }: tf.History): tf.Logs {
  return Object.fromEntries(Object.entries(history).map(([name, values]) => [name, Number(values.at(-1))]));
}

/** The logits of a network for all examples, on the CPU. */
export async function logitsOf(model: tf.LayersModel, { images, count }: Examples): Promise<Float32Array> {
  const x = tf.tensor2d(images, [count, IMAGE_SIZE]);
  const logits = await cacheTeacherLogits(model, x, { batchSize: EVALUATION_BATCH_SIZE });
  const values = (await logits.data()) as Float32Array;
  tf.dispose([x, logits]);
  return values;
}
