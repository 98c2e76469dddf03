/** One row of the conformance run: a backend of tfjs, where it runs, and on what. */
export interface BackendProject {
  /** As jest shows it, and as `--selectProjects` takes it. */
  name: string;
  /** As tf.setBackend takes it; 'composed' is tfjs's 'cpu' backend under a name for which there are no kernels of ours. */
  backendName: 'cpu' | 'wasm' | 'webgpu' | 'webgl' | 'tensorflow' | 'composed';
  /** The process that runs the suite. */
  host: 'node' | 'chromium';
  /** Of the numbers that a kernel reads and writes. */
  precision: 'f32' | 'f16';
  /** Flags of tf.env() that choose among the kernels of the backend. */
  flags?: Record<string, boolean>;
}

export const BACKEND_PROJECTS: readonly BackendProject[] = [
  { name: 'cpu', backendName: 'cpu', host: 'node', precision: 'f32' },
  {
    name: 'cpu-js',
    backendName: 'cpu',
    host: 'node',
    precision: 'f32',
    flags: { TFJS_DISTILL_WASM_SIMD: false },
  },
  { name: 'composed', backendName: 'composed', host: 'node', precision: 'f32' },
  { name: 'tensorflow', backendName: 'tensorflow', host: 'node', precision: 'f32' },
  // What tfjs-node-gpu runs, on a processor.
  {
    name: 'tensorflow-fused-op',
    backendName: 'tensorflow',
    host: 'node',
    precision: 'f32',
    flags: { TFJS_DISTILL_TENSORFLOW_FUSED_OP: true },
  },
  { name: 'wasm', backendName: 'wasm', host: 'node', precision: 'f32' },
  { name: 'wasm-threads-chromium', backendName: 'wasm', host: 'chromium', precision: 'f32' },
  { name: 'webgpu-dawn', backendName: 'webgpu', host: 'node', precision: 'f32' },
  { name: 'webgpu-chromium', backendName: 'webgpu', host: 'chromium', precision: 'f32' },
  { name: 'webgl-chromium', backendName: 'webgl', host: 'chromium', precision: 'f32' },
  { name: 'webgl-f16-chromium', backendName: 'webgl', host: 'chromium', precision: 'f16' },
];
