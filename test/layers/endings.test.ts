import * as tf from '@tensorflow/tfjs';
import { endingOf } from '../../src/layers/ending.ts';
import { cacheTeacherLogits, Distiller, type DistillerOptions, layersLoss } from '../../src/layers/index.ts';
import { plainKindOf } from '../../src/layers/plain_values.ts';
import { startBackend } from '../backends/current.ts';
import { Random } from '../random.ts';
import { CLASSES, data, errorOf, FEATURES, graphModel, mlp, warningsOf } from './models.ts';

beforeAll(startBackend);

const ONE_EPOCH = { epochs: 1, verbose: 0, batchSize: 8 } as const;
const kernel = new Random(25).normals(FEATURES * CLASSES);
const softmaxModel = () => mlp(4, 3, { last: { activation: 'softmax' } });

const endsIn = (...layers: tf.layers.Layer[]) =>
  tf.sequential({
    layers: [tf.layers.dense({ units: CLASSES, inputShape: [FEATURES], name: 'logits' }), ...layers],
  });

describe('how a model of layers ends', () => {
  const MODELS: [string, () => tf.LayersModel, string | null][] = [
    ['a softmax activation', softmaxModel, 'softmax'],
    ['an Activation layer', () => endsIn(tf.layers.activation({ activation: 'softmax' })), 'softmax'],
    ['a Softmax layer', () => endsIn(tf.layers.softmax()), 'softmax'],
    [
      'a softmax behind reshape, flatten and dropout',
      () =>
        endsIn(
          tf.layers.softmax(),
          tf.layers.reshape({ targetShape: [1, CLASSES] }),
          tf.layers.flatten(),
          tf.layers.dropout({ rate: 0.1 }),
        ),
      'softmax',
    ],
    [
      'a nested model',
      () =>
        tf.sequential({
          layers: [tf.layers.dense({ units: FEATURES, inputShape: [FEATURES] }), softmaxModel()],
        }),
      'softmax',
    ],
    [
      'TimeDistributed',
      () =>
        tf.sequential({
          layers: [
            tf.layers.timeDistributed({
              layer: tf.layers.dense({ units: 3, activation: 'softmax' }),
              inputShape: [2, 4],
            }),
          ],
        }),
      'softmax',
    ],
    [
      'the mean of two softmaxes',
      () => {
        const input = tf.input({ shape: [FEATURES] });
        const branch = () =>
          tf.layers.dense({ units: 3, activation: 'softmax' }).apply(input) as tf.SymbolicTensor;
        return tf.model({
          inputs: input,
          outputs: tf.layers.average().apply([branch(), branch()]) as tf.SymbolicTensor,
        });
      },
      'softmax',
    ],
    ['a sigmoid', () => mlp(4, 3, { last: { activation: 'sigmoid' } }), 'sigmoid'],
    ['tanh', () => mlp(4, 3, { last: { activation: 'tanh' } }), 'another saturating activation'],
    ['logits', () => mlp(4, 3), null],
    [
      'logits behind a softmax in the middle',
      () => endsIn(tf.layers.softmax(), tf.layers.dense({ units: 3 })),
      null,
    ],
    ['logits behind dropout', () => endsIn(tf.layers.dropout({ rate: 0.5 })), null],
    [
      'logits of an LSTM',
      () => tf.sequential({ layers: [tf.layers.lstm({ units: 3, inputShape: [2, 4] })] }),
      null,
    ],
  ];
  for (const [name, make, op] of MODELS) {
    it(`${name}: ${op ?? 'nothing to say'}`, () => expect(endingOf(make())?.op ?? null).toBe(op));
  }

  it('names the layer and the model that it belongs to', () => {
    const model = endsIn(tf.layers.softmax({ name: 'top' }));
    expect(endingOf(model)?.where).toBe(`layer 'top' of '${model.name}'`);
  });
});

