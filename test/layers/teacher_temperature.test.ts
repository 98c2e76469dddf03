/** A teacher that ends in a softmax, and one with a temperature of its own, in Distiller and layersLoss. */
import * as tf from '@tensorflow/tfjs';
import { distillationLoss, distillationMetrics } from '../../src/index.ts';
import { cacheTeacherLogits, Distiller, layersLoss } from '../../src/layers/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';
import { CLASSES, data, errorOf, FEATURES, graphModel, mlp, warningsOf, weightsOf } from './models.ts';

beforeAll(startBackend);

const ROWS = 24;
const ONE_BATCH = { batchSize: ROWS, shuffle: false, verbose: 0 } as const;

/** The same function, as logits and as the softmax of them. */
const teachers = () => ({
  logits: mlp(16, 7),
  probabilities: mlp(16, 7, { last: { activation: 'softmax' } }),
});

type Options = Omit<ConstructorParameters<typeof Distiller>[0], 'student'>;

async function trained(options: Options, fit: 'fit' | 'evaluate' = 'fit') {
  const { x, labels } = data(ROWS, 1);
  const student = mlp(4, 3);
  const distiller = new Distiller({ student, ...options });
  distiller.compile({ optimizer: tf.train.sgd(0.1) });
  if (fit === 'evaluate') {
    const scalars = [distiller.evaluate(x, labels)].flat();
    return (await Promise.all(scalars.map((scalar) => scalar.data()))).map(([value]) => value);
  }
  const { history } = await distiller.fit(x, labels, { ...ONE_BATCH, epochs: 3 });
  const logs = Object.values(history).flat() as number[];
  return [...logs, ...(await weightsOf(student))];
}

describe('a teacher that ends in a softmax', () => {
  for (const given of [{ temperature: 4 }, { temperature: 4, teacherTemperature: 2.5, alpha: 0.3 }]) {
    const name = JSON.stringify(given);
    it(`teaches what its logits do, targets: 'probabilities' alone said, with ${name}`, async () => {
      const { logits, probabilities } = teachers();
      const truth = await trained({ teacher: logits, ...given });
      const values = await trained({ teacher: probabilities, targets: 'probabilities', ...given });
      expectClose(values, truth, 2e-4, 'logs and weights');
      const evaluated = await trained(
        { teacher: probabilities, targets: 'probabilities', ...given },
        'evaluate',
      );
      expectClose(evaluated, await trained({ teacher: logits, ...given }, 'evaluate'), 2e-4, 'evaluate');
    });
  }

  it('does so from a cache', async () => {
    const { logits, probabilities } = teachers();
    const { x } = data(ROWS, 1);
    const cached = await cacheTeacherLogits(probabilities, x);
    const truth = await trained({ teacher: logits, temperature: 3 });
    const values = await trained({ teacher: cached, targets: 'probabilities', temperature: 3 });
    expectClose(values, truth, 2e-4, 'logs and weights');
    cached.dispose();
  });

  it('and a student that is its equal is left as it is', async () => {
    const { x } = data(ROWS, 1);
    const student = mlp(16, 7);
    const before = await weightsOf(student);
    const { probabilities } = teachers();
    const distiller = new Distiller({
      student,
      teacher: probabilities,
      targets: 'probabilities',
      temperature: 4,
    });
    distiller.compile({ optimizer: tf.train.sgd(1), metrics: [] });
    await distiller.fit(x, null, { ...ONE_BATCH, epochs: 5 });
    expectClose(await weightsOf(student), before, 1e-4, 'weights');
  });
});

