import * as tf from '@tensorflow/tfjs';
import { type DistillationOptions, distillationLoss, distillationMetrics } from '../../src/index.ts';
import { Distiller, type DistillerElement } from '../../src/layers/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';
import { CLASSES, data, FEATURES, mlp } from './models.ts';

beforeAll(startBackend);

const ROWS = 23;
const SIZES = [ROWS, 10, 4, 1] as const;
const { MEAN, SUM, SUM_BY_NONZERO_WEIGHTS } = tf.Reduction;

/** Weights of rows that stand in no proportion to the sizes of batches; the last batch of ten counts for nothing. */
const WEIGHTS = Array.from({ length: ROWS }, (_, row) => (row >= 20 || row % 3 === 0 ? 0 : 0.5 + (row % 4)));

/** One number a row. */
function largestLogit(_labels: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  return tf.max(logits, -1);
}

function distillerOf(options: DistillationOptions, teacher: tf.LayersModel = mlp(16, 7)): Distiller {
  const distiller = new Distiller({ student: mlp(4, 3), teacher, ...options } as never);
  const metrics = ['softLoss', 'hardLoss', 'klDivergence', 'agreement', 'accuracy', largestLogit] as const;
  distiller.compile({ optimizer: tf.train.sgd(0), metrics });
  return distiller;
}

/** What all of the data gives as one batch, computed by the functions of the loss and of the metrics. */
async function truthOf(
  distiller: Distiller,
  x: tf.Tensor,
  labels: tf.Tensor,
  options: DistillationOptions,
  weights: number[],
): Promise<number[]> {
  const [v, z] = [distiller.teacher as tf.LayersModel, distiller.student].map(
    (model) => model.predict(x) as tf.Tensor,
  );
  const { temperature = 1 } = options;
  const loss = distillationLoss(v, z, { ...options, labels, weights });
  const counted = weights.map((weight, row) => (labels.dataSync()[row] === options.ignoreIndex ? 0 : weight));
  const valid = tf.maximum(labels, 0);
  const measured = distillationMetrics(v, z, {
    temperature,
    labels: tf.cast(valid, 'int32'),
    weights: counted,
  });
  const largest = await tf.max(z, -1).data();
  const sum = counted.reduce((total, weight) => total + weight, 0);
  const soft = (await measured.crossEntropy.data())[0] * Number(temperature) ** 2;
  const others = [measured.hardLoss, measured.kl, measured.agreement, measured.accuracy];
  return [
    (await loss.data())[0],
    soft,
    ...(await Promise.all(others.map(async (value) => (await value.data())[0]))),
    counted.reduce((total, weight, row) => total + (weight * largest[row]) / sum, 0),
  ];
}

function batchesOf(x: tf.Tensor, ys: tf.Tensor, sampleWeight: tf.Tensor | null, size: number) {
  const iterator = async () => {
    let start = 0;
    return {
      next: async (): Promise<IteratorResult<DistillerElement>> => {
        if (start >= x.shape[0]) return { done: true, value: undefined };
        const [from, rows] = [start, Math.min(size, x.shape[0] - start)];
        start += size;
        const cut = (column: tf.Tensor) => tf.slice(column, from, rows);
        const weights = sampleWeight === null ? {} : { sampleWeight: cut(sampleWeight) };
        return { done: false, value: { xs: cut(x), ys: cut(ys), ...weights } };
      },
    };
  };
  return { iterator };
}

async function read(values: tf.Scalar | tf.Scalar[]): Promise<number[]> {
  return Promise.all([values].flat().map(async (value) => (await value.data())[0]));
}

