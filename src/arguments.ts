import {
  backend,
  cast,
  type DataType,
  engine,
  Tensor,
  type TensorLike,
  type TypedArray,
  tensor,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { OF_ITS_ROW, OF_STUDENT, type Targets } from '../kernels/objective.ts';

/** Numbers of a tensor, row by row, as deep as it has axes. */
export interface NestedNumbers extends ReadonlyArray<number | boolean | TypedArray | NestedNumbers> {}

/**
 * What a user may pass where a tensor is expected: numbers, and no strings, which tfjs's own TensorLike has
 * among its arrays.
 */
export type TensorArgument = Tensor | number | boolean | TypedArray | NestedNumbers;

const NUMERIC: readonly DataType[] = ['float32', 'int32', 'bool'];

/** `[8,10]`, as tfjs prints shapes. */
function text(shape: readonly number[]): string {
  return `[${shape.join(',')}]`;
}

/** The argument as a numeric tensor of its own dtype. */
export function numericTensor(value: TensorArgument, name: string, functionName: string): Tensor {
  if (value instanceof Tensor) {
    if (value.isDisposed) throw new Error(`${functionName}: ${name} is a tensor that was disposed.`);
    if (NUMERIC.includes(value.dtype)) return value;
    throw new TypeError(`${functionName}: ${name} must be float32, int32 or bool; got dtype ${value.dtype}.`);
  }
  const fault = faultOf(value);
  if (fault !== null)
    throw new TypeError(`${functionName}: ${name} must be a tensor or numbers; got ${fault}.`);
  checkBackendStarted(functionName);
  return tensor(value as TensorLike); // which has no readonly arrays
}

/**
 * Where no backend has started, tfjs throws as soon as an array becomes a tensor. That is no fault of the
 * array, so it gets an error of its own.
 */
function checkBackendStarted(functionName: string): void {
  if (engine().backendNames().length === 0) {
    throw new Error(
      `${functionName}: tfjs has no backend; import '@tensorflow/tfjs', or a package of a backend.`,
    );
  }
  try {
    backend();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`${functionName}: ${reason}`, { cause });
  }
}

/**
 * What a value holds in place of numbers, or null if it holds numbers only. tfjs would make wrong tensors of
 * ragged arrays, and of arrays that hold what it does not know.
 */
function faultOf(value: unknown): string | null {
  if (typeof value === 'number' || typeof value === 'boolean') return null;
  if (!Array.isArray(value)) return value && util.isTypedArray(value) ? null : nameOf(value);
  for (const item of value) {
    const fault = faultOf(item);
    if (fault !== null) return fault;
    if (lengthOf(item) !== lengthOf(value[0])) return 'a ragged array';
  }
  return null;
}

const lengthOf = (item: unknown) => (item as ArrayLike<number>).length;

/** What came in place of numbers: `null`, `string`, `Promise`. */
function nameOf(value: unknown): string {
  if (value instanceof Tensor) return 'an array of tensors';
  const name = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (ArrayBuffer.isView(value)) return `${name}, where tfjs takes Float32Array or Int32Array`;
  return Object(value) === value ? name : name.toLowerCase();
}

/** Integers and booleans become float32, differentiably for tfjs. */
export function float32(value: Tensor): Tensor {
  return value.dtype === 'float32' ? value : cast(value, 'float32');
}

/** Logits [..., C] as float32: rank 1 to 6, at least one class. */
function logitsTensor(value: TensorArgument, name: string, functionName: string): Tensor {
  const logits = numericTensor(value, name, functionName);
  const classes = logits.shape[logits.rank - 1];
  if (logits.rank < 1 || logits.rank > 6) {
    throw new Error(
      `${functionName}: ${name} must have rank 1 to 6, [..., classes]; got shape ${text(logits.shape)}.`,
    );
  }
  if (classes < 1) {
    throw new Error(
      `${functionName}: ${name} must have at least one class in its last dimension; got shape ${text(logits.shape)}.`,
    );
  }
  return float32(logits);
}

/** Logits of one shape, under the names that their function gives them. */
export function logitsOfOneShape(
  given: Readonly<Record<string, TensorArgument>>,
  functionName: string,
): Tensor[] {
  const names = Object.keys(given);
  const all = names.map((name) => logitsTensor(given[name], name, functionName));
  const [first] = all;
  const other = all.findIndex(({ shape }) => text(shape) !== text(first.shape));
  if (other < 0) return all;
  const [a, b] = [first.shape, all[other].shape];
  throw new Error(
    `${functionName}: ${names[0]} and ${names[other]} must have the same shape; got ${text(a)} and ${text(b)}.${hintOf(a, b)}`,
  );
}

/** Two of them: teacher, or truth, first. */
export function pairOfLogits(
  given: Readonly<Record<string, TensorArgument>>,
  functionName: string,
): [Tensor, Tensor] {
  const [a, b] = logitsOfOneShape(given, functionName);
  return [a, b];
}

/** What a mismatch of shapes most likely comes from. */
function hintOf(a: readonly number[], b: readonly number[]): string {
  if (text(a) === text(b.slice(0, -1))) return ' tf.oneHot makes distributions of class ids.';
  return a.length === b.length && a[a.length - 1] !== b[b.length - 1]
    ? ' Their classes, or vocabularies, differ.'
    : '';
}

