import * as tf from '@tensorflow/tfjs';
import { distillationLoss } from '../../src/index.ts';
import { layersLoss, withSampleWeights } from '../../src/layers/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { CLASSES, data, errorOf, FEATURES, mlp, weightsOf } from './models.ts';

beforeAll(startBackend);

const ROWS = 24;
const RATE = 0.1;

/** Outputs `flat`, [batch, CLASSES], and `sequence`, [batch, 3, CLASSES]. */
function modelOfTwoOutputs(): tf.LayersModel {
  const input = tf.input({ shape: [FEATURES] });
  const flat = tf.layers.dense({ units: CLASSES, name: 'flat' }).apply(input) as tf.SymbolicTensor;
  const wide = tf.layers.dense({ units: 3 * CLASSES }).apply(input);
  const sequence = tf.layers
    .reshape({ targetShape: [3, CLASSES], name: 'sequence' })
    .apply(wide) as tf.SymbolicTensor;
  return tf.model({ inputs: input, outputs: [flat, sequence] });
}

describe('layersLoss in model.compile', () => {
  it('a step of fit moves the weights as a step written by hand does', async () => {
    const { x } = data(ROWS, 1);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const [fitted, byHand] = [mlp(4, 3), mlp(4, 3)];
    fitted.compile({ optimizer: tf.train.sgd(RATE), loss: layersLoss({ temperature: 3 }) });
    const { history } = await fitted.fit(x, teacherLogits, { batchSize: ROWS, epochs: 1, verbose: 0 });
    const loss = tf.train
      .sgd(RATE)
      .minimize(
        () => distillationLoss(teacherLogits, byHand.apply(x) as tf.Tensor, { temperature: 3 }) as tf.Scalar,
        true,
      );
    expectClose([Number(history.loss[0])], (await loss?.data()) ?? [], 1e-4, 'loss');
    expectClose(await weightsOf(fitted), await weightsOf(byHand), 2e-6, 'weights');
  });

  it('fit makes the student agree with its teacher', async () => {
    const { x } = data(96, 2);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const student = mlp(12, 4);
    student.compile({
      optimizer: tf.train.adam(0.03),
      loss: layersLoss({ temperature: 2, divergence: 'kl' }),
    });
    const { history } = await student.fit(x, teacherLogits, { epochs: 30, batchSize: 32, verbose: 0 });
    expect(Number(history.loss[29])).toBeLessThan(0.2 * Number(history.loss[0]));
  });

  it('each output of a model has a loss of its own, by position or by name, sequences too', async () => {
    const model = modelOfTwoOutputs();
    const { x } = data(ROWS, 3);
    const targets = [tf.randomNormal([ROWS, CLASSES]), tf.randomNormal([ROWS, 3, CLASSES])];
    const losses = [layersLoss({ temperature: 2 }), layersLoss({ divergence: 'kl' })];
    const logits = model.predict(x) as tf.Tensor[];
    const truth = await Promise.all([
      distillationLoss(targets[0], logits[0], { temperature: 2 }).data(),
      distillationLoss(targets[1], logits[1], { divergence: 'kl' }).data(),
    ]);
    for (const loss of [losses, { flat: losses[0], sequence: losses[1] }]) {
      model.compile({ optimizer: tf.train.sgd(0), loss });
      const { history } = await model.fit(x, targets, { batchSize: ROWS, verbose: 0 });
      expectClose([Number(history.flat_loss[0])], truth[0], 1e-5, 'flat');
      expectClose([Number(history.sequence_loss[0])], truth[1], 1e-5, 'sequence');
      expectClose([Number(history.loss[0])], [truth[0][0] + truth[1][0]], 2e-5, 'total');
    }
  });

  it('a model that was saved and loaded again trains on as if it had not been', async () => {
    const { x } = data(ROWS, 4);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const compile = (model: tf.LayersModel) =>
      model.compile({ optimizer: tf.train.sgd(RATE), loss: layersLoss({ temperature: 4 }) });
    const step = (model: tf.LayersModel) =>
      model.fit(x, teacherLogits, { batchSize: ROWS, shuffle: false, verbose: 0 });
    const student = mlp(4, 5);
    compile(student);
    await step(student);
    const artifacts: tf.io.ModelArtifacts[] = [];
    await student.save(
      tf.io.withSaveHandler(async (saved) => {
        artifacts.push(saved);
        return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(saved) };
      }),
      { includeOptimizer: false },
    );
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(artifacts[0]));
    compile(loaded);
    await Promise.all([step(student), step(loaded)]);
    expectClose(await weightsOf(loaded), await weightsOf(student), 0, 'weights');
  });

  it("classWeight weighs a sample by its teacher's most likely class", async () => {
    const { x } = data(ROWS, 5);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const student = mlp(4, 6);
    const classWeight = { 0: 0, 1: 2, 2: 0.5, 3: 1, 4: 3 };
    const weights = [...(await tf.argMax(teacherLogits, 1).data())].map(
      (id) => classWeight[id as keyof typeof classWeight],
    );
    const rows = await distillationLoss(teacherLogits, student.predict(x) as tf.Tensor, {
      temperature: 2,
      reduction: tf.Reduction.NONE,
    }).data();
    student.compile({ optimizer: tf.train.sgd(RATE), loss: layersLoss({ temperature: 2 }) });
    const { history } = await student.fit(x, teacherLogits, { batchSize: ROWS, classWeight, verbose: 0 });
    const truth = weights.reduce((sum, weight, row) => sum + weight * rows[row], 0) / ROWS;
    expectClose([Number(history.loss[0])], [truth], 1e-5, 'loss');
  });

  it('sampleWeight of model.fit is not to be had: tfjs-layers throws, so the documentation points to withSampleWeights', async () => {
    const { x } = data(ROWS, 6);
    const student = mlp(4, 6);
    student.compile({ optimizer: tf.train.sgd(RATE), loss: layersLoss() });
    const args = { sampleWeight: tf.ones([ROWS]), verbose: 0 } as const;
    expect(await errorOf(() => student.fit(x, tf.zeros([ROWS, CLASSES]), args))).toContain(
      'sample weight is not supported',
    );
  });

  it('options of the hard term and of the batch are refused, and ranges checked at once', async () => {
    const wrong = (options: object) => errorOf(() => layersLoss(options));
    expect(await wrong({ labels: [1] })).toContain('use Distiller');
    expect(await wrong({ alpha: 0.1 })).toContain('use Distiller');
    expect(await wrong({ weights: 2 })).toContain('Distiller.fit');
    expect(await wrong({ reduction: tf.Reduction.SUM })).toContain('mean over the batch');
    expect(await wrong({ weights: 2 })).toContain('withSampleWeights');
    expect(await wrong({ sampleWeights: 1 })).toContain('true or false');
    expect(await wrong({ sampleWeights: true, targets: 'probabilities' })).toContain('needs logits');
    expect(await wrong({ temperature: 0 })).toContain('0');
    expect(await wrong({ temprature: 2 })).toContain("'temprature'");
    expect(await wrong({ temperature: [2] })).toContain('one number, for the rows of every batch');
    expect(() => layersLoss({ temperature: tf.scalar(2) })).not.toThrow();
  });
});

