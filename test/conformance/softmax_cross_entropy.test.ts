/**
 * Every case of tfjs's own tests of tf.losses.softmaxCrossEntropy and of tf.softmax (tfjs-core 4.22,
 * softmax_cross_entropy_test and softmax_test), said anew for softmaxCrossEntropy, whose gradient is
 * softmax(z) - y. Then what theirs leave out, and where the stock op is wrong.
 */
import * as tf from '@tensorflow/tfjs-core';
import { softmaxCrossEntropy } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { TOLERANCE } from '../run_case.ts';

beforeAll(startBackend);

const { NaN: NOT_A_NUMBER, NEGATIVE_INFINITY } = Number;
const { NONE, SUM, MEAN, SUM_BY_NONZERO_WEIGHTS } = tf.Reduction;
const halfPrecision = backend.precision === 'f16';

const SHIFTED = [
  [0, 0, 1],
  [1, 0, 0],
  [0, 1, 0],
];
const MATCHING = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
/** Each row is sure of one class by 20 nats. */
const SURE = [
  [10, -10, -10],
  [-10, 10, -10],
  [-10, -10, 10],
];

async function expectValue(loss: tf.Tensor, shape: number[], truth: number[], scale = 20): Promise<void> {
  expect(loss.shape).toEqual(shape);
  expectClose(await loss.data(), truth, TOLERANCE * scale, 'loss');
  loss.dispose();
}

/** softmax(z) by way of the gradient: of all-zero rows of one-hot labels, row k has label k. */
async function expectSoftmax(logits: number[], truth: number[]): Promise<void> {
  const label = logits.map((_, i) => Number(i === 0));
  const gradient = tf.grad((z: tf.Tensor) => softmaxCrossEntropy([label], z))(tf.tensor2d([logits]));
  expectClose(
    await gradient.data(),
    truth.map((q, i) => q - label[i]),
    TOLERANCE,
    'softmax',
  );
  gradient.dispose();
}

describe("tfjs's tests of tf.losses.softmaxCrossEntropy", () => {
  it('labels that are all wrong', () => expectValue(softmaxCrossEntropy(SHIFTED, SURE), [], [20]));
  it('labels that are all right', () => expectValue(softmaxCrossEntropy(MATCHING, SURE), [], [0]));
  it('a matrix of weights broadcasts against the losses, SUM_BY_NONZERO_WEIGHTS', () =>
    expectValue(softmaxCrossEntropy(SHIFTED, SURE, Array(3).fill([0.1, 0.2, 0.3])), [], [4]));
  it('a weight per row, NONE', () =>
    expectValue(softmaxCrossEntropy(SHIFTED, SURE, [0.1, 0.2, 0.3], undefined, NONE), [3], [2, 4, 6]));
  it('MEAN', () => expectValue(softmaxCrossEntropy(SHIFTED, SURE, undefined, undefined, MEAN), [], [20]));
  it('a weight per row, MEAN', () =>
    expectValue(softmaxCrossEntropy(SHIFTED, SURE, [0.1, 0.2, 0.3], undefined, MEAN), [], [20]));
  it('smoothed labels and weights of shape [1,3], MEAN', () =>
    expectValue(softmaxCrossEntropy(SHIFTED, SURE, [[0.1, 0.2, 0.3]], 0.3, MEAN), [], [18]));
  it('throws where labels and logits differ in shape', () => {
    const call = () => softmaxCrossEntropy(tf.zeros([3, 3]), tf.zeros([2, 3]));
    expect(call).toThrow(
      /softmaxCrossEntropy: onehotLabels and logits must have the same shape; got \[3,3\] and \[2,3\]/,
    );
  });
  it('throws where an argument is no tensor', () => {
    const weights = [[0.1, 0.2, 0.3]];
    const calls: [RegExp, () => unknown][] = [
      [/onehotLabels/, () => softmaxCrossEntropy({} as never, SURE, weights)],
      [/logits/, () => softmaxCrossEntropy(SHIFTED, {} as never, weights)],
      [/weights/, () => softmaxCrossEntropy(SHIFTED, SURE, {} as never)],
    ];
    for (const [name, call] of calls) {
      expect(call).toThrow(TypeError);
      expect(call).toThrow(name);
      expect(call).toThrow(/^softmaxCrossEntropy: .* must be/);
    }
  });
  it('takes arrays', () => expectValue(softmaxCrossEntropy(SHIFTED, SURE), [], [20]));
});

