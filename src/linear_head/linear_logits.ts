import { add, reshape, slice, type Tensor, Variable } from '@tensorflow/tfjs-core';
import { float32, numericTensor } from '../arguments.ts';
import { product } from './product.ts';

/**
 * Logits hidden · kernel + bias, of which only a few rows at a time are ever in memory. They may stand for
 * the teacher, for the student, or for both.
 */
export interface LinearLogits {
  /** What the last layer is given, float32 `[..., H]`, rank 1 to 6: every leading axis is a row axis. */
  hidden: Tensor;
  /** float32 `[H, C]`; or `[C, H]` with `transposeKernel`. */
  kernel: Tensor;
  /** float32 `[C]`. A class whose bias is -Infinity is masked. Default: none. */
  bias?: Tensor;
  /**
   * The kernel is `[C, H]`, as the embedding is that a language model shares with its head. Default false.
   */
  transposeKernel?: boolean;
}

/** LinearLogits after their checks, rows in one axis. */
export interface LinearHead {
  /** [rows, H] */
  hidden: Tensor;
  kernel: Tensor;
  bias: Tensor | null;
  transposeKernel: boolean;
  /** That of the logits. */
  shape: number[];
}

const KEYS: Record<keyof LinearLogits, true> = {
  hidden: true,
  kernel: true,
  bias: true,
  transposeKernel: true,
};

export function isLinearLogits(value: unknown): value is LinearLogits {
  return typeof value === 'object' && value !== null && 'hidden' in value && 'kernel' in value;
}

/** Checks everything but the values. */
export function linearHead(value: LinearLogits, name: string, functionName: string): LinearHead {
  if (!isLinearLogits(value)) {
    throw new TypeError(
      `${functionName}: ${name} must be {hidden, kernel, bias?, transposeKernel?}; got ${value}.`,
    );
  }
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(KEYS, key)) continue;
    throw new Error(
      `${functionName}: ${name} has no '${key}'; expected some of ${Object.keys(KEYS).join(', ')}.`,
    );
  }
  const { transposeKernel = false } = value;
  if (typeof transposeKernel !== 'boolean') {
    throw new TypeError(
      `${functionName}: ${name}.transposeKernel must be true or false; got ${typeof transposeKernel}.`,
    );
  }
  const hidden = float32(numericTensor(value.hidden, `${name}.hidden`, functionName));
  const kernel = floatTensor(value.kernel, `${name}.kernel`, functionName);
  const bias = value.bias === undefined ? null : floatTensor(value.bias, `${name}.bias`, functionName);
  const [units, classes] = transposeKernel ? kernel.shape.toReversed() : kernel.shape;
  const text = (shape: readonly number[]) => `[${shape.join(',')}]`;
  if (kernel.rank !== 2 || classes < 1) {
    throw new Error(
      `${functionName}: ${name}.kernel must be ${transposeKernel ? '[C, H]' : '[H, C]'} with at least one class; got shape ${text(kernel.shape)}.`,
    );
  }
  if (hidden.rank < 1 || hidden.rank > 6 || hidden.shape[hidden.rank - 1] !== units) {
    throw new Error(
      `${functionName}: ${name}.hidden must be [..., ${units}] of rank 1 to 6, as its kernel is ${text(kernel.shape)}; got shape ${text(hidden.shape)}.`,
    );
  }
  if (bias !== null && text(bias.shape) !== text([classes])) {
    throw new Error(
      `${functionName}: ${name}.bias must be of shape ${text([classes])}, one for each class; got shape ${text(bias.shape)}.`,
    );
  }
  const rowShape = hidden.shape.slice(0, -1);
  const rows = rowShape.reduce((product, size) => product * size, 1);
  return {
    hidden: hidden.rank === 2 ? hidden : reshape(hidden, [rows, units]),
    kernel,
    bias,
    transposeKernel,
    shape: [...rowShape, classes],
  };
}

function floatTensor(value: Tensor, name: string, functionName: string): Tensor {
  const tensor = numericTensor(value, name, functionName);
  if (tensor.dtype === 'float32') return tensor;
  throw new TypeError(`${functionName}: ${name} must be float32; got dtype ${tensor.dtype}.`);
}

/** Whether a kernel is a variable that is not to be trained. */
export const isFrozen = (kernel: Tensor) => kernel instanceof Variable && !kernel.trainable;

/** Logits of rows from `start` on, [count, C]; off the tape. */
export function logitsOfRows(
  { hidden, kernel, bias, transposeKernel }: LinearHead,
  start: number,
  count: number,
): Tensor {
  const rows = rowsOf(hidden, start, count);
  const logits = product(rows, kernel, { transposeA: false, transposeB: transposeKernel });
  return bias === null ? logits : add(logits, bias);
}

/** Rows from `start` on of a tensor of rank 1 or 2. */
export function rowsOf(tensor: Tensor, start: number, count: number): Tensor {
  if (count === tensor.shape[0]) return tensor;
  const rest = tensor.shape.slice(1);
  return slice(tensor, [start, ...rest.map(() => 0)], [count, ...rest]);
}