describe('every figure is what all of the data gives as one batch, whatever the size of the batches', () => {
  const IGNORED = -100;
  const cases: Record<string, { options: DistillationOptions; ignored?: boolean; weighted?: boolean }> = {
    'no weights': { options: { temperature: 2, alpha: 0.3 } },
    'weights of samples': { options: { temperature: 2, alpha: 0.3 }, weighted: true },
    'ignored ids': { options: { alpha: 0.5, ignoreIndex: IGNORED }, ignored: true },
    'ignored ids and weights': {
      options: { alpha: 0.5, ignoreIndex: IGNORED },
      ignored: true,
      weighted: true,
    },
    'Reduction.MEAN': { options: { alpha: 0.3, reduction: MEAN }, weighted: true },
    'Reduction.SUM': { options: { alpha: 0.3, reduction: SUM }, weighted: true },
    'Reduction.SUM without weights': { options: { alpha: 0.3, reduction: SUM } },
    'Reduction.SUM_BY_NONZERO_WEIGHTS': {
      options: { alpha: 0.3, reduction: SUM_BY_NONZERO_WEIGHTS },
      weighted: true,
    },
  };
  for (const [name, { options, ignored = false, weighted = false }] of Object.entries(cases)) {
    it(`in evaluate, evaluateDataset, fit, fitDataset and the validation of both: ${name}`, async () => {
      const { x, labels: all } = data(ROWS, 1);
      // The last rows are ignored, as padding is, and some in between.
      const ids = [...all.dataSync()].map((id, row) =>
        ignored && (row > 16 || row % 5 === 0) ? IGNORED : id,
      );
      const labels = tf.tensor1d(ids, 'int32');
      const distiller = distillerOf(options);
      const weights = weighted ? WEIGHTS : new Array(ROWS).fill(1);
      const truth = await truthOf(distiller, x, labels, options, weights);
      const sampleWeight = weighted ? tf.tensor1d(WEIGHTS) : null;
      const given = sampleWeight === null ? {} : { sampleWeight };
      for (const batchSize of SIZES) {
        const what = `${name}, batches of ${batchSize}`;
        const evaluated = distiller.evaluate(x, labels, { batchSize, ...given });
        expectClose(await read(evaluated), truth, 2e-5, `evaluate, ${what}`);
        const dataset = batchesOf(x, labels, sampleWeight, batchSize);
        const ofDataset = await distiller.evaluateDataset(dataset);
        expectClose(await read(ofDataset), truth, 2e-5, `evaluateDataset, ${what}`);
        const validationData = [x, labels, ...(sampleWeight === null ? [] : [sampleWeight])] as never;
        const fit = await distiller.fit(x, labels, { batchSize, verbose: 0, validationData, ...given });
        const byDataset = await distiller.fitDataset(dataset, {
          epochs: 1,
          verbose: 0,
          validationData: dataset,
        });
        const byTensors = { epochs: 1, verbose: 0, validationData, validationBatchSize: batchSize } as const;
        const validatedByTensors = await distiller.fitDataset(dataset, byTensors);
        const split = { batchSize, verbose: 0, validationSplit: 0.5, shuffle: false, ...given } as const;
        const ofSplit = await distiller.fit(tf.concat([x, x]), tf.concat([labels, labels]), {
          ...split,
          ...(sampleWeight === null ? {} : { sampleWeight: tf.concat([sampleWeight, sampleWeight]) }),
        });
        for (const { history } of [fit, byDataset, validatedByTensors, ofSplit]) {
          for (const prefix of ['', 'val_']) {
            const logged = distiller.metricsNames.map((metric) => Number(history[prefix + metric][0]));
            expectClose(logged, truth, 2e-5, `${prefix}logs, ${what}`);
          }
        }
      }
    });
  }

  it('with class weights, which count in training alone', async () => {
    const { x, labels } = data(ROWS, 2);
    const classWeight = { 0: 0, 1: 2, 2: 0.5, 3: 1, 4: 3 };
    const options = { temperature: 2, alpha: 0.5 };
    const distiller = distillerOf(options);
    const weights = [...labels.dataSync()].map((id) => classWeight[id as keyof typeof classWeight]);
    const truth = await truthOf(distiller, x, labels, options, weights);
    const unweighted = await truthOf(distiller, x, labels, options, new Array(ROWS).fill(1));
    for (const batchSize of SIZES) {
      const validationData = [x, labels] as [tf.Tensor, tf.Tensor];
      const { history } = await distiller.fit(x, labels, {
        batchSize,
        verbose: 0,
        classWeight,
        validationData,
      });
      const logged = (prefix: string) =>
        distiller.metricsNames.map((name) => Number(history[prefix + name][0]));
      expectClose(logged(''), truth, 2e-5, `batches of ${batchSize}`);
      expectClose(logged('val_'), unweighted, 2e-5, `validation, batches of ${batchSize}`);
    }
  });

  it('of sequences whose lengths differ from batch to batch', async () => {
    const layer = (seed: number) =>
      tf.sequential({
        layers: [
          tf.layers.dense({
            units: CLASSES,
            inputShape: [null, FEATURES] as never,
            kernelInitializer: tf.initializers.glorotUniform({ seed }),
          }),
        ],
      });
    const [student, teacher] = [layer(1), layer(2)];
    const random = new Random(5);
    const lengths = [2, 7, 1];
    const x = lengths.map((steps) => tf.tensor3d(random.normals(3 * steps * FEATURES), [3, steps, FEATURES]));
    const distiller = new Distiller({ student, teacher, temperature: 2 });
    distiller.compile({ optimizer: tf.train.sgd(0), metrics: ['klDivergence'] });
    const dataset = { iterator: async () => x.map((xs) => ({ xs: xs.clone() }))[Symbol.iterator]() } as never;
    const flat = (model: tf.LayersModel) =>
      tf.concat(x.map((xs) => tf.reshape(model.predict(xs) as tf.Tensor, [-1, CLASSES])));
    const truth = await distillationLoss(flat(teacher), flat(student), { temperature: 2 }).data();
    const [loss] = (await distiller.evaluateDataset(dataset)) as tf.Scalar[];
    expectClose(await loss.data(), truth, 1e-5, 'evaluateDataset');
    const { history } = await distiller.fitDataset(dataset, { epochs: 1, verbose: 0 });
    expectClose([Number(history.loss[0])], truth, 1e-5, 'fitDataset');
  });

  it('where nothing counts, in a batch or anywhere, and a row that does not holds NaN', async () => {
    const { x, labels } = data(ROWS, 3);
    const distiller = distillerOf({ alpha: 0.5 });
    const teacherLogits = tf.tensor2d(
      (await (mlp(16, 7).predict(x) as tf.Tensor).data()).map((v, i) => (i < 3 * CLASSES ? Number.NaN : v)),
      [ROWS, CLASSES],
    );
    const weights = (from: number) =>
      tf.tensor1d(Array.from({ length: ROWS }, (_, row) => (row < from ? 0 : 1)));
    for (const batchSize of SIZES) {
      const args = { batchSize, teacherLogits };
      const some = await read(distiller.evaluate(x, labels, { ...args, sampleWeight: weights(4) }));
      const whole = await read(
        distiller.evaluate(x, labels, { ...args, batchSize: ROWS, sampleWeight: weights(4) }),
      );
      expectClose(some, whole, 2e-5, `batches of ${batchSize}`);
      expect(some.every(Number.isFinite)).toBe(true);
      const none = await read(distiller.evaluate(x, labels, { ...args, sampleWeight: weights(ROWS) }));
      expect(none).toEqual(new Array(none.length).fill(0));
    }
  });
});

