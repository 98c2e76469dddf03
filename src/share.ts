import { engine, type Tensor } from '@tensorflow/tfjs-core';

/**
 * A second tensor with the same data, unknown to the tape. tensor.clone() is that too, except on 'wasm',
 * where it copies.
 */
export function share<T extends Tensor>({ dataId, shape, dtype }: T): T {
  const { state, backend } = engine();
  const owner = state.tensorInfo.get(dataId)?.backend ?? backend; // the data may still lie on another backend
  owner.incRef(dataId);
  return engine().makeTensorFromTensorInfo({ dataId, shape, dtype }, owner) as T;
}
