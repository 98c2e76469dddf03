/** Starts a backend of tfjs and says what really runs. */
import plainWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simdWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threadedWasm from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import * as tf from '@tensorflow/tfjs-core';
import { isSoftwareAdapter } from '../../src/backends/software_adapters.ts';
import { registerWasmTraining } from '../../src/wasm_training/index.ts';

/** Fastest first. */
export const BACKENDS = ['webgpu', 'webgl', 'wasm', 'cpu'] as const;
export type BackendName = (typeof BACKENDS)[number];

export interface RunningBackend {
  name: BackendName;
  /** The GPU, or what computes in its place. */
  adapter: string;
  /** A GPU that is imitated on the CPU: its times say nothing of a real one. */
  isSoftware: boolean;
  /** Why each backend before this one could not start. */
  refusals: { name: BackendName; reason: string }[];
}

export const TITLES: Record<BackendName, string> = {
  webgpu: 'WebGPU',
  webgl: 'WebGL',
  wasm: 'WebAssembly',
  cpu: 'plain JavaScript',
};

/**
 * Starts one backend at a time, since tfjs mixes up two that start at once. Of the choices that are made
 * meanwhile, the last one counts.
 */
export class BackendStarter {
  private wanted: BackendName | 'auto' = 'auto';
  private starting: Promise<RunningBackend> | null = null;

  get isStarting(): boolean {
    return this.starting !== null;
  }

  /** Resolves to the backend that was wanted last, for all who wait. */
  start(wanted: BackendName | 'auto'): Promise<RunningBackend> {
    this.wanted = wanted;
    this.starting ??= this.startWanted().finally(() => {
      this.starting = null;
    });
    return this.starting;
  }

  private async startWanted(): Promise<RunningBackend> {
    for (;;) {
      const { wanted } = this;
      const backend = await startBackend(wanted);
      if (wanted === this.wanted) return backend;
    }
  }
}

/** Starts `wanted`, or the next backend that works. 'auto' wants the fastest. */
async function startBackend(wanted: BackendName | 'auto'): Promise<RunningBackend> {
  const first = wanted === 'auto' ? BACKENDS[0] : wanted;
  const candidates = [first, ...BACKENDS.filter((name) => name !== first)];
  const refusals: RunningBackend['refusals'] = [];
  for (const name of candidates) {
    const reason = await start(name);
    if (reason === null) return { name, refusals, ...(await adapterOf(name)) };
    refusals.push({ name, reason });
  }
  throw new Error(
    `No backend works here: ${refusals.map(({ name, reason }) => `${name}: ${reason}`).join('; ')}`,
  );
}

/** Why it could not start, or null. Only the chosen backend is downloaded. */
async function start(name: BackendName): Promise<string | null> {
  try {
    const absent = name === 'webgpu' ? await whyNoWebGPU() : null;
    if (absent !== null) return absent;
    await load(name);
    // tf.setBackend turns to another backend without a word when this one fails.
    if ((await tf.setBackend(name)) && tf.getBackend() === name) return null;
    return name === 'webgl' ? 'this browser has no WebGL, or it is switched off' : 'it did not start';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function whyNoWebGPU(): Promise<string | null> {
  if (!isSecureContext) return 'WebGPU needs a page on https or localhost';
  if (!('gpu' in navigator)) return 'this browser has no WebGPU, or it is switched off';
  if ((await navigator.gpu.requestAdapter()) === null)
    return 'the browser has WebGPU but offers no GPU to it';
  return null;
}

async function load(name: BackendName): Promise<void> {
  switch (name) {
    case 'webgpu':
      await import('@tensorflow/tfjs-backend-webgpu');
      return;
    case 'webgl':
      await import('@tensorflow/tfjs-backend-webgl');
      return;
    case 'wasm':
      await loadWasm();
      return;
    case 'cpu':
      await import('@tensorflow/tfjs-backend-cpu');
      return;
    default:
      name satisfies never;
  }
}

async function loadWasm(): Promise<void> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  setWasmPaths({
    'tfjs-backend-wasm.wasm': plainWasm,
    'tfjs-backend-wasm-simd.wasm': simdWasm,
    'tfjs-backend-wasm-threaded-simd.wasm': threadedWasm,
  });
  registerWasmTraining();
}

async function adapterOf(name: BackendName): Promise<Pick<RunningBackend, 'adapter' | 'isSoftware'>> {
  switch (name) {
    case 'webgpu': {
      const info = await webgpuInfo();
      const words = [info?.vendor, info?.architecture, info?.device, info?.description];
      const adapter = [...new Set(words)].filter(Boolean).join(' ') || 'unnamed GPU';
      return { adapter, isSoftware: info?.isFallbackAdapter === true || isSoftwareAdapter(adapter) };
    }
    case 'webgl': {
      const adapter = webglRenderer();
      return { adapter, isSoftware: isSoftwareAdapter(adapter) };
    }
    case 'wasm': {
      const hasSimd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
      return { adapter: `CPU, ${hasSimd ? 'SIMD' : 'scalar'} WebAssembly`, isSoftware: false };
    }
    case 'cpu':
      return { adapter: 'CPU, plain JavaScript', isSoftware: false };
    default:
      return name satisfies never;
  }
}

/** Of the device that tfjs runs on; older browsers tell it of the adapter alone. */
async function webgpuInfo(): Promise<GPUAdapterInfo | undefined> {
  const { device } = tf.backend() as tf.KernelBackend & { device?: GPUDevice };
  if (device?.adapterInfo) return device.adapterInfo;
  return (await navigator.gpu.requestAdapter({ powerPreference: 'high-performance' }))?.info;
}

function webglRenderer(): string {
  const { gpgpu } = tf.backend() as tf.KernelBackend & { gpgpu?: { gl: WebGLRenderingContext } };
  if (!gpgpu) return 'unnamed GPU';
  const { gl } = gpgpu;
  const debugInfo = gl.getExtension('WEBGL_debug_renderer_info');
  const version = tf.env().getNumber('WEBGL_VERSION') === 2 ? '' : 'WebGL 1 on ';
  return version + gl.getParameter(debugInfo ? debugInfo.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
}
