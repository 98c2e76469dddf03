import type { Objective, RowPassOutputs } from '../../../kernels/objective.ts';
import { type Kernel, kernelOn, modeOf, PADS_BYTES, readsLabels } from '../wasm/kernel.ts';

/** Rows go through the kernel's memory in blocks of about this size, which stay in a second-level cache. */
const BLOCK_BYTES = 256 * 1024;
const PAGE_BYTES = 64 * 1024;
/** In float32 numbers: TensorFlow shares memory that is aligned to 64 bytes, and copies other. */
export const ALIGNMENT = 16;

/** The kernel's private memory, made at the first call and kept; it grows to what the longest row needs. */
let memory: WebAssembly.Memory | null = null;
let floats = new Float32Array(0);
let ints = new Int32Array(0);

/** Copies `count` rows from row n on to a part of memory, or from there. */
export type MoveRows = (memory: Float32Array, n: number, count: number) => void;

/** Where [rows, classes] come from or go to. */
export type Rows = Float32Array | MoveRows;

export interface StagedRowPass {
  rows: number;
  classes: number;
  teacher: Rows;
  student: Rows;
  /** One value, or one per row. */
  temperature: ArrayLike<number>;
  labels: ArrayLike<number> | null;
  /** One value, one per row, or null for 1. */
  weights: ArrayLike<number> | null;
  objective: Objective;
  outputs: RowPassOutputs;
  /** [rows], or null if not wanted. */
  loss: Float32Array | null;
  /** [rows, classes], or null if not wanted. */
  gradient: Rows | null;
  /** Of a block of rows; where it costs much to begin one, more than the usual. */
  blockBytes?: number;
}

/** The SIMD kernel on private memory, or null if there is no such kernel (yet). */
export function stagedKernel(): Kernel | null {
  memory ??= new WebAssembly.Memory({ initial: 1 + BLOCK_BYTES / PAGE_BYTES });
  return kernelOn(memory);
}

/** Runs the SIMD kernel over private memory; returns the sum of the losses, or null if there is no such kernel (yet). */
export function stagedRowPass(pass: StagedRowPass): number | null {
  const kernel = stagedKernel();
  if (kernel === null || memory === null) return null;
  const { rows, classes, teacher, student, temperature, weights, objective, loss, gradient } = pass;
  const mode = modeOf(objective, pass.outputs);
  const labels = readsLabels(mode) ? pass.labels : null;
  const labelSize = objective.labels === 'distribution' ? classes : 1;
  const temperatures = temperature.length === 1 ? null : temperature;
  const rowWeights = weights === null || weights.length === 1 ? null : weights;

  // In float32 numbers: pads, r if there is a hard term, then for each row of a block one T, weight and loss, labels, teacher, student.
  const rowSize = 3 + (labels === null ? 0 : labelSize) + 2 * classes;
  const rSize = objective.labels === 'none' ? 0 : (classes + 3) & ~3;
  const blockSize = (pass.blockBytes ?? BLOCK_BYTES) / 4;
  let block = Math.max(1, Math.floor(blockSize / rowSize));
  if (block > ALIGNMENT) block &= -ALIGNMENT; // so that every block begins aligned, whatever the classes
  if (block > rows) block = rows;
  else if (block > ALIGNMENT) block = align(Math.ceil(rows / Math.ceil(rows / block))); // no small rest
  const temperaturesAt = PADS_BYTES / 4 + 4 + rSize;
  const weightsAt = temperaturesAt + block;
  const lossAt = weightsAt + block;
  const labelsAt = lossAt + block;
  const teacherAt = align(labelsAt + (labels === null ? 0 : block * labelSize));
  const studentAt = align(teacherAt + block * classes);
  reserve(memory, 4 * (studentAt + block * classes));

  kernel.setObjective(
    mode,
    temperature[0],
    objective.scale * (weights?.length === 1 ? weights[0] : 1),
    objective.softWeight,
    objective.hardWeight,
    objective.labelSmoothing,
  );
  kernel.setRoom(4 * studentAt, 4 * classes, 4 * teacherAt, 4 * classes, 4 * (PADS_BYTES / 4 + 4), 16);
  let total = 0;
  for (let n = 0; n < rows; n += block) {
    const count = Math.min(block, rows - n);
    load(teacher, teacherAt, n, count, classes);
    load(student, studentAt, n, count, classes);
    if (temperatures) copy(floats, temperaturesAt, temperatures, n, count);
    if (rowWeights) copy(floats, weightsAt, rowWeights, n, count);
    if (labels) {
      const to = objective.labels === 'classIds' ? ints : floats;
      copy(to, labelsAt, labels, n * labelSize, count * labelSize);
    }
    total += kernel.rowPass(
      count,
      classes,
      4 * teacherAt,
      4 * studentAt,
      labels ? 4 * labelsAt : 0,
      temperatures ? 4 * temperaturesAt : 0,
      rowWeights ? 4 * weightsAt : 0,
      loss ? 4 * lossAt : 0,
      gradient ? 4 * studentAt : 0,
    );
    loss?.set(floats.subarray(lossAt, lossAt + count), n);
    if (gradient !== null) {
      const from = floats.subarray(studentAt, studentAt + count * classes);
      if (typeof gradient === 'function') gradient(from, n, count);
      else gradient.set(from, n * classes);
    }
  }
  return total;
}

function reserve(memory: WebAssembly.Memory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES));
  if (floats.buffer === memory.buffer) return;
  floats = new Float32Array(memory.buffer);
  ints = new Int32Array(memory.buffer);
}

function align(size: number): number {
  return (size + ALIGNMENT - 1) & -ALIGNMENT;
}

function load(source: Rows, at: number, n: number, count: number, classes: number): void {
  const size = count * classes;
  if (typeof source === 'function') source(floats.subarray(at, at + size), n, count);
  // The array itself where it is the part: a view costs as much as a small row.
  else floats.set(size === source.length ? source : source.subarray(n * classes, n * classes + size), at);
}

function copy(
  to: Float32Array | Int32Array,
  at: number,
  from: ArrayLike<number>,
  start: number,
  count: number,
) {
  if (ArrayBuffer.isView(from)) to.set((from as Float32Array).subarray(start, start + count), at);
  else for (let i = 0; i < count; i++) to[at + i] = from[start + i];
}