describe('how a graph model ends', () => {
  type Last = NonNullable<NonNullable<Parameters<typeof graphModel>[1]>['last']>;
  const GRAPHS: [Last, string | null, string | null][] = [
    [['Softmax'], 'softmax', 'logits'],
    [['Relu', 'Softmax', 'Identity', 'Identity'], 'softmax', 'Relu0'],
    [['Sigmoid', 'Identity'], 'sigmoid', 'logits'],
    [['Tanh'], 'another saturating activation', 'logits'],
    [['Identity'], null, null],
    [['Softmax', 'Relu'], null, null],
    [[], null, null],
  ];
  for (const [last, op, nodeBefore] of GRAPHS) {
    it(`${['MatMul', ...last].join(', ')}: ${op ?? 'nothing to say'}`, async () => {
      const ending = endingOf(await graphModel(kernel, { last }));
      expect([ending?.op ?? null, ending?.nodeBefore ?? null]).toEqual([op, nodeBefore]);
    });
  }

  it('a softmax written as exp(x - max x) over its sum', () => {
    const node = (name: string, op: string, ...inputs: object[]) => ({ name, op, inputs });
    const logits = node('logits', 'MatMul');
    const exponential = node('exp', 'Exp', node('below', 'Sub', logits, node('max', 'Max', logits)));
    const quotient = node('p', 'RealDiv', exponential, node('sum', 'Sum', exponential));
    const ending = endingOf({ executor: { graph: { outputs: [node('out', 'Identity', quotient)] } } });
    expect(ending).toEqual({ op: 'softmax', where: "node 'p' of the graph model", nodeBefore: 'logits' });
    const other = node('q', 'RealDiv', exponential, node('sum', 'Sum', logits));
    expect(endingOf({ executor: { graph: { outputs: [other] } } })).toBeNull();
  });

  it('what it advises works: the node before the softmax gives the logits', async () => {
    const model = await graphModel(kernel, { last: ['Softmax', 'Identity'] });
    const { x } = data(4, 1);
    const node = endingOf(model)?.nodeBefore ?? '';
    const [logits, p] = [model.execute(x, node) as tf.Tensor, model.predict(x) as tf.Tensor];
    const difference = tf.max(tf.abs(tf.sub(tf.softmax(logits), p)));
    expect((await difference.data())[0]).toBeLessThan(1e-6);
  });
});

describe('what plain numbers are', () => {
  it.each([
    ['distributions', [0.2, 0.3, 0.5, 1, 0, 0], 'distributions'],
    ['distributions in half precision', [0.2001, 0.2998, 0.4999], 'distributions'],
    ['logits', [0.2, 0.3, 0.5, -1, 2, 0], 'logits'],
    ['logits, whose first row may be anything', [0.2, 0.9, 0.5, -1, 2, 0], 'logits'],
    ['sigmoids, or small logits', [0.2, 0.9, 0.5], null],
    ['one row of which does not sum to 1', [0.2, 0.3, 0.5, 0.1, 0.2, 0.3], null],
    ['zeros', [0, 0, 0], null],
    ['NaN', [Number.NaN, 0, 1], null],
    ['no rows', [], null],
  ] as const)('%s', (_name, values, kind) => expect(plainKindOf(values, 3)).toBe(kind));

  it('of one class nothing is known', () => expect(plainKindOf([1, 1, 1], 1)).toBeNull());
});

