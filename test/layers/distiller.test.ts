import * as tf from '@tensorflow/tfjs';
import { type DistillationOptions, distillationLoss } from '../../src/index.ts';
import {
  cacheTeacherLogits,
  Distiller,
  type DistillerElement,
  type DistillerOptions,
  layersLoss,
} from '../../src/layers/index.ts';
import { sliceRows, takeRows } from '../../src/layers/rows.ts';
import { startBackend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';
import { CLASSES, data, errorOf, FEATURES, graphModel, mlp, warningsOf, weightsOf } from './models.ts';

beforeAll(startBackend);

const ROWS = 24;
const RATE = 0.1;
const ONE_BATCH = { batchSize: ROWS, shuffle: false, verbose: 0 } as const;

type Given = Omit<DistillerOptions, 'student' | 'teacher'> & Partial<DistillerOptions>;

function distillerOf(given: Given, optimizer: tf.Optimizer = tf.train.sgd(RATE)): Distiller {
  const distiller = new Distiller({ student: mlp(4, 3), teacher: mlp(16, 7), ...given });
  distiller.compile({ optimizer });
  return distiller;
}

describe('a step of fit', () => {
  const cases: Record<string, { options: Given; labels: boolean }> = {
    'labels and teacher': { options: { temperature: 3, alpha: 0.3 }, labels: true },
    'labels, alpha left out': { options: { temperature: 2 }, labels: true },
    'teacher alone': { options: { temperature: 4, divergence: 'reverseKl' }, labels: false },
    'alpha 0': { options: { temperature: 4, alpha: 0 }, labels: true },
    'jsd, label smoothing, no T^2': {
      options: {
        divergence: 'jsd',
        beta: 0.3,
        temperature: 2,
        alpha: 0.5,
        labelSmoothing: 0.1,
        scaleByTemperatureSquared: false,
      },
      labels: true,
    },
  };
  for (const [name, { options, labels: hasLabels }] of Object.entries(cases)) {
    it(`moves the student as a step written by hand does: ${name}`, async () => {
      const { x, labels } = data(ROWS, 1);
      const distiller = distillerOf(options);
      const byHand = mlp(4, 3);
      const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
      const { history } = await distiller.fit(x, hasLabels ? labels : null, ONE_BATCH);
      const complete: DistillationOptions = hasLabels ? { ...options, labels } : options;
      const loss = tf.train
        .sgd(RATE)
        .minimize(
          () => distillationLoss<tf.Scalar>(teacherLogits, byHand.apply(x) as tf.Tensor, complete),
          true,
        );
      expectClose([Number(history.loss[0])], (await loss?.data()) ?? [], 1e-4, 'loss');
      expectClose(await weightsOf(distiller.student), await weightsOf(byHand), 2e-6, 'weights');
    });
  }

  it('takes alpha 0 without labels for the teacher alone', async () => {
    const { x } = data(ROWS, 1);
    const losses = [];
    for (const options of [{ alpha: 0 }, {}]) {
      const { history } = await distillerOf(options).fit(x, null, ONE_BATCH);
      losses.push(Number(history.loss[0]));
    }
    expect(losses[0]).toBe(losses[1]);
  });

  it('adds the regularisers of the student', async () => {
    const { x, labels } = data(ROWS, 1);
    const student = tf.sequential({
      layers: [
        tf.layers.dense({
          units: CLASSES,
          inputShape: [FEATURES],
          kernelRegularizer: tf.regularizers.l2({ l2: 0.5 }),
        }),
      ],
    });
    const kernel = [...(await student.getWeights()[0].data())];
    const penalty = 0.5 * kernel.reduce((sum, weight) => sum + weight * weight, 0);
    const distiller = distillerOf({ student, alpha: 0.5 });
    const { history } = await distiller.fit(x, labels, ONE_BATCH);
    const [loss, soft, hard] = [history.loss[0], history.softLoss[0], history.hardLoss[0]].map(Number);
    expectClose([loss - (soft + hard) / 2], [penalty], 1e-4, 'penalty');
  });

  it("moves no weight of a teacher that is trainable, and leaves its batch norm's statistics alone", async () => {
    const teacher = tf.sequential({
      layers: [
        tf.layers.dense({ units: 6, inputShape: [FEATURES] }),
        tf.layers.batchNormalization(),
        tf.layers.dropout({ rate: 0.5 }),
        tf.layers.dense({ units: CLASSES }),
      ],
    });
    expect(teacher.trainableWeights.length).toBe(6);
    const before = await weightsOf(teacher);
    const student = mlp(4, 3);
    const studentBefore = await weightsOf(student);
    const { x, labels } = data(ROWS, 2);
    await distillerOf({ student, teacher, alpha: 0.2 }).fit(x, labels, { epochs: 3, verbose: 0 });
    expectClose(await weightsOf(teacher), before, 0, 'teacher');
    expect(await weightsOf(student)).not.toEqual(studentBefore);
  });

  it('takes class ids of either dtype, with or without an axis of their own, and distributions', async () => {
    const { x, labels } = data(ROWS, 3);
    const forms = [
      labels,
      tf.cast(labels, 'float32'),
      tf.expandDims(labels, 1),
      tf.cast(tf.oneHot(labels, CLASSES), 'float32'),
    ];
    const histories = [];
    for (const form of forms) {
      const { history } = await distillerOf({ alpha: 0.6 }).fit(x, form, { ...ONE_BATCH, epochs: 2 });
      histories.push([...history.loss, ...history.accuracy].map(Number));
    }
    for (const history of histories) expectClose(history, histories[0], 1e-6, 'history');
  });

  it('takes sequences, several inputs by name, and a student that is not sequential', async () => {
    const inputs = ['left', 'right'].map((name) => tf.input({ shape: [3, FEATURES], name }));
    const sum = tf.layers.add().apply(inputs);
    const network = (units: number) => {
      const hidden = tf.layers.dense({ units, activation: 'relu' }).apply(sum);
      const logits = tf.layers.dense({ units: CLASSES }).apply(hidden) as tf.SymbolicTensor;
      return tf.model({ inputs, outputs: logits });
    };
    const distiller = distillerOf(
      { student: network(6), teacher: network(12), alpha: 0.5 },
      tf.train.adam(0.05),
    );
    const x = { left: tf.randomNormal([ROWS, 3, FEATURES]), right: tf.randomNormal([ROWS, 3, FEATURES]) };
    const labels = tf.tensor2d([...(await data(3 * ROWS, 4).labels.data())], [ROWS, 3], 'int32');
    const { history } = await distiller.fit(x, labels, { ...ONE_BATCH, epochs: 20 });
    expect(Number(history.loss[19])).toBeLessThan(Number(history.loss[0]));
    const sampleWeight = tf.ones([ROWS]);
    const weighted = await distiller.fit(x, labels, { ...ONE_BATCH, sampleWeight });
    const [now] = distiller.evaluate(x, labels, { batchSize: ROWS }) as tf.Scalar[];
    expect((await now.data())[0]).toBeLessThan(Number(weighted.history.loss[0]) * 1.01);
  });

  it('takes sequences of unknown length as those of a known one', async () => {
    const [x, labels] = [
      tf.randomNormal([ROWS, 3, FEATURES]),
      tf.floor(tf.randomUniform([ROWS, 3], 0, CLASSES)),
    ];
    const teacher = tf.randomNormal([ROWS, 3, CLASSES]);
    const losses = [];
    for (const steps of [null, 3]) {
      const kernelInitializer = tf.initializers.glorotUniform({ seed: 5 });
      const layer = tf.layers.dense({ units: CLASSES, inputShape: [steps, FEATURES], kernelInitializer });
      const distiller = distillerOf({ student: tf.sequential({ layers: [layer] }), teacher, alpha: 0.6 });
      const { history } = await distiller.fit(x, labels, {
        epochs: 2,
        batchSize: 7,
        shuffle: false,
        verbose: 0,
      });
      losses.push([...history.loss, ...history.accuracy].map(Number));
    }
    expectClose(losses[0], losses[1], 1e-6, 'losses and accuracies');
  });

  it('counts rows by sampleWeight, classWeight and ignoreIndex as distillationLoss counts weights', async () => {
    const { x } = data(ROWS, 5);
    const ids = [...(await data(ROWS, 5).labels.data())].map((id, row) => (row % 6 === 0 ? -1 : id));
    const labels = tf.tensor1d(ids, 'int32');
    const classWeight = { 0: 1, 1: 2, 2: 0.5, 3: 0, 4: 1.5 };
    const sampleWeight = tf.tensor1d(ids.map((_, row) => (row % 4 === 1 ? 0 : 1 + row / ROWS)));
    const weights = ids.map((id, row) =>
      id === -1 ? 0 : classWeight[id as keyof typeof classWeight] * (row % 4 === 1 ? 0 : 1 + row / ROWS),
    );
    const options = { temperature: 2, alpha: 0.4, ignoreIndex: -1 };
    const distiller = distillerOf(options);
    const truth = distillationLoss(
      mlp(16, 7).predict(x) as tf.Tensor,
      distiller.student.predict(x) as tf.Tensor,
      { ...options, labels, weights },
    );
    const { history } = await distiller.fit(x, labels, { ...ONE_BATCH, sampleWeight, classWeight });
    expectClose([Number(history.loss[0])], await truth.data(), 1e-5, 'loss');
    expect(Number.isFinite(Number(history.hardLoss[0]))).toBe(true);
  });

  it('counts rows by sampleWeight in evaluate, in validation and in datasets, as distillationLoss counts weights', async () => {
    const [{ x, labels }, random] = [data(ROWS, 26), new Random(26)];
    const weights = Array.from({ length: ROWS }, (_, row) => (row % 5 === 0 ? 0 : 3 * random.uniform()));
    const sampleWeight = tf.tensor1d(weights);
    const options = { temperature: 2, alpha: 0.3 };
    const distiller = distillerOf(options, tf.train.sgd(0));
    const loss = async (weights: tf.Tensor, from = 0) => {
      const [teacher, student, ids] = [mlp(16, 7).predict(x), distiller.student.predict(x), labels].map(
        (tensor) => tf.slice(tensor as tf.Tensor, from),
      );
      return distillationLoss(teacher, student, { ...options, labels: ids, weights }).data();
    };
    const truth = await loss(sampleWeight);
    expect(Math.abs(truth[0] - (await loss(tf.onesLike(sampleWeight)))[0])).toBeGreaterThan(0.01);

    const [evaluated] = distiller.evaluate(x, labels, { batchSize: ROWS, sampleWeight }) as tf.Scalar[];
    expectClose(await evaluated.data(), truth, 1e-5, 'evaluate');

    const validationData: [tf.Tensor, tf.Tensor, tf.Tensor] = [x, labels, sampleWeight];
    const given = await distiller.fit(x, labels, { ...ONE_BATCH, sampleWeight, validationData });
    expectClose([Number(given.history.val_loss[0])], truth, 1e-5, 'validationData');
    const split = await distiller.fit(x, labels, { ...ONE_BATCH, sampleWeight, validationSplit: 0.5 });
    const half = await loss(tf.slice(sampleWeight, ROWS / 2), ROWS / 2);
    expectClose([Number(split.history.val_loss[0])], half, 1e-5, 'validationSplit');

    const dataset = { iterator: async () => batches(x, labels, ROWS, sampleWeight) };
    const ofDataset = await distiller.fitDataset(dataset, { epochs: 1, verbose: 0, validationData: dataset });
    expectClose([Number(ofDataset.history.loss[0])], truth, 1e-5, 'fitDataset');
    expectClose([Number(ofDataset.history.val_loss[0])], truth, 1e-5, 'a validation dataset');
    const [ofBatches] = (await distiller.evaluateDataset(dataset)) as tf.Scalar[];
    expectClose(await ofBatches.data(), truth, 1e-5, 'evaluateDataset');
    const ofValidationAlone = await distiller.fit(x, labels, { ...ONE_BATCH, validationData });
    expectClose([Number(ofValidationAlone.history.val_loss[0])], truth, 1e-5, 'weights of validation alone');
  });

  const mistakes: Record<string, (x: tf.Tensor) => [tf.Tensor | tf.Tensor[], object]> = {
    'sampleWeight must have as many rows as x; got shape [2]': (x) => [x, { sampleWeight: [1, 2] }],
    'sampleWeight must be a tensor or numbers; got string': (x) => [x, { sampleWeight: ['1'] }],
    "the teacher's logits must be a tensor; got 3": (x) => [x, { teacherLogits: 3 }],
    [`sampleWeight must be one number for each sample, or for each row [${ROWS}]; got shape [${ROWS},2]`]: (
      x,
    ) => [x, { sampleWeight: tf.ones([ROWS, 2]) }],
    'x must be one tensor for each input of the student': (x) => [[x, x], {}],
  };
  for (const [message, given] of Object.entries(mistakes)) {
    it(`says what is wrong with a column: ${message}`, async () => {
      const { x, labels } = data(ROWS, 6);
      const [inputs, column] = given(x);
      const distiller = distillerOf({ temperature: 2 });
      expect(await errorOf(() => distiller.fit(inputs, labels, { ...ONE_BATCH, ...column }))).toContain(
        message,
      );
    });
  }
});

describe('the logs', () => {
  it('hold the parts of the loss, divergence, agreement and accuracy, as counted by hand', async () => {
    const { x, labels } = data(ROWS, 6);
    const distiller = distillerOf({ temperature: 3, alpha: 0.25 }, tf.train.sgd(0));
    const read = async (logits: tf.Tensor) =>
      [...(await logits.data())].reduce<number[][]>((rows, logit, i) => {
        if (i % CLASSES === 0) rows.push([]);
        rows[rows.length - 1].push(logit);
        return rows;
      }, []);
    const v = await read(mlp(16, 7).predict(x) as tf.Tensor);
    const z = await read(distiller.student.predict(x) as tf.Tensor);
    const ids = await labels.data();
    const { history } = await distiller.fit(x, labels, ONE_BATCH);
    const last = Object.fromEntries(
      Object.entries(history).map(([name, values]) => [name, Number(values[0])]),
    );
    const softmax = (row: number[], t: number) => {
      const exps = row.map((logit) => Math.exp(logit / t));
      const sum = exps.reduce((a, b) => a + b);
      return exps.map((exp) => exp / sum);
    };
    const mean = (f: (row: number) => number) => v.reduce((sum, _, row) => sum + f(row), 0) / ROWS;
    const top = (row: number[]) => row.indexOf(Math.max(...row));
    const cross = (p: number[], q: number[]) => -p.reduce((sum, pi, i) => sum + pi * Math.log(q[i]), 0);
    const [p, q] = [v.map((row) => softmax(row, 3)), z.map((row) => softmax(row, 3))];
    const truth = {
      softLoss: mean((row) => 9 * cross(p[row], q[row])),
      hardLoss: mean((row) => -Math.log(softmax(z[row], 1)[ids[row]])),
      klDivergence: mean((row) => cross(p[row], q[row]) - cross(p[row], p[row])),
      agreement: mean((row) => Number(top(v[row]) === top(z[row]))),
      accuracy: mean((row) => Number(ids[row] === top(z[row]))),
    };
    for (const [name, value] of Object.entries(truth)) expectClose([last[name]], [value], 1e-4, name);
    expectClose([last.loss], [0.25 * truth.hardLoss + 0.75 * truth.softLoss], 1e-4, 'loss');
    expect(Object.keys(history).sort()).toEqual([...Object.keys(truth), 'loss'].sort());
  });

  for (const divergence of DIVERGENCES) {
    it(`hold the soft term as the loss has it: ${divergence}`, async () => {
      const { x } = data(ROWS, 27);
      const ids = Array.from({ length: ROWS }, (_, row) => row);
      for (const scaleByTemperatureSquared of [true, false]) {
        const options: Given = { divergence, temperature: 3, scaleByTemperatureSquared };
        const { history } = await distillerOf(options).fit(x, null, ONE_BATCH);
        expectClose([Number(history.softLoss[0])], [Number(history.loss[0])], 1e-5, 'softLoss');
      }
      // A mean by weight: equal weights change nothing, and a row of weight 0 does not count.
      const weighted = async (weights: number[]) => {
        const sampleWeight = tf.tensor1d(weights);
        const { history } = await distillerOf({ divergence }).fit(x, null, { ...ONE_BATCH, sampleWeight });
        return Number(history.softLoss[0]);
      };
      const some = (weight: number) => weighted(ids.map((row) => (row % 3 === 0 ? 0 : weight)));
      expectClose([await some(2.5)], [await some(1)], 1e-5, 'softLoss, weighted');
    });
  }

  it('count class weights in training alone, and drop units in training alone', async () => {
    const { x, labels } = data(ROWS, 28);
    const validationData: [tf.Tensor, tf.Tensor] = [x, labels];
    const losses = async (distiller: Distiller, args: object) => {
      const { history } = await distiller.fit(x, labels, { ...ONE_BATCH, validationData, ...args });
      return [history.loss[0], history.val_loss[0]].map(Number);
    };
    const frozen = () => tf.train.sgd(0);
    const [plain] = await losses(distillerOf({ alpha: 0.5 }, frozen()), {});
    const classWeight = Object.fromEntries(Array.from({ length: CLASSES }, (_, id) => [id, 3]));
    const weighted = await losses(distillerOf({ alpha: 0.5 }, frozen()), { classWeight });
    expectClose(weighted, [3 * plain, plain], 1e-4, 'class weights');

    const { dense, dropout } = tf.layers;
    const layers = [
      dense({ inputShape: [FEATURES], units: 64 }),
      dropout({ rate: 0.9 }),
      dense({ units: CLASSES }),
    ];
    const dropping = distillerOf({ student: tf.sequential({ layers }) }, frozen());
    const [loss, valLoss] = await losses(dropping, {});
    expect(Math.abs(loss - valLoss)).toBeGreaterThan(1e-3);
  });

  it('hold val_ of each for a split and for given data, equal to what evaluate and evaluateDataset return', async () => {
    const { x, labels } = data(ROWS, 7);
    const held = [tf.slice(x, 18), tf.slice(labels, 18)] as const;
    const distiller = distillerOf({ alpha: 0.5, temperature: 2 });
    const split = await distiller.fit(x, labels, { ...ONE_BATCH, validationSplit: 0.25 });
    const evaluated = distiller.evaluate(...held, { batchSize: 4 }) as tf.Scalar[];
    const values = (await Promise.all(evaluated.map((value) => value.data()))).map(([value]) => value);
    const names = distiller.metricsNames;
    expectClose(
      names.map((name) => Number(split.history[`val_${name}`][0])),
      values,
      1e-5,
      'split',
    );
    const dataset = { size: 3, iterator: async () => batches(held[0], held[1], 2) };
    const fromDataset = (await distiller.evaluateDataset(dataset)) as tf.Scalar[];
    const datasetValues = (await Promise.all(fromDataset.map((value) => value.data()))).map(([v]) => v);
    expectClose(datasetValues, values, 1e-5, 'dataset');
    const frozen = new Distiller({
      student: distiller.student,
      teacher: mlp(16, 7),
      alpha: 0.5,
      temperature: 2,
    });
    frozen.compile({ optimizer: tf.train.sgd(0) });
    const given = await frozen.fit(x, labels, { ...ONE_BATCH, validationData: [...held] });
    expectClose(
      names.map((name) => Number(given.history[`val_${name}`][0])),
      values,
      1e-5,
      'given',
    );
  });

  it('hold what compile asks for: some metrics, none, and functions of labels and logits', async () => {
    const { x, labels } = data(ROWS, 8);
    const distiller = distillerOf({});
    function largestLogit(_labels: tf.Tensor, logits: tf.Tensor): tf.Tensor {
      return tf.max(logits);
    }
    distiller.compile({ optimizer: 'sgd', metrics: ['agreement', largestLogit] });
    const { history } = await distiller.fit(x, labels, ONE_BATCH);
    expect(Object.keys(history)).toEqual(['loss', 'agreement', 'largestLogit']);
    distiller.compile({ optimizer: 'sgd', metrics: [] });
    expect(Object.keys((await distiller.fit(x, labels, ONE_BATCH)).history)).toEqual(['loss']);
    expect(await errorOf(() => distiller.compile({ optimizer: 'sgd', metrics: ['acc' as never] }))).toContain(
      "unknown metric 'acc'",
    );
    expect(await errorOf(() => distiller.compile({ optimizer: 'sdg' }))).toContain('sdg');
    expect(await errorOf(() => distiller.compile({} as never))).toContain(
      'Distiller.compile: expected an optimizer, or the name of one; got undefined',
    );
  });
});

/** Batches of tensors, made anew for each iteration, as tf.data makes them. */
function batches(x: tf.Tensor, labels: tf.Tensor | null, size: number, sampleWeight?: tf.Tensor) {
  let start = 0;
  return {
    next: async (): Promise<IteratorResult<DistillerElement>> => {
      if (start >= x.shape[0]) return { done: true, value: undefined };
      const from = start;
      start += size;
      const batch = (column: tf.Tensor) => tf.slice(column, from, size);
      const value = {
        xs: batch(x),
        ...(labels === null ? {} : { ys: batch(labels) }),
        ...(sampleWeight === undefined ? {} : { sampleWeight: batch(sampleWeight) }),
      };
      return { done: false, value };
    },
  };
}

describe('the teacher', () => {
  it('may be anything that predicts: its history is that of the model', async () => {
    const { x, labels } = data(ROWS, 9);
    const model = mlp(16, 7);
    const wrapped = {
      predict: (inputs: tf.Tensor | tf.Tensor[]) => ({ logits: model.predict(inputs) as tf.Tensor }),
    };
    const args = { epochs: 3, batchSize: 8, shuffle: false, verbose: 0 } as const;
    const histories = [];
    for (const teacher of [model, wrapped, model.predict(x) as tf.Tensor]) {
      const { history } = await distillerOf({ teacher, alpha: 0.5 }).fit(x, labels, args);
      histories.push([...history.loss, ...history.agreement].map(Number));
    }
    for (const history of histories) expectClose(history, histories[0], 1e-5, 'history');
  });

  it('may be a tf.GraphModel', async () => {
    const { x, labels } = data(ROWS, 23);
    const kernel = new Random(5).normals(FEATURES * CLASSES);
    const logits = tf.matMul(x, tf.tensor2d(kernel, [FEATURES, CLASSES]));
    const histories = [];
    for (const teacher of [await graphModel(kernel), logits]) {
      const { history } = await distillerOf({ teacher, temperature: 2 }).fit(x, labels, ONE_BATCH);
      histories.push([...history.loss, ...history.klDivergence].map(Number));
    }
    expectClose(histories[1], histories[0], 1e-4, 'history');
    // As one whose signature tells the shape.
    const ofTwelve = { predict: () => logits, outputs: [{ shape: [-1, 12] }] };
    expect(await errorOf(() => distillerOf({ teacher: ofTwelve }))).toContain('a teacher with 12');
  });

  it('gets x in the dtype of the inputs of the student: a tf.GraphModel refuses another', async () => {
    const { x, labels } = data(ROWS, 23);
    const kernel = new Random(5).normals(FEATURES * CLASSES);
    const pixels = tf.cast(tf.round(tf.mul(x, 4)), 'int32');
    const results = [];
    for (const inputs of [pixels, tf.cast(pixels, 'float32')]) {
      const distiller = distillerOf({ teacher: await graphModel(kernel), temperature: 2 });
      const { history } = await distiller.fit(inputs, labels, { ...ONE_BATCH, validationSplit: 0.25 });
      const [loss] = distiller.evaluate(inputs, labels) as tf.Scalar[];
      results.push([Number(history.loss[0]), Number(history.val_loss[0]), (await loss.data())[0]]);
    }
    expectClose(results[0], results[1], 1e-5, 'losses');
  });

  it('may be logits alone, which then are split with the data; other data needs its own', async () => {
    const { x, labels } = data(ROWS, 10);
    const teacher = mlp(16, 7).predict(x) as tf.Tensor;
    const distiller = distillerOf({ teacher });
    const { history } = await distiller.fit(x, labels, { ...ONE_BATCH, validationSplit: 0.5 });
    expect(Object.keys(history)).toContain('val_agreement');
    const other = data(6, 11);
    const fitWith = (args: object) =>
      distiller.fit(x, labels, { ...ONE_BATCH, validationData: [other.x, other.labels], ...args });
    expect(await errorOf(() => fitWith({}))).toContain('validationTeacherLogits');
    const validationTeacherLogits = mlp(16, 7).predict(other.x) as tf.Tensor;
    expect((await fitWith({ validationTeacherLogits })).history.val_loss.length).toBe(1);
    expect(await errorOf(() => distiller.evaluate(other.x, other.labels))).toContain('teacherLogits');
    expect(await errorOf(() => distiller.fit(other.x, other.labels, ONE_BATCH))).toContain('24');
  });

  it('may be a model with logits given for the training data: validation runs the model', async () => {
    const { x } = data(ROWS, 12);
    let runs = 0;
    const model = mlp(16, 7);
    const teacher = {
      predict: (inputs: tf.Tensor | tf.Tensor[]) => {
        runs++;
        return model.predict(inputs);
      },
    };
    const distiller = distillerOf({ teacher });
    await distiller.fit(x, null, {
      ...ONE_BATCH,
      epochs: 5,
      teacherLogits: model.predict(x) as tf.Tensor,
      validationData: [data(6, 13).x],
    });
    expect(runs).toBe(1);
  });
});

describe('fitDataset', () => {
  it('trains as fit does on the same batches', async () => {
    const { x, labels } = data(ROWS, 14);
    const dataset = { size: 3, iterator: async () => batches(x, labels, 8) };
    const [fromTensors, fromDataset] = [distillerOf({ alpha: 0.5 }), distillerOf({ alpha: 0.5 })];
    const a = await fromTensors.fit(x, labels, { epochs: 2, batchSize: 8, shuffle: false, verbose: 0 });
    const b = await fromDataset.fitDataset(dataset, { epochs: 2, verbose: 0, validationData: dataset });
    expectClose(b.history.loss.map(Number), a.history.loss.map(Number), 1e-5, 'loss');
    expectClose(await weightsOf(fromDataset.student), await weightsOf(fromTensors.student), 1e-6, 'weights');
    expect(Object.keys(b.history)).toContain('val_klDivergence');
  });

  it("tells callbacks how many steps an epoch has, where it or the teacher's dataset knows its size", async () => {
    const { x } = data(ROWS, 29);
    let steps: unknown;
    class Watch extends tf.Callback {
      override async onTrainBegin(): Promise<void> {
        steps = this.params.steps;
      }
    }
    const dataset = { size: 3, iterator: async () => batches(x, null, 8) };
    for (const teacher of [mlp(16, 7), await cacheTeacherLogits(mlp(16, 7), dataset)]) {
      steps = undefined;
      await distillerOf({ teacher }).fitDataset(dataset, { epochs: 1, verbose: 0, callbacks: [new Watch()] });
      expect(steps).toBe(3);
    }
  });

  it('reads each element once, without labels and with validation tensors', async () => {
    const { x, labels } = data(ROWS, 15);
    let reads = 0;
    const dataset = {
      iterator: async () => {
        const iterator = batches(x, null, 8);
        return {
          next: () => {
            reads++;
            return iterator.next();
          },
        };
      },
    };
    const distiller = distillerOf({});
    const args = { epochs: 1, verbose: 0, validationData: [x] as [tf.Tensor] };
    const { history } = await distiller.fitDataset(dataset, args);
    expect(reads).toBe(4); // three batches, and the end
    expect(Object.keys(history)).toContain('val_softLoss');
    expect(
      await errorOf(() => distillerOf({ alpha: 0.5 }).fitDataset(dataset, { epochs: 1, verbose: 0 })),
    ).toContain('labels are missing');
    expect(
      await errorOf(() => distiller.fitDataset(dataset, { ...args, validationData: [x, labels] })),
    ).toContain('without labels');
  });
});

describe('the loop of fit', () => {
  it('shuffles, cuts, validates and weighs rows as that of LayersModel.fit does', async () => {
    const { x, labels } = data(ROWS, 28);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const [ours, theirs] = [mlp(4, 3), mlp(4, 3)];
    theirs.compile({ optimizer: tf.train.sgd(RATE), loss: layersLoss({ temperature: 3 }) });
    const distiller = distillerOf({ student: ours, teacher: teacherLogits, temperature: 3, alpha: 0 });
    const { random } = Math;
    const fits = [
      (args: object) => distiller.fit(x, labels, args),
      (args: object) => theirs.fit(x, teacherLogits, args),
    ];
    const before = tf.memory().numTensors;
    for (const args of [
      { epochs: 3, batchSize: 7, validationSplit: 0.25 },
      { epochs: 4, batchSize: 10, shuffle: false, initialEpoch: 2 },
      { epochs: 1, batchSize: 100, yieldEvery: 'batch' },
    ]) {
      const histories = [];
      for (const train of fits) {
        const drawn = new Random(28);
        Math.random = () => drawn.uniform(); // tfjs-layers shuffles by it
        try {
          const { history, epoch } = await train({ ...args, verbose: 0 });
          histories.push([...epoch, ...history.loss, ...(history.val_loss ?? [])].map(Number));
        } finally {
          Math.random = random;
        }
      }
      expectClose(histories[0], histories[1], 1e-5, JSON.stringify(args));
    }
    expectClose(await weightsOf(ours), await weightsOf(theirs), 5e-6, 'weights');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('ends at the batch that stops it, and begins the next epoch, or fit, at its first row as that of LayersModel.fit does', async () => {
    /** Stops an epoch in its middle, and takes that back for some of them. */
    class Stop extends tf.Callback {
      steps: string[] = [];
      constructor(private readonly lastEpoch: number) {
        super();
      }
      private get trained(): tf.LayersModel {
        return (this as unknown as { model: tf.LayersModel }).model;
      }
      override async onBatchEnd(batch: number, logs: tf.Logs): Promise<void> {
        this.steps.push(`${batch}: ${logs.size}`);
        if (batch === 2) this.trained.stopTraining = true;
      }
      override async onEpochEnd(epoch: number, logs: tf.Logs): Promise<void> {
        this.steps.push(`epoch ${epoch}, ${'val_loss' in logs}`);
        this.trained.stopTraining = epoch === this.lastEpoch;
      }
    }
    const { x, labels } = data(ROWS, 30);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const [ours, theirs] = [mlp(4, 3), mlp(4, 3)];
    theirs.compile({ optimizer: tf.train.sgd(RATE), loss: layersLoss({ temperature: 3 }) });
    const distiller = distillerOf({ student: ours, teacher: teacherLogits, temperature: 3, alpha: 0 });
    const before = tf.memory().numTensors;
    for (const { batchSize, lastEpoch } of [
      { batchSize: 2, lastEpoch: 1 },
      { batchSize: 5, lastEpoch: 0 },
      { batchSize: 8, lastEpoch: 1 }, // stopped by its last batch, after validation
    ]) {
      const stops = [new Stop(lastEpoch), new Stop(lastEpoch)];
      const args = { epochs: 4, batchSize, shuffle: false, validationSplit: 0.25, verbose: 0 };
      const histories = [
        await distiller.fit(x, labels, { ...args, callbacks: [stops[0]] }),
        await theirs.fit(x, teacherLogits, { ...args, callbacks: [stops[1]] }),
      ];
      const [a, b] = histories.map(({ epoch, history }) =>
        [...epoch, ...history.loss, ...(history.val_loss ?? [])].map(Number),
      );
      expectClose(a, b, 1e-5, `batches of ${batchSize}`);
      expect(stops[0].steps).toEqual(stops[1].steps);
    }
    expectClose(await weightsOf(ours), await weightsOf(theirs), 5e-6, 'weights');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves that of LayersModel.fit nothing to gather', async () => {
    const { x, labels } = data(ROWS, 31);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const distiller = distillerOf({ teacher: teacherLogits, alpha: 0.5 });
    const validation = {
      validationData: [x, labels] as [tf.Tensor, tf.Tensor],
      validationTeacherLogits: teacherLogits,
    };
    const { kernels } = await tf.profile(async () => {
      const { history } = await distiller.fit(x, labels, { batchSize: 2, verbose: 0, ...validation });
      return tf.scalar(Number(history.loss[0]));
    });
    const isTakenByKernel = !['cpu', 'wasm', 'tensorflow'].includes(tf.getBackend());
    // Validation slices.
    expect(kernels.filter(({ name }) => name === 'GatherV2')).toHaveLength(isTakenByKernel ? 3 * 12 : 0);
  });

  it('takes rows of every dtype as tf.gather and tf.slice do', async () => {
    const random = new Random(29);
    const columns = [
      tf.tensor3d(random.normals(30), [5, 3, 2]),
      tf.tensor1d([3, -1, 7, 2 ** 30, 0], 'int32'),
      tf.tensor2d([1, 0, 0, 1, 1, 1, 0, 0, 0, 1], [5, 2], 'bool'),
    ];
    const numbers = tf.tensor1d([4, 0, 4, 2], 'int32');
    for (const column of columns) {
      const [rows, truth] = [takeRows(column, numbers), tf.gather(column, numbers)];
      expect([rows.dtype, rows.shape]).toEqual([truth.dtype, truth.shape]);
      expect(await rows.array()).toEqual(await truth.array());
      const [some, sliced] = [sliceRows(column, 1, 4), tf.slice(column, 1, 3)];
      expect([some.dtype, some.shape]).toEqual([sliced.dtype, sliced.shape]);
      expect(await some.array()).toEqual(await sliced.array());
    }
    const empty = takeRows(columns[0], tf.tensor1d([], 'int32'));
    expect(empty.shape).toEqual([0, 3, 2]);
  });
});

describe('evaluate', () => {
  const read = async (evaluated: tf.Scalar | tf.Scalar[]) => {
    const scalars = [evaluated].flat();
    for (const { shape, dtype } of scalars) expect([shape, dtype]).toEqual([[], 'float32']);
    const values = await Promise.all(scalars.map((scalar) => scalar.data()));
    tf.dispose(scalars);
    return values.map(([value]) => value);
  };
  function agreement(teacherLogits: tf.Tensor, logits: tf.Tensor): tf.Tensor {
    return tf.equal(tf.argMax(teacherLogits, -1), tf.argMax(logits, -1));
  }
  function largestLogits(_labels: tf.Tensor, logits: tf.Tensor): tf.Tensor {
    return tf.max(logits, -1);
  }
  /** A Distiller and a stock model that count the same, with metrics. */
  const pair = (teacherLogits: tf.Tensor) => {
    const theirs = mlp(4, 3);
    const loss = layersLoss({ temperature: 3 });
    theirs.compile({ optimizer: 'sgd', loss, metrics: [agreement, largestLogits] });
    const distiller = new Distiller({ student: mlp(4, 3), teacher: teacherLogits, temperature: 3, alpha: 0 });
    distiller.compile({ optimizer: 'sgd', metrics: ['agreement', largestLogits] });
    return { theirs, distiller };
  };

  it('gives the means that LayersModel.evaluate gives, whatever is left for the last batch, and leaves nothing behind', async () => {
    const { x, labels } = data(ROWS, 33);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const { theirs, distiller } = pair(teacherLogits);
    await read(distiller.evaluate(x, labels, { teacherLogits }));
    const before = tf.memory();
    // More batches than are taken at once from TensorFlow, with one row left; 32 by default.
    for (const batchSize of [1, 2, 7, 12, 23, ROWS, 100, undefined]) {
      const args = batchSize === undefined ? {} : { batchSize };
      const ours = await read(distiller.evaluate(x, labels, { ...args, teacherLogits, verbose: 0 }));
      expect(ours).toHaveLength(3);
      const truth = await read(theirs.evaluate(x, teacherLogits, args));
      expectClose(ours, truth, 2e-6, `batches of ${batchSize}`);
    }
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  });

  it('gives a scalar where there is but the loss, and nothing of no rows, as LayersModel.evaluate does', async () => {
    const { x, labels } = data(ROWS, 33);
    const { distiller, theirs } = pair(tf.zeros([ROWS, CLASSES]));
    const none = [tf.zeros([0, FEATURES]), tf.zeros([0, CLASSES])] as const;
    expect(distiller.evaluate(none[0], tf.zeros([0], 'int32'), { teacherLogits: none[1] })).toEqual([]);
    expect(theirs.evaluate(...none)).toEqual([]);
    distiller.compile({ optimizer: 'sgd', metrics: [] });
    const loss = distiller.evaluate(x, labels, { batchSize: 7, teacherLogits: tf.zeros([ROWS, CLASSES]) });
    expect(loss).toBeInstanceOf(tf.Tensor);
  });

  it('counts each batch by its weights, with labels, several inputs and sequences', async () => {
    const inputs = ['left', 'right'].map((name) => tf.input({ shape: [3, FEATURES], name }));
    const sum = tf.layers.add().apply(inputs);
    const student = tf.model({
      inputs,
      outputs: tf.layers.dense({ units: CLASSES }).apply(sum) as tf.SymbolicTensor,
    });
    const random = new Random(34);
    const [left, right] = [0, 1].map(() =>
      tf.tensor3d(random.normals(ROWS * 3 * FEATURES), [ROWS, 3, FEATURES]),
    );
    const labels = tf.tensor2d([...(await data(3 * ROWS, 34).labels.data())], [ROWS, 3]);
    const sampleWeight = tf.tensor1d(Array.from({ length: ROWS }, (_, row) => (row % 5) / 2));
    const teacherLogits = tf.tensor3d(random.normals(ROWS * 3 * CLASSES), [ROWS, 3, CLASSES]);
    const options = { temperature: 2, alpha: 0.3 };
    const distiller = distillerOf({ ...options, student, teacher: teacherLogits });
    const args = { teacherLogits, sampleWeight, batchSize: 10 };
    const [loss] = await read(distiller.evaluate({ right, left }, labels, args));
    const studentLogits = student.predict([left, right]) as tf.Tensor;
    const weights = tf.mul(tf.expandDims(sampleWeight, 1), tf.ones([ROWS, 3]));
    const whole = { ...options, labels: tf.cast(labels, 'int32'), weights };
    const truth = await distillationLoss(teacherLogits, studentLogits, whole).data();
    expectClose([loss], truth, 1e-5, 'loss');
  });

  it('does not run what is for training alone', async () => {
    const { x } = data(ROWS, 35);
    const layers = [
      tf.layers.dense({ inputShape: [FEATURES], units: CLASSES }),
      tf.layers.dropout({ rate: 0.9 }),
    ];
    const distiller = distillerOf({ student: tf.sequential({ layers }), temperature: 2 });
    const [a, b] = [await read(distiller.evaluate(x)), await read(distiller.evaluate(x))];
    const args = { temperature: 2 };
    const studentLogits = distiller.student.predict(x) as tf.Tensor;
    const truth = await distillationLoss(mlp(16, 7).predict(x) as tf.Tensor, studentLogits, args).data();
    expect(a).toEqual(b);
    expectClose([a[0]], truth, 1e-5, 'loss');
  });

  it('refuses what LayersModel.evaluate refuses, in its words', async () => {
    const { x, labels } = data(ROWS, 36);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const { theirs, distiller } = pair(teacherLogits);
    for (const args of [{ batchSize: 0 }, { batchSize: 2.5 }, { steps: 2 }, { verbose: 1 as const }]) {
      const message = await errorOf(() => distiller.evaluate(x, labels, { ...args, teacherLogits }));
      expect(message).toBe(await errorOf(() => theirs.evaluate(x, teacherLogits, args)));
    }
    const fewer = tf.zeros([ROWS, FEATURES - 1]);
    expect(await errorOf(() => distiller.evaluate(fewer, labels, { teacherLogits }))).toContain(
      `the student takes [any,8] as its input '${distiller.student.inputNames[0]}'; got x of shape [24,7]`,
    );
  });

  it('leaves nothing behind when the teacher fails at a batch', async () => {
    const { x, labels } = data(ROWS, 37);
    let isBroken = false;
    let runs = 0;
    const predict = (inputs: tf.Tensor | tf.Tensor[]) => {
      if (isBroken && ++runs === 3) throw new Error('broken');
      return mlpTeacher.predict(inputs) as tf.Tensor;
    };
    const mlpTeacher = mlp(16, 7);
    const distiller = distillerOf({ teacher: { predict } });
    tf.dispose(distiller.evaluate(x, labels, { batchSize: 2 }));
    const before = tf.memory().numTensors;
    isBroken = true;
    expect(await errorOf(() => distiller.evaluate(x, labels, { batchSize: 2 }))).toBe('broken');
    expect(tf.memory().numTensors).toBe(before);
  });

  it("gathers nothing, and on 'wasm' slices nothing either: that would copy all of the data for each batch", async () => {
    const { x, labels } = data(ROWS, 38);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const distiller = distillerOf({ teacher: teacherLogits, alpha: 0.5 });
    const { kernels } = await tf.profile(
      () => (distiller.evaluate(x, labels, { batchSize: 4, teacherLogits }) as tf.Scalar[])[0],
    );
    const count = (kernel: string) => kernels.filter(({ name }) => name === kernel).length;
    expect(count('GatherV2')).toBe(0);
    if (tf.getBackend() === 'wasm') expect(count('Slice')).toBe(0);
    else expect(count('Slice')).toBeGreaterThanOrEqual(3);
  });
});

describe('what tfjs-layers gives to callbacks', () => {
  /** Which hooks were called, with what keys in the logs. */
  function recorder(names: string[]): tf.CustomCallbackArgs {
    const record =
      (hook: string) =>
      (...args: unknown[]) => {
        const logs = args.at(-1);
        const keys = typeof logs === 'object' && logs !== null ? Object.keys(logs) : [];
        const numbers = args.filter((arg) => typeof arg === 'number');
        // That of LayersModel.fit tells onBatchBegin nothing, that of LayersModel.fitDataset the number and the size of the batch.
        const hasLogs = keys.length > 0 && hook !== 'onBatchBegin';
        names.push(`${hook}(${[...numbers, hasLogs ? 'logs' : ''].join()})`);
      };
    return {
      onTrainBegin: record('onTrainBegin'),
      onTrainEnd: record('onTrainEnd'),
      onEpochBegin: record('onEpochBegin'),
      onEpochEnd: record('onEpochEnd'),
      onBatchBegin: record('onBatchBegin'),
      onBatchEnd: record('onBatchEnd'),
    };
  }

  it('every hook is called as in LayersModel.fit, from initialEpoch on', async () => {
    const { x, labels } = data(ROWS, 16);
    const stock = mlp(4, 3);
    stock.compile({ optimizer: tf.train.sgd(RATE), loss: 'meanSquaredError' });
    const [ours, theirs]: string[][] = [[], []];
    const args = { epochs: 3, initialEpoch: 1, batchSize: 10, verbose: 0, validationSplit: 0.2 };
    await distillerOf({}).fit(x, labels, { ...args, callbacks: recorder(ours) });
    await stock.fit(x, tf.randomNormal([ROWS, CLASSES]), { ...args, callbacks: [recorder(theirs)] });
    expect(ours.length).toBeGreaterThan(10);
    expect(ours).toEqual(theirs);
  });

  it('callbacks as tfvis.show.fitCallbacks makes them: awaited, with numbers to plot for every batch and epoch', async () => {
    const { x, labels } = data(ROWS, 27);
    const metrics = ['loss', 'val_loss', 'agreement', 'val_agreement', 'accuracy'];
    const drawn: Record<string, unknown[]> = { onBatchEnd: [], onEpochEnd: [] };
    const drawLater = (hook: string) => async (_index: number, logs?: tf.Logs) => {
      const points = metrics.map((metric) => logs?.[metric]).filter((value) => value !== undefined);
      await tf.nextFrame();
      drawn[hook].push(...points);
    };
    const callbacks = { onBatchEnd: drawLater('onBatchEnd'), onEpochEnd: drawLater('onEpochEnd') };
    await distillerOf({ alpha: 0.5 }).fit(x, labels, {
      epochs: 2,
      batchSize: 8,
      verbose: 0,
      validationSplit: 0.25,
      callbacks,
    });
    expect(drawn.onEpochEnd).toHaveLength(2 * metrics.length);
    expect(drawn.onBatchEnd).toHaveLength(2 * 3 * 3); // what is of validation comes with the epoch
    for (const value of Object.values(drawn).flat()) expect(Number.isFinite(value)).toBe(true);
  });

  it('onYield and yieldEvery', async () => {
    const { x, labels } = data(ROWS, 17);
    const yields: string[] = [];
    await distillerOf({}).fit(x, labels, {
      epochs: 2,
      batchSize: 12,
      verbose: 0,
      yieldEvery: 1e-6,
      callbacks: {
        onYield: (epoch, batch, logs) => {
          yields.push(`${epoch}/${batch} ${typeof logs.agreement}`);
        },
      },
    });
    expect(yields.length).toBeGreaterThan(0);
    for (const text of yields) expect(text).toMatch(/^[01]\/[01] number$/);
  });

  it('early stopping, stopTraining by a callback, and stopTraining of the Distiller', async () => {
    const { x, labels } = data(ROWS, 18);
    const frozen = distillerOf({}, tf.train.sgd(0));
    const early = await frozen.fit(x, labels, {
      ...ONE_BATCH,
      epochs: 20,
      validationSplit: 0.25,
      callbacks: tf.callbacks.earlyStopping({ monitor: 'val_klDivergence', patience: 2 }),
    });
    expect(early.epoch).toEqual([0, 1, 2]);
    class Stop extends tf.Callback {
      override async onEpochEnd(): Promise<void> {
        (this as unknown as { model: tf.LayersModel }).model.stopTraining = true;
      }
    }
    const byCallback = await frozen.fit(x, labels, { ...ONE_BATCH, epochs: 20, callbacks: [new Stop()] });
    expect(byCallback.epoch).toEqual([0]);
    const bySetter = await frozen.fit(x, labels, {
      ...ONE_BATCH,
      epochs: 20,
      callbacks: {
        onEpochEnd: (epoch) => {
          if (epoch === 1) frozen.stopTraining = true;
        },
      },
    });
    expect(bySetter.epoch).toEqual([0, 1]);
  });

  it("a registered callback, as tfjs-node's progress bar is, gets the parameters and the model of a fit", async () => {
    const seen: unknown[] = [];
    class Bar extends tf.Callback {
      override async onTrainBegin(): Promise<void> {
        const { epochs, samples, batchSize, verbose, metrics } = this.params;
        seen.push({ epochs, samples, batchSize, verbose, metrics });
      }
    }
    tf.registerCallbackConstructor(1, Bar);
    const { x, labels } = data(ROWS, 19);
    await distillerOf({}).fit(x, labels, { batchSize: 8, epochs: 2, validationSplit: 0.25, verbose: 1 });
    await distillerOf({}).fit(x, labels, { verbose: 0 });
    const names = ['loss', 'softLoss', 'hardLoss', 'klDivergence', 'agreement', 'accuracy'];
    const metrics = [...names, ...names.map((name) => `val_${name}`)];
    expect(seen).toEqual([{ epochs: 2, samples: 18, batchSize: 8, verbose: 1, metrics }]);
  });

  it('the parameters are those of LayersModel.fit for the same arguments', async () => {
    const params: object[] = [];
    class Reader extends tf.Callback {
      override async onTrainBegin(): Promise<void> {
        params.push({ ...this.params });
      }
    }
    const { x, labels } = data(ROWS, 32);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const stock = mlp(4, 3);
    stock.compile({ optimizer: tf.train.sgd(RATE), loss: layersLoss({}) });
    const distiller = new Distiller({ student: mlp(4, 3), teacher: teacherLogits, alpha: 0 });
    distiller.compile({ optimizer: tf.train.sgd(RATE), metrics: [] });
    for (const args of [
      {},
      { epochs: 3, initialEpoch: 1, batchSize: 5, validationSplit: 0.25 },
      { shuffle: false, validationData: [x, labels] },
    ]) {
      params.length = 0;
      const callbacks = () => ({ verbose: 0, callbacks: [new Reader()] });
      await distiller.fit(x, labels, {
        ...args,
        validationTeacherLogits: teacherLogits,
        ...callbacks(),
      } as object);
      const validation = 'validationData' in args ? { validationData: [x, teacherLogits] } : {};
      await stock.fit(x, teacherLogits, { ...args, ...validation, ...callbacks() } as object);
      expect(Object.keys(params[0])).toContain('samples');
      expect(params[0]).toEqual(params[1]);
    }
    const refused = (given: object) => errorOf(() => distiller.fit(x, labels, { ...ONE_BATCH, ...given }));
    expect(await refused({ shuffle: 'batch' })).toBe(
      'Distiller.fit: shuffle must be true or false; got batch.',
    );
    expect(await refused({ batchSize: 0 })).toBe(
      'Distiller.fit: batchSize must be a positive integer; got 0.',
    );
    expect(await refused({ epochs: 1.5 })).toBe('Distiller.fit: epochs must be a positive integer; got 1.5.');
    expect(await refused({ validationSplit: 1 })).toContain('validationSplit must be in [0, 1); got 1');
    expect(await refused({ stepsPerEpoch: 3 })).toContain('use fitDataset');
  });

  it('a callback that saves or predicts with its model does so with the student', async () => {
    const saved: tf.io.ModelArtifacts[] = [];
    const { x, labels } = data(ROWS, 20);
    class Saver extends tf.Callback {
      override async onEpochEnd(): Promise<void> {
        const { model } = this as unknown as { model: tf.LayersModel };
        expect((model.predict(x) as tf.Tensor).shape).toEqual([ROWS, CLASSES]);
        await model.save(
          tf.io.withSaveHandler(async (artifacts) => {
            saved.push(artifacts);
            return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) };
          }),
        );
      }
    }
    const distiller = distillerOf({});
    await distiller.fit(x, labels, { ...ONE_BATCH, callbacks: [new Saver()] });
    const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved[0]));
    expectClose(await weightsOf(loaded), await weightsOf(distiller.student), 0, 'weights');
    expectClose(
      await (loaded.predict(x) as tf.Tensor).data(),
      await (distiller.student.predict(x) as tf.Tensor).data(),
      0,
      'logits',
    );
  });
});

