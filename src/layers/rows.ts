import {
  engine,
  gather,
  scalar,
  slice,
  type Tensor,
  type Tensor1D,
  type TypedArray,
  tensor,
  util,
} from '@tensorflow/tfjs-core';
import { type TensorFlowBackendParts, typeAttribute } from '../backends/node/tensors.ts';
import type { WasmBackendParts } from '../backends/wasm/index.ts';

/**
 * The rows of a tensor with these numbers, which are not checked, as tf.gather. That of tfjs copies element by element on 'cpu' and 'wasm', which takes a
 * quarter of the training step of a small model there; here whole rows are copied. That of tfjs-node reads the numbers back and checks each of them.
 */
export function takeRows<T extends Tensor>(from: T, numbers: Tensor1D): T {
  const { backendName, backend } = engine();
  if (!isHere(from)) return gather(from, numbers);
  const shape = [numbers.size, ...from.shape.slice(1)];
  if (backendName === 'cpu') {
    const source = from.dataSync() as TypedArray;
    const target = util.getArrayFromDType(from.dtype, util.sizeFromShape(shape)) as TypedArray;
    copyRows(source, target, numbers.dataSync(), from.shape[0]);
    return tensor(target, shape, from.dtype) as T;
  }
  if (isHeap(backend)) {
    const rows = numbers.dataSync();
    const output = backend.makeOutput(shape, from.dtype); // before the views: it may make the heap grow
    copyRows(backend.typedArrayFromHeap(from), backend.typedArrayFromHeap(output), rows, from.shape[0]);
    return engine().makeTensorFromTensorInfo(output) as T;
  }
  if (backendName === 'tensorflow' && from.dtype in TENSORFLOW_TYPES) {
    return gatherUnchecked(backend as TensorFlowBackendParts, from, numbers) as T;
  }
  return gather(from, numbers);
}

/** The rows from `start` on, before `end`, as tf.slice. That of tfjs copies the whole tensor on 'wasm', for every batch of it. */
export function sliceRows<T extends Tensor>(from: T, start: number, end: number): T {
  const { backend } = engine();
  if (!isHere(from) || !isHeap(backend)) return slice(from, start, end - start);
  const size = from.size / from.shape[0];
  const output = backend.makeOutput([end - start, ...from.shape.slice(1)], from.dtype);
  const rows = backend.typedArrayFromHeap(from).subarray(start * size, end * size);
  backend.typedArrayFromHeap(output).set(rows);
  return engine().makeTensorFromTensorInfo(output) as T;
}

/** Whether it lies in the backend of now, as numbers in a row. */
function isHere({ dataId, dtype }: Tensor): boolean {
  const { backend, state } = engine();
  return state.tensorInfo.get(dataId)?.backend === backend && dtype !== 'string' && dtype !== 'complex64';
}

const TENSORFLOW_TYPES = { float32: 'TF_FLOAT', int32: 'TF_INT32' } as const;

function gatherUnchecked(backend: TensorFlowBackendParts, from: Tensor, numbers: Tensor1D): Tensor {
  const { binding } = backend;
  const axis = scalar(0, 'int32');
  const attributes = [
    { name: 'batch_dims', type: binding.TF_ATTR_INT, value: 0 },
    typeAttribute(backend, 'Tparams', binding[TENSORFLOW_TYPES[from.dtype as keyof typeof TENSORFLOW_TYPES]]),
    typeAttribute(backend, 'Tindices', binding.TF_INT32),
    typeAttribute(backend, 'Taxis', binding.TF_INT32),
  ];
  const rows = backend.executeSingleOutput('GatherV2', attributes, [from, numbers, axis]);
  axis.dispose();
  return rows;
}

function isHeap(backend: object): backend is WasmBackendParts {
  return 'makeOutput' in backend && 'typedArrayFromHeap' in backend;
}

function copyRows(source: TypedArray, target: TypedArray, numbers: TypedArray, rows: number): void {
  const size = source.length / rows;
  for (let k = 0; k < numbers.length; k++) {
    const start = numbers[k] * size;
    target.set(source.subarray(start, start + size), k * size);
  }
}
