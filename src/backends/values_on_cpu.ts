import { engine, type TensorInfo, type TypedArray, util } from '@tensorflow/tfjs-core';

/** What the GPU backends of tfjs keep of a tensor. */
interface StoredData {
  /** Those that were not uploaded yet, or were read back. */
  values?: TypedArray | null;
  /** 'webgl' only: the tensor is a part of another, whose texture and `values` these are; it begins there. */
  slice?: { flatOffset: number } | null;
}

interface ValueStore {
  get(dataId: object): StoredData | undefined;
}

/** Where they keep it: 'webgpu' in tensorMap, 'webgl' in texData. */
type StoresOfGpuBackends = { tensorMap?: ValueStore; texData?: ValueStore };

/** The values of a tensor if they lie on the CPU, else null. Never waits for a device and never uploads. */
export function valuesOnCpu({ dataId, shape }: TensorInfo): TypedArray | null {
  const { backend, backendName } = engine();
  if (backendName === 'cpu' || backendName === 'wasm') return backend.readSync(dataId) as TypedArray;
  const { tensorMap, texData } = backend as StoresOfGpuBackends;
  const { values, slice } = (tensorMap ?? texData)?.get(dataId) ?? {};
  if (!values) return null;
  return slice ? values.subarray(slice.flatOffset, slice.flatOffset + util.sizeFromShape(shape)) : values;
}

/** c if every value of the tensor is known to be c without asking a device, else null. */
export function knownConstant(tensor: TensorInfo): number | null {
  const values = valuesOnCpu(tensor);
  if (values === null || values.length === 0) return null;
  const first = values[0];
  for (let i = 1; i < values.length; i++) if (values[i] !== first) return null;
  return first;
}