describe('the logs of a batch', () => {
  it('are of that batch alone', async () => {
    const { x, labels } = data(ROWS, 4);
    const distiller = distillerOf({ alpha: 0.5 });
    const sampleWeight = tf.tensor1d(WEIGHTS);
    const losses: number[] = [];
    await distiller.fit(x, labels, {
      batchSize: 10,
      shuffle: false,
      verbose: 0,
      sampleWeight,
      callbacks: { onBatchEnd: (_batch, logs) => void losses.push(Number(logs?.loss)) },
    });
    const alone = [];
    for (const [start, size] of [
      [0, 10],
      [10, 10],
      [20, 3],
    ]) {
      const [part, ids, weights] = [x, labels, sampleWeight].map((column) =>
        tf.slice(column as tf.Tensor, start, size),
      );
      alone.push((await read(distiller.evaluate(part, ids, { sampleWeight: weights, batchSize: 10 })))[0]);
    }
    expectClose(losses, alone, 1e-5, 'losses');
    expect(losses[2]).toBe(0);
  });

  it('and those of an epoch have the regularisers of the student once, whatever the weights and the reduction', async () => {
    const { x, labels } = data(ROWS, 5);
    const regularised = () =>
      tf.sequential({
        layers: [
          tf.layers.dense({
            units: CLASSES,
            inputShape: [FEATURES],
            kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }),
            kernelRegularizer: tf.regularizers.l2({ l2: 0.5 }),
            biasRegularizer: tf.regularizers.l2({ l2: 0.5 }),
          }),
        ],
      });
    for (const reduction of [SUM_BY_NONZERO_WEIGHTS, MEAN, SUM]) {
      const distiller = new Distiller({ student: regularised(), teacher: mlp(16, 7), alpha: 0.5, reduction });
      distiller.compile({ optimizer: tf.train.sgd(0) });
      const kernel = [...(await distiller.student.getWeights()[0].data())];
      const penalty = 0.5 * kernel.reduce((sum, weight) => sum + weight * weight, 0);
      const sampleWeight = tf.tensor1d(WEIGHTS);
      for (const batchSize of SIZES) {
        const [loss] = await read(distiller.evaluate(x, labels, { sampleWeight }));
        const { history } = await distiller.fit(x, labels, { batchSize, verbose: 0, sampleWeight });
        expectClose([Number(history.loss[0])], [loss + penalty], 1e-4, `batches of ${batchSize}`);
      }
    }
  });
});