describe("tfjs's tests of softmax, in the gradient", () => {
  it('three logits', () => expectSoftmax([2, 1, 3], [0.24472847, 0.09003057, 0.66524096]));
  it('large equal logits', () => expectSoftmax([100, 100], [0.5, 0.5]));
  it('small equal logits', () => expectSoftmax([-100, -100], [0.5, 0.5]));
  it('an odd number of classes, all but one far below', () =>
    expectSoftmax([-400, -400, 0, -400, -400, -400, -400], [0, 0, 1, 0, 0, 0, 0]));
  it('logits 2,000 apart', () => expectSoftmax([-1000, 1000], [0, 1]));
  it('NaN makes its row NaN', async () => {
    const loss = (z: tf.Tensor) => softmaxCrossEntropy([[1, 0, 0]], z, undefined, 0, NONE);
    const { value, grad } = tf.valueAndGrad(loss)(tf.tensor2d([[2, 1, NOT_A_NUMBER]]));
    expectClose(await value.data(), [NOT_A_NUMBER], 0, 'loss');
    expectClose(await grad.data(), Array(3).fill(NOT_A_NUMBER), 0, 'gradient');
    tf.dispose([value, grad]);
  });
  it('two rows, and the same logits at other ranks', async () => {
    const z = [2, 1, 3, 1, 3, 2];
    const q = [0.24472847, 0.09003057, 0.66524096, 0.09003057, 0.66524096, 0.24472847];
    for (const shape of [
      [2, 3],
      [1, 2, 3],
      [2, 1, 1, 3],
    ]) {
      const y = tf.zeros(shape);
      const gradient = tf.grad((z: tf.Tensor) => softmaxCrossEntropy(tf.add(y, 1 / 3), z, undefined, 0, SUM))(
        tf.tensor(z, shape),
      );
      expect(gradient.shape).toEqual(shape);
      expectClose(
        await gradient.data(),
        q.map((x) => x - 1 / 3),
        TOLERANCE,
        'softmax',
      );
      tf.dispose([y, gradient]);
    }
  });
  it('one row of rank 1', () =>
    expectValue(softmaxCrossEntropy([1, 0, 0], [2, 1, 3], undefined, 0, NONE), [], [1.4076059], 2));
  it('an incoming gradient that differs from row to row', async () => {
    const z = tf.tensor2d([10, 0, -1, 5, 4, 3], [2, 3]);
    const y = [0, 1, 0, 0, 0, 1];
    const loss = (z: tf.Tensor) => softmaxCrossEntropy(tf.tensor2d(y, [2, 3]), z, undefined, 0, NONE);
    const gradient = tf.grad(loss)(z, tf.tensor1d([3, -2]));
    const softmax = (row: number[]) => {
      const sum = row.reduce((total, x) => total + Math.exp(x), 0);
      return row.map((x) => Math.exp(x) / sum);
    };
    const q = [...softmax([10, 0, -1]), ...softmax([5, 4, 3])];
    expectClose(
      await gradient.data(),
      q.map((qi, i) => (i < 3 ? 3 : -2) * (qi - y[i])),
      4 * TOLERANCE,
      'gradient',
    );
    tf.dispose([z, gradient]);
  });
  it('clones on the way change nothing', () => {
    const z = tf.tensor2d([[10, 0, -1]]);
    const gradient = tf.grad((z: tf.Tensor) => softmaxCrossEntropy([[0, 1, 0]], z.clone()).clone())(z);
    expect(gradient.shape).toEqual([1, 3]);
    expect(gradient.dtype).toBe('float32');
    tf.dispose([z, gradient]);
  });
  it('integer labels and logits are cast', () =>
    expectValue(
      softmaxCrossEntropy(tf.tensor2d(SHIFTED, [3, 3], 'int32'), tf.tensor2d(SURE, [3, 3], 'int32')),
      [],
      [20],
    ));
});

describe('the same as the stock op', () => {
  const y = [
    [0.2, 0.5, 0.3],
    [1, 0, 0],
    [0, 0.25, 0.75],
    [0, 0, 1],
  ];
  const z = [
    [0.3, 0.2, -1],
    [2, 0, 1],
    [-1, 1, 1],
    [0, 0, 2],
  ];
  const weightings: Record<string, tf.TensorLike | undefined> = {
    none: undefined,
    'a number': 0.5,
    'one for all': [2],
    'one per row': [1, 0, 2, 0.25],
    'a column': [[1], [0.5]],
    'a row': [[1, 0, 2, 0.25]],
    'a matrix': [
      [1, 0, 2, 0.25],
      [0, 0, 1, 1],
    ],
  };
  for (const [name, weights] of Object.entries(weightings)) {
    for (const reduction of [NONE, SUM, MEAN, SUM_BY_NONZERO_WEIGHTS]) {
      for (const smoothing of [0, 0.2]) {
        it(`weights: ${name}, ${tf.Reduction[reduction]}, labelSmoothing ${smoothing}`, async () => {
          const run = (op: typeof softmaxCrossEntropy) => {
            const w = weights === undefined ? undefined : tf.tensor(weights);
            return tf.valueAndGrad((z) => op(tf.tensor2d(y), z, w, smoothing, reduction))(tf.tensor2d(z));
          };
          const stock = run(tf.losses.softmaxCrossEntropy as typeof softmaxCrossEntropy);
          const ours = run(softmaxCrossEntropy);
          expect(ours.value.shape).toEqual(stock.value.shape);
          const close = halfPrecision ? 4e-2 : 2e-5;
          expectClose(await ours.value.data(), await stock.value.data(), close, 'loss');
          expectClose(await ours.grad.data(), await stock.grad.data(), close, 'gradient');
          tf.dispose([stock.value, stock.grad, ours.value, ours.grad]);
        });
      }
    }
  }
});

