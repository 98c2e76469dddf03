import * as tf from '@tensorflow/tfjs';
import { cacheTeacherLogits, Distiller, type DistillerElement, layersLoss } from '../../src/layers/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { CLASSES, data, errorOf, FEATURES, mlp, weightsOf } from './models.ts';

beforeAll(startBackend);

const ROWS = 12;
const RATE = 0.05;
const WHOLE = { batchSize: ROWS, shuffle: false, verbose: 0 } as const;

function distillerOf(student = mlp(4, 3), optimizer: string | tf.Optimizer = 'adam'): Distiller {
  const distiller = new Distiller({ student, teacher: mlp(16, 7), temperature: 2, alpha: 0.5 });
  distiller.compile({ optimizer });
  return distiller;
}

/** Batches made anew for each iteration; the `failing`th throws. */
function batches(x: tf.Tensor, ys: tf.Tensor, failing = Number.POSITIVE_INFINITY) {
  const iterator = async () => {
    let batch = 0;
    return {
      next: async (): Promise<IteratorResult<DistillerElement>> => {
        const start = 4 * batch++;
        if (batch - 1 === failing) throw new Error('no data');
        if (start >= x.shape[0]) return { done: true, value: undefined };
        return { done: false, value: { xs: tf.slice(x, start, 4), ys: tf.slice(ys, start, 4) } };
      },
    };
  };
  return { iterator };
}

describe('during a fit', () => {
  for (const method of ['compile', 'dispose'] as const) {
    it(`${method} is an error that says so, and the fit can be ended and gone on with`, async () => {
      const { x, labels } = data(ROWS, 1);
      const distiller = distillerOf();
      const run = () =>
        method === 'compile' ? distiller.compile({ optimizer: 'sgd' }) : distiller.dispose();
      const says = `Distiller.${method}: Distiller.fit is under way; set stopTraining to end it, and await it first.`;
      const callbacks = { onBatchEnd: (batch: number) => void (batch === 1 && run()) };
      expect(await errorOf(() => distiller.fit(x, labels, { batchSize: 4, verbose: 0, callbacks }))).toBe(
        says,
      );
      const going = distiller.fit(x, labels, { batchSize: 4, epochs: 3, verbose: 0 });
      expect(await errorOf(run)).toBe(says);
      expect((await going).epoch).toEqual([0, 1, 2]);
      const byDataset = distiller.fitDataset(batches(x, labels), { epochs: 2, verbose: 0 });
      expect(await errorOf(run)).toContain('Distiller.fitDataset is under way');
      await byDataset;
      run();
    });
  }

  it('another is an error, also while the first still prepares its data', async () => {
    const { x, labels } = data(ROWS, 1);
    const distiller = distillerOf();
    const first = distiller.fit(x, labels, WHOLE);
    expect(await errorOf(() => distiller.fit(x, labels, WHOLE))).toContain('another fit is under way');
    await first;
    await distiller.fit(x, labels, WHOLE);
  });

  it('evaluate works, and names itself in errors', async () => {
    const { x, labels } = data(ROWS, 1);
    const distiller = distillerOf();
    const seen: string[] = [];
    await distiller.fit(x, labels, {
      ...WHOLE,
      callbacks: {
        onBatchEnd: async () => {
          tf.dispose(distiller.evaluate(x, labels));
          seen.push(await errorOf(() => distiller.evaluate(x, tf.zeros([ROWS, 3]))));
        },
      },
    });
    expect(seen[0]).toContain('Distiller.evaluate: labels must be');
  });
});