describe('a graph model that ends in a softmax', () => {
  const T = 4;
  const topOf = async (probabilities: tf.Tensor) => (await tf.mean(tf.max(probabilities, -1)).data())[0];

  it('is as sure at T = 4, and at T = 1, as the student that learned from it as the guide says', async () => {
    const kernel = Float32Array.from(new Random(11).normals(FEATURES * CLASSES));
    const teacher = await graphModel(kernel, { last: ['Softmax', 'Identity'] });
    const { x } = data(256, 12);
    const probabilities = teacher.predict(x) as tf.Tensor;
    const softened = tf.softmax(tf.div(tf.log(probabilities), T));
    const [asGiven, asSoftened] = [await topOf(probabilities), await topOf(softened)];
    expect(asGiven).toBeGreaterThan(asSoftened + 0.2); // so that a student that learns the one is far from the other
    const ways: Options[] = [
      { teacher, targets: 'probabilities', temperature: T },
      { teacher: { predict: (x) => teacher.execute(x as tf.Tensor, 'logits') }, temperature: T },
    ];
    for (const options of ways) {
      const student = tf.sequential({
        layers: [tf.layers.dense({ units: CLASSES, inputShape: [FEATURES] })],
      });
      const warnings = await warningsOf(async () => {
        const distiller = new Distiller({ student, ...options });
        distiller.compile({ optimizer: tf.train.adam(0.2), metrics: [] });
        await distiller.fit(x, null, { epochs: 40, batchSize: 64, verbose: 0 });
      });
      expect(warnings).toBe('');
      const logits = student.predict(x) as tf.Tensor;
      const sure = [await topOf(tf.softmax(logits)), await topOf(tf.softmax(tf.div(logits, T)))];
      expectClose(sure, [asGiven, asSoftened], 0.02, 'mean largest probability');
    }
  });
});

describe('a temperature of the teacher', () => {
  it('is part of the config', () => {
    const { logits } = teachers();
    const options = { temperature: 4, teacherTemperature: 2 };
    const config = new Distiller({ student: mlp(4, 3), teacher: logits, ...options }).getConfig();
    expect(JSON.parse(JSON.stringify(config))).toEqual(options);
    const again = Distiller.fromConfig(config, { student: mlp(4, 3), teacher: logits });
    expect(again.getConfig()).toEqual(config);
  });

  it('is that of the measures too', async () => {
    const { logits } = teachers();
    const { x } = data(ROWS, 1);
    const student = mlp(4, 3);
    const distiller = new Distiller({ student, teacher: logits, temperature: 4, teacherTemperature: 2 });
    distiller.compile({ optimizer: tf.train.sgd(0) });
    const { history } = await distiller.fit(x, null, ONE_BATCH);
    const [v, z] = [logits.predict(x) as tf.Tensor, student.predict(x) as tf.Tensor];
    const { kl, crossEntropy } = distillationMetrics(v, z, { temperature: 4, teacherTemperature: 2 });
    expectClose([history.klDivergence[0] as number], await kl.data(), 1e-5, 'klDivergence');
    const softLoss = 16 * (await crossEntropy.data())[0];
    expectClose(
      [history.softLoss[0] as number, history.loss[0] as number],
      [softLoss, softLoss],
      1e-3,
      'softLoss',
    );
  });

  it('is an option of layersLoss', async () => {
    const { logits } = teachers();
    const { x } = data(ROWS, 1);
    const [v, z] = [logits.predict(x) as tf.Tensor, mlp(4, 3).predict(x) as tf.Tensor];
    for (const options of [
      { temperature: 4, teacherTemperature: 2 },
      { temperature: 4, targets: 'probabilities' },
    ] as const) {
      const [yTrue] = 'targets' in options ? [tf.softmax(v)] : [v];
      const rows = layersLoss(options)(yTrue, z);
      const truth = distillationLoss(yTrue, z, { ...options, reduction: tf.Reduction.NONE });
      expectClose(await rows.data(), await truth.data(), 1e-6, 'loss');
    }
  });

  it('is checked at once', async () => {
    const { logits } = teachers();
    const wrong = (teacherTemperature: unknown) =>
      errorOf(
        () =>
          new Distiller({
            student: mlp(4, 3),
            teacher: logits,
            teacherTemperature: teacherTemperature as number,
          }),
      );
    expect(await wrong(-1)).toContain('teacherTemperature must be a finite number greater than 0; got -1');
    expect(await wrong([1, 2])).toContain(
      'teacherTemperature must be one number, for the rows of every batch; got shape [2]',
    );
    expect(await errorOf(() => layersLoss({ teacherTemperature: Number.NaN }))).toContain(
      'teacherTemperature',
    );
  });
});
