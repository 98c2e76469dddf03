import { ones, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { ALIGNMENT, type MoveRows } from '../simd/staging.ts';
import { type Handle, Handles } from './handles.ts';
import type { TensorFlowBackendParts } from './tensors.ts';

const sharing = new WeakMap<TensorFlowBackendParts, boolean>();

/** Whether TensorFlow writes where JavaScript reads, as rowsOf needs it; tried once. */
export function canShareMemory(backend: TensorFlowBackendParts): boolean {
  let answer = sharing.get(backend);
  if (answer === undefined) {
    // Memory of WebAssembly is aligned as TensorFlow wants it.
    const memory = new Float32Array(new WebAssembly.Memory({ initial: 1 }).buffer, 0, 16);
    answer = false;
    const tensor = ones([2, 16]);
    const handles = new Handles(backend);
    try {
      rowsOf(handles, tensor)(memory, 1, 1);
      answer = memory.every((value) => value === 1);
    } catch {
      // This tfjs-node has no such methods, or its TensorFlow no such op.
    } finally {
      handles.free();
      tensor.dispose();
    }
    sharing.set(backend, answer);
  }
  return answer;
}

/**
 * In numbers: what TensorFlow copies at once. From about 512 KB on it wakes its threads for that, and the
 * copy takes more than twice as long.
 */
const MOST_COPIED = 1 << 16;
/** Each part costs about as much as copying a few hundred numbers. */
const MOST_PARTS = 64;

/**
 * Into how many equal parts a block of numbers is cut for copying, whatever its rows are; 1 if its size has
 * no divisor that would do.
 */
export function partsOf(size: number): number {
  for (let parts = Math.ceil(size / MOST_COPIED); parts <= MOST_PARTS; parts++)
    if (size % parts === 0) return parts;
  return 1;
}

/**
 * Copies rows of a tensor [..., classes] from TensorFlow's memory to ours, by an op that writes into its
 * first input.
 */
export function rowsOf(handles: Handles, tensor: TensorInfo): MoveRows {
  const size = util.sizeFromShape(tensor.shape);
  const classes = tensor.shape[tensor.shape.length - 1];
  const whole = handles.of(tensor);
  let flat: Handle | null = null;
  let byRows: Handle | null = null;
  const blockOf = (start: number, length: number): Handle => {
    // Cut out where it lies; of [rows, classes] TensorFlow does so only if every row is aligned, but then
    // copies faster.
    if (start % ALIGNMENT === 0 && length % ALIGNMENT === 0) {
      flat ??= handles.reshape(whole, [-1]);
      return handles.slice(flat, [start], [length]);
    }
    byRows ??= handles.reshape(whole, [-1, classes]);
    return handles.slice(byRows, [start / classes, 0], [length / classes, classes]);
  };
  return (memory, n) => {
    const parts = partsOf(memory.length);
    const shape = [parts, memory.length / parts];
    const block = memory.length === size ? null : blockOf(n * classes, memory.length);
    const source = handles.reshape(block ?? whole, shape);
    const target = handles.floats(memory, shape);
    handles.update(target, 0, source, parts);
    handles.end(source, target);
    if (block !== null) handles.end(block);
  };
}

/**
 * A tensor that is filled block by block, all of them as large as the first but the last. Its memory is
 * TensorFlow's, which has some ready: new pages of JavaScript's cost as much as the kernel.
 */
export class RowsWritten {
  private tensor: Handle | null = null;
  /** Rows of all blocks but the last. */
  private block = 0;

  constructor(
    private readonly handles: Handles,
    private readonly rows: number,
    private readonly classes: number,
  ) {}

  /**
   * The buffer of `memory` must have room for a whole block: the last one is written with what lies behind
   * it, and cut afterwards.
   */
  write(memory: Float32Array, n: number, count: number): void {
    const { handles, classes, rows } = this;
    if (this.tensor === null) this.block = count;
    const whole = new Float32Array(memory.buffer, memory.byteOffset, this.block * classes);
    const parts = partsOf(whole.length);
    const width = whole.length / parts;
    const source = handles.floats(whole, [parts, width]);
    if (count === rows && whole.length <= 2 * MOST_COPIED) {
      this.tensor = handles.copy(source); // one op in place of two, but by threads if it is large
    } else {
      this.tensor ??= handles.empty([Math.ceil(rows / count) * parts, width]);
      handles.update(this.tensor, (n / this.block) * parts, source, parts);
    }
    handles.end(source);
  }

  /** All rows, in any shape; TensorFlow cuts the end off without a copy if it is aligned. */
  finish(shape: number[]): TensorInfo {
    const { handles, rows, classes, block } = this;
    if (this.tensor === null) throw new Error('RowsWritten: no rows were written.');
    const isCut = rows % block !== 0;
    const all = isCut
      ? handles.slice(handles.reshape(this.tensor, [-1]), [0], [rows * classes])
      : this.tensor;
    return handles.handOver(handles.reshape(all, shape), shape);
  }
}
