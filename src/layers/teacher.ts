import { cast, type NamedTensorMap, Tensor, tensor, tidy, util } from '@tensorflow/tfjs-core';
import { LayersModel } from '@tensorflow/tfjs-layers';
import { withoutTape } from '../run_objective.ts';
import { type DatasetLike, type DatasetOf, isDataset, mapDataset, typed } from './dataset.ts';
import { sliceRows } from './rows.ts';

/** Anything that predicts logits: a tf.LayersModel, a tf.GraphModel, or an object of one's own. */
export interface Predictor {
  /** One output, the logits of every row of x. */
  predict(x: Tensor | Tensor[], args: { batchSize?: number }): Tensor | Tensor[] | NamedTensorMap;
}

/**
 * Where the teacher's logits come from: a model, which is run on every batch; logits computed before, one row for each row of the data; or a
 * dataset of such logits, in step with the dataset that is trained on. See {@link cacheTeacherLogits}.
 */
export type Teacher = Predictor | Tensor | DatasetLike<Tensor>;

export function isPredictor(value: object): value is Predictor {
  return 'predict' in value && typeof value.predict === 'function';
}

/** The logits of a model for one batch, off the tape: the teacher is a constant. */
export function predictLogits(teacher: Predictor, x: Tensor[], functionName: string): Tensor {
  return withoutTape(() =>
    tidy(() => {
      const inputs = x.length === 1 ? x[0] : x;
      // LayersModel.predict cuts its input into batches and joins the results; a batch needs neither.
      const output =
        teacher instanceof LayersModel
          ? (teacher.apply(inputs) as Tensor | Tensor[])
          : teacher.predict(inputs, { batchSize: x[0].shape[0] });
      return cast(onlyTensor(output, functionName), 'float32');
    }),
  );
}

function onlyTensor(output: Tensor | Tensor[] | NamedTensorMap, functionName: string): Tensor {
  if (output instanceof Tensor) return output;
  const tensors = Object.values(output);
  if (tensors.length === 1 && tensors[0] instanceof Tensor) return tensors[0];
  throw new Error(
    `${functionName}: the teacher must have one output, its logits; got ${tensors.length} outputs. Wrap it: {predict: (x) => teacher.predict(x)[0]}.`,
  );
}

/** Number of classes, if it can be known before the teacher has run. */
export function classesOfTeacher(teacher: Teacher): number | null {
  if (teacher instanceof Tensor) return teacher.shape[teacher.rank - 1];
  if (teacher instanceof LayersModel) return teacher.outputs[0].shape.at(-1) ?? null;
  if (!('outputs' in teacher) || !Array.isArray(teacher.outputs)) return null;
  const shape: unknown = teacher.outputs[0]?.shape; // GraphModel
  const classes: unknown = Array.isArray(shape) ? shape.at(-1) : null;
  return typeof classes === 'number' && classes > 0 ? classes : null;
}

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
 * @param teacher a model with one output, logits.
 * @param data the inputs of the teacher, a tensor, or an array of them for a model with several inputs; or a dataset of elements {xs}.
 * @param args how many rows at a time, and what to call after each batch: {@link CacheTeacherLogitsArgs}.
 * @returns for tensors, float32 `[rows, ..., C]`, to be disposed by the caller; for a dataset, a dataset of logits batch by batch, whose values lie
 *     outside of the backend. It goes with that dataset only as long as the latter yields the same batches in the same order: shuffle
 *     before, once (`tf.data`: `shuffle(size, seed, false)`), and not anew in every epoch.
 * @throws TypeError if data is neither, or the teacher cannot predict.
 * @throws RangeError if batchSize is not a positive integer.
 */
export async function cacheTeacherLogits(
  teacher: Predictor,
  data: Tensor | Tensor[],
  args?: CacheTeacherLogitsArgs,
): Promise<Tensor>;
export async function cacheTeacherLogits<
  T extends {
    /** Inputs of the teacher. */
    xs: Tensor | Tensor[] | NamedTensorMap;
  },
