/** Several teachers as one: in a Distiller, and cached. */
import * as tf from '@tensorflow/tfjs';
import { averageTeachers, distillationLoss } from '../../src/index.ts';
import { cacheTeacherLogits, Distiller, type Predictor } from '../../src/layers/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';
import { CLASSES, data, errorOf, FEATURES, graphModel, mlp, warningsOf } from './models.ts';

beforeAll(startBackend);

const ROWS = 12;
const T = 3;
const ONE_BATCH = { batchSize: ROWS, shuffle: false, verbose: 0 } as const;
const MEANS = ['arithmetic', 'geometric'] as const;

const members = () => [mlp(16, 7), mlp(8, 5), mlp(4, 2)];
const softmaxMembers = () => [7, 5].map((seed) => mlp(16, seed, { last: { activation: 'softmax' } }));

type Options = ConstructorParameters<typeof Distiller>[0];

async function lossOf(options: Omit<Options, 'student'>): Promise<number> {
  const { x } = data(ROWS, 1);
  const distiller = new Distiller({ student: mlp(4, 3), temperature: T, ...options });
  distiller.compile({ optimizer: tf.train.sgd(0), metrics: [] });
  const [evaluated] = [distiller.evaluate(x, null)].flat();
  const { history } = await distiller.fit(x, null, ONE_BATCH);
  expectClose([history.loss[0]], await evaluated.data(), 1e-5, 'fit and evaluate');
  return history.loss[0];
}

/** By the ops, of what each member predicts. */
async function truthOf(teachers: readonly tf.LayersModel[], mean: (typeof MEANS)[number]): Promise<number> {
  const { x } = data(ROWS, 1);
  const logits = teachers.map((teacher) => teacher.predict(x) as tf.Tensor);
  const average = averageTeachers(logits, { mean, temperature: T });
  const loss = distillationLoss<tf.Scalar>(average, mlp(4, 3).predict(x) as tf.Tensor, { temperature: T });
  return (await loss.data())[0];
}

