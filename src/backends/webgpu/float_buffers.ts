import { engine, mul, type Tensor, type TensorInfo, tidy } from '@tensorflow/tfjs-core';
import { mapGiven } from '../../objective_inputs.ts';
import type { RowsRequest } from '../row_pass.ts';
import type { WebGPUBackend } from './backend.ts';

/**
 * tf.cast from int32 or bool to float32 keeps the buffer of integers on this backend and only says float32 of
 * it; tfjs's own shaders are made for what the buffer holds. Ours read floats, so such a tensor is converted
 * first, by a stock product with 1.
 */
export function withFloatBuffers<Request extends RowsRequest<WebGPUBackend>, Result>(
  pass: (request: Request) => Result,
): (request: Request) => Result {
  return (request) => {
    const { backend, temperature, ...others } = request;
    const converted: Tensor[] = [];
    const asFloats = (info: TensorInfo): TensorInfo => {
      if (info.dtype !== 'float32') return info;
      if (backend.tensorMap.get(info.dataId).dtype === 'float32') return info;
      const floats = convert(info, backend);
      converted.push(floats);
      return floats;
    };
    try {
      return pass({
        ...request,
        ...mapGiven({ ...others, temperature: null }, asFloats),
        temperature: typeof temperature === 'number' ? temperature : asFloats(temperature),
      });
    } finally {
      for (const floats of converted) floats.dispose();
    }
  };
}

/** A tensor of tfjs's engine, which counts it: whoever disposes of it must be the engine too. */
function convert(info: TensorInfo, backend: WebGPUBackend): Tensor {
  backend.incRef(info.dataId);
  return tidy(() => mul(engine().makeTensorFromTensorInfo(info), 1));
}
