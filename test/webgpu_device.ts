import * as tf from '@tensorflow/tfjs-core';
import { validationErrors } from './backends/current.ts';

/** What the tests ask of tfjs's 'webgpu' backend. */
export interface DeviceBackend extends tf.KernelBackend {
  device: GPUDevice;
  queue: GPUQueue;
  memory(): { unreliable: boolean; numBytesInGPU: number };
  pipelineCache: Record<string, unknown>;
  /** Records one dispatch. */
  recordAndSubmit(...dispatch: unknown[]): void;
  checkCompileCompletionAsync(): Promise<void>;
}

/**
 * Runs with a device of one's own as backend 'webgpu', and puts the one of tfjs back. Tensors do not survive
 * the change.
 */
export async function withDevice(
  ask: { limits?: Record<string, number>; features?: GPUFeatureName[] },
  run: (device: GPUDevice) => Promise<void>,
): Promise<void> {
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  const adapter = await navigator.gpu.requestAdapter();
  if (adapter === null) throw new Error('navigator.gpu.requestAdapter gave no adapter.');
  const device = await adapter.requestDevice({ requiredFeatures: ask.features ?? [] });
  device.onuncapturederror = ({ error }) => {
    validationErrors.push(error.message);
  };
  for (const [name, value] of Object.entries(ask.limits ?? {})) lower(device, name, value);
  const factory = tf.findBackendFactory('webgpu');
  tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', async () => new WebGPUBackend(device, adapter.info), 3);
  try {
    await start(device);
    await run(device);
  } finally {
    tf.removeBackend('webgpu');
    tf.registerBackend('webgpu', factory, 3);
    await start(null);
    device.destroy();
  }
}

async function start(device: GPUDevice | null): Promise<void> {
  await tf.setBackend('webgpu');
  const backend = tf.backend() as DeviceBackend;
  if (tf.getBackend() !== 'webgpu' || (device && backend.device !== device))
    throw new Error(`Asked for backend 'webgpu' on another device; got '${tf.getBackend()}'.`);
}

/** WebGPU gives no device less than its defaults, so a smaller limit is told to whoever reads the limits. */
function lower(device: GPUDevice, name: string, value: number): void {
  const { limits } = device;
  const lowered = new Proxy(limits, {
    get: (_, key) => (key === name ? value : Reflect.get(limits, key, limits)),
  });
  Object.defineProperty(device, 'limits', { value: lowered });
}
