import {
  add,
  concat,
  dispose,
  equal,
  matMul,
  reshape,
  scalar,
  sum,
  type Tensor,
  tidy,
  where,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { valuesOnCpu } from '../backends/values_on_cpu.ts';
import type { ObjectiveAttrs } from '../kernel_names.ts';
import { type BesideLogits, type GivenInputs, mapBeside } from '../objective_inputs.ts';
import { runObjective, runRowPass } from '../run_objective.ts';
import { type LinearHead, logitsOfRows, rowsOf } from './linear_logits.ts';
import { addProduct, product } from './product.ts';

/** Where the logits of the teacher come from: they lie in memory, or are made where they are needed. */
export type TeacherRows = { kind: 'dense'; logits: Tensor } | { kind: 'linear'; head: LinearHead };

/** A distillation loss whose student, and perhaps its teacher, are computed a few rows at a time. */
export interface ChunkedLoss {
  teacher: TeacherRows;
  student: LinearHead;
  /** Rows in one axis. */
  tensors: BesideLogits<Tensor>;
  attrs: Omit<ObjectiveAttrs, 'outputs'>;
  chunkRows: number;
}

export interface HeadGradients {
  hidden: Tensor;
  /** null where the kernel is a constant. */
  kernel: Tensor | null;
  bias: Tensor | null;
}

/** Numbers of a chunk of logits, 8 MB of them: on the backends tried, larger chunks are no faster. */
const CHUNK_SIZE = 2 ** 21;
const LEAST_CHUNK_ROWS = 32;

/**
 * The largest power of two of rows whose logits are at most CHUNK_SIZE numbers, at least LEAST_CHUNK_ROWS.
 */
export function defaultChunkRows(classes: number): number {
  return Math.max(LEAST_CHUNK_ROWS, 2 ** Math.floor(Math.log2(CHUNK_SIZE / classes)));
}

export interface Chunk {
  start: number;
  count: number;
}

export function chunksOf({ student, chunkRows }: ChunkedLoss): Chunk[] {
  const [rows] = student.hidden.shape;
  return Array.from({ length: Math.ceil(rows / chunkRows) }, (_, n) => ({
    start: n * chunkRows,
    count: Math.min(chunkRows, rows - n * chunkRows),
  }));
}

/** Whether every row of a chunk is known to count for nothing, so that its logits need not be made. */
function countsForNothing({ tensors: { weights } }: ChunkedLoss, { start, count }: Chunk): boolean {
  const values = weights && valuesOnCpu(weights);
  if (!values) return false;
  const ofChunk = values.length === 1 ? values : values.subarray(start, start + count);
  return ofChunk.every((weight) => weight === 0);
}

/** What the chunk has of a tensor beside the logits: all of one value for every row. */
function besideLogitsOf({ tensors, student }: ChunkedLoss, { start, count }: Chunk): BesideLogits<Tensor> {
  const [rows] = student.hidden.shape;
  return mapBeside(tensors, (tensor) => (tensor.shape[0] === rows ? rowsOf(tensor, start, count) : tensor));
}

function teacherOf({ teacher }: ChunkedLoss, { start, count }: Chunk): Tensor {
  switch (teacher.kind) {
    case 'dense':
      return rowsOf(teacher.logits, start, count);
    case 'linear':
      return logitsOfRows(teacher.head, start, count);
    default:
      return teacher satisfies never;
  }
}

/** The inputs of the row pass for a chunk; off the tape. */
export function tensorsOfChunk(loss: ChunkedLoss, chunk: Chunk): GivenInputs<Tensor> {
  return {
    teacher: teacherOf(loss, chunk),
    student: logitsOfRows(loss.student, chunk.start, chunk.count),
    ...besideLogitsOf(loss, chunk),
  };
}

/** Puts the losses of chunks together: one for each row, or their sum. */
function joined(losses: Tensor[], { attrs }: ChunkedLoss): Tensor {
  if (attrs.reduction === 'none') return losses.length === 0 ? zeros([0]) : concatRows(losses);
  return losses.reduce((a, b) => add(a, b), losses.shift() ?? scalar(0));
}

const concatRows = (parts: Tensor[]) => (parts.length === 1 ? parts[0] : concat(parts, 0));

/** The loss alone; off the tape. */
export function chunkedLoss(loss: ChunkedLoss): Tensor {
  return tidy(() => {
    const losses = chunksOf(loss).map((chunk) =>
      tidy(() => {
        if (countsForNothing(loss, chunk)) return lossOfNothing(loss, chunk);
        return runRowPass<Tensor>(tensorsOfChunk(loss, chunk), { ...loss.attrs, outputs: 'loss' });
      }),
    );
    return joined(losses, loss);
  });
}

const lossOfNothing = ({ attrs }: ChunkedLoss, { count }: Chunk) =>
  attrs.reduction === 'none' ? zeros([count]) : scalar(0);

/** The loss in ops that tfjs differentiates to any order. On the tape. */
export function differentiableChunkedLoss(loss: ChunkedLoss): Tensor {
  const { hidden, kernel, bias, transposeKernel } = loss.student;
  const losses = chunksOf(loss).map((chunk) => {
    const rows = rowsOf(hidden, chunk.start, chunk.count);
    const logits = matMul(rows, kernel, false, transposeKernel);
    const student = bias === null ? logits : add(logits, bias);
    return runObjective(
      { teacher: teacherOf(loss, chunk), student, ...besideLogitsOf(loss, chunk) },
      loss.attrs,
    );
  });
  return joined(losses, loss);
}

/** Which gradients of the head are wanted. */
export interface WantedGradients {
  hidden: boolean;
  kernel: boolean;
  bias: boolean;
}

/**
 * The gradients of the head and, where the loss is a scalar, the loss with them; off the tape. dHidden = dz
 * Wᵀ, dKernel = hᵀ dz and dBias = the sum of rows of dz, added up chunk by chunk.
 */
export function chunkedGradients(
  loss: ChunkedLoss,
  wanted: WantedGradients,
): { loss: Tensor; hidden: Tensor | null; kernel: Tensor | null; bias: Tensor | null } {
  const { student } = loss;
  const losses: Tensor[] = [];
  const dHidden: Tensor[] = [];
  let dKernel: Tensor | null = null;
  let dBias: Tensor | null = null;
  for (const chunk of chunksOf(loss)) {
    if (countsForNothing(loss, chunk)) {
      losses.push(lossOfNothing(loss, chunk));
      if (wanted.hidden) dHidden.push(zerosLike(rowsOf(student.hidden, chunk.start, chunk.count)));
      continue;
    }
    const [value, dLogits] = tidy(() =>
      runRowPass<[Tensor, Tensor]>(tensorsOfChunk(loss, chunk), {
        ...loss.attrs,
        outputs: 'lossAndStudentGradient',
      }),
    );
    losses.push(value);
    if (wanted.hidden) dHidden.push(hiddenGradient(student, dLogits));
    if (wanted.bias) dBias = addRows(dBias, dLogits);
    if (wanted.kernel) dKernel = addKernelGradient(dKernel, loss, chunk, dLogits);
    dLogits.dispose();
  }
  const gradients = {
    loss: joined(losses, loss),
    hidden: wanted.hidden ? (dHidden.length === 0 ? zerosLike(student.hidden) : concatRows(dHidden)) : null,
    kernel: wanted.kernel ? (dKernel ?? zerosLike(student.kernel)) : null,
    bias: wanted.bias && student.bias ? (dBias ?? zerosLike(student.bias)) : null,
  };
  if (dHidden.length > 1) dispose(dHidden);
  return gradients;
}

const hiddenGradient = ({ kernel, transposeKernel }: LinearHead, dLogits: Tensor) =>
  product(dLogits, kernel, { transposeA: false, transposeB: !transposeKernel });

function addRows(total: Tensor | null, dLogits: Tensor): Tensor {
  const result = tidy(() => (total === null ? sum(dLogits, 0) : add(total, sum(dLogits, 0))));
  total?.dispose();
  return result;
}

function addKernelGradient(total: Tensor | null, loss: ChunkedLoss, chunk: Chunk, dLogits: Tensor): Tensor {
  const { transposeKernel } = loss.student;
  const hidden = tidy(() => countingRows(loss, chunk));
  const [a, b] = transposeKernel ? [dLogits, hidden] : [hidden, dLogits];
  const result = addProduct(total, a, b, { transposeA: true, transposeB: false });
  hidden.dispose();
  return result;
}

/**
 * The hidden rows of a chunk, 0 where the weight is 0: of what such a row holds, NaN included, nothing may
 * reach dKernel, though 0 times NaN is NaN.
 */
function countingRows(loss: ChunkedLoss, chunk: Chunk): Tensor {
  const { hidden } = loss.student;
  const rows = rowsOf(hidden, chunk.start, chunk.count);
  const { weights } = besideLogitsOf(loss, chunk);
  if (weights === null || weights.shape[0] !== chunk.count) return rows.clone();
  return where(reshape(equal(weights, 0), [chunk.count, 1]), zerosLike(rows), rows);
}
