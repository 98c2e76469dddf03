/**
 * Distils MNIST: trains a teacher, then a small student twice from the same start, on hard labels alone and
 * with the teacher, and compares their test errors.
 */
import '@tensorflow/tfjs'; // the gradients of stock ops
import * as tf from '@tensorflow/tfjs-core';
import { SingleBar } from 'cli-progress';
import Table from 'cli-table3';
import type { NodeBackend } from '../../scripts/node_backends.ts';
import { distillationLoss, distillationMetrics } from '../../src/index.ts';
import { Mlp } from '../mlp.ts';
import { DIGITS, IMAGE_SIZE, loadMnist, type Mnist } from '../mnist.ts';
import { Random } from '../random.ts';
import { startTrainingBackend } from '../start_training_backend.ts';
import { timeLoss } from './time_loss.ts';
import { type BatchLoss, countErrors, logitsOf, type TrainOptions, train } from './train.ts';

/** The options of the command line, as index.ts reads them. */
export interface Settings {
  backend: NodeBackend | 'fastest';
  teacherUnits: number[];
  studentUnits: number[];
  teacherEpochs: number;
  epochs: number;
  temperature: number;
  alpha: number;
  batchSize: number;
  learningRate: number;
  jitter: number;
  seed: number;
}

/** Trains, and prints what comes of it. */
export async function distill(settings: Settings): Promise<void> {
  const started = performance.now();
  const backend = await startTrainingBackend(settings.backend);
  console.log(`Backend ${backend.name} on ${backend.device}; seed ${settings.seed}.`);
  const mnist = loadMnist();
  console.log(`MNIST: ${count(mnist.train.count)} images to train on, ${count(mnist.test.count)} to test.\n`);

  const teacher = new Mlp([IMAGE_SIZE, ...settings.teacherUnits, DIGITS], new Random(settings.seed));
  const hard = hardLoss(mnist);
  const teacherErrors = await trainAndTest('teacher', teacher, mnist, hard, {
    ...settings,
    epochs: settings.teacherEpochs,
  });
  const teacherLogits = await logitsOf(teacher, mnist.train);
  teacher.dispose();

  const student = () =>
    new Mlp([IMAGE_SIZE, ...settings.studentUnits, DIGITS], new Random(settings.seed + 1));
  const [alone, distilled] = [student(), student()];
  const withoutJitter = { ...settings, jitter: 0 };
  const aloneErrors = await trainAndTest('student alone', alone, mnist, hard, withoutJitter);
  const both = softAndHardLoss(mnist, teacherLogits, settings);
  const distilledErrors = await trainAndTest('distilled', distilled, mnist, both, withoutJitter);
  console.log(explanation(settings));

  const results = new Table({
    head: ['', 'hidden units', 'parameters', 'test errors of 10,000'],
    colAligns: ['left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  results.push(
    ['teacher', settings.teacherUnits.join(' + '), count(teacher.parameters), count(teacherErrors)],
    ['student, labels alone', settings.studentUnits.join(' + '), count(alone.parameters), count(aloneErrors)],
    [
      'student, distilled',
      settings.studentUnits.join(' + '),
      count(distilled.parameters),
      count(distilledErrors),
    ],
  );
  console.log(`\n${results}\n`);
  await reportTimes(settings);
  console.log(`\n${Math.round((performance.now() - started) / 1000)} s in all.`);
}

/** Trains with a progress bar and returns the errors on the test set. */
async function trainAndTest(
  name: string,
  model: Mlp,
  { train: examples, test }: Mnist,
  { loss, measure }: ShownLoss,
  settings: Omit<TrainOptions, 'random' | 'measure' | 'onProgress'> & { seed: number },
): Promise<number> {
  const bar = new SingleBar({
    format: `${name.padEnd(14)} {bar} {percentage}% | {time} | {measured}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 18,
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  const images = settings.epochs * examples.count;
  const start = performance.now();
  bar.start(images, 0, { measured: '-', time: '-' });
  await train(model, examples, loss, {
    ...settings,
    measure,
    random: new Random(settings.seed + 2),
    onProgress: (seen, measured) => {
      const left = ((performance.now() - start) / Math.max(seen, 1)) * (images - seen);
      bar.update(seen, {
        measured: Object.entries(measured)
          .map(([name, value]) => `${name} ${value.toFixed(4)}`)
          .join(', '),
        time: seen === 0 ? '-' : `${Math.ceil(left / 1000)} s left`,
      });
    },
  });
  bar.update(images, { time: `${((performance.now() - start) / 1000).toFixed(1)} s` });
  bar.stop();
  return countErrors(await logitsOf(model, test), test.labels);
}

/** A loss, and its terms for the progress bar. */
interface ShownLoss {
  loss: BatchLoss;
  measure: NonNullable<TrainOptions['measure']>;
}

const hardLoss = ({ train: { labels } }: Mnist): ShownLoss => {
  const loss: BatchLoss = (logits, places) => {
    const ids = tf.tensor1d(
      Int32Array.from(places, (place) => labels[place]),
      'int32',
    );
    return tf.losses.softmaxCrossEntropy(tf.oneHot(ids, DIGITS), logits);
  };
  return { loss, measure: (logits, places) => ({ labels: loss(logits, places) }) };
};

const softAndHardLoss = (
  { train: { labels } }: Mnist,
  teacherLogits: Float32Array,
  { temperature, alpha }: Settings,
): ShownLoss => {
  const batch = (places: Int32Array) => {
    const rows = new Float32Array(places.length * DIGITS);
    places.forEach((place, n) => {
      rows.set(teacherLogits.subarray(place * DIGITS, (place + 1) * DIGITS), n * DIGITS);
    });
    return {
      teacher: tf.tensor2d(rows, [places.length, DIGITS]),
      labels: Int32Array.from(places, (place) => labels[place]),
    };
  };
  return {
    loss: (logits, places) => {
      const { teacher, labels } = batch(places);
      // 'kl' has the gradient of 'crossEntropy', and is 0 for a student that says what its teacher says.
      return distillationLoss(teacher, logits, { divergence: 'kl', temperature, alpha, labels });
    },
    measure: (logits, places) => {
      const { teacher, labels } = batch(places);
      const { kl, hardLoss } = distillationMetrics(teacher, logits, { temperature, labels });
      return { labels: hardLoss, KL: kl };
    },
  };
};

/** Of what the progress bars show. */
function explanation({ temperature, alpha }: Settings): string {
  const soft = Number((1 - alpha).toFixed(6));
  return `
labels: the cross entropy with the labels; KL: KL(teacher || student) of the
distributions softened by T = ${temperature}. In nats, of the last batch that was read.
The distilled student's loss is ${alpha} labels + ${soft} T² KL. The gradient of KL falls
like 1/T² when T grows; the factor T² makes up for it.`;
}

async function reportTimes(settings: Settings): Promise<void> {
  const times = new Table({
    head: ['loss and gradient, a step', 'fused op', 'stock ops', 'times as fast'],
    colAligns: ['left', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const classes of [DIGITS, 1000]) {
    const { rows, fused, stock } = await timeLoss(settings.batchSize, classes, settings);
    times.push([
      `[${rows}, ${classes}]`,
      `${fused.toFixed(2)} ms`,
      `${stock.toFixed(2)} ms`,
      (stock / fused).toFixed(1),
    ]);
  }
  console.log(`${times}`);
}

const count = (value: number) => value.toLocaleString('en');