describe('Distiller', () => {
  const warn = (options: DistillerOptions) => warningsOf(() => new Distiller(options));

  it('says of a teacher that ends in a softmax what to write', async () => {
    const teacher = endsIn(tf.layers.softmax({ name: 'top' }));
    const warning = await warn({ student: mlp(4, 3), teacher });
    expect(warning).toContain("the teacher ends in a softmax, layer 'top'");
    expect(warning).toContain("new Distiller({student, teacher, targets: 'probabilities'})");
    expect(await warn({ student: mlp(4, 3), teacher, targets: 'probabilities' })).toBe('');
  });

  it('shows the node before the softmax of a graph model', async () => {
    const teacher = await graphModel(kernel, { last: ['Softmax', 'Identity'] });
    const warning = await warn({ student: mlp(4, 3), teacher });
    expect(warning).toContain("teacher: {predict: (x) => model.execute(x, 'logits')}");
  });

  it('says of a student that ends in a softmax to leave it out, whatever the targets are', async () => {
    for (const targets of ['logits', 'probabilities'] as const) {
      const warning = await warn({ student: softmaxModel(), teacher: mlp(4, 3), targets });
      expect(warning).toContain('the student ends in a softmax');
      expect(warning).toContain('Leave the activation of its last layer out');
    }
  });

  it('says of a sigmoid what is supported', async () => {
    const teacher = mlp(4, 3, { last: { activation: 'sigmoid' } });
    const warning = await warn({ student: mlp(4, 3), teacher });
    expect(warning).toContain('the teacher ends in a sigmoid');
    expect(warning).toContain("Where several labels may be, say outputs: 'sigmoid'");
  });

  it('refuses a teacher or a student with one class', async () => {
    const one = () => mlp(4, 3, { classes: 1, last: { activation: 'sigmoid' } });
    const two = () => mlp(4, 3, { classes: 2 });
    const error = (options: DistillerOptions) => errorOf(() => new Distiller(options));
    expect(await error({ student: one(), teacher: one() })).toMatch(/the teacher has one class.*tf\.concat/);
    expect(await error({ student: one(), teacher: { predict: () => tf.zeros([1, 1]) } })).toMatch(
      /the student has one class.*give it two units/,
    );
    expect(await error({ student: two(), teacher: tf.zeros([4, 1]) })).toContain('nothing to learn');
  });

  it('takes two classes that are made of one sigmoid, as its error says', async () => {
    const model = mlp(4, 5, { classes: 1, last: { activation: 'sigmoid' } });
    const predict = (x: tf.Tensor | tf.Tensor[]) =>
      tf.tidy(() => {
        const p = model.predict(x) as tf.Tensor;
        return tf.concat([tf.sub(1, p), p], -1);
      });
    const { x } = data(16, 2);
    const warning = await warningsOf(async () => {
      const distiller = new Distiller({
        student: mlp(4, 3, { classes: 2 }),
        teacher: { predict },
        targets: 'probabilities',
      });
      distiller.compile({ optimizer: 'sgd' });
      await distiller.fit(x, null, ONE_EPOCH);
    });
    expect(warning).toBe('');
  });

  /** Everything that is said while a Distiller trains, and shortly after: a GPU answers later. */
  const warningsOfFit = (options: DistillerOptions, epochs = 2) =>
    warningsOf(async () => {
      const distiller = new Distiller(options);
      distiller.compile({ optimizer: 'sgd', metrics: [] });
      await distiller.fit(data(16, 2).x, null, { ...ONE_EPOCH, epochs });
      await new Promise((done) => setTimeout(done, 50));
    });

  it('notices probabilities of a wrapped model, of cached logits and of a student, once', async () => {
    const { x } = data(16, 2);
    const model = softmaxModel();
    const cached = model.predict(x) as tf.Tensor;
    const lambda = { predict: (x: tf.Tensor | tf.Tensor[]) => model.predict(x) };
    for (const teacher of [lambda, cached]) {
      const warning = await warningsOfFit({ student: mlp(4, 3), teacher });
      expect(warning.match(/the teacher gives probabilities/g)).toHaveLength(1);
      expect(warning).toContain("targets: 'probabilities'");
      expect(await warningsOfFit({ student: mlp(4, 3), teacher, targets: 'probabilities' })).toBe('');
    }
  });

  it('notices logits that are said to be probabilities', async () => {
    const teacher = { predict: (x: tf.Tensor | tf.Tensor[]) => mlp(4, 3).predict(x) };
    const warning = await warningsOfFit({ student: mlp(4, 3), teacher, targets: 'probabilities' });
    expect(warning.match(/the teacher gives numbers outside of \[0, 1\]/g)).toHaveLength(1);
  });

  it('says nothing of logits, and nothing twice of a model whose end is seen', async () => {
    expect(await warningsOfFit({ student: mlp(4, 3), teacher: mlp(4, 5) })).toBe('');
    const warning = await warningsOfFit({ student: mlp(4, 3), teacher: softmaxModel() });
    expect(warning.split('\n')).toHaveLength(1);
  });

  it('keeps no tensor of what it looked at', async () => {
    const student = mlp(4, 3);
    const model = softmaxModel();
    const { x } = data(16, 2);
    const left = async (teacher: DistillerOptions['teacher']) => {
      const optimizer = tf.train.sgd(0.1);
      const before = tf.memory().numTensors;
      const distiller = new Distiller({ student, teacher });
      distiller.compile({ optimizer, metrics: [] });
      await distiller.fit(x, null, ONE_EPOCH);
      await new Promise((done) => setTimeout(done, 50));
      return tf.memory().numTensors - before;
    };
    await warningsOf(async () => {
      const looked = await left({ predict: (x) => model.predict(x as tf.Tensor) as tf.Tensor });
      expect(looked).toBe(await left(model)); // of which nothing need be looked at
    });
  });
});

