import * as tf from '@tensorflow/tfjs-core';

/** The limits that tfjs asks for itself. */
const LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
] as const;

/**
 * From now on tfjs's 'webgpu' backend starts on a device that has 'subgroups', for which tfjs does not ask by
 * itself.
 */
export async function registerWebGPUWithSubgroups(): Promise<void> {
  const { WebGPUBackend } = await import('@tensorflow/tfjs-backend-webgpu');
  tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', async () => {
    const adapter = await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter?.features.has('subgroups')) throw new Error("--subgroups: this adapter has no 'subgroups'.");
    const device = await adapter.requestDevice({
      requiredFeatures: (['subgroups', 'timestamp-query'] as const).filter((name) =>
        adapter.features.has(name),
      ),
      requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
    });
    return new WebGPUBackend(device, adapter.info);
  });
}
