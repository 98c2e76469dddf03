import {
  type DataType,
  type KernelBackend,
  ones,
  Tensor,
  type TensorInfo,
  type TypedArray,
  tidy,
} from '@tensorflow/tfjs-core';
import type { MoveRows } from '../cpu/staging.ts';

/** An attribute of one of TensorFlow's ops. */
interface OpAttribute {
  name: string;
  type: number;
  value: number | boolean;
}

/** The parts of tfjs-node's backend 'tensorflow' that are used here. */
export interface TensorFlowBackendParts extends KernelBackend {
  isGPUPackage: boolean;
  binding: {
    TF_ATTR_TYPE: number;
    TF_ATTR_BOOL: number;
    TF_ATTR_INT: number;
    TF_FLOAT: number;
    TF_INT32: number;
  };
  /** `get` brings over what lies on another backend, which readSync by itself does not. */
  tensorMap: { get(dataId: object): unknown };
  /** The values are handed to TensorFlow, which shares them with JavaScript, when an op first asks for them. */
  write(values: TypedArray, shape: number[], dtype: DataType): object;
  executeSingleOutput(name: string, attributes: OpAttribute[], inputs: TensorInfo[]): Tensor;
  executeMultipleOutputs(
    name: string,
    attributes: OpAttribute[],
    inputs: TensorInfo[],
    outputs: number,
  ): Tensor[];
}

export const typeAttribute = (
  { binding }: TensorFlowBackendParts,
  name: string,
  type: number,
): OpAttribute => ({
  name,
  type: binding.TF_ATTR_TYPE,
  value: type,
});

export function tensorInfo(
  backend: TensorFlowBackendParts,
  values: TypedArray,
  shape: number[],
  dtype: DataType,
): TensorInfo {
  return { dataId: backend.write(values, shape, dtype), shape, dtype };
}

/** A copy where TensorFlow has them, the very array where it does not have them yet. Tensors of other backends are brought over. */
export function valuesOf(backend: TensorFlowBackendParts, { dataId }: TensorInfo): Float32Array {
  backend.tensorMap.get(dataId);
  return backend.readSync(dataId) as Float32Array;
}

/** Runs an op whose first attribute is its float32 type; the inputs that are made for this one call are given up. */
function run(
  backend: TensorFlowBackendParts,
  name: string,
  inputs: TensorInfo[],
  given: { temporary: TensorInfo[]; attributes?: OpAttribute[] },
): Tensor {
  const attributes = [typeAttribute(backend, 'T', backend.binding.TF_FLOAT), ...(given.attributes ?? [])];
  const output = backend.executeSingleOutput(name, attributes, inputs);
  for (const input of given.temporary) discard(backend, input);
  return output;
}

function discard(backend: TensorFlowBackendParts, tensor: TensorInfo): void {
  if (tensor instanceof Tensor) tensor.dispose();
  else backend.disposeData(tensor.dataId);
}

/** What outlives the tidy that its tensor was made in. */
export function detached(backend: KernelBackend, { dataId, shape, dtype }: Tensor): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}

const int32 = (backend: TensorFlowBackendParts, values: number[]) =>
  tensorInfo(backend, Int32Array.from(values), [values.length], 'int32');

/** The same values under another shape; nothing is copied. */
export function reshaped(backend: TensorFlowBackendParts, tensor: TensorInfo, shape: number[]): Tensor {
  const to = int32(backend, shape);
  return run(backend, 'Reshape', [tensor, to], {
    temporary: [to],
    attributes: [typeAttribute(backend, 'Tshape', backend.binding.TF_INT32)],
  });
}

const sharing = new WeakMap<TensorFlowBackendParts, boolean>();

/** Whether TensorFlow writes where JavaScript reads, as rowsOf needs it; tried once. */
export function canShareMemory(backend: TensorFlowBackendParts): boolean {
  let answer = sharing.get(backend);
  if (answer === undefined) {
    // Memory of WebAssembly is aligned as TensorFlow wants it.
    const memory = new Float32Array(new WebAssembly.Memory({ initial: 1 }).buffer, 0, 16);
    answer = false;
    try {
      tidy(() => rowsOf(backend, ones([2, 16]))(memory, 1, 1));
      answer = memory.every((value) => value === 1);
    } catch {
      // This TensorFlow has no such op.
    }
    sharing.set(backend, answer);
  }
  return answer;
}

