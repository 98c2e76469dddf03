import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { computeLoss } from '../../benchmarks/implementations.ts';
import { makeProblem } from '../../benchmarks/problem.ts';

tf.env().set('IS_TEST', true); // or tfjs advertises tfjs-node

const WORKLOAD = { name: 'a workload', source: 'this test', rows: 6, classes: 50 };
const problem = makeProblem(WORKLOAD, 2);
const [{ teacherLogits, studentLogits }] = problem.pairs;
const right = computeLoss('tfjs-distill', 'value+gradient', teacherLogits, studentLogits);
const { loss } = right;
const dStudent = right.dStudent as tf.Tensor2D;

beforeAll(() => tf.setBackend('cpu'));

describe('a result is checked before it is timed:', () => {
  it('a right one passes, with and without the gradient', async () => {
    await problem.check('tfjs-distill', { loss, dStudent });
    await problem.check('tfjs-distill', { loss, dStudent: null });
  });

  it.each([
    ['a loss that is off by 1e-4', () => ({ loss: tf.add(loss, 1e-4), dStudent })],
    ['a loss that is NaN', () => ({ loss: tf.mul(loss, Number.NaN), dStudent })],
    ['a gradient of zeros', () => ({ loss, dStudent: tf.zerosLike(dStudent) })],
    ['a gradient that is a thousandth too large', () => ({ loss, dStudent: tf.mul(dStudent, 1.001) })],
    ['rows in the wrong order', () => ({ loss, dStudent: tf.reverse(dStudent, 0) })],
    ['the gradient of a sum', () => ({ loss, dStudent: tf.mul(dStudent, WORKLOAD.rows) })],
  ])('%s does not', async (_what, wrong) => {
    await expect(problem.check('tfjs-distill', wrong())).rejects.toThrow('tfjs-distill: ');
  });

  it('pairs of inputs are equal, in memory of their own', async () => {
    const [first, second] = problem.pairs;
    expect(first.teacherLogits.dataId).not.toBe(second.teacherLogits.dataId);
    expect(await second.teacherLogits.data()).toEqual(await first.teacherLogits.data());
  });

  it('a large tensor repeats rows, and is checked from the first to the last', async () => {
    const rows = 16_411; // a prime, so that all of its rows are one
    const large = makeProblem({ ...WORKLOAD, rows, classes: 64 }, 1);
    const { teacherLogits, studentLogits } = large.pairs[0];
    const { loss, dStudent } = computeLoss('tfjs-distill', 'value+gradient', teacherLogits, studentLogits);
    await large.check('tfjs-distill', { loss, dStudent });
    const values = (await dStudent?.data<'float32'>())?.slice() ?? new Float32Array();
    values.fill(0, (rows - 1) * 64);
    const wrong = { loss, dStudent: tf.tensor2d(values, [rows, 64]) };
    await expect(large.check('tfjs-distill', wrong)).rejects.toThrow('dStudent');
  });
});
