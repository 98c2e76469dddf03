import { mass } from '../../../kernels/js/mass.ts';
import { type ValuesOfRows, valueOfRow } from '../../../kernels/js/temperatures.ts';
import { hardTermAlone, ROUNDING_OF_SUM } from '../../../kernels/objective.ts';
import { type DenseArrayRowPass, denseRowPassOverArrays } from './dense_rows.ts';
import { type Kernel, kernelOn } from './kernel.ts';

/** A row pass of a sparse teacher over arrays: `teacher` is p of its entries. */
export interface SparseArrayRowPass extends DenseArrayRowPass {
  /** Class ids of the entries, [rows, k]; -1 for none. */
  indices: ArrayLike<number>;
  /** t; null: as the objective's tail says. */
  tail: ValuesOfRows | null;
}

/** MATH (38)-(40), as composed/sparse_row_pass.ts has it. Returns the sum of the losses. */
export function sparseRowPassOverArrays(pass: SparseArrayRowPass): number {
  const { indices, tail, ...dense } = pass;
  if (pass.objective.tail === 'uniform')
    return denseRowPassOverArrays({ ...dense, teacher: spreadEvenly(pass) });
  const adds = pass.objective.labels !== 'none';
  const hard = adds ? denseRowPassOverArrays({ ...dense, ...hardTermOf(pass) }) : 0;
  return hard + softTerm(pass, adds);
}

const hardTermOf = ({ student, objective }: SparseArrayRowPass) => ({
  teacher: student,
  teacherTemperature: null,
  objective: hardTermAlone(objective),
});

/** What the entries of row n leave: t, where it is given. */
function leftBy({ tail, objective }: SparseArrayRowPass, n: number, sumOfEntries: number): number {
  if (tail !== null) return valueOfRow(tail, n);
  return objective.tail === 'none' ? 0 : Math.max(0, 1 - sumOfEntries);
}

/** p of every class, [rows, classes], where what the entries leave is spread evenly over the others. */
function spreadEvenly(pass: SparseArrayRowPass): Float32Array {
  const { rows, classes, student, teacher, indices } = pass;
  const k = indices.length / rows;
  const spread = new Float32Array(rows * classes).fill(-1); // no entry yet
  for (let n = 0; n < rows; n++) {
    const row = spread.subarray(n * classes, (n + 1) * classes);
    let isValid = true;
    let sumOfEntries = 0;
    for (let j = n * k; j < (n + 1) * k; j++) {
      const id = indices[j];
      if (id === -1) continue;
      if (!(id >= 0 && id < classes)) isValid = false;
      else if (row[id] === -1) {
        row[id] = teacher[j];
        sumOfEntries += teacher[j];
      }
    }
    const isOther = (i: number) => row[i] === -1 && student[n * classes + i] > Number.NEGATIVE_INFINITY;
    let others = 0;
    for (let i = 0; i < classes; i++) if (isOther(i)) others++;
    const each = leftBy(pass, n, sumOfEntries) / Math.max(1, others);
    for (let i = 0; i < classes; i++) if (row[i] === -1) row[i] = isOther(i) ? each : 0;
    if (!isValid) row.fill(Number.NaN);
  }
  return spread;
}

/**
 * Bytes of the student's rows that are worked on together: with their exponentials they stay in a
 * second-level cache.
 */
const BLOCK_BYTES = 96 * 1024;

/** `adds`: loss and gradient hold the hard term already. */
function softTerm(pass: SparseArrayRowPass, adds: boolean): number {
  const { rows, classes, loss, gradient, objective, outputs } = pass;
  const k = pass.indices.length / rows;
  const size = Math.min(rows, Math.max(1, Math.floor(BLOCK_BYTES / (4 * classes))));
  const sweeps = sweepsFor(size, classes, pass.student);
  const coarse = new CoarseRows(size, k);
  let total = 0;
  for (let n = 0; n < rows; n += size) {
    const count = Math.min(size, rows - n);
    for (let r = 0; r < count; r++) readRow(pass, sweeps, coarse, n + r, r);
    const part = (values: ValuesOfRows | null) => valuesOfBlock(values, n, count);
    const losses = loss && coarse.losses.subarray(0, count);
    total += denseRowPassOverArrays({
      rows: count,
      classes: k + 1,
      teacher: coarse.teacher.subarray(0, count * (k + 1)),
      student: coarse.student.subarray(0, count * (k + 1)),
      temperature: part(pass.temperature) ?? pass.temperature,
      teacherTemperature: null,
      alpha: part(pass.alpha),
      weights: part(pass.weights),
      labels: null,
      objective: { ...objective, labels: 'none', hardWeight: 0 },
      outputs,
      loss: losses,
      gradient: gradient && coarse.gradient.subarray(0, count * (k + 1)),
    });
    if (loss && losses) for (let r = 0; r < count; r++) loss[n + r] = (adds ? loss[n + r] : 0) + losses[r];
    if (gradient)
      for (let r = 0; r < count; r++) writeRow(pass, sweeps, coarse, { n: n + r, r, gradient, adds });
  }
  return total;
}

