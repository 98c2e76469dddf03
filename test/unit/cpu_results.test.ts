import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { SIMD_FLAG } from '../../src/backends/simd/kernel.ts';
import { distillationLoss } from '../../src/index.ts';
import { Random } from '../random.ts';

/** No multiple of 16, and large enough for memory that is not set to zero. */
const CLASSES = 8195;
const ROWS = 5;
const [IGNORED, MASKED, LONE_NAN] = [1, 2, 3];

beforeAll(async () => {
  jest.spyOn(console, 'warn').mockImplementation(); // tfjs advertises its node backend
  await tf.setBackend('cpu');
});

afterEach(() => {
  jest.restoreAllMocks();
  tf.env().set(SIMD_FLAG, true);
});

for (const usesSimd of [true, false]) {
  for (const teacherGradient of [false, true]) {
    it(`${usesSimd ? 'SIMD' : 'plain JavaScript'}: ${teacherGradient ? "the teacher's" : "the student's"} gradient is written whole, whatever its memory held`, () => {
      tf.env().set(SIMD_FLAG, usesSimd);
      const clean = gradients(teacherGradient);
      const allocate = jest.spyOn(Buffer, 'allocUnsafeSlow').mockImplementation((bytes) => {
        const dirty = Buffer.alloc(bytes);
        new Float32Array(dirty.buffer).fill(123456);
        return dirty;
      });
      const dirty = gradients(teacherGradient);
      expect(allocate).toHaveBeenCalled();
      expect(Buffer.from(dirty.buffer).equals(Buffer.from(clean.buffer))).toBe(true);
      const row = (n: number) => dirty.subarray(n * CLASSES, (n + 1) * CLASSES);
      expect(row(IGNORED).every((x) => x === 0)).toBe(true);
      expect(row(MASKED)[7]).toBe(0);
      expect(row(LONE_NAN).every(Number.isNaN)).toBe(true);
      expect(row(0).every(Number.isFinite)).toBe(true);
    });
  }
}

function gradients(teacherGradient: boolean): Float32Array {
  const random = new Random(7);
  const v = random.normals(ROWS * CLASSES, 3);
  const z = random.normals(ROWS * CLASSES, 3);
  v[MASKED * CLASSES + 7] = Number.NEGATIVE_INFINITY;
  z[MASKED * CLASSES + 7] = Number.NEGATIVE_INFINITY;
  z[LONE_NAN * CLASSES + CLASSES - 1] = Number.NaN;
  const shape: [number, number] = [ROWS, CLASSES];
  const weights = Float32Array.from({ length: ROWS }, (_, n) => (n === IGNORED ? 0 : 1));
  return tf.tidy(() => {
    const [teacher, student] = [tf.tensor2d(v, shape), tf.tensor2d(z, shape)];
    const loss = (v: tf.Tensor, z: tf.Tensor) =>
      distillationLoss(v, z, { temperature: 2, weights, teacherGradient });
    const gradient = teacherGradient
      ? tf.grad((v) => loss(v, student))(teacher)
      : tf.grad((z) => loss(teacher, z))(student);
    return gradient.dataSync<'float32'>();
  });
}
