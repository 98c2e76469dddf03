import { CROSS_ENTROPY } from '../../kernels/objective.ts';
import { kernelOn, PADS_BYTES, rowPassAt } from '../../src/backends/simd/kernel.ts';
import { setObjective } from '../../src/backends/simd/objective.ts';

const MEMORY_BYTES = 65536;
const PADS = 1024;
const [GRADIENT, W, TEACHER, STUDENT] = [0, 1, 2, 3].map((k) => PADS + PADS_BYTES + 4096 * k);

/**
 * Loss and gradient of rows, every third of them near, whose teacher, student and gradient lie at these
 * places of one page of memory.
 */
function rowsAt(
  [rows, classes]: [number, number],
  { teacher = TEACHER, student = STUDENT, gradient = GRADIENT },
): { loss: number; gradient: Float32Array } {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const kernel = kernelOn(memory);
  if (kernel === null) throw new Error('This engine has no SIMD.');
  const values = (at: number) => new Float32Array(memory.buffer, at, rows * classes);
  for (let i = 0; i < rows * classes; i++) {
    values(teacher)[i] = 3 * Math.sin(5 * i);
    const isNear = Math.floor(i / classes) % 3 === 2;
    values(student)[i] = isNear ? values(teacher)[i] + 0.01 * Math.cos(7 * i) : 2 * Math.cos(7 * i);
  }
  setObjective(kernel, CROSS_ENTROPY, 'lossAndStudentGradient', { temperature: 2 });
  kernel.setRoom(gradient, 4 * classes, W, 0, 0, PADS);
  const loss = rowPassAt(kernel, { rows, classes, teacher, student }, { gradient });
  return { loss, gradient: values(gradient).slice() };
}

it.each<[number, number]>([
  [1, 3],
  [4, 3],
  [1, 19],
  [4, 19],
  [5, 10],
  [8, 2],
  [8, 3],
  [8, 4],
  [9, 10],
  [1, 130],
])(
  'rows at the end of memory are read and written to their end and no further, [%d, %d]',
  (rows, classes) => {
    const end = MEMORY_BYTES - 4 * rows * classes;
    const within = rowsAt([rows, classes], {});
    expect(within.loss).toBeGreaterThan(0);
    expect(rowsAt([rows, classes], { teacher: end })).toEqual(within);
    expect(rowsAt([rows, classes], { student: end })).toEqual(within);
    expect(rowsAt([rows, classes], { gradient: end })).toEqual(within);
  },
);
