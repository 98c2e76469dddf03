import { type Tensor, tensor, util } from '@tensorflow/tfjs-core';
import type { Targets } from '../../kernels/objective.ts';
import { TARGETS, wordsOf } from '../../kernels/words.ts';
import { checkOneOf } from '../arguments.ts';
import { CACHE_ARGS, checkArgumentNames } from './argument_names.ts';
import { awaitLogits } from './await_logits.ts';
import { CachedLogits, type LogitsOfBatch } from './cached_logits.ts';
import { type DatasetLike, type DatasetOf, disposeTensors, isDataset, mapDataset, typed } from './dataset.ts';
import { checkedMembers, Ensemble, type EnsembleMean, errorOfEnsemble } from './ensemble.ts';
import { arrangeForTeacher, type Inputs, inputsOf, isArrayOfTensors, type ModelInputs } from './inputs.ts';
import { FirstOutputs, noticeCached, noticeCachedMember } from './notice_endings.ts';
import { sliceRows } from './rows.ts';
import { type AsyncPredictor, isPredictor, type Look, type TeacherModel } from './teacher.ts';

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
  /** How several teachers are averaged, as by the Distiller that the logits are for: 'arithmetic' (default) or 'geometric'. */
  ensemble?: EnsembleMean;
  /** Of several teachers: T of the loss that the logits are for, a number > 0, at which the arithmetic mean is taken, and has to be given for it. */
  temperature?: number;
  /** Of several teachers: what they give, 'logits' (default) or 'probabilities', and so what their average is. */
  targets?: Targets;
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

/** Whose logits are to be kept. */
export type TeacherToCache = AsyncPredictor | readonly AsyncPredictor[];

/** The same, checked. */
type Model = AsyncPredictor | Ensemble<AsyncPredictor>;

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
 * The teacher may answer with a promise, and with `{data, dims}` as onnxruntime and transformers.js do: {@link AsyncPredictor}. Several teachers, `[a, b]`, run one after another, and
 * their average is kept, as a `Distiller` with these teachers would take it of every batch.
 *
 * ```js
 * const average = await cacheTeacherLogits([teacher, teacher], x, {temperature: 4});
 * ```
 *
 * @param teacher a model with one output, logits; or several of them.
 * @param data the inputs of the teacher, a tensor, or several in an array or by name; or a dataset of batches {xs}.
 * @param args how many rows at a time, and what to call after each batch: {@link CacheTeacherLogitsArgs}.
 * @returns for tensors, float32 `[rows, ..., C]`, to be disposed by the caller; for a dataset, a dataset of logits, or of elements, whose values lie outside of the backend.
 * @throws TypeError if data is neither, the teacher cannot predict, or it answers with what is no tensor of numbers.
 * @throws RangeError if batchSize is not a positive integer.
 * @throws Error for an unknown argument, inputs that the teacher does not take, or an arithmetic mean of several teachers without its temperature.
 */
