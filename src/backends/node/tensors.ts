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
  binding: { TF_ATTR_TYPE: number; TF_ATTR_BOOL: number; TF_FLOAT: number; TF_INT32: number };
  /** `get` brings over what lies on another backend, which readSync by itself does not. */
  tensorMap: { get(dataId: object): unknown };
  /** The values are handed to TensorFlow, which shares them with JavaScript, when an op first asks for them. */
  write(values: TypedArray, shape: number[], dtype: DataType): object;
  executeSingleOutput(name: string, attributes: OpAttribute[], inputs: TensorInfo[]): Tensor;
}

const typeAttribute = ({ binding }: TensorFlowBackendParts, name: string, type: number): OpAttribute => ({
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

/** In numbers: what TensorFlow copies as one row. From about 512 KB on it wakes its threads for a row, and the copy takes more than twice as long. */
const MOST_COPIED = 1 << 16;

/** Into how many equal pieces a row is cut for copying; 1 if the classes have no divisor that would do. */
export function piecesOf(classes: number): number {
  for (let pieces = Math.ceil(classes / MOST_COPIED); pieces <= 64; pieces++)
    if (classes % pieces === 0) return pieces;
  return 1;
}

/** Copies rows of a tensor [rows, classes] from TensorFlow's memory to ours, by an op that writes into its first input. */
export function rowsOf(backend: TensorFlowBackendParts, tensor: TensorInfo): MoveRows {
  const [rows, classes] = tensor.shape;
  const pieces = piecesOf(classes);
  const width = classes / pieces;
  const source = pieces === 1 ? tensor : reshaped(backend, tensor, [rows * pieces, width]);
  return (memory, n, count) => {
    const shape = [count * pieces, width];
    const [begin, size] = [int32(backend, [n * pieces, 0]), int32(backend, shape)];
    const part = run(backend, 'Slice', [source, begin, size], {
      temporary: [begin, size],
      attributes: [typeAttribute(backend, 'Index', backend.binding.TF_INT32)],
    });
    update(backend, tensorInfo(backend, memory, shape, 'float32'), 0, part).dispose();
    part.dispose();
  };
}

/** Writes `part` over the rows of `target` from n on; `target` is given up, what is returned has its memory. */
function update(backend: TensorFlowBackendParts, target: TensorInfo, n: number, part: TensorInfo): Tensor {
  const rows = int32(
    backend,
    Array.from({ length: part.shape[0] }, (_, i) => n + i),
  );
  return run(backend, 'InplaceUpdate', [target, rows, part], { temporary: [target, rows] });
}

/** A tensor that is filled by blocks of rows. Its memory is TensorFlow's, which has some ready: new pages of JavaScript's cost as much as the kernel. */
export class RowsWritten {
  private tensor: Tensor | null = null;
  private readonly pieces: number;
  private readonly width: number;

  constructor(
    private readonly backend: TensorFlowBackendParts,
    private readonly rows: number,
    classes: number,
  ) {
    this.pieces = piecesOf(classes);
    this.width = classes / this.pieces;
  }

  write(memory: Float32Array, n: number, count: number): void {
    const { backend, pieces, width } = this;
    const part = tensorInfo(backend, memory, [count * pieces, width], 'float32');
    this.tensor = update(backend, this.tensor ?? this.allocate(), n * pieces, part);
    discard(backend, part);
  }

  private allocate(): Tensor {
    const { backend, rows, pieces, width } = this;
    const { TF_FLOAT, TF_ATTR_BOOL } = backend.binding;
    const size = int32(backend, [rows * pieces, width]);
    const init = { name: 'init', type: TF_ATTR_BOOL, value: false };
    const tensor = backend.executeSingleOutput(
      'Empty',
      [typeAttribute(backend, 'dtype', TF_FLOAT), init],
      [size],
    );
    discard(backend, size);
    return tensor;
  }

  /** The tensor, whose shape is one of its own. */
  finish(): Tensor {
    if (this.tensor === null) throw new Error('RowsWritten: no rows were written.');
    return this.tensor;
  }
}
