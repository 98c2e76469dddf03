import '@tensorflow/tfjs'; // registers the gradients of stock ops, which second-order tests and models need
import * as tf from '@tensorflow/tfjs-core';
import '../../src/index.ts'; // registers the flags that projects set
import { type BackendProject, hasWasmThreads, isPage } from './projects.ts';

/** Put in by the runner when it bundles a suite for one project. */
declare const BACKEND_PROJECT: BackendProject;
/** Put in by the runner: the folder of tfjs's .wasm files. */
declare const WASM_FOLDER: string;

export const backend = BACKEND_PROJECT;

/**
 * Starts the backend of this project. tf.setBackend falls back to another one silently, so what runs is
 * checked, down to the adapter.
 */
export async function startBackend(): Promise<void> {
  await describeBackend();
}

/** Starts the backend and says what it runs on; throws if it is not the one asked for. */
export async function describeBackend(): Promise<string> {
  const { backendName, precision, flags } = BACKEND_PROJECT;
  const engine = describeEngine();
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
  return `${await describeStarted()}, ${engine}`;
}

function describeStarted(): Promise<string> | string {
  switch (BACKEND_PROJECT.backendName) {
    case 'webgpu':
      return describeWebGPU();
    case 'webgl':
      return describeWebGL();
    case 'tensorflow':
      return describeTensorFlow();
    case 'wasm':
      return describeWasm();
    case 'cpu':
    case 'composed':
      return BACKEND_PROJECT.backendName;
    default:
      return BACKEND_PROJECT.backendName satisfies never;
  }
}

/**
 * How an engine names itself and its version. Chromium says that it is like WebKit, so WebKit is what does
 * not say that it is Chromium.
 */
const ENGINES: Record<BackendProject['host'], RegExp> = {
  node: /^Node [\d.]+$/,
  deno: /^Deno [\d.]+$/,
  bun: /^Bun [\d.]+$/,
  chromium: /Chrome\/[\d.]+/,
  firefox: /Firefox\/[\d.]+/,
  webkit: /Version\/[\d.]+(?= Safari)/,
};

/** The engine that this script runs in and its version; throws if it is not the one of the project. */
function describeEngine(): string {
  const global = globalThis as typeof globalThis & {
    Deno?: { version: { deno: string } };
    Bun?: { version: string };
  };
  const name = isPage(BACKEND_PROJECT)
    ? navigator.userAgent
    : global.Deno
      ? `Deno ${global.Deno.version.deno}`
      : global.Bun
        ? `Bun ${global.Bun.version}`
        : `Node ${process.versions.node}`;
  const found = ENGINES[BACKEND_PROJECT.host].exec(name);
  if (found === null) throw new Error(`The suite asked for ${BACKEND_PROJECT.host} and runs in '${name}'.`);
  return found[0];
}

/**
 * A name, not a literal: it is installed by `npm run setup:tensorflow` alone, and neither compiler nor
 * bundler may ask for it.
 */
const TFJS_NODE = '@tensorflow/tfjs-node';

function describeTensorFlow(): string {
  const { binding } = tf.backend() as tf.KernelBackend & { binding?: { TF_Version?: string } };
  if (!binding?.TF_Version) throw new Error("Backend 'tensorflow' has no native binding.");
  return `tensorflow ${binding.TF_Version}`;
}

/** The build with threads, whose memory is shared, or the other. */
function describeWasm(): string {
  const { wasm } = tf.backend() as tf.KernelBackend & { wasm?: { HEAPU8: Uint8Array } };
  const hasThreads =
    typeof SharedArrayBuffer === 'function' && wasm?.HEAPU8.buffer instanceof SharedArrayBuffer;
  if (hasThreads !== hasWasmThreads(BACKEND_PROJECT))
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
  const adapterName = [info?.vendor, info?.architecture, info?.description].filter(Boolean).join(' ');
  // Firefox names no adapter; there the runner looks for the driver among the browser's libraries.
  const isNameless = BACKEND_PROJECT.host === 'firefox' && adapterName === '';
  if (BACKEND_PROJECT.driver === 'lavapipe' && !isNameless && !/llvmpipe/.test(adapterName))
    throw new Error(`The suite asked for lavapipe and got '${adapterName}'.`);
  return `webgpu on ${adapterName || 'an adapter without a name'}`;
}

/** What a WebGPU device complained of since the start; a case with any of it fails. */
export const validationErrors: string[] = [];

function describeWebGL(): string {
  const { gpgpu } = tf.backend() as tf.KernelBackend & { gpgpu?: { gl: WebGLRenderingContext } };
  const gl = gpgpu?.gl;
  if (!(gl instanceof WebGL2RenderingContext)) throw new Error("Backend 'webgl' has no WebGL2 context.");
  recordPrograms(gl);
  const debugInfo = gl.getExtension('WEBGL_debug_renderer_info');
  const isF16 = tf.env().getBool('WEBGL_FORCE_F16_TEXTURES');
  if (isF16 !== (BACKEND_PROJECT.precision === 'f16'))
    throw new Error(`WEBGL_FORCE_F16_TEXTURES is ${isF16}.`);
  const renderer = debugInfo ? gl.getParameter(debugInfo.UNMASKED_RENDERER_WEBGL) : 'unknown';
  if (BACKEND_PROJECT.host === 'firefox' && !/llvmpipe/.test(renderer))
    throw new Error(`The suite asked for llvmpipe and got '${renderer}'.`);
  return `webgl 2${isF16 ? ', half-precision textures' : ''} on ${renderer}`;
}

/**
 * Sources of the GLSL programs of ours that were compiled since the start; the runner shows them to another
 * compiler.
 */
export const glslPrograms = new Set<string>();

/** In the header of each of our programs: sourceOf of src/backends/webgl/program.ts. */
const MARK_OF_OURS = '#define TEXELS_SHIFT';

function recordPrograms(gl: WebGL2RenderingContext): void {
  const { shaderSource } = WebGL2RenderingContext.prototype;
  gl.shaderSource = (shader, source) => {
    if (source.includes(MARK_OF_OURS)) glslPrograms.add(source);
    shaderSource.call(gl, shader, source);
  };
}