>(teacher: Predictor, data: DatasetLike<T>, args?: CacheTeacherLogitsArgs): Promise<DatasetOf<Tensor>>;
export async function cacheTeacherLogits(
  teacher: Predictor,
  data: Tensor | Tensor[] | DatasetLike<{ xs: Tensor | Tensor[] | NamedTensorMap }>,
  args: CacheTeacherLogitsArgs = {},
): Promise<Tensor | DatasetOf<Tensor>> {
  if (typeof teacher !== 'object' || teacher === null || !isPredictor(teacher)) {
    throw new TypeError(`${NAME}: teacher must be a model with a predict method; got ${teacher}.`);
  }
  const { batchSize = 128 } = args;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(`${NAME}: batchSize must be a positive integer; got ${batchSize}.`);
  }
  if (data instanceof Tensor || isArrayOfTensors(data)) {
    const x = inputTensors(data, null, NAME);
    const rows = x[0].shape[0];
    const total = Math.ceil(rows / batchSize);
    return joinBatches(await cacheBatches(teacher, batchesOf(x, batchSize), total, args));
  }
  if (typeof data !== 'object' || data === null || !isDataset(data)) {
    throw new TypeError(`${NAME}: data must be a tensor, an array of tensors or a dataset; got ${data}.`);
  }
  const total = data.size !== undefined && Number.isFinite(data.size) ? data.size : null;
  const batches = await cacheBatches(teacher, batchesOfDataset(typed(data), teacher), total, args);
  const iterate = async function* () {
    yield* batches;
  };
  return mapDataset({ size: batches.length, iterator: async () => iterate() }, ({ values, shape }) =>
    tensor(values, shape),
  );
}

interface Batch {
  values: Float32Array;
  shape: number[];
}

async function* batchesOf(x: Tensor[], batchSize: number): AsyncGenerator<Tensor[]> {
  const rows = x[0].shape[0];
  for (let start = 0; start < rows; start += batchSize) {
    yield x.map((input) => sliceRows(input, start, Math.min(rows, start + batchSize)));
  }
}

async function* batchesOfDataset(
  dataset: DatasetOf<{ xs: Tensor | Tensor[] | NamedTensorMap }>,
  teacher: Predictor,
): AsyncGenerator<Tensor[]> {
  const iterator = await dataset.iterator();
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    const { xs, ...others } = next.value;
    for (const other of Object.values(others)) disposeTensors(other);
    const names = teacher instanceof LayersModel ? teacher.inputNames : null;
    yield inputTensors(xs, names, NAME);
  }
}

function disposeTensors(value: unknown): void {
  if (value instanceof Tensor) value.dispose();
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(disposeTensors);
}

/** Inputs in the order of the model's, however they are given. */
export function inputTensors(
  x: Tensor | Tensor[] | NamedTensorMap,
  names: readonly string[] | null,
  functionName: string,
): Tensor[] {
  if (x instanceof Tensor) return [alive(x, functionName)];
  if (isArrayOfTensors(x)) return x.map((input) => alive(input, functionName));
  if (typeof x !== 'object' || x === null || Array.isArray(x)) {
    throw new TypeError(
      `${functionName}: x must be a tensor, an array of tensors or a map of input names to tensors; got ${Array.isArray(x) ? 'an array of something else' : x}.`,
    );
  }
  return (names ?? Object.keys(x)).map((name) => {
    const value = x[name];
    if (value instanceof Tensor) return alive(value, functionName);
    throw new Error(
      `${functionName}: x lacks the input '${name}' of the model; got ${Object.keys(x).join(', ') || 'nothing'}.`,
    );
  });
}

function isArrayOfTensors(value: unknown): value is Tensor[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => item instanceof Tensor);
}

function alive(x: Tensor, functionName: string): Tensor {
  if (x.isDisposed) throw new Error(`${functionName}: x is a tensor that was disposed.`);
  return x;
}

async function cacheBatches(
  teacher: Predictor,
  batches: AsyncGenerator<Tensor[]>,
  totalBatches: number | null,
  { onProgress }: CacheTeacherLogitsArgs,
): Promise<Batch[]> {
  const start = util.now();
  const cached: Batch[] = [];
  let rows = 0;
  for await (const x of batches) {
    const logits = predictLogits(teacher, x, NAME);
    cached.push({ values: (await logits.data()) as Float32Array, shape: logits.shape });
    rows += x[0].shape[0];
    logits.dispose();
    for (const input of x) input.dispose();
    const elapsedMs = util.now() - start;
    const remainingMs =
      totalBatches === null ? null : (elapsedMs / cached.length) * Math.max(0, totalBatches - cached.length);
    onProgress?.({ batches: cached.length, totalBatches, rows, elapsedMs, remainingMs });
  }
  return cached;
}

function joinBatches(batches: Batch[]): Tensor {
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
