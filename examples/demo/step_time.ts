/** How long the fused loss takes, with its gradient, beside the same loss of stock ops. */
import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss } from '../../src/index.ts';
import { DIGITS } from './mnist_in_browser.ts';

export interface Workload {
  rows: number;
  classes: number;
  label: string;
}

/** @param batchSize of the training on this page. */
export function workloads(batchSize: number): Workload[] {
  return [
    { rows: batchSize, classes: DIGITS, label: 'this page' },
    { rows: 4096, classes: DIGITS, label: 'a large batch' },
    { rows: 256, classes: 1000, label: 'ImageNet' },
    { rows: 64, classes: 32_000, label: 'a language model' },
  ];
}

export interface StepTime {
  /** ms */
  fused: number;
  /** ms */
  stock: number;
  /** How often both were measured. */
  rounds: number;
}

const ROUND_MS = 60;
const ROUNDS = { least: 3, most: 15 };
const WORKLOAD_MS = 2500;
/** Of the losses, relative to their size: float32 sums over tens of thousands of classes. */
const TOLERANCE = 1e-4;

type Step = (studentLogits: tf.Tensor2D) => { value: tf.Tensor; grad: tf.Tensor };

/**
 * Medians over rounds that take turns. A round is as many steps in a row as fill ROUND_MS, and ends when the
 * device has answered with a value of the last gradient: GPUs work behind the caller's back, so the clock may
 * not stop before.
 */
export async function measure({ rows, classes }: Workload, temperature: number): Promise<StepTime> {
  const teacherLogits = tf.randomNormal<tf.Rank.R2>([rows, classes], 0, 3, 'float32', 1);
  const studentLogits = tf.randomNormal<tf.Rank.R2>([rows, classes], 0, 3, 'float32', 2);
  const fused: Step = tf.valueAndGrad((z) =>
    distillationLoss(teacherLogits, z, { temperature, scaleByTemperatureSquared: false }),
  );
  const stock: Step = tf.valueAndGrad((z) =>
    tf.losses.softmaxCrossEntropy(
      tf.softmax(tf.div(teacherLogits, temperature)),
      tf.div(z as tf.Tensor2D, temperature),
    ),
  );
  try {
    await checkSame(fused, stock, studentLogits);
    const steps = {
      fused: await stepsPerRound(fused, studentLogits),
      stock: await stepsPerRound(stock, studentLogits),
    };
    const times = { fused: [] as number[], stock: [] as number[] };
    const start = performance.now();
    while (
      times.fused.length < ROUNDS.least ||
      (times.fused.length < ROUNDS.most && performance.now() - start < WORKLOAD_MS)
    ) {
      times.fused.push((await round(fused, studentLogits, steps.fused)) / steps.fused);
      times.stock.push((await round(stock, studentLogits, steps.stock)) / steps.stock);
      await tf.nextFrame();
    }
    return { fused: median(times.fused), stock: median(times.stock), rounds: times.fused.length };
  } finally {
    tf.dispose([teacherLogits, studentLogits]);
  }
}

/** Also compiles the shaders of both. */
async function checkSame(fused: Step, stock: Step, studentLogits: tf.Tensor2D): Promise<void> {
  const losses: number[] = [];
  for (const step of [fused, stock]) {
    const { value, grad } = step(studentLogits);
    losses.push((await value.data())[0]);
    tf.dispose([value, grad]);
  }
  const difference = Math.abs(losses[0] - losses[1]);
  if (!(difference <= TOLERANCE * Math.abs(losses[1]))) {
    throw new Error(`The losses differ: fused ${losses[0]}, stock ${losses[1]}.`);
  }
}

async function stepsPerRound(step: Step, studentLogits: tf.Tensor2D): Promise<number> {
  await round(step, studentLogits, 1);
  const time = await round(step, studentLogits, 1);
  return Math.min(Math.max(Math.round(ROUND_MS / Math.max(time, 0.1)), 1), 100);
}

/** ms until the device has finished. */
async function round(step: Step, studentLogits: tf.Tensor2D, steps: number): Promise<number> {
  const start = performance.now();
  for (let k = 0; k < steps - 1; k++) tf.dispose({ ...step(studentLogits) });
  const { value, grad } = step(studentLogits);
  const last = tf.tidy(() => tf.slice(tf.reshape(grad, [-1]), [0], [1]));
  await last.data();
  const time = performance.now() - start;
  tf.dispose([value, grad, last]);
  return time;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