/** One value for all, or those of a block of rows. */
function valuesOfBlock(values: ValuesOfRows | null, n: number, count: number): ValuesOfRows | null {
  if (values === null || values.length === 1) return values;
  return Array.from({ length: count }, (_, r) => values[n + r]);
}

/** Rows of k + 1 classes: the entries of a row, and all other classes as one. */
class CoarseRows {
  readonly teacher: Float32Array;
  /** Relative to the largest logit of the row, so that nothing is lost of it. */
  readonly student: Float32Array;
  readonly gradient: Float32Array;
  readonly losses: Float32Array;
  /** Class of an entry; -1 if it does not count. */
  readonly classIds: Int32Array;
  /** Sum of exp((z - mz)/T) over the classes that are not listed. */
  readonly sumOfRest: Float64Array;
  /** Where that is less than any float32: the largest z of them, and their sum relative to it. */
  readonly largestOfRest: Float64Array;

  constructor(
    rows: number,
    readonly k: number,
  ) {
    const size = rows * (k + 1);
    this.teacher = new Float32Array(size);
    this.student = new Float32Array(size);
    this.gradient = new Float32Array(size);
    this.losses = new Float32Array(rows);
    this.classIds = new Int32Array(rows * k);
    this.sumOfRest = new Float64Array(rows);
    this.largestOfRest = new Float64Array(rows);
  }
}

/** Of row n of all, which is row r of the block: its exponentials, and what the coarse row is made of. */
function readRow(pass: SparseArrayRowPass, sweeps: Sweeps, coarse: CoarseRows, n: number, r: number): void {
  const { classes, student, teacher, indices } = pass;
  const { k } = coarse;
  const t = valueOfRow(pass.temperature, n);
  const start = n * classes;
  const max = sweeps.read(n, r, t);
  const u = sweeps.exponentials(r);
  const to = r * (k + 1);
  let isValid = max > Number.NEGATIVE_INFINITY && max < Number.POSITIVE_INFINITY;
  let listed = 0;
  let sumOfEntries = 0;
  for (let j = 0; j < k; j++) {
    const id = indices[n * k + j];
    coarse.teacher[to + j] = 0;
    coarse.student[to + j] = Number.NEGATIVE_INFINITY;
    coarse.classIds[r * k + j] = -1;
    if (id === -1) continue;
    if (!(id >= 0 && id < classes)) {
      isValid = false;
      continue;
    }
    if (u[id] < 0) continue; // the same class again
    u[id] = -1;
    const p = teacher[n * k + j];
    coarse.teacher[to + j] = p;
    coarse.student[to + j] = student[start + id] - max;
    coarse.classIds[r * k + j] = id;
    sumOfEntries += p;
    listed++;
  }
  for (let j = 0; j < k; j++) if (coarse.classIds[r * k + j] >= 0) u[coarse.classIds[r * k + j]] = 0;
  let sumOfRest = sweeps.sum(r);
  let largest = max;
  if (isValid && !(sumOfRest > 0)) ({ largest, sum: sumOfRest } = restOf(pass, coarse, n, r, t));
  coarse.sumOfRest[r] = sumOfRest;
  coarse.largestOfRest[r] = largest;
  let left = leftBy(pass, n, sumOfEntries);
  // Where no class is left to have it, what is left is rounding.
  if (sumOfRest === 0 && (listed >= classes || left <= ROUNDING_OF_SUM)) left = 0;
  coarse.teacher[to + k] = left;
  coarse.student[to + k] = isValid
    ? sumOfRest > 0
      ? largest - max + t * Math.log(sumOfRest)
      : Number.NEGATIVE_INFINITY
    : Number.NaN;
}

/**
 * Classes that are not listed, all of them too small beside the largest for a float32: their largest logit,
 * and the sum relative to it.
 */
function restOf(
  { classes, student }: SparseArrayRowPass,
  coarse: CoarseRows,
  n: number,
  r: number,
  t: number,
): { largest: number; sum: number } {
  const { k, classIds } = coarse;
  const listed = new Set(classIds.subarray(r * k, (r + 1) * k));
  const start = n * classes;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < classes; i++)
    if (student[start + i] > largest && !listed.has(i)) largest = student[start + i];
  let sum = 0;
  if (largest > Number.NEGATIVE_INFINITY)
    for (let i = 0; i < classes; i++) if (!listed.has(i)) sum += Math.exp((student[start + i] - largest) / t);
  return { largest, sum };
}

interface RowOfGradient {
  n: number;
  r: number;
  gradient: Float32Array;
  adds: boolean;
}

