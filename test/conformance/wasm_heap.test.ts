import * as tf from '@tensorflow/tfjs-core';
import { CROSS_ENTROPY } from '../../kernels/objective.ts';
import { FUSED_FLAG, kernelOn, PADS_BYTES, rowPassAt } from '../../src/backends/simd/kernel.ts';
import { setObjective } from '../../src/backends/simd/objective.ts';
import '../../src/index.ts'; // has the flags of all backends
import { backend, startBackend } from '../backends/current.ts';
import { hasWasmThreads } from '../backends/projects.ts';

beforeAll(startBackend);

interface Heap {
  HEAPU8: Uint8Array;
  asm?: { memory?: WebAssembly.Memory };
  wasmMemory?: WebAssembly.Memory;
}

const CLASSES = 1000;

/** Of one row, by a kernel compiled for memory of its own. */
function gradientOfRow(): Float32Array {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const kernel = kernelOn(memory);
  if (kernel === null) throw new Error('The SIMD kernel is not compiled.');
  const [teacher, student, w, gradient] = [0, 1, 2, 3].map((k) => PADS_BYTES + 4 * CLASSES * k);
  new Float32Array(memory.buffer, teacher, 2 * CLASSES).forEach((_, i, logits) => {
    logits[i] = 5 * Math.sin(i * i);
  });
  setObjective(kernel, CROSS_ENTROPY, 'lossAndStudentGradient', { temperature: 2 });
  kernel.setRoom(gradient, 0, w, 0, 0, 0);
  rowPassAt(kernel, { rows: 1, classes: CLASSES, teacher, student }, { gradient });
  return new Float32Array(memory.buffer, gradient, CLASSES);
}

const isJavaScriptCore = backend.host === 'webkit' || backend.host === 'bun';

if (backend.backendName === 'wasm') {
  it("the SIMD kernel runs on the backend's own memory, shared by threads in a page", () => {
    const { wasm } = tf.backend() as tf.KernelBackend & { wasm: Heap };
    const memory = wasm.wasmMemory ?? wasm.asm?.memory;
    if (memory === undefined) throw new Error("Backend 'wasm' keeps its memory elsewhere.");
    expect(memory.buffer).toBe(wasm.HEAPU8.buffer);
    const isShared = typeof SharedArrayBuffer === 'function' && memory.buffer instanceof SharedArrayBuffer;
    expect(isShared).toBe(hasWasmThreads(backend));
    expect(kernelOn(memory)).not.toBeNull();
  });

  it('the SIMD kernel fuses multiplications with additions where the engine does, and rounds otherwise then', () => {
    const fuses = tf.env().getBool(FUSED_FLAG);
    if (backend.host === 'chromium') expect(fuses).toBe(true);
    const gradient = gradientOfRow();
    tf.env().set(FUSED_FLAG, false);
    const unfused = gradientOfRow();
    tf.env().set(FUSED_FLAG, fuses);
    // JavaScriptCore, of WebKit and Bun, compiles the instruction and may round twice all the same, as the
    // proposal allows.
    if (!isJavaScriptCore) expect(gradient.some((slope, i) => slope !== unfused[i])).toBe(fuses);
    gradient.forEach((slope, i) => {
      expect(Math.abs(slope - unfused[i])).toBeLessThan(4e-7);
    });
  });
} else {
  it("is about the memory of backend 'wasm'", () => expect(tf.getBackend()).not.toBe('wasm'));
}
