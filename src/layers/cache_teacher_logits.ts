import { type Tensor, tensor, util } from '@tensorflow/tfjs-core';
import { CACHE_ARGS, checkArgumentNames } from './argument_names.ts';
import { CachedLogits, type LogitsOfBatch } from './cached_logits.ts';
import { type DatasetLike, type DatasetOf, disposeTensors, isDataset, mapDataset, typed } from './dataset.ts';
import { arrangeForTeacher, type Inputs, inputsOf, isArrayOfTensors } from './inputs.ts';
import { noticeCached } from './notice_endings.ts';
import { sliceRows } from './rows.ts';
import { isPredictor, type Predictor, predictLogits } from './teacher.ts';

/** How far {@link cacheTeacherLogits} is. */
export interface CacheTeacherLogitsProgress {
  /** Batches done. */
  batches: number;
  /** All batches; null where a dataset does not know its size. */
  totalBatches: number | null;
  /** Rows done. */
  rows: number;
  /** Since the start, ms. */
  elapsedMs: number;
  /** Until the end, ms, at the pace so far; null where totalBatches is. */
  remainingMs: number | null;
}

/** What {@link cacheTeacherLogits} takes besides teacher and data. */
export interface CacheTeacherLogitsArgs {
  /** Rows of x per batch; a dataset has batches of its own. Default 128. */
  batchSize?: number;
  /** Called after every batch. */
  onProgress?: (progress: CacheTeacherLogitsProgress) => void;
  /** Of a dataset: give back its elements, each with its teacherLogits, and not the logits alone. Default false. */
  elements?: boolean;
}

/** An element of a dataset that holds the inputs of a teacher, and what else it likes. */
export interface TeacherElement {
  /** Inputs of the teacher: a batch. */
  xs: Inputs;
}

/** What cacheTeacherLogits adds to an element. */
export interface TeacherLogitsOfElement {
  /** The teacher's logits for its xs. */
  teacherLogits: Tensor;
}

const NAME = 'cacheTeacherLogits';

/**
 * The teacher's logits, computed once, to be given to a `Distiller` as its teacher: epochs after the first then cost nothing for the teacher.
 *
 * ```js
 * const teacherLogits = await cacheTeacherLogits(teacher, x, {onProgress: ({rows}) => console.log(rows)});
 * const distiller = new Distiller({student, teacher: teacherLogits, temperature: 4});
 * ```
 *
 * Those of a dataset belong to its rows, which a `Distiller` finds again by a hash of their inputs: it does not matter whether the dataset is shuffled, how it is batched, or
 * where an epoch ends. (tfjs-data 4.22 draws a new order for every epoch, whatever the third argument of `shuffle` is.) What does matter is that the inputs stay what they were: a row that
 * was not seen, as one that is augmented anew in every epoch, is an error that names it. With `elements: true` the logits come among the elements themselves, `{xs, ys, teacherLogits}`,
 * which `fitDataset` and `evaluateDataset` use whatever their teacher is. A training loop of one's own can iterate over the logits: batch by batch, in the order in which they were computed.
 *
 * @param teacher a model with one output, logits.
 * @param data the inputs of the teacher, a tensor, or several in an array or by name; or a dataset of batches {xs}.
 * @param args how many rows at a time, and what to call after each batch: {@link CacheTeacherLogitsArgs}.
 * @returns for tensors, float32 `[rows, ..., C]`, to be disposed by the caller; for a dataset, a dataset of logits, or of elements, whose values lie outside of the backend.
 * @throws TypeError if data is neither, or the teacher cannot predict.
 * @throws RangeError if batchSize is not a positive integer.
 * @throws Error for an unknown argument, or inputs that the teacher does not take.
 */
export async function cacheTeacherLogits<T extends TeacherElement>(
  teacher: Predictor,
  data: DatasetLike<T>,
  args: CacheTeacherLogitsArgs & { elements: true },
): Promise<DatasetOf<T & TeacherLogitsOfElement>>;
export async function cacheTeacherLogits<T extends TeacherElement>(
  teacher: Predictor,
  data: DatasetLike<T>,
  args?: CacheTeacherLogitsArgs,
): Promise<DatasetOf<Tensor>>;
export async function cacheTeacherLogits(
  teacher: Predictor,
  data: Inputs,
  args?: CacheTeacherLogitsArgs,
): Promise<Tensor>;
export async function cacheTeacherLogits(
  teacher: Predictor,
  data: Inputs | DatasetLike<TeacherElement>,
  args: CacheTeacherLogitsArgs = {},
): Promise<Tensor | DatasetOf<Tensor | TeacherElement>> {
  if (typeof teacher !== 'object' || teacher === null || !isPredictor(teacher)) {
    throw new TypeError(`${NAME}: teacher must be a model with a predict method; got ${teacher}.`);
  }
  checkArgumentNames(args, CACHE_ARGS, NAME);
  const { batchSize = 128, elements = false } = args;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`${NAME}: batchSize must be a positive integer; got ${batchSize}.`);
  }
  if (typeof data !== 'object' || data === null || (Array.isArray(data) && !isArrayOfTensors(data))) {
    const got = Array.isArray(data) ? 'an array of something else' : data;
    throw new TypeError(`${NAME}: data must be a tensor, an array of tensors or a dataset; got ${got}.`);
  }
  if (isDataset<TeacherElement>(data)) {
    const cached = await cacheDataset(teacher, typed(data), args);
    return elements ? elementsWithLogits(typed(data), cached) : cached;
  }
  if (elements)
    throw new Error(`${NAME}: elements are those of a dataset; got tensors, whose logits are a tensor.`);
  return cacheTensors(teacher, data as Inputs, batchSize, args);
}