/** MATH (40). */
function writeRow(
  pass: SparseArrayRowPass,
  sweeps: Sweeps,
  coarse: CoarseRows,
  { n, r, gradient, adds }: RowOfGradient,
): void {
  const { classes, student } = pass;
  const { k, classIds } = coarse;
  const start = n * classes;
  const ofRest = coarse.gradient[r * (k + 1) + k];
  const sum = coarse.sumOfRest[r];
  const factor = sum > 0 ? ofRest / sum : Number.isNaN(ofRest) ? ofRest : 0;
  const row = gradient.subarray(start, start + classes);
  // Of a row that counts for nothing u may be NaN.
  if (factor !== 0) sweeps.write(r, row, factor, adds);
  else if (!adds) row.fill(0);
  const isTiny = factor !== 0 && sum > 0 && !(sweeps.sum(r) > 0);
  if (isTiny && !Number.isNaN(factor)) {
    const t = valueOfRow(pass.temperature, n);
    const largest = coarse.largestOfRest[r];
    const listed = new Set(classIds.subarray(r * k, (r + 1) * k));
    for (let i = 0; i < classes; i++)
      if (!listed.has(i)) row[i] += factor * Math.exp((student[start + i] - largest) / t);
  }
  for (let j = 0; j < k; j++) {
    const id = classIds[r * k + j];
    if (id >= 0) row[id] = (adds ? row[id] : 0) + coarse.gradient[r * (k + 1) + j];
  }
}

/** Sweeps over rows of the student, those of a block at a time. */
interface Sweeps {
  /**
   * Takes row n of all as row r of the block and finds u = exp((z - mz)/T) of each class; returns mz, NaN if
   * there is one in the row.
   */
  read(n: number, r: number, temperature: number): number;
  /** u, which may be overwritten. */
  exponentials(r: number): Float32Array | Float64Array;
  sum(r: number): number;
  /** Writes `factor` u to a row of the gradient, or adds it. */
  write(r: number, gradient: Float32Array, factor: number, adds: boolean): void;
}

/** SIMD where that kernel is compiled, and rows are long enough for it. */
function sweepsFor(rows: number, classes: number, student: Float32Array): Sweeps {
  const simd = classes < 16 ? null : simdSweeps(rows, classes, student);
  return simd ?? javaScriptSweeps(rows, classes, student);
}

/** MATH (12). */
function javaScriptSweeps(rows: number, classes: number, student: Float32Array): Sweeps {
  const all = Array.from({ length: rows }, () => new Float64Array(classes));
  return {
    read(n, r, temperature) {
      const start = n * classes;
      let max = Number.NEGATIVE_INFINITY;
      let sum = 0;
      for (let i = start; i < start + classes; i++) {
        if (student[i] > max) max = student[i];
        if (Number.isNaN(student[i])) sum = Number.NaN;
      }
      for (let i = 0; i < classes; i++) {
        all[r][i] = mass((student[start + i] - max) / temperature);
      }
      return max + sum;
    },
    exponentials: (r) => all[r],
    sum: (r) => all[r].reduce((total, u) => total + u, 0),
    write(r, gradient, factor, adds) {
      const u = all[r];
      for (let i = 0; i < classes; i++) gradient[i] = (adds ? gradient[i] : 0) + factor * u[i];
    },
  };
}

/** The memory of the sweeps: not that of the dense kernel, which runs between them. */
let memory: WebAssembly.Memory | null = null;

function simdSweeps(rows: number, classes: number, student: Float32Array): Sweeps | null {
  const rowBytes = (4 * classes + 15) & ~15;
  memory ??= new WebAssembly.Memory({ initial: 4 });
  const missing = 16 + (rows + 2) * rowBytes - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 65536));
  const kernel = kernelOn(memory);
  return kernel && overMemory(kernel, memory, { rowBytes, classes, student });
}

/** One row of the student, one of the gradient, and u of a block of rows. */
function overMemory(
  kernel: Kernel,
  { buffer }: WebAssembly.Memory,
  { rowBytes, classes, student }: { rowBytes: number; classes: number; student: Float32Array },
): Sweeps {
  const z = 16;
  const written = z + rowBytes;
  const at = (r: number) => written + rowBytes + r * rowBytes;
  const row = (place: number) => new Float32Array(buffer, place, classes);
  return {
    read(n, r, temperature) {
      row(z).set(student.subarray(n * classes, (n + 1) * classes));
      const max = kernel.maxOfRow(z, classes);
      kernel.writeExponentials(z, at(r), classes, max, Math.LOG2E / temperature);
      return max;
    },
    exponentials: (r) => row(at(r)),
    sum: (r) => kernel.sumOfRow(at(r), classes),
    write(r, gradient, factor, adds) {
      if (adds) row(written).set(gradient);
      kernel.writeScaled(at(r), written, classes, factor, adds ? 1 : 0);
      gradient.set(row(written));
    },
  };
}
