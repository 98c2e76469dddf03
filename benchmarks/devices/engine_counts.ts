import * as tf from '@tensorflow/tfjs-core';
import type { Counts } from './device.ts';

/**
 * Kernels that make new data, and the bytes of that data that are alive at once. tf.profile counts a clone as
 * a kernel and its bytes twice, although both share their data.
 */
export function countInEngine(call: () => void): Counts {
  const engine = tf.engine();
  const { trackTensor, disposeTensor, runKernel } = engine;
  const alive = new Map<object, number>();
  let bytes = 0;
  let peakExtraBytes = 0;
  let made = 0;
  let kernels = 0;
  engine.trackTensor = (tensor, backend) => {
    const isNew = !engine.state.tensorInfo.has(tensor.dataId);
    trackTensor.call(engine, tensor, backend);
    if (!isNew) return;
    const size = tensor.size * tf.util.bytesPerElement(tensor.dtype);
    alive.set(tensor.dataId, size);
    made++;
    bytes += size;
    peakExtraBytes = Math.max(peakExtraBytes, bytes);
  };
  engine.disposeTensor = (tensor) => {
    disposeTensor.call(engine, tensor);
    if (engine.state.tensorInfo.has(tensor.dataId)) return;
    bytes -= alive.get(tensor.dataId) ?? 0;
    alive.delete(tensor.dataId);
  };
  engine.runKernel = (name, inputs, attrs) => {
    const before = made;
    const result = runKernel.call(engine, name, inputs, attrs);
    if (made > before) kernels++;
    return result as never;
  };
  try {
    call();
  } finally {
    Object.assign(engine, { trackTensor, disposeTensor, runKernel });
  }
  return { kernels, peakExtraBytes };
}