describe('a Distiller with several teachers', () => {
  it.each(MEANS)('learns from their %s mean', async (ensemble) => {
    const truth = await truthOf(members(), ensemble);
    expectClose([await lossOf({ teacher: members(), ensemble })], [truth], 1e-5, 'loss');
  });

  it('takes the arithmetic mean, the sum of what it would learn from each, if nothing is said', async () => {
    const each = await Promise.all(members().map((teacher) => lossOf({ teacher })));
    const mean = each.reduce((sum, loss) => sum + loss, 0) / each.length;
    expectClose([await lossOf({ teacher: members() })], [mean], 1e-5, 'loss');
    expect(Math.abs((await lossOf({ teacher: members(), ensemble: 'geometric' })) - mean)).toBeGreaterThan(
      1e-3,
    );
  });

  it.each(MEANS)('softens probabilities before it takes the %s mean', async (ensemble) => {
    const logits = [mlp(16, 7), mlp(16, 5)];
    const options = { ensemble, teacher: softmaxMembers(), targets: 'probabilities' } as const;
    expectClose([await lossOf(options)], [await truthOf(logits, ensemble)], 1e-4, 'loss');
  });

  it('takes the mean at the temperature of the teachers', async () => {
    const [a, b] = members();
    const each = await Promise.all([a, b].map((teacher) => lossOf({ teacher, teacherTemperature: 1.5 })));
    const together = await lossOf({ teacher: [a, b], teacherTemperature: 1.5 });
    expectClose([together], [(each[0] + each[1]) / 2], 1e-5, 'loss');
  });

  it('gives each its own inputs, by name and by position', async () => {
    const model = (names: string[], seed: number) => {
      const inputs = names.map((name) => tf.input({ shape: [FEATURES], name }));
      const kernelInitializer = tf.initializers.glorotUniform({ seed });
      const sum =
        inputs.length === 1 ? inputs[0] : (tf.layers.concatenate().apply(inputs) as tf.SymbolicTensor);
      const outputs = tf.layers.dense({ units: CLASSES, kernelInitializer }).apply(sum);
      return tf.model({ inputs, outputs: outputs as tf.SymbolicTensor });
    };
    const [student, one, other] = [model(['a', 'b'], 1), model(['b', 'a'], 2), model(['c'], 3)];
    const graph = await graphModel(new Float32Array(new Random(4).normals(FEATURES * CLASSES)));
    const [a, b, c, x] = [1, 2, 3, 4].map((seed) => data(ROWS, seed).x);
    const logits = [one.predict([b, a]), other.predict(c), graph.predict(x)] as tf.Tensor[];
    const teacher = averageTeachers(logits, { temperature: T });
    const truth = distillationLoss<tf.Scalar>(teacher, student.predict([a, b]) as tf.Tensor, {
      temperature: T,
    });
    const teachers = [one, other, graph] as const;
    const distiller = new Distiller({ student, teacher: teachers, temperature: T });
    distiller.compile({ optimizer: 'sgd', metrics: [] });
    const [loss] = [distiller.evaluate({ c, x, b, a }, null)].flat();
    expectClose(await loss.data(), await truth.data(), 1e-5, 'loss');
    expect(await errorOf(() => distiller.evaluate([a, b], null))).toContain(
      'x must be one tensor for each input of the teacher (c); got 2',
    );
    const cached = await cacheTeacherLogits(teachers, { c, x, b, a }, { temperature: T, batchSize: 5 });
    expectClose(await cached.data(), await teacher.data(), 1e-5, 'cached');
  });

  it('holds the ensemble in its config', () => {
    const distiller = new Distiller({ student: mlp(4, 3), teacher: members(), ensemble: 'geometric' });
    expect(distiller.getConfig()).toEqual({ ensemble: 'geometric' });
    const teacher = members();
    const again = Distiller.fromConfig(distiller.getConfig(), { student: mlp(4, 3), teacher });
    expect(again.getConfig()).toEqual({ ensemble: 'geometric' });
    expect(again.teacher).toBe(teacher);
  });

  it('says how each of them ends', async () => {
    const graph = await graphModel(new Float32Array(FEATURES * CLASSES), { last: ['Softmax'] });
    const [softmax] = softmaxMembers();
    const wrapped: Predictor = { predict: (x) => softmax.predict(x) };
    const student = mlp(4, 3);
    const warnings = await warningsOf(async () => {
      const distiller = new Distiller({
        student,
        teacher: [mlp(4, 2), softmax, graph, wrapped],
        temperature: T,
      });
      distiller.compile({ optimizer: 'sgd', metrics: [] });
      await distiller.fit(data(ROWS, 1).x, null, { ...ONE_BATCH, epochs: 2 });
      await new Promise((done) => setTimeout(done, 50)); // a GPU answers later
    });
    expect(warnings.match(/ends in a softmax, layer/g)).toHaveLength(1);
    expect(warnings).toContain("node 'Softmax0' of the graph model");
    expect(warnings.match(/the teacher gives probabilities/g)).toHaveLength(1);
    expect(warnings.split('\n')).toHaveLength(3);
    expect(
      await warningsOf(() => new Distiller({ student, teacher: softmaxMembers(), targets: 'probabilities' })),
    ).toBe('');
  });

  it('refuses what is no ensemble', async () => {
    const student = mlp(4, 3);
    const wrong = (options: object) =>
      errorOf(() => new Distiller({ student, ...options } as unknown as Options));
    expect(await wrong({ teacher: [] })).toBe('Distiller: expected one teacher or more; got none.');
    expect(await wrong({ teacher: [mlp(4, 2), tf.zeros([ROWS, CLASSES])] })).toContain(
      'several teachers must be models (anything with predict); got a tensor at 1. Logits that are there are averaged by averageTeachers',
    );
    expect(await wrong({ teacher: members(), ensemble: 'median' })).toContain(
      "ensemble must be one of 'arithmetic', 'geometric'; got 'median'",
    );
    expect(await wrong({ teacher: mlp(4, 2), ensemble: 'geometric' })).toContain(
      'and there is one; give an array',
    );
    expect(await wrong({ teacher: [mlp(4, 2), mlp(4, 2, { classes: 3 })] })).toContain('vocabulary mismatch');
    expect(await wrong({ teacher: [mlp(4, 2), mlp(4, 2, { classes: 1 })] })).toContain(
      'the teacher has one class',
    );
  });
});