describe('where the stock op is wrong', () => {
  it("the labels' gradient is -log softmax(z), smoothed and weighted like the loss", async () => {
    const z = tf.tensor2d([[0.3, 0.2, -1]]);
    const y = tf.tensor2d([[0.2, 0.5, 0.3]]);
    const f = (y: tf.Tensor) => softmaxCrossEntropy(y, z, tf.scalar(3), 0.25, SUM);
    const gradient = tf.grad(f)(y);
    const total = Math.log(Math.exp(0.3) + Math.exp(0.2) + Math.exp(-1));
    expectClose(
      await gradient.data(),
      [0.3, 0.2, -1].map((zi) => 3 * 0.75 * (total - zi)),
      8 * TOLERANCE,
      'gradient',
    );
    tf.dispose([z, y, gradient]);
  });
  it('labels of mass Y have the gradient Y softmax(z) - y', async () => {
    const y = [0, 0.25, 0.5];
    const gradient = tf.grad((z: tf.Tensor) => softmaxCrossEntropy([y], z))(tf.tensor2d([[2, 1, 3]]));
    const q = [0.24472847, 0.09003057, 0.66524096];
    expectClose(
      await gradient.data(),
      q.map((qi, i) => 0.75 * qi - y[i]),
      TOLERANCE,
      'gradient',
    );
    gradient.dispose();
  });
  it("the weights' gradient is the loss of the row, for weights that broadcast too", async () => {
    for (const shape of [[3], [1, 3]]) {
      const w = tf.tensor([0.1, 0.2, 0.3], shape);
      const gradient = tf.grad((w: tf.Tensor) => softmaxCrossEntropy(SHIFTED, SURE, w, 0, SUM))(w);
      expect(gradient.shape).toEqual(shape);
      expectClose(await gradient.data(), [20, 20, 20], 20 * TOLERANCE, 'gradient');
      tf.dispose([w, gradient]);
    }
  });
  if (!halfPrecision) {
    it('second-order gradients are those of log-sum-exp', async () => {
      const z = tf.tensor2d([[0.3, 0.2, -1]]);
      const u = [1, -2, 0.5];
      const slope = (z: tf.Tensor) =>
        tf.sum(tf.mul(tf.grad((z: tf.Tensor) => softmaxCrossEntropy([[0, 1, 0]], z))(z), tf.tensor2d([u])));
      const hessian = tf.grad(slope)(z);
      const e = [0.3, 0.2, -1].map(Math.exp);
      const q = e.map((x) => x / (e[0] + e[1] + e[2]));
      const mean = q.reduce((sum, qi, i) => sum + qi * u[i], 0);
      expectClose(
        await hessian.data(),
        q.map((qi, i) => qi * (u[i] - mean)),
        1e-5,
        'Hessian times u',
      );
      tf.dispose([z, hessian]);
    });
    it('a masked class without label is no NaN', async () => {
      const f = (z: tf.Tensor) => softmaxCrossEntropy([[1, 0, 0]], z);
      const { value, grad } = tf.valueAndGrad(f)(tf.tensor2d([[0, 0, NEGATIVE_INFINITY]]));
      expectClose(await value.data(), [Math.LN2], 1e-5, 'loss');
      expectClose(await grad.data(), [-0.5, 0.5, 0], 1e-5, 'gradient');
      tf.dispose([value, grad]);
    });
    it('a row of weight 0 counts for nothing even if it holds NaN', async () => {
      for (const weights of [[0, 1], [[0, 1]]]) {
        const f = (z: tf.Tensor) =>
          softmaxCrossEntropy(
            [
              [1, 0],
              [1, 0],
            ],
            z,
            weights,
          );
        const { value, grad } = tf.valueAndGrad(f)(
          tf.tensor2d([
            [NOT_A_NUMBER, 0],
            [1, 1],
          ]),
        );
        expectClose(await value.data(), [Math.LN2], 1e-5, 'loss');
        expectClose(await grad.data(), [0, 0, -0.5, 0.5], 1e-5, 'gradient');
        tf.dispose([value, grad]);
      }
    });
  }
  it('an empty batch, and weights that are all 0, give 0', async () => {
    for (const loss of [
      softmaxCrossEntropy(tf.zeros([0, 3]), tf.zeros([0, 3])),
      softmaxCrossEntropy(SHIFTED, SURE, 0),
      softmaxCrossEntropy(SHIFTED, SURE, [0, 0, 0]),
      softmaxCrossEntropy(SHIFTED, SURE, [[0, 0, 0]]),
    ]) {
      await expectValue(loss, [], [0], 0);
    }
  });
  it('smoothing divides by the number of classes at any rank', async () => {
    const y = tf.tensor3d([[[1, 0, 0]]]);
    await expectValue(softmaxCrossEntropy(y, tf.zeros([1, 1, 3]), undefined, 0.3), [], [Math.log(3)], 2);
    y.dispose();
  });
});