describe('layersLoss({sampleWeights: true}) and targets of withSampleWeights', () => {
  const WEIGHTS = Array.from({ length: ROWS }, (_, row) => [1, 0, 2.5, 0.25, -0.5, 40][row % 6]);

  /** The mean over rows [from, ROWS) of weight times loss. */
  async function weightedMean(teacherLogits: tf.Tensor, student: tf.LayersModel, x: tf.Tensor, from = 0) {
    const rows = await distillationLoss(teacherLogits, student.predict(x) as tf.Tensor, {
      temperature: 3,
      reduction: tf.Reduction.NONE,
    }).data();
    const counted = [...rows].map((loss, row) => WEIGHTS[row] * loss).slice(from);
    return counted.reduce((sum, loss) => sum + loss) / counted.length;
  }

  function compiled(student: tf.LayersModel, rate = RATE): tf.LayersModel {
    const loss = layersLoss({ temperature: 3, sampleWeights: true });
    student.compile({ optimizer: tf.train.sgd(rate), loss, metrics: ['accuracy'] });
    return student;
  }

  it('a step of fit is a step on the weighted mean of the losses, as written by hand', async () => {
    const { x } = data(ROWS, 11);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const [fitted, byHand] = [compiled(mlp(4, 3)), mlp(4, 3)];
    const truth = await weightedMean(teacherLogits, fitted, x);
    const targets = withSampleWeights(teacherLogits, WEIGHTS);
    const { history } = await fitted.fit(x, targets, { batchSize: ROWS, verbose: 0 });
    expectClose([Number(history.loss[0])], [truth], 2e-5, 'loss');
    tf.train.sgd(RATE).minimize(
      () =>
        distillationLoss<tf.Scalar>(teacherLogits, byHand.apply(x) as tf.Tensor, {
          temperature: 3,
          weights: WEIGHTS,
          reduction: tf.Reduction.MEAN,
        }).mul(WEIGHTS.reduce((sum, weight) => sum + weight) / ROWS), // tf.Reduction.MEAN divides by the sum of the weights
    );
    expectClose(await weightsOf(fitted), await weightsOf(byHand), 1e-5, 'weights');
  });

  it('evaluate, validation, datasets and a model that was loaded count alike, and accuracy is that of the logits', async () => {
    const { x } = data(ROWS, 12);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const targets = withSampleWeights(teacherLogits, tf.tensor1d(WEIGHTS));
    const saved = compiled(mlp(4, 5), 0);
    const artifacts: tf.io.ModelArtifacts[] = [];
    await saved.save(
      tf.io.withSaveHandler(async (model) => {
        artifacts.push(model);
        return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(model) };
      }),
    );
    const student = compiled(await tf.loadLayersModel(tf.io.fromMemory(artifacts[0])), 0);
    const truth = [await weightedMean(teacherLogits, student, x)];
    const agreement = tf.mean(
      tf.cast(
        tf.equal(tf.argMax(teacherLogits, 1), tf.argMax(student.predict(x) as tf.Tensor, 1)),
        'float32',
      ),
    );

    const [loss, accuracy] = student.evaluate(x, targets, { batchSize: 8 }) as tf.Scalar[];
    expectClose(await loss.data(), truth, 2e-5, 'evaluate');
    expectClose(await accuracy.data(), await agreement.data(), 1e-6, 'accuracy');
    const args = { batchSize: 8, verbose: 0 } as const;
    const given = await student.fit(x, targets, { ...args, validationData: [x, targets] });
    expectClose([Number(given.history.val_loss[0])], truth, 2e-5, 'validationData');
    const split = await student.fit(x, targets, { ...args, validationSplit: 0.5 });
    const half = await weightedMean(teacherLogits, student, x, ROWS / 2);
    expectClose([Number(split.history.val_loss[0])], [half], 2e-5, 'validationSplit');

    const elements = tf.data.zip({
      xs: tf.data.array(await x.array()),
      ys: tf.data.array((await teacherLogits.array()) as number[][]),
      weight: tf.data.array(WEIGHTS),
    });
    const dataset = elements.batch(8).map((element) => {
      const { xs, ys, weight } = element as unknown as { xs: tf.Tensor; ys: tf.Tensor; weight: tf.Tensor };
      return { xs, ys: withSampleWeights(ys, weight) };
    });
    const fromDataset = await student.fitDataset(dataset, { epochs: 1, verbose: 0, validationData: dataset });
    expectClose([Number(fromDataset.history.loss[0])], truth, 2e-5, 'fitDataset');
    expectClose([Number(fromDataset.history.val_loss[0])], truth, 2e-5, 'a validation dataset');
    const [evaluated] = (await student.evaluateDataset(dataset as never, {})) as tf.Scalar[];
    expectClose(await evaluated.data(), truth, 2e-5, 'evaluateDataset');
  });

  it('each output of a model has weights of its own, a sequence one per sample or one per row', async () => {
    const model = modelOfTwoOutputs();
    const loss = [layersLoss(), layersLoss({ sampleWeights: true })];
    model.compile({ optimizer: tf.train.sgd(0), loss });
    const { x } = data(ROWS, 13);
    const [first, second] = [tf.randomNormal([ROWS, CLASSES]), tf.randomNormal([ROWS, 3, CLASSES])];
    const logits = model.predict(x) as tf.Tensor[];
    const unweighted = await distillationLoss(first, logits[0]).data();
    const rows = await distillationLoss(second, logits[1], { reduction: tf.Reduction.NONE }).data();
    const perRow = Array.from({ length: ROWS }, (_, k) => [k % 2, 1.5, k / ROWS]);
    for (const [weights, weightOf] of [
      [WEIGHTS, (k: number) => WEIGHTS[Math.floor(k / 3)]],
      [perRow, (k: number) => perRow.flat()[k]],
    ] as const) {
      const targets = [first, withSampleWeights(second, weights as number[])];
      const { history } = await model.fit(x, targets, { batchSize: ROWS, verbose: 0 });
      const truth = [...rows].reduce((sum, value, k) => sum + weightOf(k) * value, 0) / rows.length;
      expectClose([Number(history.flat_loss[0])], unweighted, 1e-5, 'flat');
      expectClose([Number(history.sequence_loss[0])], [truth], 2e-5, 'sequence');
    }
  });

  it("classWeight still finds the teacher's most likely class, and multiplies", async () => {
    const { x } = data(ROWS, 14);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const student = compiled(mlp(4, 6));
    const classWeight = { 0: 0, 1: 2, 2: 0.5, 3: 1, 4: 3 };
    const ids = [...(await tf.argMax(teacherLogits, 1).data())] as (keyof typeof classWeight)[];
    const rows = await distillationLoss(teacherLogits, student.predict(x) as tf.Tensor, {
      temperature: 3,
      reduction: tf.Reduction.NONE,
    }).data();
    const targets = withSampleWeights(teacherLogits, WEIGHTS);
    const { history } = await student.fit(x, targets, { batchSize: ROWS, classWeight, verbose: 0 });
    const truth =
      [...rows].reduce((sum, loss, row) => sum + WEIGHTS[row] * classWeight[ids[row]] * loss, 0) / ROWS;
    expectClose([Number(history.loss[0])], [truth], 2e-5, 'loss');
  });

  it('weights and masks come back exactly; a row of weight 0 counts for nothing, whatever it holds', async () => {
    const { NEGATIVE_INFINITY: masked, NaN: nan, POSITIVE_INFINITY: infinite } = Number;
    const logits = [
      [300, -2, 5],
      [1, masked, 0.5],
      [nan, 1, 2],
      [infinite, 0, 1],
      [masked, masked, masked],
      [1, 2, 3],
    ];
    const weights = [0.1, 7, 0, 0, 0, nan];
    const targets = withSampleWeights(logits, weights);
    expect([...(await tf.max(tf.slice(targets, 0, 5), 1).data())]).toEqual(
      [...new Float32Array(weights)].slice(0, 5),
    );
    expect((await targets.data())[4]).toBe(masked);
    const losses = await layersLoss({ sampleWeights: true })(targets, tf.zeros([6, 3])).data();
    expectClose(losses.slice(0, 2), [0.1 * Math.log(3), 7 * Math.log(3)], 1e-5, 'losses');
    expect([...losses.slice(2)]).toEqual([0, 0, 0, nan]);
  });

  it('what does not fit is refused, and says what was expected', async () => {
    const logits = tf.zeros([4, 3, CLASSES]);
    const wrong = (weights: unknown, of: tf.Tensor = logits) =>
      errorOf(() => withSampleWeights(of, weights as number[]));
    expect(await wrong([1, 2, 3])).toContain('of shape [4] or [4,3]; got shape [3]');
    expect(await wrong(1)).toContain('got shape []');
    expect(await wrong(undefined)).toContain('weights must be a tensor');
    expect(await wrong([1], tf.zeros([3]))).toContain('[batch, ..., classes]; got shape [3]');
    expect(await wrong([1, 2, 3], tf.zeros([4, CLASSES]))).toContain('of shape [4]; got shape [3]');
  });
});