describe('several teachers, cached', () => {
  it.each([
    ['arithmetic', 'logits'],
    ['geometric', 'logits'],
    ['arithmetic', 'probabilities'],
  ] as const)('by their %s mean of %s, teach what they do', async (ensemble, targets) => {
    const { x } = data(ROWS, 1);
    const teacher = targets === 'logits' ? members() : softmaxMembers();
    const before = tf.memory().numTensors;
    const cached = await cacheTeacherLogits(teacher, x, { ensemble, temperature: T, targets, batchSize: 5 });
    expect(tf.memory().numTensors).toBe(before + 1);
    const truth = await lossOf({ teacher, ensemble, targets });
    const distiller = new Distiller({ student: mlp(4, 3), teacher: cached, targets, temperature: T });
    distiller.compile({ optimizer: tf.train.sgd(0), metrics: [] });
    const { history } = await distiller.fit(x, null, ONE_BATCH);
    expectClose(history.loss, [truth], 1e-5, 'loss');
  });

  it('of a dataset too, and beside logits of validation that a Distiller computes itself', async () => {
    const { x } = data(ROWS, 1);
    const rows = tf.data.array((await x.array()).map((xs) => ({ xs }))).shuffle(ROWS);
    const teacher = members();
    const cached = await cacheTeacherLogits(teacher, rows.batch(5), { temperature: T });
    const ofDataset = new Distiller({ student: mlp(4, 3), teacher: cached, temperature: T });
    ofDataset.compile({ optimizer: tf.train.sgd(0), metrics: [] });
    const { history } = await ofDataset.fitDataset(rows.batch(4), { epochs: 1, verbose: 0 });
    expectClose(history.loss, [await lossOf({ teacher })], 1e-5, 'loss');
    const teacherLogits = await cacheTeacherLogits(teacher, x, { temperature: T });
    const distiller = new Distiller({ student: mlp(4, 3), teacher, temperature: T });
    distiller.compile({ optimizer: tf.train.sgd(0), metrics: [] });
    const validated = await distiller.fit(x, null, { ...ONE_BATCH, teacherLogits, validationData: [x] });
    expectClose(validated.history.val_loss, validated.history.loss, 1e-5, 'val_loss');
  });

  it('say how each of them ends, and need a temperature', async () => {
    const { x } = data(ROWS, 1);
    const [softmax] = softmaxMembers();
    const warnings = await warningsOf(() => cacheTeacherLogits([mlp(4, 2), softmax], x, { temperature: T }));
    expect(warnings).toContain('cacheTeacherLogits: the teacher ends in a softmax');
    expect(warnings).toContain("cacheTeacherLogits(teachers, data, {temperature, targets: 'probabilities'})");
    expect(warnings.split('\n')).toHaveLength(1);
    const predict: Predictor['predict'] = (x) => softmax.predict(x);
    const told = await warningsOf(async () => {
      await cacheTeacherLogits([{ predict }, mlp(4, 2)], x, { temperature: T });
      await new Promise((done) => setTimeout(done, 50));
    });
    expect(told).toContain('the teacher gives probabilities');
    expect(await errorOf(() => cacheTeacherLogits(members(), x))).toContain(
      'give that of the Distiller, {temperature: 4}',
    );
    expect(await errorOf(() => cacheTeacherLogits(mlp(4, 2), x, { temperature: 2 }))).toContain(
      'temperature is about several teachers',
    );
    expect(await errorOf(() => cacheTeacherLogits(mlp(4, 2), x, { ensemble: 'geometric' }))).toContain(
      'cacheTeacherLogits: ensemble says how several teachers are averaged',
    );
  });
});
