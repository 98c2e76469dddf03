import { lostBackendError } from '../lost_backend.ts';

/** Why each device that has served a row pass was lost; null while it is not. */
const reasons = new WeakMap<GPUDevice, string | null>();

/**
 * Throws if the device is lost. The news comes by a promise: a call in the very turn of the loss still goes
 * through, and reading its result rejects.
 */
export function checkDevice(device: GPUDevice): void {
  const reason = reasons.get(device);
  if (reason) throw lostBackendError('webgpu', `the WebGPU device (${reason})`);
  if (reason === null) return;
  reasons.set(device, null);
  device.lost.then(({ reason, message }) => reasons.set(device, message || reason || 'unknown'));
}