export async function cacheTeacherLogits<T extends TeacherElement>(
  teacher: TeacherToCache,
  data: DatasetLike<T>,
  args: CacheTeacherLogitsArgs & { elements: true },
): Promise<DatasetOf<T & TeacherLogitsOfElement>>;
export async function cacheTeacherLogits<T extends TeacherElement>(
  teacher: TeacherToCache,
  data: DatasetLike<T>,
  args?: CacheTeacherLogitsArgs,
): Promise<DatasetOf<Tensor>>;
export async function cacheTeacherLogits(
  teacher: TeacherToCache,
  data: Inputs,
  args?: CacheTeacherLogitsArgs,
): Promise<Tensor>;
export async function cacheTeacherLogits(
  given: TeacherToCache,
  data: Inputs | DatasetLike<TeacherElement>,
  args: CacheTeacherLogitsArgs = {},
): Promise<Tensor | DatasetOf<Tensor | TeacherElement>> {
  checkArgumentNames(args, CACHE_ARGS, NAME);
  const teacher = checkedTeacher(given, args);
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

function checkedTeacher(
  teacher: TeacherToCache,
  { ensemble, temperature, targets = 'logits' }: CacheTeacherLogitsArgs,
): Model {
  if (Array.isArray(teacher)) {
    const mean = checkedMembers(teacher, ensemble, NAME);
    checkOneOf(targets, wordsOf(TARGETS), 'targets', NAME);
    if (temperature === undefined && mean === 'arithmetic') {
      throw new Error(
        `${NAME}: the arithmetic mean of several teachers is one at a temperature; give that of the Distiller, {temperature: 4} for example.`,
      );
    }
    return new Ensemble<AsyncPredictor>(teacher, { mean, temperature: temperature ?? 1, targets });
  }
  if (ensemble !== undefined) throw new Error(errorOfEnsemble(NAME));
  for (const [name, value] of Object.entries({
    temperature,
    targets: targets === 'logits' ? undefined : targets,
  })) {
    if (value === undefined) continue;
    throw new Error(`${NAME}: ${name} is about several teachers; one is kept as it is, for every ${name}.`);
  }
  if (typeof teacher === 'object' && teacher !== null && isPredictor(teacher)) return teacher;
  throw new TypeError(
    `${NAME}: teacher must be a model with a predict method, or several in an array; got ${teacher}.`,
  );
}

async function cacheTensors(
  teacher: Model,
  data: Inputs,
  batchSize: number,
  args: CacheTeacherLogitsArgs,
): Promise<Tensor> {
  const inputs = inputsOf(teacher, 'teacher');
  const x = arrangeForTeacher(data, inputs, NAME);
  const report = progressOf(Math.ceil(x[0].shape[0] / batchSize), args);
  return logitsOfColumns(new Run(teacher, NAME), x, batchSize, report);
}

/** The logits of inputs that were arranged for a teacher before. */
export function cacheColumns(teacher: TeacherModel, x: readonly Tensor[], caller: string): Promise<Tensor> {
  return logitsOfColumns(new Run(teacher, caller), x, 128, () => {});
}

async function logitsOfColumns(
  run: Run,
  x: readonly Tensor[],
  batchSize: number,
  report: (rows: number) => void,
): Promise<Tensor> {
  const rows = x[0].shape[0];
  const batches: LogitsOfBatch[] = [];
  for (let start = 0; start < rows; start += batchSize) {
    const end = Math.min(rows, start + batchSize);
    const batch: Tensor[] = [];
    try {
      for (const column of x) batch.push(sliceRows(column, start, end));
      batches.push(await run.logitsOf(batch));
    } finally {
      disposeTensors(batch);
    }
    report(end - start);
  }
  return joinBatches(batches);
}

async function cacheDataset(
  teacher: Model,
  dataset: DatasetOf<TeacherElement>,
  args: CacheTeacherLogitsArgs,
): Promise<CachedLogits> {
  const inputs = inputsOf(teacher, 'teacher');
  const isSized = dataset.size !== undefined && Number.isFinite(dataset.size);
  const report = progressOf(isSized ? (dataset.size ?? null) : null, args);
  const run = new Run(teacher, NAME);
  const cached = new CachedLogits();
  const iterator = await dataset.iterator();
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    const element = next.value;
    let rows: number;
    try {
      const x = arrangeForTeacher(inputsOfElement(element), inputs, NAME);
      rows = x[0].shape[0];
      await cached.add(element.xs, await run.logitsOf(x));
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

/** A teacher that runs on one batch after another, and what can be said of it after the first one. */
class Run {
  private readonly inputs: ModelInputs;
  private readonly first = new FirstOutputs();
  private isFirst = true;

  constructor(
    private readonly teacher: Model,
    private readonly caller: string,
  ) {
    this.inputs = inputsOf(teacher, 'teacher');
  }

  async logitsOf(x: readonly Tensor[]): Promise<LogitsOfBatch> {
    const { teacher, caller, first } = this;
    const look: Look = (logits, model) => {
      if (teacher instanceof Ensemble)
        noticeCachedMember(first, { logits, model }, teacher.averaging.targets);
    };
    try {
      const logits = await awaitLogits(teacher, x, this.inputs, caller, look);
      const values = await valuesOf(logits);
      const classes = logits.shape[logits.rank - 1];
      if (this.isFirst && !(teacher instanceof Ensemble)) noticeCached(teacher, values.values, classes);
      this.isFirst = false;
      return values;
    } catch (error) {
      first.free();
      throw error;
    }
  }
}

async function valuesOf(logits: Tensor): Promise<LogitsOfBatch> {
  try {
    return { values: (await logits.data()) as Float32Array, shape: logits.shape };
  } finally {
    logits.dispose();
  }
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
