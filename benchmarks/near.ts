/**
 * What rows that nearly agree cost the SIMD kernel, whose gradient takes the centred form there (MATH
 * (20)-(25)): `npx tsx benchmarks/near.ts`. Value and gradient of batches that differ in how many of their
 * rows are near, drawn at random, timed in turn: the row pass alone, then whole calls of distillationLoss
 * with tf.valueAndGrad on a backend. First quartiles of wall time, and how many times as long as with no row
 * near.
 */
import { cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { Command, Option } from 'commander';
import { CROSS_ENTROPY } from '../kernels/objective.ts';
import { startBackend } from '../scripts/start_backend.ts';
import { kernelOn, PADS_BYTES, rowPassAt } from '../src/backends/simd/kernel.ts';
import { setObjective } from '../src/backends/simd/objective.ts';
import { distillationLoss } from '../src/index.ts';
import { bareTable } from './bare_table.ts';
import { quantile } from './statistics.ts';

const SHAPES: [rows: number, classes: number][] = [
  [128, 2],
  [128, 10],
  [128, 21],
  [128, 64],
  [128, 100],
  [128, 200],
  [4096, 10],
  [2048, 100],
  [256, 1000],
  [8, 32000],
];
/**
 * Parts of the rows that are near; then with a shift that their logits have in common, which costs a near row
 * more.
 */
const MIXTURES: { near: number; shift: number }[] = [
  { near: 0, shift: 0 },
  { near: 0.1, shift: 0 },
  { near: 0.5, shift: 0 },
  { near: 0.9, shift: 0 },
  { near: 1, shift: 0 },
  { near: 0.5, shift: 30 },
  { near: 0.9, shift: 30 },
  { near: 1, shift: 30 },
];
const SAMPLES = 101;
/** Classes of all calls of a sample together. */
const CLASSES_OF_SAMPLE = 2e5;
const TEMPERATURE = 2;

interface Batch {
  teacher: Float32Array;
  students: Float32Array[];
}

function drawBatch(rows: number, classes: number): Batch {
  let state = 2026;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const teacher = Float32Array.from({ length: rows * classes }, () => 12 * uniform() - 6);
  const students = MIXTURES.map(({ near, shift }) => {
    const student = new Float32Array(rows * classes);
    for (let n = 0; n < rows; n++) {
      const isNear = uniform() < near;
      for (let i = n * classes; i < (n + 1) * classes; i++)
        student[i] = isNear ? teacher[i] + 0.2 * uniform() + shift : 12 * uniform() - 6;
    }
    return student;
  });
  return { teacher, students };
}

/** Microseconds of a call on the student of each mixture. */
function time(calls: (() => void)[], classesOfCall: number): number[] {
  const repeats = Math.max(1, Math.round(CLASSES_OF_SAMPLE / classesOfCall));
  const samples: number[][] = calls.map(() => []);
  for (let k = 0; k < SAMPLES; k++) {
    for (const [j, call] of calls.entries()) {
      call();
      const start = performance.now();
      for (let repeat = 0; repeat < repeats; repeat++) call();
      samples[j].push((1000 * (performance.now() - start)) / repeats);
    }
  }
  return samples.map((times) => quantile(times, 0.25));
}

/** The row pass over memory where everything lies already. */
function timeRowPass(rows: number, classes: number, { teacher, students }: Batch): number[] {
  const size = 4 * rows * classes;
  const pads = 64;
  const teacherAt = (pads + PADS_BYTES + 63) & -64;
  const gradientAt = teacherAt + size;
  const w = gradientAt + size;
  const studentsAt = students.map((_, j) => w + 4 * classes + j * size);
  const memory = new WebAssembly.Memory({
    initial: Math.ceil((w + 4 * classes + students.length * size) / 65536),
  });
  const kernel = kernelOn(memory);
  if (kernel === null) throw new Error('near: this engine has no SIMD.');
  new Float32Array(memory.buffer, teacherAt, rows * classes).set(teacher);
  for (const [j, at] of studentsAt.entries())
    new Float32Array(memory.buffer, at, rows * classes).set(students[j]);
  setObjective(kernel, CROSS_ENTROPY, 'lossAndStudentGradient', { temperature: TEMPERATURE });
  kernel.setRoom(gradientAt, 4 * classes, w, 0, 0, pads);
  const calls = studentsAt.map((at) => () => {
    rowPassAt(kernel, { rows, classes, teacher: teacherAt, student: at }, { gradient: gradientAt });
  });
  return time(calls, rows * classes);
}

function timeCalls(rows: number, classes: number, { teacher, students }: Batch): number[] {
  const v = tf.tensor2d(teacher, [rows, classes]);
  const inputs = students.map((student) => tf.tensor2d(student, [rows, classes]));
  const loss = (z: tf.Tensor) =>
    distillationLoss(v, z as tf.Tensor2D, { temperature: TEMPERATURE }) as tf.Scalar;
  const lossAndGradient = tf.valueAndGrad(loss);
  const calls = inputs.map((z) => () => {
    const { value, grad } = lossAndGradient(z);
    value.dataSync();
    grad.dataSync();
    tf.dispose([value, grad]);
  });
  const times = time(calls, rows * classes);
  tf.dispose([v, ...inputs]);
  return times;
}

function makeTable(timeOf: (rows: number, classes: number, batch: Batch) => number[]): string {
  const [, ...mixtures] = MIXTURES;
  const parts = mixtures.map(({ near, shift }) => `${100 * near} %${shift ? ',\nshifted' : ''}`);
  const lines = SHAPES.map(([rows, classes]) => {
    const [none, ...others] = timeOf(rows, classes, drawBatch(rows, classes));
    return [`[${rows}, ${classes}]`, none.toFixed(2), ...others.map((time) => (time / none).toFixed(2))];
  });
  return bareTable(['rows, classes', 'none near,\nµs', ...parts], lines, ['rows, classes']);
}

const { backend } = new Command('npx tsx benchmarks/near.ts')
  .description(
    'Times batches by how many of their rows nearly agree: the SIMD row pass alone, and whole calls.',
  )
  .addOption(
    new Option('-b, --backend <name>', 'times whole calls on this backend')
      .choices(['cpu', 'wasm', 'tensorflow'] as const)
      .default('cpu'),
  )
  .parse()
  .opts<{ backend: 'cpu' | 'wasm' | 'tensorflow' }>();
console.log(`${cpus()[0]?.model.trim()}, one thread\n\nThe row pass alone`);
console.log(makeTable(timeRowPass));
await startBackend(backend);
console.log(`\nWhole calls on '${backend}'`);
console.log(makeTable(timeCalls));
