import * as tf from '@tensorflow/tfjs';
import { cacheTeacherLogits, Distiller, layersLoss } from '../../src/layers/index.ts';
import { nearestName } from '../../src/nearest_name.ts';
import { startBackend } from '../backends/current.ts';
import { CLASSES, data, errorOf, FEATURES, mlp } from './models.ts';

beforeAll(startBackend);

const ROWS = 6;

describe('arguments that are not known', () => {
  const { x, labels } = data(ROWS, 1);
  const dataset = tf.data.array([{ xs: new Array(FEATURES).fill(0), ys: 1 }]).batch(1);
  const distiller = new Distiller({ student: mlp(4, 3), teacher: mlp(16, 7), temperature: 2 });
  distiller.compile({ optimizer: 'sgd' });
  const calls = {
    compile: (args: object) => distiller.compile({ optimizer: 'sgd', ...args } as never),
    fit: (args: object) => distiller.fit(x, labels, { verbose: 0, ...args } as never),
    fitDataset: (args: object) => distiller.fitDataset(dataset, { epochs: 1, verbose: 0, ...args }),
    evaluate: (args: object) => distiller.evaluate(x, labels, args as never),
    evaluateDataset: (args: object) => distiller.evaluateDataset(dataset, args),
    cacheTeacherLogits: (args: object) => cacheTeacherLogits(mlp(4, 3), x, args),
  };
  const mistakes: [keyof typeof calls, string, string][] = [
    ['compile', 'loss', 'the loss is made of the options of the Distiller'],
    ['compile', 'metric', 'expected metrics'],
    ['compile', 'lossWeights', 'expected optimizer, metrics'],
    ['fit', 'batch_size', 'expected batchSize'],
    ['fit', 'sampleWeights', 'expected sampleWeight'],
    ['fit', 'sample_weight', 'expected sampleWeight'],
    ['fit', 'validation_data', 'expected validationData'],
    ['fit', 'epoch', 'expected epochs'],
    ['fit', 'temperature', 'temperature is an option of new Distiller'],
    ['fit', 'loss', 'the loss is made of the options of the Distiller'],
    ['fit', 'metrics', 'give it to compile'],
    ['fitDataset', 'batchSize', 'a dataset has batches of its own'],
    ['fitDataset', 'validationSplit', 'a dataset is not split; give validationData'],
    ['fitDataset', 'sampleWeight', '{xs, ys, sampleWeight}'],
    ['fitDataset', 'teacherLogits', '{xs, ys, teacherLogits}'],
    ['evaluate', 'batchsize', 'expected batchSize'],
    ['evaluate', 'epochs', 'expected batchSize, verbose, steps, sampleWeight, teacherLogits'],
    ['evaluateDataset', 'batch', 'expected batches'],
    ['cacheTeacherLogits', 'onprogress', 'expected onProgress'],
    ['cacheTeacherLogits', 'batch_size', 'expected batchSize'],
  ];
  for (const [call, argument, says] of mistakes) {
    it(`are an error of ${call} that says what is known: ${argument}`, async () => {
      const message = await errorOf(() => calls[call]({ [argument]: 2 }));
      const name = call === 'cacheTeacherLogits' ? call : `Distiller.${call}`;
      expect(message).toContain(`${name}: unknown argument '${argument}'; `);
      expect(message).toContain(says);
    });
  }

  it('nor are they objects', async () => {
    expect(await errorOf(() => distiller.fit(x, labels, 3 as never))).toContain(
      'expected an object of arguments; got 3',
    );
    expect(await errorOf(() => distiller.fitDataset(dataset, undefined as never))).toContain('{epochs: 10}');
    expect(await errorOf(() => distiller.compile('adam' as never))).toContain(
      'expected an object of arguments',
    );
    expect(
      await errorOf(() => distiller.compile({ optimizer: 'sgd', metrics: 'accuracy' as never })),
    ).toContain('metrics must be an array');
  });

  it('in the place of labels, and datasets in that of x, are told apart', async () => {
    for (const call of ['fit', 'evaluate'] as const) {
      const message = await errorOf(() => distiller[call](x, { epochs: 3 } as never));
      expect(message).toContain(
        `Distiller.${call}: labels must be a tensor or numbers; got an object with epochs`,
      );
      expect(await errorOf(() => distiller[call](dataset as never))).toContain(
        'got a dataset, which fitDataset',
      );
    }
  });

  const elements: Record<string, { element: unknown; says: string }> = {
    'a tensor': { element: () => tf.zeros([2, FEATURES]), says: 'must be batches {xs, ys}; got an object' },
    'an array': { element: () => [tf.zeros([2, FEATURES]), tf.zeros([2])], says: 'got an array' },
    'other names': {
      element: () => ({ x: tf.zeros([2, FEATURES]), y: tf.zeros([2]) }),
      says: 'got an object with x, y',
    },
    'a name too many': {
      element: () => ({ xs: tf.zeros([2, FEATURES]), ys: tf.zeros([2]), sampleWeights: tf.zeros([2]) }),
      says: "unknown entry of an element 'sampleWeights'; expected sampleWeight",
    },
    'one example': {
      element: () => ({ xs: tf.zeros([FEATURES]), ys: tf.scalar(1) }),
      says: 'got x of shape [8]',
    },
  };
  for (const [what, { element, says }] of Object.entries(elements)) {
    it(`elements that are no batches are an error, and leave nothing behind: ${what}`, async () => {
      const make = element as () => tf.TensorContainer;
      const given = { iterator: async () => [make()][Symbol.iterator]() } as never;
      const before = tf.memory().numTensors;
      const message = await errorOf(() => distiller.fitDataset(given, { epochs: 1, verbose: 0 }));
      expect(message).toContain('Distiller.fitDataset: ');
      expect(message).toContain(says);
      expect(await errorOf(() => distiller.evaluateDataset(given))).toContain('Distiller.evaluateDataset: ');
      expect(tf.memory().numTensors).toBe(before);
    });
  }
});

