import * as tf from '@tensorflow/tfjs';
import {
  cacheTeacherLogits,
  Distiller,
  type DistillerElement,
  type Teacher,
} from '../../src/layers/index.ts';
import { rowHashes } from '../../src/layers/row_hashes.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';
import { CLASSES, errorOf, FEATURES, mlp } from './models.ts';

beforeAll(startBackend);

const ROWS = 22;
const SHUFFLED = { shuffle: true };

/** Examples for tf.data: rows of random features. */
const examples = (() => {
  const random = new Random(3);
  return Array.from({ length: ROWS }, (_, row) => ({
    xs: [...random.normals(FEATURES)],
    ys: row % CLASSES,
    sampleWeight: (row % 4) / 2,
  }));
})();

function dataset(size: number, { shuffle = false, keys = ['xs'] as readonly string[] } = {}) {
  const chosen = examples.map((example) =>
    Object.fromEntries(Object.entries(example).filter(([key]) => keys.includes(key))),
  );
  const data = tf.data.array(chosen as tf.TensorContainer[]);
  return (shuffle ? data.shuffle(ROWS, 'seed', false) : data).batch(size);
}

/** A student with its teacher's weights agrees with it in every row, if each row gets the logits that are its own. */
function copyOf(teacher: Teacher): Distiller {
  const distiller = new Distiller({ student: mlp(16, 7), teacher, temperature: 2 });
  distiller.compile({ optimizer: tf.train.sgd(0), metrics: ['klDivergence', 'agreement'] });
  return distiller;
}

async function expectInStep(distiller: Distiller, data: Parameters<Distiller['fitDataset']>[0], epochs = 2) {
  const { history } = await distiller.fitDataset(data, { epochs, verbose: 0, validationData: data });
  expectClose(history.klDivergence.map(Number), new Array(epochs).fill(0), 1e-6, 'KL');
  expectClose(history.val_klDivergence.map(Number), new Array(epochs).fill(0), 1e-6, 'KL of validation');
  expect(history.agreement.map(Number)).toEqual(new Array(epochs).fill(1));
}

describe('logits that were cached of a dataset', () => {
  it("are those of a dataset's own rows, in whatever order and batches they come", async () => {
    for (const [cachedOf, trainedOn] of [
      [dataset(8, SHUFFLED), dataset(8, SHUFFLED)],
      [dataset(8), dataset(8, SHUFFLED)],
      [dataset(5), dataset(8)],
      [dataset(ROWS), dataset(1)],
    ]) {
      const cached = await cacheTeacherLogits(mlp(16, 7), cachedOf);
      await expectInStep(copyOf(cached), trainedOn);
    }
  });

  it('are found by evaluateDataset and for sequences, several inputs by name and columns that come with them', async () => {
    const inputs = ['left', 'right'].map((name) => tf.input({ shape: [2, FEATURES], name }));
    const logits = tf.layers.dense({
      units: CLASSES,
      kernelInitializer: tf.initializers.glorotUniform({ seed: 1 }),
    });
    const sum = tf.layers.add().apply(inputs);
    const model = tf.model({ inputs, outputs: logits.apply(sum) as tf.SymbolicTensor });
    const rows = Array.from({ length: 9 }, (_, row) => ({
      xs: {
        right: [examples[row].xs, examples[row + 1].xs],
        left: [examples[row + 2].xs, examples[row + 3].xs],
      },
      ys: [row % CLASSES, 1],
      sampleWeight: row % 3,
    }));
    const data = tf.data.array(rows).shuffle(9, 'seed').batch(4);
    const cached = await cacheTeacherLogits(model, data as never);
    const distiller = new Distiller({ student: model, teacher: cached, temperature: 2, alpha: 0.5 });
    distiller.compile({ optimizer: tf.train.sgd(0), metrics: ['klDivergence'] });
    const [, kl] = (await distiller.evaluateDataset(data)) as tf.Scalar[];
    expectClose(await kl.data(), [0], 1e-6, 'KL');
    const { history } = await distiller.fitDataset(data, { epochs: 2, verbose: 0 });
    expectClose(history.klDivergence.map(Number), [0, 0], 1e-6, 'KL');
  });

  it('are an error for data that they never saw, which names the row, and leave nothing behind', async () => {
    const few = tf.data.array(examples.slice(0, 8).map(({ xs }) => ({ xs }))).batch(4);
    const distiller = copyOf(await cacheTeacherLogits(mlp(16, 7), few));
    const before = tf.memory().numTensors;
    const error = await errorOf(() => distiller.fitDataset(dataset(4), { epochs: 1, verbose: 0 }));
    expect(error).toContain(
      'Distiller.fitDataset: row 0 of batch 2 is none of the data that cacheTeacherLogits saw',
    );
    expect(tf.memory().numTensors).toBe(before);
    const augmented = dataset(4).map((element) => ({ xs: tf.add((element as { xs: tf.Tensor }).xs, 1e-3) }));
    expect(await errorOf(() => distiller.evaluateDataset(augmented))).toContain('row 0 of batch 0');
  });

  it('come batch by batch, in the order in which they were computed, for a loop of one’s own', async () => {
    const cached = await cacheTeacherLogits(mlp(16, 7), dataset(8));
    expect(cached.size).toBe(3);
    const x = tf.tensor2d(examples.map(({ xs }) => xs));
    const truth = await (mlp(16, 7).predict(x) as tf.Tensor).data();
    for (let time = 0; time < 2; time++) {
      const iterator = await cached.iterator();
      const values: number[] = [];
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        values.push(...(await next.value.data()));
      }
      expectClose(values, truth, 1e-6, 'logits');
    }
  });
});

