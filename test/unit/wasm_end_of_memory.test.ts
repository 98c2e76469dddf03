import { kernelOn, PADS_BYTES } from '../../src/backends/wasm/kernel.ts';

const CLASSES = 19;
const ROW_BYTES = 4 * CLASSES;
const MEMORY_BYTES = 65536;

/** Loss and gradient of one row whose teacher and student lie at these places of one page of memory. */
function rowAt(teacherAt: number, studentAt: number): { loss: number; gradient: Float32Array } {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const kernel = kernelOn(memory);
  if (kernel === null) throw new Error('This engine has no SIMD.');
  const row = (at: number) => new Float32Array(memory.buffer, at, CLASSES);
  for (let i = 0; i < CLASSES; i++) {
    row(teacherAt)[i] = 3 * Math.sin(5 * i);
    row(studentAt)[i] = 2 * Math.cos(7 * i);
  }
  const [pads, gradientAt, w] = [1024, 2048, 4096];
  expect(pads + PADS_BYTES).toBeLessThanOrEqual(gradientAt);
  kernel.setObjective(0, 2, 1, 1, 0, 0);
  kernel.setRoom(gradientAt, ROW_BYTES, w, 0, 0, pads);
  const loss = kernel.rowPass(1, CLASSES, teacherAt, studentAt, 0, 0, 0, 0, gradientAt);
  return { loss, gradient: row(gradientAt).slice() };
}

it('a row at the end of memory is read to its end and no further', () => {
  const within = rowAt(8192, 16384);
  expect(within.loss).toBeGreaterThan(0);
  expect(rowAt(MEMORY_BYTES - ROW_BYTES, 16384)).toEqual(within);
  expect(rowAt(8192, MEMORY_BYTES - ROW_BYTES)).toEqual(within);
});
