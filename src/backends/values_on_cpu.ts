import { engine, type TensorInfo, type TypedArray } from '@tensorflow/tfjs-core';

interface ValueStore {
  get(dataId: object): { values?: TypedArray | null } | undefined;
}

/** Where the GPU backends of tfjs keep what was not uploaded yet: 'webgpu' in tensorMap, 'webgl' in texData. */
type StoresOfGpuBackends = { tensorMap?: ValueStore; texData?: ValueStore };

/** The values of a tensor if they lie on the CPU, else null. Never waits for a device and never uploads. */
export function valuesOnCpu({ dataId }: TensorInfo): TypedArray | null {
  const { backend, backendName } = engine();
  if (backendName === 'cpu' || backendName === 'wasm') return backend.readSync(dataId) as TypedArray;
  const { tensorMap, texData } = backend as StoresOfGpuBackends;
  return (tensorMap ?? texData)?.get(dataId)?.values ?? null;
}

/** c if every value of the tensor is known to be c without asking a device, else null. */
export function knownConstant(tensor: TensorInfo): number | null {
  const values = valuesOnCpu(tensor);
  if (values === null || values.length === 0) return null;
  const first = values[0];
  for (let i = 1; i < values.length; i++) if (values[i] !== first) return null;
  return first;
}
