/** Models with independent labels: `outputs: 'sigmoid'` of a Distiller. */
import * as tf from '@tensorflow/tfjs';
import { multiLabelDistillationLoss } from '../../src/index.ts';
import { Distiller } from '../../src/layers/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';
import { CLASSES, data, errorOf, FEATURES, graphModel, mlp, warningsOf } from './models.ts';

beforeAll(startBackend);

const ROWS = 14;
const T = 2;
const ONE_BATCH = { batchSize: ROWS, shuffle: false, verbose: 0 } as const;

/** Several labels of each row, or none. */
const tags = () => {
  const random = new Random(6);
  const values = Array.from({ length: ROWS * CLASSES }, () => random.integer(2));
  return tf.tensor2d(values, [ROWS, CLASSES]);
};
let x: tf.Tensor2D;
beforeAll(() => {
  ({ x } = data(ROWS, 1));
});
const logitsOf = (model: tf.LayersModel) => model.predict(x) as tf.Tensor2D;

type Options = Omit<ConstructorParameters<typeof Distiller>[0], 'student' | 'teacher'>;

function distillerOf(options: Options = {}, teacher = mlp(16, 7), student = mlp(4, 3)): Distiller {
  const distiller = new Distiller({ student, teacher, outputs: 'sigmoid', temperature: T, ...options });
  distiller.compile({ optimizer: tf.train.sgd(0) });
  return distiller;
}

const sigmoid = (a: number) => 1 / (1 + Math.exp(-a));