async function cacheTensors(
  teacher: Predictor,
  data: Inputs,
  batchSize: number,
  args: CacheTeacherLogitsArgs,
): Promise<Tensor> {
  const inputs = inputsOf(teacher, 'teacher');
  const x = arrangeForTeacher(data, inputs, NAME);
  const rows = x[0].shape[0];
  const report = progressOf(Math.ceil(rows / batchSize), args);
  const lookAtFirst = noticeFirst(teacher);
  const batches: LogitsOfBatch[] = [];
  for (let start = 0; start < rows; start += batchSize) {
    const end = Math.min(rows, start + batchSize);
    const batch: Tensor[] = [];
    try {
      for (const column of x) batch.push(sliceRows(column, start, end));
      batches.push(lookAtFirst(await valuesOf(predictLogits(teacher, batch, inputs, NAME))));
    } finally {
      disposeTensors(batch);
    }
    report(end - start);
  }
  return joinBatches(batches);
}

async function cacheDataset(
  teacher: Predictor,
  dataset: DatasetOf<TeacherElement>,
  args: CacheTeacherLogitsArgs,
): Promise<CachedLogits> {
  const inputs = inputsOf(teacher, 'teacher');
  const isSized = dataset.size !== undefined && Number.isFinite(dataset.size);
  const report = progressOf(isSized ? (dataset.size ?? null) : null, args);
  const lookAtFirst = noticeFirst(teacher);
  const cached = new CachedLogits();
  const iterator = await dataset.iterator();
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    const element = next.value;
    let rows: number;
    try {
      const x = arrangeForTeacher(inputsOfElement(element), inputs, NAME);
      rows = x[0].shape[0];
      const logits = lookAtFirst(await valuesOf(predictLogits(teacher, x, inputs, NAME)));
      await cached.add(element.xs, logits);
    } finally {
      disposeTensors(element);
    }
    report(rows);
  }
  return cached;
}

function inputsOfElement(element: TeacherElement): Inputs {
  if (typeof element === 'object' && element !== null && 'xs' in element) return element.xs;
  throw new TypeError(`${NAME}: the elements of a dataset must be batches {xs}; got ${element}.`);
}

async function valuesOf(logits: Tensor): Promise<LogitsOfBatch> {
  try {
    return { values: (await logits.data()) as Float32Array, shape: logits.shape };
  } finally {
    logits.dispose();
  }
}

/** Hands batches on, and says of the first one if these are no logits. */
function noticeFirst(teacher: Predictor): (batch: LogitsOfBatch) => LogitsOfBatch {
  let isFirst = true;
  return (batch) => {
    if (isFirst) noticeCached(teacher, batch.values, batch.shape[batch.shape.length - 1]);
    isFirst = false;
    return batch;
  };
}

/** What is called after each batch, with its rows. */
function progressOf(
  totalBatches: number | null,
  { onProgress }: CacheTeacherLogitsArgs,
): (rows: number) => void {
  const start = util.now();
  let [batches, rows] = [0, 0];
  return (rowsOfBatch) => {
    batches++;
    rows += rowsOfBatch;
    const elapsedMs = util.now() - start;
    const remainingMs =
      totalBatches === null ? null : (elapsedMs / batches) * Math.max(0, totalBatches - batches);
    onProgress?.({ batches, totalBatches, rows, elapsedMs, remainingMs });
  };
}

function elementsWithLogits(dataset: DatasetOf<TeacherElement>, cached: CachedLogits) {
  return mapDataset(dataset, async (element, batch) => {
    const teacherLogits = await cached.logitsOf(inputsOfElement(element), batch, NAME);
    return { ...element, teacherLogits };
  });
}

function joinBatches(batches: LogitsOfBatch[]): Tensor {
  const rows = batches.reduce((sum, { shape }) => sum + shape[0], 0);
  const rowShape = batches[0]?.shape.slice(1) ?? [];
  const values = new Float32Array(rows * util.sizeFromShape(rowShape));
  let offset = 0;
  for (const batch of batches) {
    values.set(batch.values, offset);
    offset += batch.values.length;
  }
  return tensor(values, [rows, ...rowShape]);
}