/** In numbers: what TensorFlow copies at once. From about 512 KB on it wakes its threads for that, and the copy takes more than twice as long. */
const MOST_COPIED = 1 << 16;
/** Each part costs about as much as copying a few hundred numbers. */
const MOST_PARTS = 64;

/** Into how many equal parts a block of numbers is cut for copying, whatever its rows are; 1 if its size has no divisor that would do. */
export function partsOf(size: number): number {
  for (let parts = Math.ceil(size / MOST_COPIED); parts <= MOST_PARTS; parts++)
    if (size % parts === 0) return parts;
  return 1;
}

/** Copies rows of a tensor [rows, classes] from TensorFlow's memory to ours, by an op that writes into its first input. */
export function rowsOf(backend: TensorFlowBackendParts, tensor: TensorInfo): MoveRows {
  const [, classes] = tensor.shape;
  return (memory, n, count) => {
    const [begin, size] = [int32(backend, [n, 0]), int32(backend, [count, classes])];
    const block = run(backend, 'Slice', [tensor, begin, size], {
      temporary: [begin, size],
      attributes: [typeAttribute(backend, 'Index', backend.binding.TF_INT32)],
    });
    const parts = partsOf(memory.length);
    const shape = [parts, memory.length / parts];
    const source = reshaped(backend, block, shape);
    update(backend, tensorInfo(backend, memory, shape, 'float32'), 0, source).dispose();
    block.dispose();
    source.dispose();
  };
}

/** Writes `source` over the rows of `target` from n on; `target` is given up, what is returned has its memory. */
function update(backend: TensorFlowBackendParts, target: TensorInfo, n: number, source: TensorInfo): Tensor {
  const rows = int32(
    backend,
    Array.from({ length: source.shape[0] }, (_, i) => n + i),
  );
  return run(backend, 'InplaceUpdate', [target, rows, source], { temporary: [target, rows] });
}

/**
 * A tensor that is filled block by block, all of them as large as the first but the last. Its memory is TensorFlow's, which has some ready: new pages of JavaScript's cost
 * as much as the kernel.
 */
export class RowsWritten {
  private tensor: Tensor | null = null;
  /** Rows of a block. */
  private block = 0;

  constructor(
    private readonly backend: TensorFlowBackendParts,
    private readonly rows: number,
    private readonly classes: number,
  ) {}

  /** The buffer of `memory` must have room for a whole block: the last one is written with what lies behind it, and cut afterwards. */
  write(memory: Float32Array, n: number, count: number): void {
    const { backend, classes } = this;
    if (this.tensor === null) this.block = count;
    const whole = new Float32Array(memory.buffer, memory.byteOffset, this.block * classes);
    const parts = partsOf(whole.length);
    const width = whole.length / parts;
    const source = tensorInfo(backend, whole, [parts, width], 'float32');
    const target = this.tensor ?? this.allocate([Math.ceil(this.rows / count) * parts, width]);
    this.tensor = update(backend, target, (n / this.block) * parts, source);
    discard(backend, source);
  }

  private allocate(shape: number[]): Tensor {
    const { backend } = this;
    const { TF_FLOAT, TF_ATTR_BOOL } = backend.binding;
    const size = int32(backend, shape);
    const init = { name: 'init', type: TF_ATTR_BOOL, value: false };
    const tensor = backend.executeSingleOutput(
      'Empty',
      [typeAttribute(backend, 'dtype', TF_FLOAT), init],
      [size],
    );
    discard(backend, size);
    return tensor;
  }

  /** All numbers of the rows, [rows * classes]; TensorFlow cuts the end of a tensor without a copy. */
  finish(): Tensor {
    const { backend, rows, classes } = this;
    if (this.tensor === null) throw new Error('RowsWritten: no rows were written.');
    const all = reshaped(backend, this.tensor, [-1]);
    const [begin, size] = [int32(backend, [0]), int32(backend, [rows * classes])];
    return run(backend, 'Slice', [all, begin, size], {
      temporary: [begin, size, all, this.tensor],
      attributes: [typeAttribute(backend, 'Index', backend.binding.TF_INT32)],
    });
  }
}
