import * as tf from '@tensorflow/tfjs';
import { type CacheTeacherLogitsProgress, cacheTeacherLogits, Distiller } from '../../src/layers/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { CLASSES, data, errorOf, mlp } from './models.ts';

beforeAll(startBackend);

const ROWS = 10;

describe('cacheTeacherLogits', () => {
  it('of a tensor gives what predict gives, reports each batch, and leaves only the logits behind', async () => {
    const { x } = data(ROWS, 1);
    const teacher = mlp(16, 7);
    const truth = await (teacher.predict(x) as tf.Tensor).data();
    const before = tf.memory().numTensors;
    const reports: CacheTeacherLogitsProgress[] = [];
    const onProgress = (progress: CacheTeacherLogitsProgress) => reports.push(progress);
    const logits = await cacheTeacherLogits(teacher, x, { batchSize: 4, onProgress });
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(logits.shape).toEqual([ROWS, CLASSES]);
    expectClose(await logits.data(), truth, 1e-6, 'logits');
    expect(reports.map(({ batches, totalBatches, rows }) => [batches, totalBatches, rows])).toEqual([
      [1, 3, 4],
      [2, 3, 8],
      [3, 3, 10],
    ]);
    expect(reports[2].remainingMs).toBe(0);
    expect(reports[0].remainingMs).toBeGreaterThanOrEqual(0);
  });

  it('of a dataset gives a dataset, which trains a Distiller as its model does', async () => {
    const { x } = data(ROWS, 2);
    const dataset = tf.data.generator(function* () {
      for (let row = 0; row < ROWS; row += 5) yield { xs: tf.slice(x, row, 5) };
    });
    const labelled = {
      iterator: async () =>
        [{ xs: tf.slice(x, 0, 5), ys: tf.zeros([5]), others: { of: [tf.zeros([5])] } }][Symbol.iterator](),
    };
    const teacher = mlp(16, 7);
    const before = tf.memory().numTensors;
    const cached = await cacheTeacherLogits(teacher, dataset);
    expect(tf.memory().numTensors).toBe(before);
    expect(cached.size).toBe(2);
    expect((await cacheTeacherLogits(teacher, labelled as never)).size).toBe(1);
    expect(tf.memory().numTensors).toBe(before);
    const histories = [];
    for (const given of [teacher, cached]) {
      const distiller = new Distiller({ student: mlp(4, 3), teacher: given, temperature: 2 });
      distiller.compile({ optimizer: tf.train.sgd(0.1) });
      const { history } = await distiller.fitDataset(dataset, { epochs: 3, verbose: 0 });
      histories.push(history.loss.map(Number));
    }
    expectClose(histories[1], histories[0], 1e-5, 'loss');
  });

  it('refuses a teacher that cannot predict, several outputs, and batch sizes that are none', async () => {
    const { x } = data(ROWS, 4);
    expect(await errorOf(() => cacheTeacherLogits({} as never, x))).toContain('predict');
    expect(await errorOf(() => cacheTeacherLogits(mlp(4, 3), x, { batchSize: 0 }))).toContain('0');
    const two = { predict: (x: tf.Tensor | tf.Tensor[]) => [x as tf.Tensor, x as tf.Tensor] };
    expect(await errorOf(() => cacheTeacherLogits(two, x))).toContain('2 outputs');
    expect(await errorOf(() => cacheTeacherLogits(mlp(4, 3), 'x' as never))).toContain('dataset');
    expect(await errorOf(() => cacheTeacherLogits(mlp(4, 3), [[1, 2]] as never))).toContain('dataset');
  });
});
