import * as tf from '@tensorflow/tfjs';
import { cacheTeacherLogits, Distiller, type Predictor, type Teacher } from '../../src/layers/index.ts';
import { startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';
import { CLASSES, data, errorOf, FEATURES, graphModel, mlp } from './models.ts';

beforeAll(startBackend);

const ROWS = 10;
const ONE_EPOCH = { epochs: 1, verbose: 0 } as const;

/** The same function of inputs a and b, listed in this order; other functions for other names. */
function modelOf(names: readonly string[], features = FEATURES): tf.LayersModel {
  const inputs = new Map(names.map((name) => [name, tf.input({ shape: [features], name })]));
  const parts = ['a', 'b', 'c'].flatMap((name, k) => {
    const input = inputs.get(name);
    const kernelInitializer = tf.initializers.glorotNormal({ seed: k + 1 });
    return input === undefined ? [] : [tf.layers.dense({ units: CLASSES, kernelInitializer }).apply(input)];
  });
  const outputs = parts.length === 1 ? parts[0] : tf.layers.add().apply(parts as tf.SymbolicTensor[]);
  return tf.model({ inputs: [...inputs.values()], outputs: outputs as tf.SymbolicTensor });
}

function columns(seed = 1) {
  const random = new Random(seed);
  const column = () => tf.tensor2d(random.normals(ROWS * FEATURES), [ROWS, FEATURES]);
  return { a: column(), b: column(), c: column() };
}

function distillerOf(student: tf.LayersModel, teacher: Teacher): Distiller {
  const distiller = new Distiller({ student, teacher, temperature: 2 });
  distiller.compile({ optimizer: tf.train.sgd(0), metrics: ['klDivergence'] });
  return distiller;
}

/** A tf.GraphModel with placeholders `second` and `first` in this order: logits are first times one kernel plus second times another. */
async function graphOfTwo(): Promise<{
  graph: tf.GraphModel;
  truth: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;
}> {
  const random = new Random(9);
  const [ofFirst, ofSecond] = [0, 1].map(() => random.normals(FEATURES * CLASSES));
  const dtype = { type: 'DT_FLOAT' };
  const shapeOf = (...sizes: number[]) => ({ shape: { dim: sizes.map((size) => ({ size: `${size}` })) } });
  const placeholder = (name: string) => ({
    name,
    op: 'Placeholder',
    attr: { dtype, shape: shapeOf(-1, FEATURES) },
  });
  const kernel = (name: string) => ({
    name,
    op: 'Const',
    attr: { dtype, value: { tensor: { dtype: 'DT_FLOAT', tensorShape: shapeOf(FEATURES, CLASSES).shape } } },
  });
  const product = (name: string, x: string, kernel: string) => ({
    name,
    op: 'MatMul',
    input: [x, kernel],
    attr: { T: dtype, transpose_a: { b: false }, transpose_b: { b: false } },
  });
  const graph = await tf.loadGraphModel(
    tf.io.fromMemory({
      modelTopology: {
        node: [
          placeholder('second'),
          placeholder('first'),
          kernel('k1'),
          kernel('k2'),
          product('p1', 'first', 'k1'),
          product('p2', 'second', 'k2'),
          { name: 'logits', op: 'AddV2', input: ['p1', 'p2'], attr: { T: dtype } },
        ],
        versions: { producer: 1, minConsumer: 1 },
      },
      weightSpecs: ['k1', 'k2'].map((name) => ({
        name,
        shape: [FEATURES, CLASSES],
        dtype: 'float32' as const,
      })),
      weightData: new Float32Array([...ofFirst, ...ofSecond]).buffer,
    }),
  );
  const truth = (first: tf.Tensor, second: tf.Tensor) => {
    const [k1, k2] = [ofFirst, ofSecond].map((kernel) => tf.tensor2d(kernel, [FEATURES, CLASSES]));
    return tf.add(tf.matMul(first as tf.Tensor2D, k1), tf.matMul(second as tf.Tensor2D, k2));
  };
  return { graph, truth };
}

/** One epoch at a rate of 0, over tensors and over a dataset, and an evaluation: the KL divergences. */
async function divergences(
  distiller: Distiller,
  x: tf.Tensor | tf.Tensor[] | tf.NamedTensorMap,
): Promise<number[]> {
  const { history } = await distiller.fit(x, null, { ...ONE_EPOCH, batchSize: 4, validationData: [x] });
  const evaluated = distiller.evaluate(x) as tf.Scalar[];
  const clone = (): typeof x => {
    if (x instanceof tf.Tensor) return x.clone();
    if (Array.isArray(x)) return x.map((column) => column.clone());
    return Object.fromEntries(Object.entries(x).map(([name, column]) => [name, column.clone()]));
  };
  const dataset = { iterator: async () => [{ xs: clone() }][Symbol.iterator]() } as never;
  const byDataset = await distiller.fitDataset(dataset, { ...ONE_EPOCH, validationData: dataset });
  return [
    Number(history.klDivergence[0]),
    Number(history.val_klDivergence[0]),
    (await evaluated[1].data())[0],
    Number(byDataset.history.klDivergence[0]),
    Number(byDataset.history.val_klDivergence[0]),
  ];
}

describe('inputs by name', () => {
  it('reach student and teacher by their own names, in whatever order either lists them or they are given', async () => {
    const { a, b } = columns();
    for (const [ofStudent, ofTeacher] of [
      [
        ['a', 'b'],
        ['b', 'a'],
      ],
      [
        ['b', 'a'],
        ['a', 'b'],
      ],
    ]) {
      const distiller = distillerOf(modelOf(ofStudent), modelOf(ofTeacher));
      for (const x of [
        { a, b },
        { b, a },
      ]) {
        expectClose(await divergences(distiller, x), [0, 0, 0, 0, 0], 1e-6, 'KL');
      }
    }
  });

  it('may be some that only one of the two takes', async () => {
    const { a, b, c } = columns();
    const [teacher, ofA] = [modelOf(['c', 'a']), modelOf(['a'])];
    const logits = teacher.predict([c, a]) as tf.Tensor;
    const [byModel, byLogits] = [distillerOf(ofA, teacher), distillerOf(ofA, logits)];
    const { history } = await byLogits.fit({ a, b, c }, null, ONE_EPOCH);
    const kl = Number(history.klDivergence[0]);
    expect(kl).toBeGreaterThan(0.01);
    const before = tf.memory().numTensors;
    expectClose(await divergences(byModel, { c, b, a }), [kl, kl, kl, kl, kl], 1e-5, 'KL');
    expect(tf.memory().numTensors - before).toBeLessThan(4); // what evaluate gave
    const student = distillerOf(modelOf(['b', 'a']), ofA);
    expect(await divergences(student, { a, b })).toHaveLength(5);
  });

  it('reach a tf.GraphModel by the names of its placeholders, with and without the number of an output', async () => {
    const { a, b } = columns();
    const { graph, truth } = await graphOfTwo();
    const inputs = ['first', 'second'].map((name) => tf.input({ shape: [FEATURES], name }));
    const logits = tf.layers
      .dense({ units: CLASSES })
      .apply(tf.layers.add().apply(inputs)) as tf.SymbolicTensor;
    const student = tf.model({ inputs, outputs: logits });
    const { history } = await distillerOf(student, truth(a, b)).fit({ first: a, second: b }, null, ONE_EPOCH);
    const kl = Number(history.klDivergence[0]);
    const distiller = distillerOf(student, graph);
    for (const x of [
      { first: a, second: b },
      { second: b, first: a },
      { 'second:0': b, 'first:0': a },
    ]) {
      expectClose(await divergences(distiller, x), [kl, kl, kl, kl, kl], 1e-5, 'KL');
    }
    const cached = await cacheTeacherLogits(graph, { first: a, second: b });
    expectClose(await cached.data(), await truth(a, b).data(), 1e-4, 'logits');
    // An array has the order of the placeholders, as in graph.predict.
    const byPlace = await cacheTeacherLogits(graph, [b, a]);
    expectClose(await byPlace.data(), await (graph.predict([b, a]) as tf.Tensor).data(), 1e-5, 'by place');
  });

  it('that a model lacks are an error that names the input, and what was given', async () => {
    const { a, b } = columns();
    const distiller = distillerOf(modelOf(['a', 'b']), modelOf(['a', 'c']));
    expect(await errorOf(() => distiller.fit({ a, b }, null, ONE_EPOCH))).toBe(
      "Distiller.fit: x lacks the input 'c' of the teacher, which takes a, c; got a, b.",
    );
    expect(await errorOf(() => distiller.fit({ a, c: b }, null, ONE_EPOCH))).toContain("'b' of the student");
    expect(await errorOf(() => cacheTeacherLogits(modelOf(['a', 'b']), { a }))).toContain(
      "'b' of the teacher",
    );
  });
});

describe('inputs by position', () => {
  it('are those of both in the order of their inputs', async () => {
    const { a, b } = columns();
    const distiller = distillerOf(modelOf(['a', 'b']), modelOf(['a', 'b']));
    expectClose(await divergences(distiller, [a, b]), [0, 0, 0, 0, 0], 1e-6, 'KL');
  });

  it('are an error where there are too many or too few for the student or the teacher', async () => {
    const { a, b } = columns();
    const one = distillerOf(modelOf(['a']), modelOf(['a', 'b']));
    expect(await errorOf(() => one.fit(a, null, ONE_EPOCH))).toBe(
      'Distiller.fit: x must be one tensor for each input of the teacher (a, b); got 1; give them by name where student and teacher take different ones.',
    );
    expect(await errorOf(() => one.evaluate([a, b]))).toContain('each input of the student (a); got 2');
    expect(await errorOf(() => cacheTeacherLogits(modelOf(['a', 'b']), a))).toContain('(a, b); got 1');
    expect(await errorOf(() => cacheTeacherLogits(modelOf(['a']), [a, b]))).toContain('(a); got 2');
  });
});

describe('a teacher of one’s own', () => {
  it('gets a tensor, an array in the order of the student, or what its inputNames name', async () => {
    const { a, b, c } = columns();
    const seen: (tf.Tensor | tf.Tensor[])[] = [];
    const predict: Predictor['predict'] = (x) => {
      seen.push(x);
      return tf.zeros([ROWS, CLASSES]);
    };
    await distillerOf(modelOf(['b', 'a']), { predict }).fit({ a, b }, null, {
      ...ONE_EPOCH,
      batchSize: ROWS,
    });
    const named = Object.assign({ predict }, { inputNames: ['c', 'a'] });
    const shapes = () => [seen.pop()].flat().map((x) => x?.shape);
    expect(shapes()).toEqual([b.shape, a.shape]);
    const values = async (x: tf.Tensor | tf.Tensor[]) =>
      Promise.all([x].flat().map(async (column) => [...(await column.data())]));
    let given: Promise<number[][]> | null = null;
    const reading = Object.assign(named, {
      predict: (x: tf.Tensor | tf.Tensor[]) => {
        given = values(Array.isArray(x) ? x.map((column) => tf.keep(column.clone())) : x);
        return tf.zeros([ROWS, CLASSES]);
      },
    });
    distillerOf(modelOf(['a']), reading).evaluate({ a, b, c });
    expect(await given).toEqual(await values([c, a]));
    const single = distillerOf(modelOf(['a']), { predict });
    single.evaluate(a);
    expect(seen.pop()).toBeInstanceOf(tf.Tensor);
  });
});

describe('a teacher that does not take what the student takes', () => {
  it('is refused with both shapes, where its own predict refuses it or would not see it', async () => {
    const narrow = modelOf(['a'], FEATURES - 1);
    const distiller = distillerOf(modelOf(['a']), narrow);
    const { a } = columns();
    const says = `Distiller.fit: the teacher takes [any,7] as its input 'a'; got x of shape [10,8], for a student that takes [any,8].`;
    expect(await errorOf(() => distiller.fit(a, null, ONE_EPOCH))).toBe(says);
    expect(await errorOf(() => narrow.predict(a))).toContain('7');
    // dense runs on the last axis of anything.
    const flat = distillerOf(
      tf.sequential({
        layers: [tf.layers.flatten({ inputShape: [2, FEATURES] }), tf.layers.dense({ units: CLASSES })],
      }),
      modelOf(['a']),
    );
    expect(await errorOf(() => flat.fit(tf.zeros([4, 2, FEATURES]), null, ONE_EPOCH))).toContain(
      'got x of shape [4,2,8]',
    );
    expect(await errorOf(() => cacheTeacherLogits(narrow, a))).toContain(
      'cacheTeacherLogits: the teacher takes [any,7]',
    );
    const graph = await graphModel(new Random(1).normals(FEATURES * CLASSES));
    const wide = tf.sequential({ layers: [tf.layers.dense({ units: CLASSES, inputShape: [9] })] });
    const ofGraph = distillerOf(wide, graph);
    expect(await errorOf(() => ofGraph.evaluate(tf.zeros([2, 9])))).toContain(
      "takes [any,8] as its input 'x'; got x of shape [2,9]",
    );
  });

  it('is refused where it gives logits of other rows', async () => {
    const { x } = data(ROWS, 1);
    const half = { predict: () => tf.zeros([ROWS / 2, CLASSES]) };
    expect(
      await errorOf(() => distillerOf(mlp(4, 3), half).fit(x, null, { ...ONE_EPOCH, batchSize: ROWS })),
    ).toContain(
      `Distiller.fit: the teacher must give logits for each row of x; got shape [5,${CLASSES}] for x of shape [10,8]`,
    );
    expect(await errorOf(() => cacheTeacherLogits(half, x))).toContain('for each row of x');
  });

  it('is told that its answer is no tensor', async () => {
    const { x } = data(ROWS, 1);
    const teacher = { predict: () => undefined as never };
    expect(await errorOf(() => cacheTeacherLogits(teacher, x))).toContain(
      'must return a tensor; got undefined',
    );
  });
});
