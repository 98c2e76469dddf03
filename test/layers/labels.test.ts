import * as tf from '@tensorflow/tfjs';
import { Distiller, type DistillerOptions } from '../../src/layers/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { CLASSES, data, errorOf, FEATURES, mlp, weightsOf } from './models.ts';

beforeAll(startBackend);

const ROWS = 12;
const ONE_EPOCH = { epochs: 1, verbose: 0 } as const;

function distillerOf(options: Partial<DistillerOptions> = {}): Distiller {
  const distiller = new Distiller({ student: mlp(4, 3), teacher: mlp(16, 7), ...options });
  distiller.compile({ optimizer: tf.train.sgd(0.1) });
  return distiller;
}

/** Ids of which one is another. */
async function idsWith(id: number, row = 7): Promise<number[]> {
  return Array.from(await data(ROWS, 1).labels.data(), (own, k) => (k === row ? id : own));
}

describe('class ids that are none', () => {
  const { x } = data(ROWS, 1);
  const wrong: Record<string, { ids: () => Promise<number[]>; says: string }> = {
    255: { ids: () => idsWith(255), says: 'got 255 in row 7 of 12 rows. Say ignoreIndex: 255' },
    '-100': { ids: () => idsWith(-100), says: 'got -100 in row 7 of 12 rows. Say ignoreIndex: -100' },
    'begin at 1': {
      ids: async () => (await idsWith(0, -1)).map((id) => id + 1),
      says: `got ${CLASSES} in row`,
    },
    NaN: { ids: () => idsWith(Number.NaN), says: 'got NaN in row 7 of 12 rows.' },
    'a fraction': { ids: () => idsWith(1.5), says: 'got 1.5 in row 7 of 12 rows.' },
  };
  for (const [name, { ids, says }] of Object.entries(wrong)) {
    it(`are an error that names the id and its row before anything is trained: ${name}`, async () => {
      const distiller = distillerOf();
      const before = await weightsOf(distiller.student);
      const given = await ids();
      const labels = tf.tensor1d(given);
      const batches = tf.data
        .array(given.map((ys, row) => ({ xs: [...x.slice(row, 1).dataSync()], ys })))
        .batch(4);
      const start = tf.memory().numTensors;
      const good = tf.zeros([ROWS]);
      const calls = {
        fit: () => distiller.fit(x, labels, ONE_EPOCH),
        'fit of numbers': () => distiller.fit(x, given, ONE_EPOCH),
        'fit with validationData': () =>
          distiller.fit(x, good, { ...ONE_EPOCH, validationData: [x, labels] }),
        evaluate: () => distiller.evaluate(x, labels),
        evaluateDataset: () => distiller.evaluateDataset(batches),
      };
      for (const [call, run] of Object.entries(calls)) {
        const message = await errorOf(run);
        expect(message).toContain(
          `Distiller.${call.split(' ')[0]}: labels must be class ids from 0 to ${CLASSES - 1}`,
        );
        if (call !== 'evaluateDataset') expect(message).toContain(says);
      }
      expect(await weightsOf(distiller.student)).toEqual(before);
      expect(await errorOf(() => distiller.fitDataset(batches, ONE_EPOCH))).toContain(
        'Distiller.fitDataset: labels',
      );
      tf.dispose(good);
      expect(tf.memory().numTensors).toBe(start);
    });
  }

  it('are told apart from ids that begin at 1', async () => {
    const fromOne = Array.from({ length: ROWS }, (_, row) => 1 + (row % CLASSES));
    const message = await errorOf(() => distillerOf().fit(x, fromOne, ONE_EPOCH));
    expect(message).toContain(`got ${CLASSES} in row 4 of 12 rows. Class ids begin at 0: subtract 1.`);
  });

  it('may stand in rows that are ignored, or that have weight 0', async () => {
    const ignoring = distillerOf({ ignoreIndex: 255 });
    const { history } = await ignoring.fit(x, await idsWith(255), ONE_EPOCH);
    expect(Number.isFinite(history.loss[0])).toBe(true);
    const sampleWeight = Array.from({ length: ROWS }, (_, row) => (row === 7 ? 0 : 1));
    for (const sample of [sampleWeight, tf.tensor1d(sampleWeight)]) {
      const masked = await distillerOf().fit(x, await idsWith(255), { ...ONE_EPOCH, sampleWeight: sample });
      expect(Number.isFinite(masked.history.loss[0])).toBe(true);
      expect(Number.isFinite(masked.history.hardLoss[0])).toBe(true);
    }
    const message = await errorOf(async () => ignoring.fit(x, await idsWith(-1), ONE_EPOCH));
    expect(message).toContain('got -1 in row 7');
  });

  it('are named by their place in a sequence', async () => {
    const inputShape: [number, number] = [3, FEATURES];
    const layers = [tf.layers.dense({ units: CLASSES, inputShape })];
    const student = tf.sequential({ layers });
    const distiller = distillerOf({ student, teacher: tf.zeros([4, 3, CLASSES]) });
    const ids = tf.tensor2d([0, 1, 2, 3, 4, 0, 1, 2, 9, 0, 0, 0], [4, 3], 'int32');
    const message = await errorOf(() => distiller.fit(tf.zeros([4, ...inputShape]), ids, ONE_EPOCH));
    expect(message).toContain('got 9 in row 2, at 2, of 4 rows');
  });
});

