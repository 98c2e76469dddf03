import type { ValuesOfRows } from '../../../kernels/js/temperatures.ts';
import type { Measure } from '../../../kernels/metrics.ts';
import { METRICS } from '../../../kernels/metrics.ts';
import type { LabelKind, Objective, RowPassOutputs } from '../../../kernels/objective.ts';
import { type Kernel, kernelOn, PADS_BYTES, type RowsAt, rowMetricsAt, rowPassAt } from './kernel.ts';
import { type ForAllRows, readsLabels, setMeasure, setObjective } from './objective.ts';

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

export interface StagedRows {
  rows: number;
  classes: number;
  teacher: Rows;
  student: Rows;
  temperature: ValuesOfRows;
  /** null: the objective says which. */
  teacherTemperature: ValuesOfRows | null;
  labels: ArrayLike<number> | null;
  /** null for 1. */
  weights: ValuesOfRows | null;
  /** Of a block of rows; where it costs much to begin one, more than the usual. */
  blockBytes?: number;
}

export interface StagedRowPass extends StagedRows {
  objective: Objective;
  /** null: the weights of the two terms are those of the objective. */
  alpha: ValuesOfRows | null;
  outputs: RowPassOutputs;
  /** [rows], or null if not wanted. */
  loss: Float32Array | null;
  /** [rows, classes], or null if not wanted. */
  gradient: Rows | null;
}

export interface StagedRowMetrics extends StagedRows {
  measure: Measure;
  /** [rows, METRICS.length]. */
  metrics: Float32Array;
}

/** The SIMD kernel on private memory, or null if there is no such kernel (yet). */
export function stagedKernel(): Kernel | null {
  memory ??= new WebAssembly.Memory({ initial: 1 + BLOCK_BYTES / PAGE_BYTES });
  return kernelOn(memory);
}

/**
 * Runs the SIMD kernel over private memory; returns the sum of the losses, or null if there is no such kernel
 * (yet).
 */
export function stagedRowPass(pass: StagedRowPass): number | null {
  const kernel = stagedKernel();
  if (kernel === null) return null;
  const { classes, objective, outputs, alpha, loss, gradient } = pass;
  const labels = readsLabels(objective, outputs) ? objective.labels : 'none';
  setObjective(kernel, objective, outputs, forAllRows(pass, alpha));
  let total = 0;
  forEachBlock(kernel, pass, { labels, alpha, results: loss ? 1 : 0 }, (block) => {
    const { n, count, student, results } = block;
    total += rowPassAt(kernel, addresses(block, classes), {
      loss: 4 * results,
      gradient: gradient ? 4 * student : 0,
    });
    loss?.set(floats.subarray(results, results + count), n);
    if (gradient === null) return;
    const from = floats.subarray(student, student + count * classes);
    if (typeof gradient === 'function') gradient(from, n, count);
    else gradient.set(from, n * classes);
  });
  return total;
}

/** Runs the SIMD kernel over private memory; false if there is no such kernel (yet). */
export function stagedRowMetrics(pass: StagedRowMetrics): boolean {
  const kernel = stagedKernel();
  if (kernel === null) return false;
  const { classes, measure, metrics } = pass;
  setMeasure(kernel, measure, forAllRows(pass, null));
  const how = { labels: measure.labels, alpha: null, results: METRICS.length };
  forEachBlock(kernel, pass, how, (block) => {
    const { n, count, results } = block;
    rowMetricsAt(kernel, addresses(block, classes), 4 * results);
    metrics.set(floats.subarray(results, results + count * METRICS.length), n * METRICS.length);
  });
  return true;
}

const forAllRows = (
  { temperature, teacherTemperature, weights }: StagedRows,
  alpha: ValuesOfRows | null,
): ForAllRows => ({
  temperature: temperature[0],
  teacherTemperature: teacherTemperature?.[0] ?? null,
  alpha: alpha?.[0] ?? null,
  weight: weights?.length === 1 ? weights[0] : 1,
});

/** The values if there is one for each row. */
const perRow = (values: ValuesOfRows | null) => (values?.length === 1 ? null : values);

