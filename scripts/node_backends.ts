/**
 * The backends of tfjs that start_backend.ts starts. Apart from it, so that a command line can name them
 * without loading tfjs.
 */
export const NODE_BACKENDS = ['webgpu', 'tensorflow', 'wasm', 'cpu'] as const;
export type NodeBackend = (typeof NODE_BACKENDS)[number];
