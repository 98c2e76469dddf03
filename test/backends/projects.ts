/** One row of the conformance run: a backend of tfjs, where it runs, and on what. */
export interface BackendProject {
  /** As jest shows it, and as `--selectProjects` takes it. */
  name: string;
  /** As tf.setBackend takes it; 'composed' is tfjs's 'cpu' backend under a name for which there are no kernels of ours. */
  backendName: 'cpu' | 'wasm' | 'webgpu' | 'webgl' | 'tensorflow' | 'composed';
  /** The process that runs the suite. */
  host: 'node' | 'deno' | 'bun' | 'chromium' | 'firefox' | 'webkit';
  /** Of the numbers that a kernel reads and writes. */
  precision: 'f32' | 'f16';
  /** Under WebGPU; what the host comes with if not given: a GPU, or SwiftShader. */
  driver?: 'lavapipe';
  /** Flags of tf.env() that choose among the kernels of the backend. */
  flags?: Record<string, boolean | number>;
  /** What is run of test/conformance, test/properties and test/layers; all of it if not given. */
  suites?: readonly SuitePart[];
  /** Suites of which these cases alone run; the others are about the driver, and run on it without this host. */
  narrowed?: readonly SuitePart[];
  /** Of test/layers, which is plumbing and the same on every backend, these alone: where a training step takes seconds. Default all of it in Node, none elsewhere. */
  layers?: readonly SuitePart[];
}

export interface SuitePart {
  /** Of the file, without `.test.ts`. */
  name: string;
  /** What the titles of its cases match, as for jest's -t; every case if not given. */
  cases?: string;
}

/** Whether the suite runs in a page of a browser, else in a process of its own. */
export function isPage({ host }: BackendProject): boolean {
  switch (host) {
    case 'chromium':
    case 'firefox':
    case 'webkit':
      return true;
    case 'node':
    case 'deno':
    case 'bun':
      return false;
    default:
      return host satisfies never;
  }
}

/** Whether tfjs takes its build of 'wasm' with threads: in an isolated page, unless the engine is WebKit, which shares no memory there. */
export function hasWasmThreads({ host }: BackendProject): boolean {
  return host === 'chromium' || host === 'firefox';
}

const LAVAPIPE = { backendName: 'webgpu', precision: 'f32', driver: 'lavapipe' } as const;

/**
 * What lavapipe has time for: it compiles a kernel whose threads agree by barriers in seconds. Every kernel,
 * and of one divergence, on which rows differ most, what compilers were seen to get wrong.
 */
const KERNELS: readonly SuitePart[] = [
  { name: 'engine' },
  { name: 'webgpu_pipelines' },
  { name: 'numerics', cases: '^kl: ' },
];

/** All that is not about one backend: a browser is started for each. */
const OF_EVERY_BACKEND: readonly SuitePart[] = [
  ...['engine', 'values', 'numerics', 'gradients', 'reductions', 'fixtures', 'layouts', 'metrics'],
  ...['softmax_cross_entropy', 'memory', 'faults', 'properties'],
].map((name) => ({ name }));
const OF_WASM = [...OF_EVERY_BACKEND, { name: 'wasm_heap' }];

/**
 * llvmpipe draws slowly: masks, zeros, NaN and the digits of nearly equal rows, in which drivers were seen to
 * differ; values and gradients at each shape, and with each kind of labels.
 */
const OF_LLVMPIPE: readonly SuitePart[] = [
  { name: 'numerics' },
  { name: 'values', cases: 'shape|of logits, (alone|with|hard)' },
];

export const BACKEND_PROJECTS: readonly BackendProject[] = [
  { name: 'cpu', backendName: 'cpu', host: 'node', precision: 'f32' },
  {
    name: 'cpu-js',
    backendName: 'cpu',
    host: 'node',
    precision: 'f32',
    flags: { TFJS_DISTILL_WASM_SIMD: false },
  },
  // Of a backend that it does not know, Distiller does not look at values.
  { name: 'composed', backendName: 'composed', host: 'node', precision: 'f32', layers: [] },
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
  {
    name: 'webgpu-dawn',
    backendName: 'webgpu',
    host: 'node',
    precision: 'f32',
    // What reads values that lie on a device.
    layers: [
      { name: 'labels' },
      { name: 'layers_loss' },
      { name: 'cached_logits', cases: 'never saw|whatever the teacher is|rowHashes' },
    ],
  },
  {
    name: 'webgpu-chromium',
    backendName: 'webgpu',
    host: 'chromium',
    precision: 'f32',
    narrowed: [{ name: 'webgpu_variants', cases: 'masks, NaN and nearly equal rows' }],
  },
  { name: 'webgl-chromium', backendName: 'webgl', host: 'chromium', precision: 'f32' },
  { name: 'webgl-f16-chromium', backendName: 'webgl', host: 'chromium', precision: 'f16' },
  // Other engines and another driver: what `npm run setup:engines` installs.
  { name: 'webgpu-dawn-lavapipe', host: 'node', ...LAVAPIPE, suites: KERNELS },
  { name: 'webgpu-deno', host: 'deno', ...LAVAPIPE, suites: KERNELS },
  { name: 'cpu-bun', backendName: 'cpu', host: 'bun', precision: 'f32', suites: OF_EVERY_BACKEND },
  { name: 'wasm-bun', backendName: 'wasm', host: 'bun', precision: 'f32', suites: OF_WASM },
  { name: 'webgpu-firefox', host: 'firefox', ...LAVAPIPE, suites: KERNELS },
  { name: 'webgl-firefox', backendName: 'webgl', host: 'firefox', precision: 'f32', suites: OF_LLVMPIPE },
  { name: 'wasm-threads-firefox', backendName: 'wasm', host: 'firefox', precision: 'f32', suites: OF_WASM },
  { name: 'webgl-webkit', backendName: 'webgl', host: 'webkit', precision: 'f32', suites: OF_LLVMPIPE },
  { name: 'wasm-webkit', backendName: 'wasm', host: 'webkit', precision: 'f32', suites: OF_WASM },
  { name: 'cpu-webkit', backendName: 'cpu', host: 'webkit', precision: 'f32', suites: OF_EVERY_BACKEND },
];
