/** Starts a backend of tfjs in Node, for the programs that a user runs: examples and benchmarks. */
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { provideRealGPU, provideWebGPU, type WebGPUAdapter } from './dawn.ts';
import type { NodeBackend } from './node_backends.ts';

export interface StartedBackend {
  name: NodeBackend;
  /** Adapter or processor. */
  device: string;
}

const require = createRequire(import.meta.url);

/**
 * `fastest` is a real GPU through Dawn where there is one, else TensorFlow where @tensorflow/tfjs-node is
 * installed, else 'wasm'. Throws if the backend that was asked for is not the one that starts: tf.setBackend
 * by itself would fall back to another.
 */
export async function startBackend(choice: NodeBackend | 'fastest'): Promise<StartedBackend> {
  const gpu = choice === 'fastest' ? await provideRealGPU() : null;
  const name = choice !== 'fastest' ? choice : gpu ? 'webgpu' : hasTfjsNode() ? 'tensorflow' : 'wasm';
  const device = await load(name, gpu);
  await tf.setBackend(name);
  await tf.ready();
  if (tf.getBackend() !== name) {
    throw new Error(`startBackend: backend '${name}' did not start; tfjs fell back to '${tf.getBackend()}'.`);
  }
  if (name === 'cpu') Object.assign(tf.backend(), { firstUse: false }); // or it advertises tfjs-node among the program's own lines
  return { name, device };
}

/** Imports what registers the backend and says what it will run on. */
async function load(name: NodeBackend, gpu: WebGPUAdapter | null): Promise<string> {
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor';
  switch (name) {
    case 'webgpu': {
      const { description } = gpu ?? (await provideWebGPU());
      await import('@tensorflow/tfjs-backend-webgpu');
      return description;
    }
    case 'tensorflow':
      if (!hasTfjsNode()) {
        throw new Error(
          "startBackend: backend 'tensorflow' needs @tensorflow/tfjs-node: npm run setup:tensorflow",
        );
      }
      process.env.TF_CPP_MIN_LOG_LEVEL ??= '1'; // no news of TensorFlow's build among the program's own lines
      require('@tensorflow/tfjs-node');
      return processor;
    case 'wasm': {
      const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
      setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
      return processor;
    }
    case 'cpu':
      await import('@tensorflow/tfjs-backend-cpu');
      return processor;
    default:
      return name satisfies never;
  }
}

function hasTfjsNode(): boolean {
  try {
    require.resolve('@tensorflow/tfjs-node');
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return false;
    throw error;
  }
}
