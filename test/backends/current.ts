import '@tensorflow/tfjs'; // registers the gradients of stock ops, which second-order tests and models need
import * as tf from '@tensorflow/tfjs-core';
import type { BackendProject } from './projects.ts';

/** Put in by the runner when it bundles a suite for one project. */
declare const BACKEND_PROJECT: BackendProject;
/** Put in by the runner: the folder of tfjs's .wasm files. */
declare const WASM_FOLDER: string;

export const backend = BACKEND_PROJECT;

/** Starts the backend of this project. tf.setBackend falls back to another one silently, so what runs is checked, down to the adapter. */
export async function startBackend(): Promise<void> {
  await describeBackend();
}

/** Starts the backend and says what it runs on; throws if it is not the one asked for. */
export async function describeBackend(): Promise<string> {
  const { backendName, precision, flags } = BACKEND_PROJECT;
  if (backendName === 'wasm') {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(WASM_FOLDER);
  }
  if (backendName === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
  if (backendName === 'tensorflow') await import(TFJS_NODE);
  if (backendName === 'composed') registerComposed();
  for (const [flag, value] of Object.entries(flags ?? {})) tf.env().set(flag, value);
  if (precision === 'f16') {
    tf.env().set('WEBGL_FORCE_F16_TEXTURES', true);
    tf.env().set('WEBGL_RENDER_FLOAT32_ENABLED', false);
  }
  await tf.setBackend(backendName);
  await tf.ready();
  if (tf.getBackend() !== backendName) {
    throw new Error(`The suite asked for backend '${backendName}' and got '${tf.getBackend()}'.`);
  }
  if (backendName === 'webgpu') return describeWebGPU();
  if (backendName === 'webgl') return describeWebGL();
  if (backendName === 'tensorflow') return describeTensorFlow();
  if (backendName === 'wasm') return describeWasm();
  return backendName;
}

/** A name, not a literal: it is installed by `npm run setup:tensorflow` alone, and neither compiler nor bundler may ask for it. */
const TFJS_NODE = '@tensorflow/tfjs-node';

function describeTensorFlow(): string {
  const { binding } = tf.backend() as tf.KernelBackend & { binding?: { TF_Version?: string } };
  if (!binding?.TF_Version) throw new Error("Backend 'tensorflow' has no native binding.");
  return `tensorflow ${binding.TF_Version}`;
}

/** In a page the build with threads, whose memory is shared; in Node tfjs has the other alone. */
function describeWasm(): string {
  const { wasm } = tf.backend() as tf.KernelBackend & { wasm?: { HEAPU8: Uint8Array } };
  const hasThreads = wasm?.HEAPU8.buffer instanceof SharedArrayBuffer;
  if (hasThreads !== (BACKEND_PROJECT.host === 'chromium'))
    throw new Error(`Backend 'wasm' runs ${hasThreads ? 'with' : 'without'} threads.`);
  return `wasm ${hasThreads ? 'with' : 'without'} threads`;
}

/** A backend that knows the stock ops and nothing of ours. */
function registerComposed(): void {
  if (tf.findBackend('composed') !== null) return;
  tf.copyRegisteredKernels('cpu', 'composed');
  for (const { kernelName } of tf.getKernelsForBackend('composed')) {
    if (kernelName.startsWith('SoftmaxCrossEntropyWithTemperature'))
      tf.unregisterKernel(kernelName, 'composed');
  }
  tf.registerBackend('composed', () => tf.findBackend('cpu'));
}

async function describeWebGPU(): Promise<string> {
  const { device } = tf.backend() as tf.KernelBackend & { device?: GPUDevice };
  if (!device?.limits) throw new Error("Backend 'webgpu' has no GPUDevice.");
  device.onuncapturederror = ({ error }) => {
    validationErrors.push(error.message);
  };
  const adapter = await navigator.gpu.requestAdapter();
  const info = (adapter as (GPUAdapter & { info?: GPUAdapterInfo }) | null)?.info;
  return `webgpu on ${[info?.vendor, info?.architecture, info?.description].filter(Boolean).join(' ')}`;
}

/** What a WebGPU device complained of since the start; a case with any of it fails. */
export const validationErrors: string[] = [];

function describeWebGL(): string {
  const { gpgpu } = tf.backend() as tf.KernelBackend & { gpgpu?: { gl: WebGLRenderingContext } };
  const gl = gpgpu?.gl;
  if (!(gl instanceof WebGL2RenderingContext)) throw new Error("Backend 'webgl' has no WebGL2 context.");
  const debugInfo = gl.getExtension('WEBGL_debug_renderer_info');
  const isF16 = tf.env().getBool('WEBGL_FORCE_F16_TEXTURES');
  if (isF16 !== (BACKEND_PROJECT.precision === 'f16'))
    throw new Error(`WEBGL_FORCE_F16_TEXTURES is ${isF16}.`);
  const renderer = debugInfo ? gl.getParameter(debugInfo.UNMASKED_RENDERER_WEBGL) : 'unknown';
  return `webgl 2${isF16 ? ', half-precision textures' : ''} on ${renderer}`;
}