/** A per-row argument: a tensor with one value, or with the shape of the rows. */
export function perRowTensor(
  value: TensorArgument,
  rowShape: readonly number[],
  name: string,
  functionName: string,
): Tensor {
  const perRow = float32(numericTensor(value, name, functionName));
  if (perRow.rank !== 0 && text(perRow.shape) !== text(rowShape)) {
    throw new Error(
      `${functionName}: ${name} must be one number or one per row, of shape ${text(rowShape)}; got shape ${text(perRow.shape)}.`,
    );
  }
  return perRow;
}

/** The temperature as the kernels take it: a checked number, or a tensor (then the number is 0). */
export function temperatureArgument(
  value: number | TensorArgument,
  rowShape: readonly number[],
  functionName: string,
): { temperature: number; temperatureTensor: Tensor | null } {
  if (typeof value === 'number')
    return { temperature: checkedTemperature(value, 'temperature', functionName), temperatureTensor: null };
  return {
    temperature: 0,
    temperatureTensor: temperaturesOfRows(value, 'temperature', rowShape, functionName),
  };
}

/**
 * `teacherTemperature` as the kernels take it, see Objective: OF_STUDENT where the teacher's T is that of its
 * row, OF_ITS_ROW with a tensor, 1 where probabilities are used as they are.
 */
export function teacherTemperatureArgument(
  value: number | TensorArgument | undefined,
  { targets, temperature }: { targets: Targets; temperature: number },
  rowShape: readonly number[],
  functionName: string,
): { teacherTemperature: number; teacherTemperatureTensor: Tensor | null } {
  if (value !== undefined && typeof value !== 'number') {
    const tensor = temperaturesOfRows(value, 'teacherTemperature', rowShape, functionName);
    return { teacherTemperature: OF_ITS_ROW, teacherTemperatureTensor: tensor };
  }
  const t = value === undefined ? temperature : checkedTemperature(value, 'teacherTemperature', functionName);
  const isAsGiven = targets === 'probabilities' && t === 1;
  return {
    teacherTemperature: isAsGiven ? 1 : t === temperature ? OF_STUDENT : t,
    teacherTemperatureTensor: null,
  };
}

/** Values in a tensor are not looked at. */
function temperaturesOfRows(
  value: TensorArgument,
  name: string,
  rowShape: readonly number[],
  functionName: string,
): Tensor {
  if (!(value instanceof Tensor)) for (const t of numbersOf(value)) checkedTemperature(t, name, functionName);
  return perRowTensor(value, rowShape, name, functionName);
}

/**
 * A loss that is given one batch after another cannot have a value for each row of an option, so it must be
 * one number.
 */
export function checkOneNumber(
  value: number | TensorArgument | undefined,
  name: string,
  functionName: string,
): void {
  if (value === undefined || typeof value === 'number') return;
  const { rank, shape } = tidy(() => numericTensor(value, name, functionName));
  if (rank === 0) return;
  throw new Error(
    `${functionName}: ${name} must be one number, for the rows of every batch; got shape ${text(shape)}.`,
  );
}

function checkedTemperature(t: number, name: string, functionName: string): number {
  if (t > 0 && t < Number.POSITIVE_INFINITY) return t;
  throw new RangeError(`${functionName}: ${name} must be a finite number greater than 0; got ${t}.`);
}

/** The numbers of an array, nested or typed, one after another. */
export function* numbersOf(value: unknown): Generator<number> {
  if (typeof value === 'number' || typeof value === 'boolean') yield Number(value);
  else if (Array.isArray(value) || ArrayBuffer.isView(value))
    for (const item of value as Iterable<unknown>) yield* numbersOf(item);
}

/** A number in [low, high], or in [low, high) with `openAbove`. */
export function checkInRange(
  value: unknown,
  range: { low: number; high: number; openAbove?: boolean },
  name: string,
  functionName: string,
): number {
  const { low, high, openAbove } = range;
  if (typeof value !== 'number')
    throw new TypeError(`${functionName}: ${name} must be a number; got ${typeof value}.`);
  if (value >= low && (openAbove ? value < high : value <= high)) return value;
  throw new RangeError(
    `${functionName}: ${name} must be in [${low}, ${high}${openAbove ? ')' : ']'}; got ${value}.`,
  );
}

/** An integer that int32 holds, as it is. */
export function checkInt32(value: unknown, name: string, functionName: string): number {
  if (typeof value !== 'number')
    throw new TypeError(`${functionName}: ${name} must be a number; got ${typeof value}.`);
  if (value === (value | 0)) return value;
  throw new RangeError(
    `${functionName}: ${name} must be an integer in [-2^31, 2^31 - 1], which int32 holds; got ${value}.`,
  );
}

/** true or false, and nothing that is merely truthy or falsy. */
export function checkBoolean(value: unknown, name: string, functionName: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${functionName}: ${name} must be true or false; got ${typeof value}.`);
}

/** One of a few words. */
export function checkOneOf<T extends string>(
  value: T,
  words: readonly T[],
  name: string,
  functionName: string,
): T {
  if (words.includes(value)) return value;
  throw new RangeError(
    `${functionName}: ${name} must be one of ${words.map((word) => `'${word}'`).join(', ')}; got '${value}'.`,
  );
}

/** An object of options, all of them known. */
export function checkOptionNames(
  options: object,
  known: Readonly<Record<string, true>>,
  functionName: string,
): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(
      `${functionName}: options must be an object; got ${Array.isArray(options) ? 'an array' : options}.`,
    );
  }
  for (const key of Object.keys(options)) {
    if (!Object.hasOwn(known, key)) {
      throw new Error(
        `${functionName}: unknown option '${key}'; expected one of ${Object.keys(known).join(', ')}.`,
      );
    }
  }
}
