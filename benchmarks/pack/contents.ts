/** Names of the projects whose scripts are in the archive. A browser is too large for it; TensorFlow too. */
export const PACKED_BACKENDS: readonly string[] = ['webgpu-dawn', 'wasm', 'cpu'];
