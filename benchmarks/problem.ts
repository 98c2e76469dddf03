/** The inputs of a workload on the device, and what the result of a call must be. */
import * as tf from '@tensorflow/tfjs-core';
import { expectClose } from '../test/close.ts';
import { makeCase, type ReferenceRows, reference } from '../test/objective_case.ts';
import type { Implementation } from './implementation_names.ts';
import { type Outcome, TEMPERATURE } from './implementations.ts';
import type { Workload } from './workloads.ts';

/**
 * Logits are drawn for so many elements at most, in whole rows; larger tensors repeat them, so that the truth
 * of a gigabyte is known too.
 */
const MOST_DISTINCT = 2 ** 19;

/** Up to this size a tensor is put together here and uploaded, beyond it the device puts it together. */
const MOST_UPLOADED = 2 ** 23;

/** Rows of the gradient that are read back and checked hold at most so many elements. */
const MOST_CHECKED = 2 ** 20;

export interface Problem {
  /** Pairs of equal values in memory of their own, to be used in turn. */
  pairs: { teacherLogits: tf.Tensor2D; studentLogits: tf.Tensor2D }[];
  /** Throws if a result is not the truth. */
  check(implementation: Implementation, outcome: Outcome): Promise<void>;
  dispose(): void;
}

export function makeProblem(workload: Workload, pairs: number): Problem {
  const { rows, classes } = workload;
  const distinct = distinctRows(workload);
  const base = makeCase(
    workload.name,
    [distinct, classes],
    { temperature: TEMPERATURE, scaleByTemperatureSquared: false },
    { seed: rows + classes },
  );
  const truth = reference(base);
  const place = (values: Float32Array) => fill(values, [distinct, classes], rows);
  const placed = Array.from({ length: pairs }, () => ({
    teacherLogits: place(base.teacher),
    studentLogits: place(base.student),
  }));
  return {
    pairs: placed,
    check: (implementation, outcome) => check(workload, truth, implementation, outcome),
    dispose: () => {
      for (const pair of placed) tf.dispose([pair.teacherLogits, pair.studentLogits]);
    },
  };
}

/** The most rows that divide the rows evenly and are not too many to be computed in float64. */
function distinctRows({ rows, classes }: Workload): number {
  for (let distinct = Math.min(rows, Math.floor(MOST_DISTINCT / classes)); distinct > 1; distinct--)
    if (rows % distinct === 0) return distinct;
  return 1;
}

/**
 * The values, repeated until there are enough rows, where a model's logits would be: in the device's memory,
 * as an op leaves them there.
 */
function fill(values: Float32Array, [distinct, classes]: [number, number], rows: number): tf.Tensor2D {
  return tf.tidy(() => {
    if (rows * classes <= MOST_UPLOADED || tf.getBackend() === 'cpu') {
      const all = new Float32Array(rows * classes);
      for (let n = 0; n < rows; n += distinct) all.set(values, n * classes);
      const uploaded = tf.tensor2d(all, [rows, classes]);
      return tf.getBackend().startsWith('webg') ? tf.add(uploaded, 0) : uploaded;
    }
    return tf.tile(tf.tensor2d(values, [distinct, classes]), [rows / distinct, 1]);
  });
}

/**
 * Ours has the bounds of the conformance suite. Stock ops add up 32,000 numbers one after another: 1.3e-3 of
 * the loss was lost so on 'wasm'.
 */
function toleranceOf(implementation: Implementation): { loss: number; gradient: number } {
  const own = tf.getBackend().startsWith('webg') ? 1e-5 : 2e-6;
  return implementation === 'tfjs-distill'
    ? { loss: own, gradient: own }
    : { loss: 2e-3, gradient: 10 * own };
}

async function check(
  { rows, classes }: Workload,
  truth: ReferenceRows,
  implementation: Implementation,
  { loss, dStudent }: Outcome,
): Promise<void> {
  const tolerance = toleranceOf(implementation);
  const mean = truth.loss.reduce((sum, x) => sum + x, 0) / truth.loss.length;
  expectClose(
    await loss.data(),
    [mean],
    tolerance.loss * Math.max(1, Math.abs(mean)),
    `${implementation}: loss`,
  );
  if (dStudent === null) return;
  const distinct = truth.loss.length;
  for (const [first, count] of checkedRows(rows, classes)) {
    const actual = await readRows(dStudent as tf.Tensor2D, first, count);
    const expected = Float64Array.from(actual, (_, i) => {
      const n = (first + Math.floor(i / classes)) % distinct;
      return truth.dStudent[n * classes + (i % classes)] / rows;
    });
    const what = `${implementation}: dStudent from row ${first} on`;
    expectClose(actual, expected, tolerance.gradient / TEMPERATURE / rows, what);
    expectSmall(relativeError(actual, expected), 100 * tolerance.gradient, what);
  }
}

/** All rows where they are few; else the first, the last, and some between. */
function checkedRows(rows: number, classes: number): [first: number, count: number][] {
  if (rows * classes <= MOST_CHECKED) return [[0, rows]];
  const blocks = 7;
  const count = Math.min(Math.ceil(rows / blocks), Math.max(1, Math.floor(MOST_CHECKED / blocks / classes)));
  return Array.from({ length: blocks }, (_, k) => [Math.floor((k * (rows - count)) / (blocks - 1)), count]);
}

async function readRows(tensor: tf.Tensor2D, first: number, count: number): Promise<Float32Array> {
  if (count === tensor.shape[0]) return tensor.data<'float32'>();
  const slice = tf.slice(tensor, [first, 0], [count, tensor.shape[1]]);
  const values = await slice.data<'float32'>();
  slice.dispose();
  return values;
}

/**
 * Euclidean norm of the error over that of the truth: with many classes every number is small, and a gradient
 * of zeros would pass an absolute bound.
 */
function relativeError(actual: Float32Array, expected: Float64Array): number {
  let error = 0;
  let size = 0;
  for (let i = 0; i < actual.length; i++) {
    error += (actual[i] - expected[i]) ** 2;
    size += expected[i] ** 2;
  }
  return size === 0 ? 0 : Math.sqrt(error / size);
}

function expectSmall(error: number, bound: number, what: string): void {
  if (!(error <= bound)) throw new Error(`${what}: relative error ${error}, expected at most ${bound}.`);
}