describe('a Distiller', () => {
  it('is made again from its config', async () => {
    const options = {
      temperature: 4,
      alpha: 0.3,
      divergence: 'jsd',
      beta: 0.2,
      labelSmoothing: 0.1,
    } as const;
    const models = { student: mlp(4, 3), teacher: mlp(16, 7) };
    const config = JSON.parse(JSON.stringify(new Distiller({ ...models, ...options }).getConfig()));
    expect(config).toEqual(options);
    const again = Distiller.fromConfig(config, models);
    expect(again.getConfig()).toEqual(options);
    expect(again.student).toBe(models.student);
    const withTensor = new Distiller({ ...models, temperature: tf.scalar(2) });
    expect(await errorOf(() => withTensor.getConfig())).toContain('tensor');
  });

  it('leaves nothing behind but the weights of its optimizer', async () => {
    const { x, labels } = data(ROWS, 21);
    const distiller = distillerOf({ alpha: 0.5 }, tf.train.adam());
    const dataset = { size: 3, iterator: async () => batches(x, labels, 8) };
    const sampleWeight = tf.ones([ROWS]);
    const teacherLogits = mlp(16, 7).predict(x) as tf.Tensor;
    const classWeight = { 0: 1, 1: 1, 2: 1, 3: 1, 4: 2 };
    const runAll = async () => {
      await distiller.fit(x, labels, {
        batchSize: 7,
        verbose: 0,
        sampleWeight,
        classWeight,
        validationData: [x, labels],
      });
      await distiller.fit(x, labels, { batchSize: 7, verbose: 0, teacherLogits, validationSplit: 0.5 });
      await distiller.fitDataset(dataset, { epochs: 2, verbose: 0, validationData: dataset });
      tf.dispose(distiller.evaluate(x, labels));
      tf.dispose(await distiller.evaluateDataset(dataset));
    };
    await runAll();
    const before = tf.memory();
    await runAll();
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  });

  it('frees an optimizer that compile made, when it is compiled again and when it is disposed', async () => {
    const { x, labels } = data(ROWS, 24);
    const distiller = new Distiller({ student: mlp(4, 3), teacher: mlp(16, 7) });
    const before = tf.memory().numTensors;
    for (const optimizer of ['adam', 'rmsprop', 'adam']) {
      distiller.compile({ optimizer });
      await distiller.fit(x, labels, ONE_BATCH);
    }
    distiller.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(await errorOf(() => distiller.fit(x, labels))).toContain('not compiled yet');
  });

  it('refuses what cannot work, and says why', async () => {
    const [student, teacher] = [mlp(4, 3), mlp(16, 7)];
    const { x, labels } = data(ROWS, 22);
    const make = (given: object) => errorOf(() => new Distiller({ student, teacher, ...given }));
    const mismatch = await make({ teacher: mlp(16, 7, { classes: 12 }) });
    expect(mismatch).toContain('12');
    expect(mismatch).toContain(`${CLASSES}`);
    expect(await make({ teacher: tf.zeros([4, 7]) })).toContain('vocabulary');
    expect(await make({ labels: [1] })).toContain('fit');
    expect(await make({ temperture: 2 })).toContain("'temperture'");
    expect(await make({ alpha: 2 })).toContain('alpha');
    for (const temperature of [[2], tf.ones([ROWS])]) {
      expect(await make({ temperature })).toContain('one number, for the rows of every batch');
    }
    expect(await make({ teacher: null })).toContain('teacher');
    expect(await make({ student: { predict: () => x } })).toContain('LayersModel');
    expect(await errorOf(() => new Distiller({ student, teacher }).fit(x, labels))).toContain(
      'not compiled yet',
    );
    const distiller = distillerOf({ alpha: 0.5 });
    expect(await errorOf(() => distiller.fit(x, null, ONE_BATCH))).toContain('labels are missing');
    expect(await make({ reduction: tf.Reduction.NONE })).toContain('one number per batch');
    const input = tf.input({ shape: [FEATURES] });
    const outputs = [1, 2].map(() => tf.layers.dense({ units: CLASSES }).apply(input) as tf.SymbolicTensor);
    expect(await make({ student: tf.model({ inputs: input, outputs }) })).toContain('must have one output');
    expect(await errorOf(() => distiller.fit([[1, 2]] as never, labels))).toContain('an array of tensors');
    const disposed = tf.ones([ROWS, FEATURES]);
    disposed.dispose();
    expect(await errorOf(() => distiller.fit(disposed, labels))).toContain('was disposed');
    expect(await errorOf(() => distiller.fit(x, tf.slice(labels, 4), ONE_BATCH))).toContain('rows');
    expect(await errorOf(() => distiller.fit(x, tf.zeros([ROWS, 3]), ONE_BATCH))).toContain('labels');
    expect(await errorOf(() => distiller.fit(x, labels, { classWeight: { 0: 1 } }))).toContain('class 1');
    const dataset = { iterator: async () => batches(x, labels, 8) } as never;
    expect(await errorOf(() => distillerOf({ teacher: dataset }).fit(x, labels))).toContain('teacherLogits');
    const late = distillerOf({ teacher: { predict: () => tf.zeros([ROWS, 9]) } });
    expect(await errorOf(() => late.fit(x, labels, ONE_BATCH))).toContain('vocabulary');
  });

  it('warns of a softmax at the end of student or teacher, and names the layer', async () => {
    const activation = mlp(4, 3, { last: { activation: 'softmax' } });
    const softmax = tf.sequential({
      layers: [
        tf.layers.dense({ units: CLASSES, inputShape: [FEATURES] }),
        tf.layers.softmax({ name: 'top' }),
      ],
    });
    const nested = tf.sequential({
      layers: [
        tf.layers.dense({ units: FEATURES, inputShape: [FEATURES] }),
        mlp(4, 3, { last: { activation: 'softmax' } }),
      ],
    });
    const plain = mlp(4, 3);
    const warn = (options: DistillerOptions) => warningsOf(() => new Distiller(options));
    expect(await warn({ student: activation, teacher: plain })).toContain(activation.layers[1].name);
    expect(await warn({ student: plain, teacher: softmax })).toContain('the teacher ends in a softmax');
    expect(await warn({ student: plain, teacher: softmax })).toContain("'top'");
    expect(await warn({ student: nested, teacher: plain })).toContain('softmax');
    expect(await warn({ student: plain, teacher: softmax, targets: 'probabilities' })).toBe('');
    expect(await warn({ student: plain, teacher: plain })).toBe('');
  });

  it('warns of a softmax at the end of a tf.GraphModel, also behind the identities that TensorFlow saves', async () => {
    const kernel = new Random(25).normals(FEATURES * CLASSES);
    const warn = async (last: readonly ('Softmax' | 'Identity')[], options: Given = {}) => {
      const teacher = await graphModel(kernel, { last });
      return warningsOf(() => new Distiller({ student: mlp(4, 3), teacher, ...options }));
    };
    expect(await warn(['Softmax'])).toContain("node 'Softmax0'");
    expect(await warn(['Softmax', 'Identity', 'Identity'])).toContain("node 'Softmax0'");
    expect(await warn(['Softmax'], { targets: 'probabilities' })).toBe('');
    expect(await warn(['Identity'])).toBe('');
    expect(await warn([])).toBe('');
  });

  it('evaluate gives its values by the names of the logs', async () => {
    const { x, labels } = data(8, 3);
    const distiller = new Distiller({ student: mlp(4, 3), teacher: mlp(4, 5), temperature: 2 });
    distiller.compile({ optimizer: 'sgd' });
    for (const y of [labels, null]) {
      const list = [distiller.evaluate(x, y)].flat();
      const named = distiller.evaluate(x, y, { named: true });
      const names = distiller.metricsNames.filter(
        (name) => y !== null || !['hardLoss', 'accuracy'].includes(name),
      );
      expect(Object.keys(named)).toEqual(names);
      const values = await Promise.all(Object.values(named).map(async (value) => (await value.data())[0]));
      const listed = await Promise.all(list.map(async (value) => (await value.data())[0]));
      expect(values).toEqual(listed);
      tf.dispose([list, named]);
    }
    expect(await errorOf(() => distiller.evaluate(x, null, { named: 1 as never }))).toContain(
      'named must be true or false',
    );
  });
});