describe('layers that are frozen and thawed without compile', () => {
  /** The same steps by hand: one optimizer for each weight, so that none can have the moments of another. */
  async function byHand(student: tf.LayersModel, teacherLogits: tf.Tensor, x: tf.Tensor, frozen: number[][]) {
    const variables = student.trainableWeights.map((weight) => weight.read() as tf.Variable);
    const optimizers = variables.map(() => tf.train.momentum(RATE, 0.9));
    for (const indices of frozen) {
      const { grads } = tf.variableGrads(
        () =>
          layersLoss({ temperature: 2 })(teacherLogits, student.apply(x) as tf.Tensor).mean() as tf.Scalar,
        variables,
      );
      variables.forEach((variable, k) => {
        if (!indices.includes(k))
          optimizers[k].applyGradients([{ name: variable.name, tensor: grads[variable.name] }]);
      });
    }
    return weightsOf(student);
  }

  it('train on, each weight with its own moments', async () => {
    const { x } = data(ROWS, 2);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const truth = await byHand(mlp(4, 3), teacherLogits, x, [[], [0, 1], [0, 1], [], [2, 3], []]);
    for (const steps of ['fit', 'epochs'] as const) {
      const distiller = new Distiller({ student: mlp(4, 3), teacher: teacherLogits, temperature: 2 });
      distiller.compile({ optimizer: tf.train.momentum(RATE, 0.9) });
      const [hidden, last] = distiller.student.layers;
      const freeze = (step: number) => {
        hidden.trainable = step !== 1 && step !== 2;
        last.trainable = step !== 4;
      };
      const callbacks = { onEpochEnd: (epoch: number) => freeze(epoch + 1) };
      if (steps === 'epochs') await distiller.fit(x, null, { ...WHOLE, epochs: 6, callbacks });
      else {
        for (let step = 0; step < 6; step++) {
          freeze(step);
          await distiller.fit(x, null, WHOLE);
        }
      }
      expectClose(await weightsOf(distiller.student), truth, 1e-6, steps);
    }
  });

  it('may begin frozen, and be compiled again with the same optimizer; all frozen is an error', async () => {
    const { x, labels } = data(ROWS, 3);
    const student = mlp(4, 3);
    const [hidden, last] = student.layers;
    hidden.trainable = false;
    const optimizer = tf.train.adam(RATE);
    const distiller = distillerOf(student, optimizer);
    const kernels = async () =>
      Promise.all([hidden, last].map(async (layer) => [...(await layer.getWeights()[0].data())]));
    const before = await kernels();
    await distiller.fit(x, labels, WHOLE);
    const frozen = await kernels();
    expect(frozen[0]).toEqual(before[0]);
    expect(frozen[1]).not.toEqual(before[1]);
    hidden.trainable = true;
    await distiller.fit(x, labels, WHOLE);
    expect((await kernels())[0]).not.toEqual(before[0]);
    distiller.compile({ optimizer });
    await distiller.fit(x, labels, WHOLE);
    hidden.trainable = false;
    last.trainable = false;
    const start = tf.memory().numTensors;
    expect(await errorOf(() => distiller.fit(x, labels, WHOLE))).toBe(
      'Distiller.fit: the student has no weights to train; all of its layers are frozen.',
    );
    expect(tf.memory().numTensors).toBe(start);
  });
});

describe('the state of the optimizer', () => {
  for (const name of ['adam', 'sgd', 'rmsprop', 'adagrad']) {
    it(`can be saved, and set in another Distiller, which trains on as this one does: ${name}`, async () => {
      const { x, labels } = data(ROWS, 4);
      const distiller = distillerOf(mlp(4, 3), name);
      await distiller.fit(x, labels, { ...WHOLE, epochs: 3 });
      const saved = await Promise.all(
        (await distiller.optimizer.getWeights()).map(async ({ name, tensor }) => ({
          name,
          values: [...(await tensor.data())],
          shape: tensor.shape,
          dtype: tensor.dtype,
        })),
      );
      const student = mlp(4, 3);
      student.setWeights(distiller.student.getWeights());
      await distiller.fit(x, labels, { ...WHOLE, epochs: 3 });
      const again = distillerOf(student, name);
      await again.optimizer.setWeights(
        saved.map(({ name, values, shape, dtype }) => ({ name, tensor: tf.tensor(values, shape, dtype) })),
      );
      await again.fit(x, labels, { ...WHOLE, epochs: 3 });
      expectClose(await weightsOf(student), await weightsOf(distiller.student), 2e-6, 'weights');
    });
  }

  it('is to be had after compile only', async () => {
    const distiller = new Distiller({ student: mlp(4, 3), teacher: mlp(16, 7) });
    expect(await errorOf(() => distiller.optimizer)).toContain('Distiller.optimizer: not compiled yet');
    const optimizer = tf.train.sgd(0.1);
    distiller.compile({ optimizer });
    expect(distiller.optimizer).toBe(optimizer);
  });
});

