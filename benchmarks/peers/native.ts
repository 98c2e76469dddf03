/**
 * The SIMD kernel beside the same job in C (native.c), one thread: `npx tsx benchmarks/peers/native.ts`. gcc
 * compiles the C twice: for this processor, and for vectors of 128 bits, which is what WebAssembly has.
 * Processor time, medians, implementations in turn. Sums of the losses must agree.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { CROSS_ENTROPY } from '../../kernels/objective.ts';
import { kernelOn, PADS_BYTES, rowPassAt } from '../../src/backends/simd/kernel.ts';
import { setObjective } from '../../src/backends/simd/objective.ts';
import { bareTable } from '../bare_table.ts';
import { quantile } from '../statistics.ts';

const SHAPES = [
  [128, 2],
  [128, 10],
  [128, 21],
  [128, 64],
  [128, 100],
  [256, 1000],
  [64, 32000],
  [8, 131072],
];
const ROUNDS = 5;
const SAMPLES = 25;
const TEMPERATURE = 2;
const PAGE_BYTES = 65536;
const median = (samples: number[]) => quantile(samples, 0.5);

const folder = resolve('.cache', 'native');
const source = resolve('benchmarks', 'peers', 'native.c');
const COMPILERS: Record<string, string[]> = {
  'C, this processor': ['-march=native'],
  'C, 128 bits': ['-march=x86-64-v2', '-mprefer-vector-width=128'],
};

function compile(name: string): string {
  mkdirSync(folder, { recursive: true });
  const output = join(folder, name.replace(/\W+/g, '_'));
  execFileSync('gcc', ['-O3', '-ffast-math', ...COMPILERS[name], source, '-o', output, '-lm']);
  return output;
}

interface Timing {
  milliseconds: number;
  sumOfLosses: number;
}

function runNative(program: string, rows: number, classes: number): Timing {
  const output = execFileSync(program, [String(rows), String(classes)], { encoding: 'utf8' });
  const [milliseconds, sumOfLosses] = output.split(' ').map(Number);
  return { milliseconds, sumOfLosses };
}

/** As native.c: uniform in [-6, 6). */
function fill(values: Float32Array, seed: number): number {
  let state = seed;
  for (let i = 0; i < values.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    values[i] = Math.fround((state >>> 8) * (12 / 16777216)) - 6;
  }
  return state;
}

/** The kernel over memory where everything lies already, as on backend 'wasm'. */
function prepareKernel(rows: number, classes: number): () => Timing {
  const bytes = 4 * rows * classes;
  const [teacher, student, gradient] = [1, 2, 3].map((k) => PAGE_BYTES + (k - 1) * align(bytes));
  const w = PAGE_BYTES + 3 * align(bytes);
  const memory = new WebAssembly.Memory({ initial: Math.ceil((w + 4 * classes) / PAGE_BYTES) + 1 });
  const kernel = kernelOn(memory);
  if (kernel === null) throw new Error('native: this engine has no SIMD.');
  const state = fill(new Float32Array(memory.buffer, teacher, rows * classes), 1503);
  fill(new Float32Array(memory.buffer, student, rows * classes), state);
  setObjective(kernel, CROSS_ENTROPY, 'lossAndStudentGradient', { temperature: TEMPERATURE });
  kernel.setRoom(gradient, 4 * classes, w, 0, 0, PAGE_BYTES - align(PADS_BYTES));
  const call = () => rowPassAt(kernel, { rows, classes, teacher, student }, { gradient });
  const calls = 1 + Math.floor(4e6 / (rows * classes));
  return () => {
    let sumOfLosses = call();
    const times = Array.from({ length: SAMPLES }, () => {
      const start = process.cpuUsage();
      for (let k = 0; k < calls; k++) sumOfLosses = call();
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1000 / calls;
    });
    return { milliseconds: median(times), sumOfLosses };
  };
}

function align(bytes: number): number {
  return (bytes + 63) & -64;
}

const programs = Object.fromEntries(Object.keys(COMPILERS).map((name) => [name, compile(name)]));
const names = [...Object.keys(COMPILERS), 'wasm'];
const lines = SHAPES.map(([rows, classes]) => {
  const runKernel = prepareKernel(rows, classes);
  const times: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  const sums = new Set<string>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      const timing = name === 'wasm' ? runKernel() : runNative(programs[name], rows, classes);
      times[name].push(timing.milliseconds);
      sums.add(timing.sumOfLosses.toPrecision(6));
    }
  }
  if (sums.size > 1) throw new Error(`native: the sums of the losses differ: ${[...sums].join(', ')}.`);
  const medians = names.map((name) => median(times[name]));
  const ratio = medians[2] / medians[1];
  return [`[${rows}, ${classes}]`, ...medians.map((ms) => ms.toFixed(4)), ratio.toFixed(2)];
});
const head = ['rows, classes', ...names.map((name) => `${name},\nms`), 'wasm / C,\n128 bits'];
console.log(`${cpus()[0]?.model.trim()}, one thread`);
console.log(bareTable(head, lines, ['rows, classes']));
