import * as tf from '@tensorflow/tfjs';
import { distillationLoss } from '../../src/index.ts';
import { layersLoss } from '../../src/layers/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { CLASSES, data, errorOf, FEATURES, mlp, weightsOf } from './models.ts';

beforeAll(startBackend);

const ROWS = 24;
const RATE = 0.1;

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
    const input = tf.input({ shape: [FEATURES] });
    const flat = tf.layers.dense({ units: CLASSES, name: 'flat' }).apply(input) as tf.SymbolicTensor;
    const wide = tf.layers.dense({ units: 3 * CLASSES }).apply(input);
    const sequence = tf.layers
      .reshape({ targetShape: [3, CLASSES], name: 'sequence' })
      .apply(wide) as tf.SymbolicTensor;
    const model = tf.model({ inputs: input, outputs: [flat, sequence] });
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

  it('samples cannot be weighed: model.fit of tfjs-layers throws, so the documentation points to Distiller', async () => {
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
    expect(await wrong({ temperature: 0 })).toContain('0');
    expect(await wrong({ temprature: 2 })).toContain("'temprature'");
  });
});