describe("a Distiller with outputs: 'sigmoid'", () => {
  it('minimizes multiLabelDistillationLoss, and logs means over labels', async () => {
    const labels = tags();
    const { history } = await distillerOf({ alpha: 0.3 }).fit(x, labels, { ...ONE_BATCH, epochs: 1 });
    const [v, z] = [logitsOf(mlp(16, 7)), logitsOf(mlp(4, 3))];
    const loss = multiLabelDistillationLoss(v, z, { temperature: T, labels, alpha: 0.3 });
    const soft = multiLabelDistillationLoss(v, z, { temperature: T });
    const hard = multiLabelDistillationLoss(v, z, { labels, alpha: 1 });
    expectClose(history.loss, await loss.data(), 1e-5, 'loss');
    expectClose(history.softLoss, await soft.data(), 1e-5, 'softLoss');
    expectClose(history.hardLoss, await hard.data(), 1e-5, 'hardLoss');
    const [teacher, student, ofLabels] = await Promise.all([v, z, labels].map((tensor) => tensor.data()));
    const mean = (f: (k: number) => number) =>
      Array.from(teacher, (_, k) => f(k)).reduce((sum, value) => sum + value, 0) / teacher.length;
    const kl = mean((k) => {
      const [p, q] = [sigmoid(teacher[k] / T), sigmoid(student[k] / T)];
      return p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
    });
    expectClose(history.klDivergence, [kl], 1e-5, 'klDivergence');
    expectClose(
      history.agreement,
      [mean((k) => Number(teacher[k] > 0 === student[k] > 0))],
      1e-6,
      'agreement',
    );
    expectClose(
      history.accuracy,
      [mean((k) => Number(student[k] > 0 === ofLabels[k] > 0.5))],
      1e-6,
      'accuracy',
    );
  });

  it('means do not depend on the batch size, weights and validation included', async () => {
    const sampleWeight = tf.tensor1d(Array.from({ length: ROWS }, (_, n) => n % 3));
    const whole = distillerOf({ alpha: 0.3 });
    const values = async (batchSize: number) => {
      const scalars = whole.evaluate(x, tags(), { batchSize, sampleWeight }) as tf.Scalar[];
      return (await Promise.all(scalars.map((scalar) => scalar.data()))).map(([value]) => value);
    };
    const truth = await values(ROWS);
    for (const batchSize of [1, 4])
      expectClose(await values(batchSize), truth, 1e-5, `batches of ${batchSize}`);
    const metricsOf = async (args: object) => {
      const { loss, ...metrics } = distillerOf({ alpha: 0.3 }).evaluate(x, tags(), { named: true, ...args });
      return (await Promise.all(Object.values(metrics).map((metric) => metric.data()))).map(
        ([value]) => value,
      );
    };
    const twice = { sampleWeight: tf.fill([ROWS], 2) };
    expectClose(await metricsOf(twice), await metricsOf({}), 1e-5, 'weights of 2');
    const validationData: [tf.Tensor, tf.Tensor, tf.Tensor] = [x, tags(), sampleWeight];
    const { history } = await whole.fit(x, tags(), { ...ONE_BATCH, epochs: 1, validationData });
    expectClose([history.val_loss[0], history.val_klDivergence[0]], [truth[0], truth[3]], 1e-5, 'validation');
  });

  it('trains a student to its teacher, whose sigmoids are probabilities', async () => {
    const kernel = Float32Array.from(new Random(9).normals(FEATURES * CLASSES));
    const teacher = await graphModel(kernel, { last: ['Sigmoid'] });
    const student = tf.sequential({ layers: [tf.layers.dense({ units: CLASSES, inputShape: [FEATURES] })] });
    const warnings = await warningsOf(async () => {
      const options = {
        student,
        teacher,
        outputs: 'sigmoid',
        targets: 'probabilities',
        temperature: T,
      } as const;
      const distiller = new Distiller(options);
      distiller.compile({ optimizer: tf.train.adam(0.2) });
      const { history } = await distiller.fit(data(256, 3).x, null, {
        epochs: 40,
        batchSize: 64,
        verbose: 0,
      });
      expect(history.klDivergence.at(-1)).toBeLessThan(1e-3);
      expect(history.agreement.at(-1)).toBeGreaterThan(0.97);
    });
    expect(warnings).toBe('');
  });

  it('takes one label, with or without an axis of its own, and classWeight in training', async () => {
    const one = (labels: tf.Tensor) =>
      distillerOf({ alpha: 1 }, mlp(16, 7, { classes: 1 }), mlp(4, 3, { classes: 1 })).fit(
        x,
        labels,
        ONE_BATCH,
      );
    const yes = tf.tensor1d(Array.from({ length: ROWS }, (_, n) => n % 2));
    const [a, b] = [await one(yes), await one(tf.reshape(yes, [ROWS, 1]))];
    expectClose(a.history.loss, b.history.loss, 0, 'loss');
    const classWeight = { 0: 2, 1: 0, 2: 1, 3: 1, 4: 5 };
    const labels = tags();
    const { history } = await distillerOf({ alpha: 0.4 }).fit(x, labels, {
      ...ONE_BATCH,
      classWeight,
      validationData: [x, labels],
    });
    const options = { temperature: T, labels, alpha: 0.4 };
    const [v, z] = [logitsOf(mlp(16, 7)), logitsOf(mlp(4, 3))];
    const classWeights = Object.values(classWeight);
    const weighted = multiLabelDistillationLoss(v, z, { ...options, classWeights });
    expectClose(history.loss, await weighted.data(), 1e-5, 'loss');
    expectClose(history.val_loss, await multiLabelDistillationLoss(v, z, options).data(), 1e-5, 'val_loss');
  });

  it('is part of the config, and leaves no tensor behind', async () => {
    const distiller = distillerOf();
    expect(distiller.getConfig()).toEqual({ outputs: 'sigmoid', temperature: T });
    const rows = x;
    const labels = tags();
    const train = () => distiller.fit(rows, labels, ONE_BATCH);
    await train();
    const before = tf.memory().numTensors;
    await train();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is what the warnings of other Distillers lead to, and says what its own models lack', async () => {
    const sigmoids = mlp(16, 7, { last: { activation: 'sigmoid' } });
    const warn = (options: object) =>
      warningsOf(() => new Distiller({ student: mlp(4, 3), teacher: mlp(16, 7), ...options }));
    expect(await warn({ teacher: sigmoids })).toContain("say outputs: 'sigmoid'");
    expect(await warn({ student: sigmoids })).toContain("say outputs: 'sigmoid'");
    expect(await warn({ teacher: sigmoids, outputs: 'sigmoid' })).toContain(
      "Say new Distiller({student, teacher, outputs: 'sigmoid', targets: 'probabilities'}).",
    );
    expect(await warn({ teacher: sigmoids, outputs: 'sigmoid', targets: 'probabilities' })).toBe('');
    expect(await warn({ student: sigmoids, outputs: 'sigmoid' })).toContain('the loss contains the sigmoid.');
    const softmax = mlp(16, 7, { last: { activation: 'softmax' } });
    expect(await warn({ teacher: softmax, outputs: 'sigmoid' })).toContain('Its classes exclude one another');
  });

  it.each([
    [{ divergence: 'kl' }, "divergence is no option where outputs are 'sigmoid'"],
    [{ labelSmoothing: 0.1 }, 'labelSmoothing is no option'],
    [{ ignoreIndex: 0 }, 'ignoreIndex is no option'],
    [{ outputs: 'sigmoids' }, "outputs must be one of 'softmax', 'sigmoid'; got 'sigmoids'"],
    [{ temperature: 0 }, 'Distiller: temperature must be'],
  ])('refuses %j', async (options, message) => {
    expect(await errorOf(() => distillerOf(options as never))).toContain(message);
  });

  it('refuses several teachers', async () => {
    const teacher = [mlp(16, 7), mlp(4, 2)];
    expect(await errorOf(() => distillerOf({ teacher } as never))).toContain(
      'several teachers are averaged as softmaxes are',
    );
  });

  it('refuses class ids', async () => {
    const ids = tf.zeros([ROWS], 'int32');
    expect(await errorOf(() => distillerOf().fit(x, ids, ONE_BATCH))).toContain(
      'labels must be one number for each label of each row, of shape [14,5]; got shape [14]',
    );
  });
});
