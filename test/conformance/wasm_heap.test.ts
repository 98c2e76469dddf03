import * as tf from '@tensorflow/tfjs-core';
import { kernelOn } from '../../src/backends/wasm/kernel.ts';
import { backend, startBackend } from '../backends/current.ts';

beforeAll(startBackend);

interface Heap {
  HEAPU8: Uint8Array;
  asm?: { memory?: WebAssembly.Memory };
  wasmMemory?: WebAssembly.Memory;
}

if (backend.backendName === 'wasm') {
  it("the SIMD kernel runs on the backend's own memory, shared by threads in a page", () => {
    const { wasm } = tf.backend() as tf.KernelBackend & { wasm: Heap };
    const memory = wasm.wasmMemory ?? wasm.asm?.memory;
    if (memory === undefined) throw new Error("Backend 'wasm' keeps its memory elsewhere.");
    expect(memory.buffer).toBe(wasm.HEAPU8.buffer);
    expect(memory.buffer instanceof SharedArrayBuffer).toBe(backend.host === 'chromium');
    expect(kernelOn(memory)).not.toBeNull();
  });
} else {
  it("is about the memory of backend 'wasm'", () => expect(tf.getBackend()).not.toBe('wasm'));
}
