import type { DataType, KernelBackend, Tensor, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';

/** An attribute of one of TensorFlow's ops. */
export interface OpAttribute {
  name: string;
  type: number;
  value: number | boolean;
}

/** What the backend keeps for a tensor: `values` until TensorFlow is given them. */
interface TensorData {
  shape: number[];
  dtype: number;
  id: number;
  values: TypedArray | null;
  refCount: number;
}

/** The native addon. */
interface Binding {
  TF_ATTR_TYPE: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_INT: number;
  TF_FLOAT: number;
  TF_INT32: number;
  createTensor(shape: number[], dtype: number, values: TypedArray): number;
  deleteTensor(id: number): void;
  executeOp(name: string, attributes: OpAttribute[], inputs: number[], outputs: number): { id: number }[];
}

/** The parts of tfjs-node's backend 'tensorflow' that are used here. */
export interface TensorFlowBackendParts extends KernelBackend {
  isGPUPackage: boolean;
  binding: Binding;
  /** `get` fetches the data of a tensor from another backend, which readSync by itself does not. */
  tensorMap: { get(dataId: object): unknown; set(dataId: object, data: TensorData): void };
  /** The ids of these tensors in TensorFlow, where they are made now if need be. */
  getInputTensorIds(tensors: TensorInfo[]): number[];
  /** TensorFlow gets the values when an op first asks for them, and shares them with JavaScript. */
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

/**
 * A copy of what TensorFlow holds, or the very array that it was not given yet. Data of other backends are
 * fetched first.
 */
export function valuesOf(backend: TensorFlowBackendParts, { dataId }: TensorInfo): Float32Array {
  backend.tensorMap.get(dataId);
  return backend.readSync(dataId) as Float32Array;
}

/** The data of a tensor, kept beyond the tidy that the tensor was made in. */
export function detached(backend: KernelBackend, { dataId, shape, dtype }: Tensor): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}
