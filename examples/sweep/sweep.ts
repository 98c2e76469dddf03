/**
 * How temperature and alpha change what a student learns: one teacher, and a student trained anew for every
 * point of a grid, on few images so that the teacher has something to add. Writes docs/curves/sweep.json
 * after every run, from which a stopped sweep goes on, and draws the curves beside it.
 */
import '@tensorflow/tfjs'; // the gradients of stock ops
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { MultiBar, type SingleBar } from 'cli-progress';
import type { NodeBackend } from '../../scripts/node_backends.ts';
import { distillationLoss } from '../../src/index.ts';
import { type BatchLoss, countErrors, logitsOf, train } from '../distill/train.ts';
import { Mlp } from '../mlp.ts';
import { DIGITS, type Examples, IMAGE_SIZE, loadMnist, type Mnist } from '../mnist.ts';
import { Random } from '../random.ts';
import { startTrainingBackend } from '../start_training_backend.ts';
import { drawCurves } from './draw_curves.ts';
import { grid, type Point, type Sweep } from './grid.ts';

const RESULTS = join('docs', 'curves', 'sweep.json');
const TEACHER_LOGITS = join('.cache', 'sweep', 'teacher_logits.json');

const TEACHER = { units: [400, 400], epochs: 5, learningRate: 0.1, jitter: 2 };
const STUDENT = { images: 5000, epochs: 20, learningRate: 0.1, jitter: 0 };
const BATCH_SIZE = 100;

/** Trains what is not trained yet on this backend, and draws the curves. */
export async function sweepGrid(choice: NodeBackend | 'fastest'): Promise<void> {
  const backend = await startTrainingBackend(choice);
  console.log(`Backend ${backend.name} on ${backend.device}.`);
  const mnist = loadMnist();
  const few = firstOf(mnist.train, STUDENT.images);
  const bars = new MultiBar({
    format: '{name} {bar} {percentage}% | {eta_formatted} left | {note}',
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  const teacher = await teacherOf(mnist, few, bars);
  const sweep = readSweep(teacher.errors);
  const left = grid().filter((point) => !sweep.runs.some((run) => isSame(run, point)));
  const bar = bars.create(grid().length, grid().length - left.length, { name: 'students', note: '' });
  for (const point of left) {
    const errors = await studentErrors(point, few, mnist.test, teacher.logits);
    sweep.runs.push({ ...point, errors });
    write(RESULTS, `${JSON.stringify(sweep, null, 1)}\n`);
    bar.increment({ note: `T ${point.temperature}, alpha ${point.alpha}: ${errors} errors` });
  }
  bars.stop();
  for (const file of await drawCurves(sweep, dirname(RESULTS))) console.log(`Wrote ${file}`);
}

const isSame = (a: Point, b: Point) =>
  a.units === b.units && a.temperature === b.temperature && a.alpha === b.alpha && a.seed === b.seed;

function readSweep(teacherErrors: number): Sweep {
  if (existsSync(RESULTS)) return JSON.parse(readFileSync(RESULTS, 'utf8')) as Sweep;
  return {
    teacher: { ...TEACHER, errors: teacherErrors },
    student: STUDENT,
    batchSize: BATCH_SIZE,
    runs: [],
  };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function firstOf({ images, labels }: Examples, count: number): Examples {
  return { count, images: images.subarray(0, count * IMAGE_SIZE), labels: labels.subarray(0, count) };
}

interface Teacher {
  errors: number;
  /** Of the student's images. */
  logits: number[];
}

/** Trained on all images, once: its logits are kept for the next start. */
async function teacherOf(mnist: Mnist, few: Examples, bars: MultiBar): Promise<Teacher> {
  if (existsSync(TEACHER_LOGITS)) return JSON.parse(readFileSync(TEACHER_LOGITS, 'utf8')) as Teacher;
  const bar: SingleBar = bars.create(TEACHER.epochs * mnist.train.count, 0, { name: 'teacher ', note: '' });
  const model = new Mlp([IMAGE_SIZE, ...TEACHER.units, DIGITS], new Random(1));
  const { labels } = mnist.train;
  const hardLoss: BatchLoss = (logits, places) =>
    tf.losses.softmaxCrossEntropy(tf.oneHot(idsOf(labels, places), DIGITS), logits);
  await train(model, mnist.train, hardLoss, {
    ...TEACHER,
    batchSize: BATCH_SIZE,
    random: new Random(2),
    onProgress: (images, { loss }) => bar.update(images, { note: `loss ${loss.toFixed(3)}` }),
  });
  bar.update(bar.getTotal());
  const teacher = {
    errors: countErrors(await logitsOf(model, mnist.test), mnist.test.labels),
    logits: Array.from(await logitsOf(model, few)),
  };
  model.dispose();
  write(TEACHER_LOGITS, JSON.stringify(teacher));
  return teacher;
}

async function studentErrors(
  point: Point,
  few: Examples,
  test: Examples,
  teacherLogits: number[],
): Promise<number> {
  const model = new Mlp([IMAGE_SIZE, point.units, DIGITS], new Random(10 * point.seed));
  const loss: BatchLoss = (logits, places) => {
    const rows = Array.from(places, (place) => teacherLogits.slice(place * DIGITS, (place + 1) * DIGITS));
    return distillationLoss<tf.Scalar>(rows, logits, {
      temperature: point.temperature,
      alpha: point.alpha,
      labels: idsOf(few.labels, places),
    });
  };
  const random = new Random(10 * point.seed + 1);
  await train(model, few, loss, { ...STUDENT, batchSize: BATCH_SIZE, random, onProgress: () => {} });
  const errors = countErrors(await logitsOf(model, test), test.labels);
  model.dispose();
  return errors;
}

const idsOf = (labels: Int32Array, places: Int32Array) =>
  tf.tensor1d(
    Int32Array.from(places, (place) => labels[place]),
    'int32',
  );
