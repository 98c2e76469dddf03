import * as tf from '@tensorflow/tfjs-core';
import { averageTeachers, distillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';

beforeAll(startBackend);

const { NaN: NOT_A_NUMBER, NEGATIVE_INFINITY, POSITIVE_INFINITY } = Number;
const halfPrecision = backend.precision === 'f16';
const TOLERANCE = halfPrecision ? 1e-2 : 1e-5;

/** Softmax of one row at T, in float64. */
function softmax(logits: readonly number[], t: number): number[] {
  const most = Math.max(...logits);
  const exponentials = logits.map((v) => Math.exp((v - most) / t));
  const sum = exponentials.reduce((total, e) => total + e, 0);
  return exponentials.map((e) => e / sum);
}

const rowsOf = (values: ArrayLike<number>, classes: number): number[][] =>
  Array.from({ length: values.length / classes }, (_, n) =>
    Array.from({ length: classes }, (_, i) => values[n * classes + i]),
  );

/** softmax(result / T) of each row beside the mean of the teachers' in float64. */
async function expectMean(
  result: tf.Tensor,
  truth: (n: number) => number[],
  temperatureOf: (n: number) => number,
): Promise<void> {
  const classes = result.shape[result.rank - 1];
  const rows = rowsOf(await result.data(), classes);
  rows.forEach((row, n) => {
    expectClose(softmax(row, temperatureOf(n)), truth(n), TOLERANCE, `row ${n}`);
  });
  result.dispose();
}

const [ROWS, CLASSES] = [5, 23];
const random = new Random(71);
const values = Array.from({ length: 3 }, () => random.normals(ROWS * CLASSES, 3));
const members = values.map((of) => rowsOf(of, CLASSES));
const teachers = () => values.map((of) => tf.tensor2d(of, [ROWS, CLASSES]));
const weights = [0.5, 0.2, 0.3];

const arithmetic = (n: number, t: number, share: readonly number[]) =>
  Array.from({ length: CLASSES }, (_, i) =>
    members.reduce((sum, rows, m) => sum + share[m] * softmax(rows[n], t)[i], 0),
  );

describe('averageTeachers', () => {
  it('arithmetic: at its temperature, the mean of the softened probabilities', async () => {
    const third = [1 / 3, 1 / 3, 1 / 3];
    for (const t of [0.5, 1, 4]) {
      const result = averageTeachers(teachers(), { temperature: t });
      expect(result.shape).toEqual([ROWS, CLASSES]);
      await expectMean(
        result,
        (n) => arithmetic(n, t, third),
        () => t,
      );
    }
  });

  it('weights, and a temperature per row', async () => {
    const temperatures = [1, 2, 3, 4, 5];
    const options = { weights, temperature: temperatures };
    await expectMean(
      averageTeachers(teachers(), options),
      (n) => arithmetic(n, temperatures[n], weights),
      (n) => temperatures[n],
    );
  });

  it('geometric: the mean of the logits', async () => {
    const result = averageTeachers(teachers(), { mean: 'geometric', weights });
    const truth = Array.from({ length: ROWS * CLASSES }, (_, k) =>
      values.reduce((sum, of, m) => sum + weights[m] * of[k], 0),
    );
    expectClose(await result.data(), truth, halfPrecision ? 2e-2 : 2e-6, 'logits');
    result.dispose();
  });

  it('the cross entropy with the arithmetic mean is the mean of those with each teacher', async () => {
    const student = tf.tensor2d(random.normals(ROWS * CLASSES, 2), [ROWS, CLASSES]);
    const temperature = 2;
    const all = teachers();
    const together = distillationLoss(averageTeachers(all, { weights, temperature }), student, {
      temperature,
    });
    const each = await Promise.all(
      all.map(async (teacher) => (await distillationLoss(teacher, student, { temperature }).data())[0]),
    );
    const truth = each.reduce((sum, loss, m) => sum + weights[m] * loss, 0);
    expectClose(await together.data(), [truth], (halfPrecision ? 1e-2 : 2e-6) * truth, 'loss');
  });

  it('higher ranks, integers and arrays', async () => {
    const result = averageTeachers([
      tf.tensor(
        [
          [
            [1, 2],
            [3, 0],
          ],
        ],
        [1, 2, 2],
        'int32',
      ),
      [
        [
          [1, 2],
          [3, 0],
        ],
      ],
    ]);
    expect(result.shape).toEqual([1, 2, 2]);
    expect(result.dtype).toBe('float32');
    await expectMean(
      result,
      (n) =>
        softmax(
          [
            [1, 2],
            [3, 0],
          ][n],
          1,
        ),
      () => 1,
    );
  });

  it('one teacher, and one beside teachers of weight 0, is that teacher', async () => {
    const [a, b] = teachers();
    const nothing = tf.fill([ROWS, CLASSES], NOT_A_NUMBER);
    for (const result of [averageTeachers([a]), averageTeachers([nothing, a, b], { weights: [0, 1, 0] })]) {
      expect(result.isDisposed).toBe(false);
      expectClose(await result.data(), await a.data(), 0, 'logits');
      result.dispose();
    }
    expect(a.isDisposed).toBe(false);
  });

  // In half-precision textures stock ops make NaN of a row with a mask: a limit that docs/numerics.md states.
  const itHoldsMasks = halfPrecision ? () => {} : it;
  itHoldsMasks(
    'a class that one teacher masks: arithmetic keeps what the others give it, geometric masks it',
    async () => {
      const masking = [[1, NEGATIVE_INFINITY, 2]];
      const other = [[0, 1, 2]];
      const half = (i: number) => 0.5 * softmax(masking[0], 2)[i] + 0.5 * softmax(other[0], 2)[i];
      await expectMean(
        averageTeachers([masking, other], { temperature: 2 }),
        () => [0, 1, 2].map(half),
        () => 2,
      );
      const geometric = averageTeachers([masking, other], { mean: 'geometric' });
      expectClose(await geometric.data(), [0.5, NEGATIVE_INFINITY, 2], TOLERANCE, 'geometric');
      const both = averageTeachers([masking, masking], { temperature: 2 });
      expect((await both.data())[1]).toBe(NEGATIVE_INFINITY);
    },
  );

  it('a row that holds NaN or +Infinity, or nothing but masks, in one teacher is NaN, and no other row', async () => {
    const fine = [
      [1, 2],
      [1, 2],
      [1, 2],
      [0, 0],
    ];
    const [none, never, ever] = [NOT_A_NUMBER, NEGATIVE_INFINITY, POSITIVE_INFINITY];
    const faulty = [
      [none, 2],
      [ever, 1],
      [never, never],
      [1, 0],
    ];
    for (const mean of ['arithmetic', 'geometric'] as const) {
      const result = rowsOf(await averageTeachers([fine, faulty], { mean }).data(), 2);
      for (const row of result.slice(0, 3)) expectClose(row, [NOT_A_NUMBER, NOT_A_NUMBER], 0, mean);
      expect(result[3].every(Number.isFinite)).toBe(true);
    }
  });

  it('logits of 1e4 at T = 0.05 neither overflow nor lose their differences', async () => {
    const top = halfPrecision ? 1e3 : 1e4;
    const result = averageTeachers([[[top, top - 0.5, -top]], [[top - 0.5, top, -top]]], {
      temperature: 0.05,
    });
    const [row] = rowsOf(await result.data(), 3);
    expectClose(softmax(row, 0.05), [0.5, 0.5, 0], TOLERANCE, 'probabilities');
  });

  it('leaves no tensor behind', () => {
    const all = teachers();
    const before = tf.memory().numTensors;
    averageTeachers(all, { temperature: 3 }).dispose();
    averageTeachers(all, { mean: 'geometric' }).dispose();
    expect(() => averageTeachers([...all, [[1]]])).toThrow();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is a constant for gradients', async () => {
    const [a, b] = teachers();
    const student = tf.zerosLike(a);
    const loss = (z: tf.Tensor) => distillationLoss<tf.Scalar>(averageTeachers([a, b]), z);
    const gradient = tf.grad(loss)(student);
    const truth = tf.grad((z: tf.Tensor) => distillationLoss<tf.Scalar>(averageTeachers([a, b]).clone(), z))(
      student,
    );
    expectClose(await gradient.data(), await truth.data(), 1e-7, 'gradient');
    expect(() => tf.grad((v: tf.Tensor) => averageTeachers([v, b]).sum())(a)).toThrow(
      /Cannot compute gradient/,
    );
  });

  it('refuses what is no set of teachers', () => {
    const row = [[1, 2]];
    const calls: [RegExp, () => unknown][] = [
      [/^averageTeachers: teachers must be an array/, () => averageTeachers(tf.zeros([2, 2]) as never)],
      [/^averageTeachers: expected one teacher or more; got none/, () => averageTeachers([])],
      [
        /teachers\[0\] and teachers\[1\] must have the same shape; got \[1,2\] and \[1,3\]/,
        () => averageTeachers([row, [[1, 2, 3]]]),
      ],
      [
        /weights must sum to 1; got \[1,1\], which sum to 2/,
        () => averageTeachers([row, row], { weights: [1, 1] }),
      ],
      [/weights must be 0 or more each/, () => averageTeachers([row, row], { weights: [2, -1] })],
      [/weights must be 0 or more each/, () => averageTeachers([row, row], { weights: [NOT_A_NUMBER, 1] })],
      [
        /expected one weight for each of 2 teachers; got 1 weights/,
        () => averageTeachers([row, row], { weights: [1] }),
      ],
      [
        /mean must be one of 'arithmetic', 'geometric'; got 'harmonic'/,
        () => averageTeachers([row], { mean: 'harmonic' as never }),
      ],
      [
        /temperature must be a finite number greater than 0; got 0/,
        () => averageTeachers([row], { temperature: 0 }),
      ],
      [/unknown option 'ensemble'/, () => averageTeachers([row], { ensemble: 'geometric' } as never)],
    ];
    for (const [message, call] of calls) expect(call).toThrow(message);
  });
});