describe('nothing is left behind', () => {
  it('by a Distiller, however often it is made, compiled and disposed, nor by layersLoss', async () => {
    const [student, teacher] = [mlp(4, 3), mlp(16, 7)];
    const { x, labels } = data(ROWS, 5);
    const before = tf.memory().numTensors;
    for (let time = 0; time < 5; time++) {
      layersLoss({ temperature: 3 });
      const distiller = new Distiller({ student, teacher, temperature: 2 });
      for (const optimizer of ['adam', 'sgd', 'rmsprop']) distiller.compile({ optimizer });
      await distiller.fit(x, labels, { ...WHOLE, validationSplit: 0.5 });
      distiller.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  });

  const { x, labels } = data(ROWS, 6);
  const sampleWeight = tf.ones([ROWS]);
  let runs = 0;
  const model = mlp(16, 7);
  /** Fails in its nth run. */
  const failingTeacher = (n: number) => ({
    predict: (inputs: tf.Tensor | tf.Tensor[]) => {
      if (++runs % n === 0) throw new Error('no logits');
      return model.predict(inputs);
    },
  });
  const failAt = (hook: string) => ({
    [hook]: (index: number) => {
      if (index === 1) throw new Error('no');
    },
  });
  const failingMetric = (_labels: tf.Tensor, logits: tf.Tensor) => {
    if (++runs % 2 === 0) throw new Error('no metric');
    return tf.max(logits, -1);
  };
  const args = { batchSize: 4, epochs: 3, verbose: 0, sampleWeight } as const;
  const epochs = { epochs: 3, verbose: 0 } as const;
  const failures: Record<string, (student: tf.LayersModel) => Promise<unknown>> = {
    'a teacher in fit': (student) => compiled(student, failingTeacher(2)).fit(x, labels, args),
    'a teacher in fitDataset': (student) =>
      compiled(student, failingTeacher(2)).fitDataset(batches(x, labels), epochs),
    'a teacher in evaluateDataset': (student) =>
      compiled(student, failingTeacher(3)).evaluateDataset(batches(x, labels)),
    'a teacher in validation': (student) =>
      compiled(student, failingTeacher(5)).fit(x, labels, { ...args, validationData: [x, labels] }),
    'a teacher in cacheTeacherLogits': () => cacheTeacherLogits(failingTeacher(2), x, { batchSize: 4 }),
    'a teacher in cacheTeacherLogits of a dataset': () =>
      cacheTeacherLogits(failingTeacher(2), batches(x, labels)),
    'a dataset': (student) => compiled(student, model).fitDataset(batches(x, labels, 2), epochs),
    'a dataset in validation': (student) =>
      compiled(student, model).fitDataset(batches(x, labels), {
        ...epochs,
        validationData: batches(x, labels, 2),
      }),
    'a dataset in evaluateDataset': (student) =>
      compiled(student, model).evaluateDataset(batches(x, labels, 1)),
    'the first element of a dataset': (student) =>
      compiled(student, model).fitDataset(batches(x, labels, 0), epochs),
    'a metric': (student) => compiled(student, model, [failingMetric]).fit(x, labels, args),
    'a metric in fitDataset': (student) =>
      compiled(student, model, [failingMetric]).fitDataset(batches(x, labels), epochs),
    'validation data': (student) =>
      compiled(student, model).fitDataset(batches(x, labels), { ...epochs, validationData: [x] }),
    'class weights': (student) =>
      compiled(student, model).fitDataset(batches(x, labels), { ...epochs, classWeight: { 0: 1 } }),
    'arguments of tfjs-layers': (student) =>
      compiled(student, model).fitDataset(batches(x, labels), { ...epochs, batchesPerEpoch: -1 }),
    ...Object.fromEntries(
      ['onBatchBegin', 'onBatchEnd', 'onEpochBegin', 'onEpochEnd'].flatMap((hook) => [
        [
          `a callback of fit, ${hook}`,
          (student: tf.LayersModel) =>
            compiled(student, model).fit(x, labels, {
              ...args,
              validationSplit: 0.25,
              callbacks: failAt(hook),
            }),
        ],
        [
          `a callback of fitDataset, ${hook}`,
          (student: tf.LayersModel) =>
            compiled(student, model).fitDataset(batches(x, labels), {
              ...epochs,
              validationData: batches(x, labels),
              callbacks: failAt(hook),
            }),
        ],
      ]),
    ),
  };
  const optimizer = tf.train.sgd(0.1);
  function compiled(
    student: tf.LayersModel,
    teacher: ReturnType<typeof failingTeacher>,
    metrics: readonly (typeof failingMetric)[] = [],
  ): Distiller {
    const distiller = new Distiller({ student, teacher, temperature: 2 });
    distiller.compile({ optimizer, metrics: ['softLoss', 'accuracy', ...metrics] });
    return distiller;
  }
  for (const [what, fail] of Object.entries(failures)) {
    it(`where there is a fault in the middle: ${what}`, async () => {
      const student = mlp(4, 3);
      runs = 0;
      const before = tf.memory();
      expect((await errorOf(() => fail(student))).length).toBeGreaterThan(1);
      expect(tf.memory().numTensors).toBe(before.numTensors);
      expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
    });
  }

  it('of what an element holds besides', async () => {
    const student = tf.sequential({ layers: [tf.layers.dense({ units: CLASSES, inputShape: [FEATURES] })] });
    const distiller = compiled(student, { predict: (x) => model.predict(x) });
    const [input] = student.inputNames;
    const iterator = async () =>
      [{ xs: { [input]: x.clone(), others: tf.zeros([ROWS]) }, ys: { labels: labels.clone() } }][
        Symbol.iterator
      ]();
    const before = tf.memory().numTensors;
    await distiller.fitDataset({ iterator } as never, { epochs: 2, verbose: 0 });
    tf.dispose(await distiller.evaluateDataset({ iterator } as never));
    expect(tf.memory().numTensors).toBe(before);
  });
});
