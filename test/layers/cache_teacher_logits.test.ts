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

describe('cacheTeacherLogits of a teacher that answers later', () => {
  const ROWS_AT_ONCE = { batchSize: 4 };
  /** A model, in the words of a runtime that is none of tfjs's. */
  async function numbersOf(x: tf.Tensor | tf.Tensor[]) {
    const { shape } = x as tf.Tensor2D;
    const sum = tf.add(x as tf.Tensor, 0); // made before it first waits, and so its own to dispose
    const copy = tf.tensor2d([...(await sum.data())], shape);
    const logits = mlp(16, 7).predict(copy) as tf.Tensor;
    const data = await logits.data();
    tf.dispose([sum, copy, logits]);
    return { data, dims: logits.shape };
  }
  const truthOf = async (x: tf.Tensor) => (mlp(16, 7).predict(x) as tf.Tensor).data();

  it.each([
    ['a promise of {data, dims}', { predict: numbersOf }],
    [
      'a promise of a map with one output',
      { predict: async (x: tf.Tensor | tf.Tensor[]) => ({ output_0: await numbersOf(x) }) },
    ],
    [
      'a promise of several outputs, logits among them',
      {
        predict: async (x: tf.Tensor | tf.Tensor[]) => ({
          hidden: { data: [1, 2], dims: [2] },
          logits: await numbersOf(x),
        }),
      },
    ],
    [
      'numbers that lie on a GPU',
      {
        predict: async (x: tf.Tensor | tf.Tensor[]) => {
          const { data, dims } = await numbersOf(x);
          return {
            dims,
            getData: async () => data,
            get data(): Float32Array {
              throw new Error('not on the CPU');
            },
          };
        },
      },
    ],
    ['a promise of a tensor', { predict: async (x: tf.Tensor | tf.Tensor[]) => mlp(16, 7).predict(x) }],
    [
      'a promise of one tensor in an array',
      { predict: async (x: tf.Tensor | tf.Tensor[]) => [mlp(16, 7).predict(x) as tf.Tensor] },
    ],
  ])('takes %s', async (_name, teacher) => {
    const { x } = data(ROWS, 1);
    const truth = await truthOf(x);
    const weights = mlp(4, 3).weights.length;
    const before = tf.memory().numTensors;
    const logits = await cacheTeacherLogits(teacher, x, ROWS_AT_ONCE);
    const models = 3; // one for each batch
    expect(tf.memory().numTensors).toBe(before + 1 + models * weights);
    expectClose(await logits.data(), truth, 1e-6, 'logits');
  });

  it('takes {data, dims} at once, and int32 and float64', async () => {
    const { x } = data(ROWS, 1);
    for (const values of [Float64Array.of(1, 2), Int32Array.of(1, 2), [1, 2]]) {
      const predict = (x: tf.Tensor | tf.Tensor[]) => {
        const [rows] = (x as tf.Tensor).shape;
        return { data: Array.from({ length: rows }, () => [...values]).flat(), dims: [rows, 2] };
      };
      const logits = await cacheTeacherLogits({ predict }, x);
      expect([...(await logits.data()).slice(0, 4)]).toEqual([1, 2, 1, 2]);
    }
  });

  it('averages it with others, and finds its logits for the rows of a dataset', async () => {
    const { x } = data(ROWS, 1);
    const later = { predict: numbersOf };
    const both = await cacheTeacherLogits([later, mlp(16, 7)], x, { temperature: 2 });
    const alone = await cacheTeacherLogits(later, x);
    const [a, b] = await Promise.all([both, alone].map((logits) => tf.softmax(tf.div(logits, 2)).data()));
    expectClose(a, b, 1e-6, 'softened');
    const rows = tf.data.array((await x.array()).map((xs) => ({ xs }))).shuffle(ROWS);
    const cached = await cacheTeacherLogits(later, rows.batch(4));
    const distiller = new Distiller({ student: mlp(16, 7), teacher: cached, temperature: 2 });
    distiller.compile({ optimizer: tf.train.sgd(0), metrics: ['klDivergence'] });
    const { history } = await distiller.fitDataset(rows.batch(3), { epochs: 1, verbose: 0 });
    expectClose(history.klDivergence, [0], 1e-6, 'KL');
  });

  it('says what is wrong with an answer, and leaves nothing behind', async () => {
    const { x } = data(ROWS, 1);
    const wrong = async (answer: unknown) => {
      const before = tf.memory().numTensors;
      const message = await errorOf(() => cacheTeacherLogits({ predict: async () => answer }, x));
      expect(tf.memory().numTensors).toBe(before);
      return message;
    };
    expect(await wrong({ data: BigInt64Array.of(1n), dims: [1] })).toContain('got BigInt64Array');
    expect(await wrong({ data: new Uint16Array(20), dims: [ROWS, 2] })).toContain('Half precision');
    expect(await wrong({ data: new Float32Array(20), dims: [ROWS, 3] })).toContain('got 20 for [10,3]');
    expect(await wrong({ data: new Float32Array(6), dims: [2, 3] })).toContain(
      'logits for each row of x; got shape [2,3]',
    );
    expect(await wrong({ a: { data: [1], dims: [1] }, b: { data: [1], dims: [1] } })).toContain(
      '{data, dims}',
    );
    expect(await wrong('logits')).toContain('must return a tensor; got logits');
    const before = tf.memory().numTensors;
    const fails = async () => {
      throw new Error('no session');
    };
    expect(await errorOf(() => cacheTeacherLogits({ predict: fails }, x))).toBe('no session');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is what a Distiller advises that is given such a teacher', async () => {
    const { x } = data(ROWS, 1);
    const message = async (predict: () => unknown) => {
      const distiller = new Distiller({ student: mlp(4, 3), teacher: { predict } as never });
      distiller.compile({ optimizer: 'sgd' });
      return errorOf(() => distiller.fit(x, null, { verbose: 0 }));
    };
    expect(await message(async () => tf.scalar(1))).toContain(
      "Distiller.fit: the teacher's predict returns a promise, and a step of training cannot wait for it; run it once before, as cacheTeacherLogits does",
    );
    const numbers = { data: [1], dims: [1] };
    expect(await message(() => numbers)).toContain('returns {data, dims} and no tensor of tfjs; run it once');
    expect(await message(() => ({ logits: numbers }))).toContain('await cacheTeacherLogits(teacher, x)');
  });
});