/** `count` rows from row n on. Where they lie in memory, in float32 numbers; 0 for what there is not. */
interface Block {
  n: number;
  count: number;
  teacher: number;
  student: number;
  labels: number;
  temperatures: number;
  teacherTemperatures: number;
  alphas: number;
  weights: number;
  results: number;
}

interface HowStaged {
  /** How labels are read. */
  labels: LabelKind;
  alpha: ValuesOfRows | null;
  /** Numbers of a row that the kernel writes, apart from the gradient. */
  results: number;
}

const VALUES_OF_ROWS = ['temperatures', 'teacherTemperatures', 'alphas', 'weights'] as const;

/** Copies rows in, block by block. */
function forEachBlock(
  kernel: Kernel,
  staged: StagedRows,
  { labels: labelKind, alpha, results }: HowStaged,
  work: (block: Block) => void,
): void {
  const { rows, classes, teacher, student } = staged;
  const labels = labelKind === 'none' ? null : staged.labels;
  const valuesOfRows = {
    temperatures: perRow(staged.temperature),
    teacherTemperatures: perRow(staged.teacherTemperature),
    alphas: perRow(alpha),
    weights: perRow(staged.weights),
  };

  // In float32 numbers: pads, r if there are labels, then for each row of a block its values, results,
  // labels, teacher and student.
  const labelSize = labels === null ? 0 : labelKind === 'distribution' ? classes : 1;
  const rowSize = Object.keys(valuesOfRows).length + results + labelSize + 2 * classes;
  const rSize = staged.labels === null ? 0 : (classes + 3) & ~3;
  const size = rowsOfBlock(rows, (staged.blockBytes ?? BLOCK_BYTES) / (4 * rowSize));
  const r = PADS_BYTES / 4 + 4;
  const block = {
    n: 0,
    count: 0,
    teacher: 0,
    student: 0,
    labels: 0,
    temperatures: 0,
    teacherTemperatures: 0,
    alphas: 0,
    weights: 0,
    results: 0,
  };
  let end = r + rSize;
  const place = (numbers: number) => {
    const at = end;
    end += numbers;
    return at;
  };
  const given = VALUES_OF_ROWS.flatMap((name) => {
    const values = valuesOfRows[name];
    return values === null ? [] : [{ name, values }];
  });
  for (const { name } of given) block[name] = place(size);
  if (results) block.results = place(size * results);
  if (labels) block.labels = place(size * labelSize);
  end = align(end);
  block.teacher = place(size * classes);
  end = align(end);
  block.student = place(size * classes);
  reserve(4 * end);

  kernel.setRoom(4 * block.student, 4 * classes, 4 * block.teacher, 4 * classes, 4 * r, 16);
  for (let n = 0; n < rows; n += size) {
    const count = Math.min(size, rows - n);
    load(teacher, block.teacher, n, count, classes);
    load(student, block.student, n, count, classes);
    for (const { name, values } of given) copy(floats, block[name], values, n, count);
    if (labels) {
      const to = labelKind === 'classIds' ? ints : floats;
      copy(to, block.labels, labels, n * labelSize, count * labelSize);
    }
    block.n = n;
    block.count = count;
    work(block);
  }
}

/** How many rows a block has if so many would fill it. */
function rowsOfBlock(rows: number, most: number): number {
  let size = Math.max(1, Math.floor(most));
  if (size > ALIGNMENT) size &= -ALIGNMENT; // so that every block begins aligned, whatever the classes
  if (size > rows) return rows;
  return size > ALIGNMENT ? align(Math.ceil(rows / Math.ceil(rows / size))) : size; // no small rest
}

/** The block's places in bytes. */
const addresses = (block: Block, classes: number): RowsAt => ({
  rows: block.count,
  classes,
  teacher: 4 * block.teacher,
  student: 4 * block.student,
  labels: 4 * block.labels,
  temperatures: 4 * block.temperatures,
  teacherTemperatures: 4 * block.teacherTemperatures,
  alphas: 4 * block.alphas,
  weights: 4 * block.weights,
});

/** Has memory of so many bytes at least. */
function reserve(bytes: number): void {
  if (memory === null) return;
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