describe('elements that hold their logits', () => {
  it('are what cacheTeacherLogits gives back for `elements`, with all that they hold', async () => {
    const keys = ['xs', 'ys', 'sampleWeight'];
    const data = dataset(5, { shuffle: true, keys });
    const elements = await cacheTeacherLogits(mlp(16, 7), data as never, { elements: true });
    expect(elements.size).toBe(5);
    const { value } = (await (await elements.iterator()).next()) as { value: DistillerElement };
    expect(Object.keys(value).sort()).toEqual(['sampleWeight', 'teacherLogits', 'xs', 'ys']);
    tf.dispose(value as never);
    const noTeacher = { predict: () => tf.fill([ROWS, CLASSES], Number.NaN) };
    await expectInStep(copyOf(noTeacher), elements);
  });

  it('are used whatever the teacher is: in training, validation and evaluation', async () => {
    const teacher = mlp(16, 7);
    const logits = teacher.predict(tf.tensor2d(examples.map(({ xs }) => xs))) as tf.Tensor2D;
    const teacherLogits = await logits.array();
    const own = examples.map(({ xs }, row) => ({ xs, teacherLogits: teacherLogits[row] }));
    const data = tf.data.array(own).shuffle(ROWS).batch(4);
    const wrong = tf.zeros([ROWS, CLASSES]);
    for (const given of [mlp(4, 3), wrong, await cacheTeacherLogits(mlp(4, 3), dataset(4))]) {
      const distiller = copyOf(given);
      await expectInStep(distiller, data);
      const [, kl] = (await distiller.evaluateDataset(data)) as tf.Scalar[];
      expectClose(await kl.data(), [0], 1e-6, 'KL');
    }
  });

  it('are all of them, or none: what has no logits where the teacher is none is an error', async () => {
    const distiller = copyOf(tf.zeros([ROWS, CLASSES]));
    const error = await errorOf(() => distiller.fitDataset(dataset(4), { epochs: 1, verbose: 0 }));
    expect(error).toContain('the teacher is a tensor, the logits of some data; give those of this data too');
  });
});

describe('a dataset of logits of one’s own goes in step with the data', () => {
  const logits = (rows: number[]) => ({
    iterator: async () => {
      let batch = 0;
      return {
        next: async (): Promise<IteratorResult<tf.Tensor>> =>
          batch < rows.length
            ? { done: false, value: tf.zeros([rows[batch++], CLASSES]) }
            : { done: true, value: undefined },
      };
    },
  });

  it('and is an error if it is shorter, longer or cut in another way, which leaves nothing behind', async () => {
    for (const [rows, message] of [
      [[11], "the dataset of the teacher's logits ended before batch 1"],
      [[11, 11, 11], "the dataset ended before batch 2 of the teacher's logits"],
      [[11, 4], "the teacher's logits must have as many rows as x; got shape [4,5] and 11 rows"],
    ] as const) {
      const distiller = copyOf(logits([...rows]));
      await errorOf(() => distiller.fitDataset(dataset(11), { epochs: 1, verbose: 0 }));
      const before = tf.memory().numTensors;
      const error = await errorOf(() => distiller.fitDataset(dataset(11), { epochs: 1, verbose: 0 }));
      expect(error).toContain(message);
      expect(tf.memory().numTensors).toBe(before);
    }
  });
});

describe('rowHashes', () => {
  it('differ where any number of a row does, and are the same for rows that are', async () => {
    const rows = [
      [0, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [2, 0, 0],
      [0, 0, 1],
      [0, 0, 2],
      [1, 0, 0],
      [0, 0, 1 + 2 ** -23],
    ];
    const hashes = [...(await rowHashes([tf.tensor2d(rows)]))];
    expect(hashes[1]).toBe(hashes[6]);
    expect(new Set(hashes).size).toBe(rows.length - 1);
    const ids = Array.from({ length: 50000 }, (_, id) => id);
    for (const column of [
      tf.tensor1d(ids, 'int32'),
      tf.tensor1d(ids),
      tf.tensor1d(ids.map((id) => id / 1024)),
    ]) {
      const each = await rowHashes([column]);
      expect(new Set(each).size).toBe(ids.length);
    }
    const [two, swapped] = [
      [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])],
      [tf.tensor1d([3, 4]), tf.tensor1d([1, 2])],
    ];
    expect([...(await rowHashes(two))]).not.toEqual([...(await rowHashes(swapped))]);
  });
});
