import { setFlagsFromString } from 'node:v8';
import type { NodeBackend } from '../scripts/node_backends.ts';
import { type StartedBackend, startBackend } from '../scripts/start_backend.ts';
import { registerWasmTraining } from '../src/wasm_training/index.ts';

/** Starts a backend for a program that trains: on 'wasm' with this package's kernels for training. */
export async function startTrainingBackend(choice: NodeBackend | 'fastest'): Promise<StartedBackend> {
  // Node 20 has relaxed SIMD, which fuses multiplications with additions, behind a flag.
  if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');
  const started = await startBackend(choice);
  if (started.name === 'wasm') registerWasmTraining();
  return started;
}