describe('labels', () => {
  it('as numbers, typed arrays and tensors are the same', async () => {
    const { x, labels } = data(ROWS, 2);
    const ids = [...(await labels.data())];
    const histories = [];
    const oneHot = ids.map((id) => Array.from({ length: CLASSES }, (_, k) => Number(k === id)));
    for (const y of [
      labels,
      [labels],
      { y: labels },
      ids,
      Int32Array.from(ids),
      Float32Array.from(ids),
      oneHot,
    ]) {
      const before = tf.memory().numTensors;
      const distiller = new Distiller({ student: mlp(4, 3), teacher: tf.zeros([ROWS, CLASSES]) });
      distiller.compile({ optimizer: tf.train.sgd(0.1) });
      const { history } = await distiller.fit(x, y, { ...ONE_EPOCH, batchSize: 5, shuffle: false });
      histories.push([...history.loss, ...history.accuracy].map(Number));
      expect(tf.memory().numTensors - before).toBeLessThan(8); // the student, the optimizer and the logits
    }
    for (const history of histories) expectClose(history, histories[0], 1e-6, 'history');
  });

  it('of validation may have another form than those of training', async () => {
    const { x, labels } = data(ROWS, 3);
    const oneHot = tf.oneHot(labels, CLASSES);
    const results = [];
    for (const [y, ofValidation] of [
      [labels, labels],
      [labels, oneHot],
      [oneHot, labels],
      [tf.cast(oneHot, 'float32'), tf.expandDims(labels, 1)],
    ]) {
      const validationData: [tf.Tensor, tf.Tensor] = [x, ofValidation];
      const { history } = await distillerOf().fit(x, y, { ...ONE_EPOCH, shuffle: false, validationData });
      results.push([history.loss, history.val_loss, history.val_accuracy].map(([value]) => Number(value)));
    }
    for (const result of results) expectClose(result, results[0], 1e-6, 'history');
  });

  const mistakes: Record<string, { y: unknown; says: string }> = {
    'strings in a tensor': { y: tf.tensor1d(new Array(ROWS).fill('1'), 'string'), says: 'got dtype string' },
    strings: { y: new Array(ROWS).fill('1'), says: 'labels must be a tensor or numbers; got string' },
    'a word': { y: 'labels', says: 'labels must be a tensor or numbers; got labels' },
    'the arguments': {
      y: { epochs: 3 },
      says: 'an object with epochs. Arguments are the third: (x, null, {...})',
    },
    'two tensors': { y: [tf.zeros([ROWS]), tf.zeros([ROWS])], says: 'labels must be one tensor; got 2' },
    'too few': { y: [0, 1], says: 'labels must have as many rows as x; got shape [2] and 12 rows' },
    'of another number of classes': {
      y: tf.zeros([ROWS, 3]),
      says: `class ids of shape [${ROWS}] or a distribution of shape [${ROWS},${CLASSES}]; got shape [${ROWS},3]`,
    },
  };
  for (const [name, { y, says }] of Object.entries(mistakes)) {
    it(`that are none are an error, and leave nothing behind: ${name}`, async () => {
      const { x } = data(ROWS, 4);
      const distiller = distillerOf();
      const before = tf.memory().numTensors;
      const good = tf.zeros([ROWS]);
      for (const [call, run] of Object.entries({
        fit: () => distiller.fit(x, y as never, ONE_EPOCH),
        evaluate: () => distiller.evaluate(x, y as never),
        'fit, validation': () => distiller.fit(x, good, { ...ONE_EPOCH, validationData: [x, y as never] }),
      })) {
        const message = await errorOf(run);
        expect(message).toContain(`Distiller.${call.split(',')[0]}: `);
        expect(message).toContain(says);
      }
      tf.dispose(good);
      expect(tf.memory().numTensors).toBe(before);
    });
  }
});