describe('assignments', () => {
  it('to anything but stopTraining are errors that say what to do', async () => {
    const distiller = new Distiller({ student: mlp(4, 3), teacher: mlp(16, 7), temperature: 2 });
    const assign = (name: string, value: unknown) => errorOf(() => Reflect.set(distiller, name, value));
    for (const name of ['temperature', 'alpha', 'student', 'teacher']) {
      expect(await assign(name, 9)).toContain(`Distiller: ${name} cannot be assigned; make another one`);
    }
    expect(await assign('optimizer', 'sgd')).toContain('call compile({optimizer})');
    expect(await assign('learningRate', 1)).toContain('only stopTraining can be assigned');
    expect(() => {
      distiller.stopTraining = true;
    }).not.toThrow();
    expect(distiller.getConfig()).toEqual({ temperature: 2 });
    expect(distiller).toBeInstanceOf(Distiller);
  });

  it('are free in a class of one’s own', () => {
    class Named extends Distiller {
      title = 'mine';
    }
    const named = new Named({ student: mlp(4, 3), teacher: mlp(16, 7) });
    named.title = 'another';
    expect(named.title).toBe('another');
  });
});

describe('errors name the function that was called', () => {
  const { x } = data(ROWS, 2);
  it('layersLoss', async () => {
    expect(await errorOf(() => layersLoss({ temperature: -1 }))).toContain('layersLoss: temperature');
    const wrong = () => layersLoss()(tf.zeros([2, 3]), tf.zeros([2, 4]));
    expect(await errorOf(wrong)).toContain('layersLoss: teacher and student must have the same shape');
  });

  it('Distiller, in its constructor and in every method', async () => {
    const [student, teacher] = [mlp(4, 3), mlp(16, 7)];
    expect(await errorOf(() => new Distiller({ student, teacher, temperature: -1 }))).toContain(
      'Distiller: temperature',
    );
    expect(await errorOf(() => new Distiller({ student, teacher, beta: 2 }))).toContain('Distiller: beta');
    // The teacher's logits have another rank than the student's, which only the loss can see.
    const wrong = new Distiller({ student, teacher: { predict: () => tf.zeros([ROWS, 1, CLASSES]) } });
    wrong.compile({ optimizer: 'sgd' });
    const dataset = { iterator: async () => [{ xs: x.clone() }][Symbol.iterator]() } as never;
    for (const [call, run] of Object.entries({
      fit: () => wrong.fit(x, null, { verbose: 0 }),
      fitDataset: () => wrong.fitDataset(dataset, { epochs: 1, verbose: 0 }),
      evaluate: () => wrong.evaluate(x),
      evaluateDataset: () => wrong.evaluateDataset(dataset),
    })) {
      expect(await errorOf(run)).toContain(`Distiller.${call}: teacher and student must have the same shape`);
    }
  });
});

describe('nearestName', () => {
  it('knows what was probably meant, and what was not', () => {
    const known = ['batchSize', 'epochs', 'sampleWeight', 'classWeight', 'verbose'];
    const meant = (name: string) => nearestName(name, known);
    expect(['batch_size', 'BATCHSIZE', 'batchsizes', 'epoch', 'sampleWieght'].map(meant)).toEqual([
      'batchSize',
      'batchSize',
      'batchSize',
      'epochs',
      'sampleWeight',
    ]);
    expect(['x', 'lr', 'temperature', 'size'].map(meant)).toEqual([null, null, null, null]);
  });
});