describe('cacheTeacherLogits', () => {
  it('says of probabilities what to write where they are used, be they seen in the model or in its values', async () => {
    const { x } = data(16, 2);
    const model = softmaxModel();
    const seen = await warningsOf(async () => (await cacheTeacherLogits(model, x)).dispose());
    expect(seen).toContain('cacheTeacherLogits: the teacher ends in a softmax');
    const predict = (x: tf.Tensor | tf.Tensor[]) => model.predict(x);
    const told = await warningsOf(async () =>
      (await cacheTeacherLogits({ predict }, x, { batchSize: 4 })).dispose(),
    );
    expect(told.match(/cacheTeacherLogits: the teacher gives probabilities/g)).toHaveLength(1);
    expect(told).toContain("teacher: cached, targets: 'probabilities'");
    expect(await warningsOf(async () => (await cacheTeacherLogits(mlp(4, 3), x)).dispose())).toBe('');
  });

  it('refuses a teacher with one class', async () => {
    const { x } = data(4, 2);
    const teacher = { predict: () => tf.zeros([4, 1]) };
    expect(await errorOf(() => cacheTeacherLogits(teacher, x))).toContain(
      'cacheTeacherLogits: the teacher has one class',
    );
  });
});

describe('layersLoss', () => {
  const logits = () => tf.tensor2d([[1, 2, -1]]);
  const probabilities = () => tf.tensor2d([[0.2, 0.3, 0.5]]);

  it('notices probabilities in either argument, once', async () => {
    const loss = layersLoss({ temperature: 2 });
    const of = (yTrue: tf.Tensor, yPred: tf.Tensor) => warningsOf(() => tf.dispose(loss(yTrue, yPred)));
    expect(await of(probabilities(), logits())).toContain("layersLoss({targets: 'probabilities'})");
    expect(await of(probabilities(), logits())).toBe('');
    const student = layersLoss();
    expect(await warningsOf(() => tf.dispose(student(logits(), probabilities())))).toContain(
      'the student gives probabilities',
    );
  });

  it('says nothing of logits, of probabilities that are expected, and of targets that hold weights', async () => {
    expect(await warningsOf(() => tf.dispose(layersLoss()(logits(), logits())))).toBe('');
    const expected = layersLoss({ targets: 'probabilities' });
    expect(await warningsOf(() => tf.dispose(expected(probabilities(), logits())))).toBe('');
    const weighted = layersLoss({ sampleWeights: true });
    expect(await warningsOf(() => tf.dispose(weighted(probabilities(), logits())))).toBe('');
  });

  it('refuses one class', async () => {
    const one = tf.tensor2d([[1]]);
    expect(await errorOf(() => layersLoss()(one, one))).toContain('layersLoss: the teacher has one class');
  });
});
