import * as tf from '@tensorflow/tfjs-core';
import { kernelOn, SIMD_FLAG } from '../../src/backends/simd/kernel.ts';
import { distillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import type { DeviceBackend } from '../webgpu_device.ts';

beforeAll(startBackend);

const isCpu = backend.backendName === 'cpu' || backend.backendName === 'wasm';

/**
 * Names of the kernels that compute value and gradient. Identity and Reshape only give another name to the
 * same data.
 */
async function kernelsOfLoss(): Promise<string[]> {
  const [teacher, student] = [tf.randomNormal([9, 8]), tf.randomNormal([9, 8])];
  const f = (z: tf.Tensor): tf.Scalar => distillationLoss(teacher, z, { temperature: 2 });
  const { kernelNames, result } = await tf.profile(() => tf.valueAndGrad(f)(student).grad);
  tf.dispose([result as tf.Tensor, teacher, student]);
  return [...new Set(kernelNames.filter((name) => !['Identity', 'Reshape'].includes(name)))];
}

if (isCpu || backend.backendName === 'webgpu') {
  it('our kernel alone computes value and gradient', async () => {
    expect(await kernelsOfLoss()).toEqual(['SoftmaxCrossEntropyWithTemperature']);
  });
} else {
  it('is about the backends where one kernel does it all', () =>
    expect(['webgl', 'tensorflow', 'composed']).toContain(backend.backendName));
}

if (backend.backendName === 'webgpu') {
  it('the pipeline that it ran is ours', async () => {
    await kernelsOfLoss();
    const keys = Object.keys((tf.backend() as DeviceBackend).pipelineCache);
    expect(keys.filter((key) => key.startsWith('tfjs-distill rows')).length).toBeGreaterThan(0);
  });
}

if (isCpu) {
  it('the SIMD kernel is compiled by this engine, unless a flag says no', () => {
    const asked = backend.flags?.[SIMD_FLAG] !== false;
    expect(kernelOn(new WebAssembly.Memory({ initial: 1 })) !== null).toBe(asked);
  });
}
