import * as tf from '@tensorflow/tfjs-core';
import { type DistillationOptions, distillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';

beforeAll(startBackend);

const CLOSE = backend.precision === 'f16' ? 3e-2 : 2e-6;
const V = [
  [1, 2, 3],
  [0, -1, 0.5],
  [2, 2, -2],
  [0.1, 0, 0],
];
const Z = [
  [0.3, 0.2, -1],
  [2, 0, 1],
  [-1, 1, 1],
  [0, 0, 2],
];

async function value(options: DistillationOptions): Promise<Float32Array> {
  const loss = distillationLoss(V, Z, { temperature: 2, ...options });
  const values = (await loss.data()) as Float32Array;
  loss.dispose();
  return values;
}

describe('reductions of distillationLoss are those of tf.losses.computeWeightedLoss', () => {
  const weightings: Record<string, number | number[]> = {
    none: [],
    'a number': 0.5,
    'a weight of 0': 0,
    'one per row': [1, 0, 2, 0.25],
  };
  for (const reduction of [
    tf.Reduction.NONE,
    tf.Reduction.SUM,
    tf.Reduction.MEAN,
    tf.Reduction.SUM_BY_NONZERO_WEIGHTS,
  ]) {
    for (const [name, weights] of Object.entries(weightings)) {
      it(`${tf.Reduction[reduction]}, weights: ${name}`, async () => {
        const given = Array.isArray(weights) && weights.length === 0 ? {} : { weights };
        const rows = tf.tensor1d(await value({ reduction: tf.Reduction.NONE }));
        const weightTensor = 'weights' in given ? tf.tensor(weights) : undefined;
        const stock = tf.losses.computeWeightedLoss(rows, weightTensor ?? tf.scalar(1), reduction);
        // Where all weights are 0 the stock mean is 0/0, which is NaN or 1 by backend; ours is 0.
        const truth = weights === 0 ? new Float32Array(stock.size) : await stock.data();
        expectClose(await value({ ...given, reduction }), truth, CLOSE * 4, 'loss');
        const gradient = (f: (z: tf.Tensor) => tf.Tensor) =>
          tf.grad((z: tf.Tensor) => tf.sum(f(z)))(tf.tensor2d(Z));
        const ours = gradient((z) => distillationLoss(V, z, { temperature: 2, ...given, reduction }));
        const perRow = gradient((z) =>
          distillationLoss(V, z, { temperature: 2, reduction: tf.Reduction.NONE }),
        );
        const dRows = tf.grad((rows: tf.Tensor) =>
          tf.sum(tf.losses.computeWeightedLoss(rows, weightTensor ?? tf.scalar(1), reduction)),
        )(rows);
        const share = weights === 0 ? new Float32Array(4) : await dRows.data();
        expectClose(
          await ours.data(),
          (await perRow.data()).map((x, i) => x * share[Math.floor(i / 3)]),
          CLOSE * 2,
          'dStudent',
        );
      });
    }
  }

  it('the default is the mean over rows', async () => {
    expectClose(await value({}), await value({ reduction: tf.Reduction.MEAN }), CLOSE, 'loss');
  });

  it('the default divides weighted rows by how many have a weight', async () => {
    const rows = await value({ reduction: tf.Reduction.NONE });
    expectClose(
      await value({ weights: [1, 0, 3, 5] }),
      [(rows[0] + 3 * rows[2] + 5 * rows[3]) / 3],
      CLOSE * 8,
      'loss',
    );
  });

  it('a tensor of one weight is that weight for every row', async () => {
    for (const reduction of [tf.Reduction.SUM, tf.Reduction.MEAN, tf.Reduction.SUM_BY_NONZERO_WEIGHTS]) {
      const ofTensor = await value({ weights: tf.scalar(0.5), reduction });
      expectClose(ofTensor, await value({ weights: 0.5, reduction }), CLOSE * 8, tf.Reduction[reduction]);
    }
  });

  if (backend.precision === 'f32') {
    it('a weight of NaN makes every reduction NaN', async () => {
      for (const reduction of [tf.Reduction.SUM, tf.Reduction.MEAN, tf.Reduction.SUM_BY_NONZERO_WEIGHTS]) {
        for (const weights of [Number.NaN, [1, 1, Number.NaN, 1]]) {
          expectClose(await value({ weights, reduction }), [Number.NaN], 0, tf.Reduction[reduction]);
        }
      }
    });
  }

  it('ignored rows leave the mean', async () => {
    const rows = await value({ reduction: tf.Reduction.NONE, labels: [0, 1, 2, 0] });
    const kept = await value({ labels: [0, 1, 2, 0], ignoreIndex: 2 });
    expectClose(kept, [(rows[0] + rows[1] + rows[3]) / 3], CLOSE * 4, 'loss');
  });

  it('ignored rows leave the mean of weighted rows', async () => {
    const rows = await value({ reduction: tf.Reduction.NONE, labels: [0, 1, 2, 0] });
    const kept = await value({
      labels: [0, 1, 2, 0],
      ignoreIndex: 0,
      weights: [1, 3, 5, 7],
      reduction: tf.Reduction.MEAN,
    });
    expectClose(kept, [(3 * rows[1] + 5 * rows[2]) / 8], CLOSE * 8, 'loss');
  });

  it('alpha 0.5 is the default with labels, and weighs the soft term by T^2', async () => {
    const hard = await value({ labels: [0, 1, 2, 0], alpha: 1 });
    const soft = await value({ scaleByTemperatureSquared: false });
    expectClose(
      await value({ labels: [0, 1, 2, 0] }),
      [0.5 * hard[0] + 0.5 * 4 * soft[0]],
      CLOSE * 4,
      'loss',
    );
  });

  it('jsd with beta 0 is kl, with beta 1 reverseKl', async () => {
    expectClose(await value({ divergence: 'jsd', beta: 0 }), await value({ divergence: 'kl' }), 0, 'beta 0');
    expectClose(
      await value({ divergence: 'jsd', beta: 1 }),
      await value({ divergence: 'reverseKl' }),
      0,
      'beta 1',
    );
  });
});
