/**
 * What to say when the device or context of a backend is gone: it takes every command, does nothing, and
 * reads back zeros.
 */
export function lostBackendError(backendName: 'webgpu' | 'webgl', what: string): Error {
  return new Error(
    `softmaxCrossEntropyWithTemperature: ${what} of backend '${backendName}' was lost, and every tensor on it with it. Start the backend anew ` +
      `(const start = tf.findBackendFactory('${backendName}'); tf.removeBackend('${backendName}'); tf.registerBackend('${backendName}', start); ` +
      `await tf.setBackend('${backendName}');) and load the weights again.`,
  );
}
