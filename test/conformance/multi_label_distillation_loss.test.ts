import * as tf from '@tensorflow/tfjs-core';
import { type MultiLabelDistillationOptions, multiLabelDistillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';

beforeAll(startBackend);

const halfPrecision = backend.precision === 'f16';
const TOLERANCE = halfPrecision ? 1e-2 : 2e-6;
const [ROWS, CLASSES] = [5, 7];

const random = new Random(81);
const v = [...random.normals(ROWS * CLASSES, 3)];
const z = [...random.normals(ROWS * CLASSES, 3)];
const y = Array.from({ length: ROWS * CLASSES }, () => random.integer(2));
const at = (values: readonly number[]) => tf.tensor2d([...values], [ROWS, CLASSES]);

/** In float64. */
const softplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const entropy = (p: number, a: number) => p * softplus(-a) + (1 - p) * softplus(a);

interface Terms {
  temperature: number;
  alpha: number;
  classWeights: readonly number[];
}

const PLAIN: Terms = { temperature: 1, alpha: 0, classWeights: Array(CLASSES).fill(1) };

function lossOfRow(n: number, { temperature: t, alpha, classWeights }: Terms): number {
  const parts = classWeights.map((w, c) => {
    const k = n * CLASSES + c;
    const hard = w * entropy(y[k], z[k]);
    return alpha * hard + (1 - alpha) * t * t * entropy(sigmoid(v[k] / t), z[k] / t);
  });
  return parts.reduce((sum, part) => sum + part, 0) / CLASSES;
}

/** Of the sum over rows. */
function gradientOfSum({ temperature: t, alpha, classWeights }: Terms): number[] {
  return z.map((zk, k) => {
    const soft = t * (sigmoid(zk / t) - sigmoid(v[k] / t));
    return (alpha * classWeights[k % CLASSES] * (sigmoid(zk) - y[k]) + (1 - alpha) * soft) / CLASSES;
  });
}

const rowsOf = (f: (n: number) => number) => Array.from({ length: ROWS }, (_, n) => f(n));
const gradientTo = (student: tf.Tensor, teacher: tf.Tensor, options: MultiLabelDistillationOptions = {}) =>
  tf.grad((z: tf.Tensor) =>
    multiLabelDistillationLoss(teacher, z, { reduction: tf.Reduction.SUM, ...options }),
  )(student);

describe('multiLabelDistillationLoss', () => {
  const classWeights = [0.5, 2, 0, 1, 3, 1, 0.1];
  it.each([
    ['a teacher alone', {}, PLAIN],
    ['T = 4', { temperature: 4 }, { ...PLAIN, temperature: 4 }],
    ['labels', { temperature: 2, labels: y, alpha: 0.3 }, { ...PLAIN, temperature: 2, alpha: 0.3 }],
    ['labels alone', { labels: y, alpha: 1 }, { ...PLAIN, alpha: 1 }],
    [
      'weights of the classes',
      { temperature: 0.5, labels: y, classWeights },
      { temperature: 0.5, alpha: 0.5, classWeights },
    ],
  ] as [string, Omit<MultiLabelDistillationOptions, 'labels'> & { labels?: number[] }, Terms][])(
    'is the mean of binary cross entropies, and its gradient that of sigmoids: %s',
    async (_name, { labels, ...others }, terms) => {
      const options = { ...others, ...(labels && { labels: at(labels) }) };
      const rows = multiLabelDistillationLoss(at(v), at(z), { ...options, reduction: tf.Reduction.NONE });
      expect(rows.shape).toEqual([ROWS]);
      const truth = rowsOf((n) => lossOfRow(n, terms));
      expectClose(await rows.data(), truth, TOLERANCE * terms.temperature ** 2 * 4, 'losses');
      const mean = truth.reduce((sum, loss) => sum + loss, 0) / ROWS;
      const loss = multiLabelDistillationLoss(at(v), at(z), options);
      expectClose(await loss.data(), [mean], TOLERANCE * terms.temperature ** 2 * 4, 'mean');
      const gradient = gradientTo(at(z), at(v), options);
      expectClose(await gradient.data(), gradientOfSum(terms), TOLERANCE * terms.temperature, 'gradient');
    },
  );

  it('takes probabilities, softened as their logits would be', async () => {
    const options = { temperature: 3, reduction: tf.Reduction.NONE } as const;
    const few = v.map((value) => value / 2); // so that 1 - p has its digits
    const p = tf.tensor2d(few.map(sigmoid), [ROWS, CLASSES]);
    const ofProbabilities = multiLabelDistillationLoss(p, at(z), { ...options, targets: 'probabilities' });
    const ofLogits = multiLabelDistillationLoss(at(few), at(z), options);
    expectClose(await ofProbabilities.data(), await ofLogits.data(), halfPrecision ? 0.1 : 2e-5, 'losses');
    const certain = tf.tensor1d([0, 1, 0.5]);
    const loss = multiLabelDistillationLoss(certain, [1, 1, 1], { temperature: 2, targets: 'probabilities' });
    const truth = (4 * (entropy(0, 0.5) + entropy(1, 0.5) + entropy(0.5, 0.5))) / 3;
    expectClose(await loss.data(), [truth], TOLERANCE * 10, 'certain');
    const gradient = gradientTo(tf.tensor1d([1, 1, 1]), certain, { targets: 'probabilities' });
    expectClose(
      await gradient.data(),
      [0, 1, 0.5].map((p) => (sigmoid(1) - p) / 3),
      TOLERANCE,
      'gradient of certain',
    );
  });

  it('has a temperature for each row, weights and reductions as tf.losses', async () => {
    const temperatures = [1, 2, 0.5, 3, 4];
    const weights = [1, 0, 2, 0.5, 3];
    const rows = rowsOf((n) => weights[n] * lossOfRow(n, { ...PLAIN, temperature: temperatures[n] }));
    const sum = rows.reduce((total, row) => total + row, 0);
    const options = { temperature: tf.tensor1d(temperatures), weights: tf.tensor1d(weights) };
    for (const [reduction, truth] of [
      [tf.Reduction.NONE, rows],
      [tf.Reduction.SUM, [sum]],
      [tf.Reduction.MEAN, [sum / 6.5]],
      [tf.Reduction.SUM_BY_NONZERO_WEIGHTS, [sum / 4]],
    ] as const) {
      const loss = multiLabelDistillationLoss(at(v), at(z), { ...options, reduction });
      expectClose(await loss.data(), [...truth], TOLERANCE * 100, tf.Reduction[reduction]);
    }
    const one = multiLabelDistillationLoss(at(v), at(z), { weights: 2, reduction: tf.Reduction.SUM });
    const all = rowsOf((n) => 2 * lossOfRow(n, PLAIN)).reduce((total, row) => total + row, 0);
    expectClose(await one.data(), [all], TOLERANCE * 40, 'one weight');
  });

  it('a row of weight 0 counts for exactly 0, whatever it holds, in the gradient too', async () => {
    const wrong = z.map((value, k) => (k < CLASSES ? Number.NaN : value));
    for (const weights of [tf.tensor1d([0, 1, 1, 1, 1]), 0] as const) {
      const student = typeof weights === 'number' ? at(z.map(() => Number.NaN)) : at(wrong);
      const loss = multiLabelDistillationLoss(at(v), student, { weights, reduction: tf.Reduction.SUM });
      expect(Number.isNaN((await loss.data())[0])).toBe(false);
      const gradient = await gradientTo(student, at(v), { weights }).data();
      expectClose(gradient.slice(0, CLASSES), new Array(CLASSES).fill(0), 0, 'gradient');
    }
  });

  it('NaN stays where it is', async () => {
    const wrong = z.map((value, k) => (k === 3 ? Number.NaN : value));
    const rows = await multiLabelDistillationLoss(at(v), at(wrong), { reduction: tf.Reduction.NONE }).data();
    expect([...rows].map((row) => Number.isNaN(row))).toEqual([true, false, false, false, false]);
    const gradient = await gradientTo(at(wrong), at(v)).data();
    expect([...gradient].flatMap((g, k) => (Number.isNaN(g) ? [k] : []))).toEqual([3]);
  });

  it('logits of 1e4 are certain: finite, and right', async () => {
    const [teacher, student] = [
      [1e4, 1e4, -1e4, -1e4, 0],
      [1e4, -1e4, 1e4, -1e4, -1e4],
    ];
    const losses = student.map((a, k) => entropy(sigmoid(teacher[k]), a));
    const loss = multiLabelDistillationLoss(teacher, student);
    const truth = losses.reduce((sum, one) => sum + one, 0) / 5;
    expectClose(await loss.data(), [truth], truth * (halfPrecision ? 1e-2 : 1e-6), 'loss');
    const gradient = gradientTo(tf.tensor1d(student), tf.tensor1d(teacher));
    expectClose(await gradient.data(), [0, -0.2, 0.2, 0, -0.1], halfPrecision ? 1e-3 : 1e-7, 'gradient');
  });

  it('a logit of -Infinity is a label that is never true, and costs nothing where the teacher says so', async () => {
    if (halfPrecision) return; // stock ops make NaN of infinities there: docs/numerics.md
    const teacher = tf.tensor1d([0, 0.3], 'float32');
    const student = tf.tensor1d([Number.NEGATIVE_INFINITY, 1]);
    const options = { targets: 'probabilities' } as const;
    const loss = await multiLabelDistillationLoss(teacher, student, options).data();
    expectClose(loss, [entropy(0.3, 1) / 2], TOLERANCE, 'loss');
    const gradient = await gradientTo(student, teacher, options).data();
    expectClose(gradient, [0, (sigmoid(1) - 0.3) / 2], TOLERANCE, 'gradient');
    const [missed] = await multiLabelDistillationLoss([0], [Number.NEGATIVE_INFINITY]).data();
    expect(missed).toBe(Number.POSITIVE_INFINITY);
  });

  it('logits that nearly agree keep the digits of their gradient', async () => {
    if (halfPrecision) return; // whose logits have three
    const teacher = [0.5, -2, 7, 12, -3];
    const student = teacher.map((value, k) => Math.fround(value + 2 ** -(12 + k)));
    const t = 2;
    const gradient = await gradientTo(tf.tensor1d(student), tf.tensor1d(teacher), { temperature: t }).data();
    student.forEach((a, k) => {
      const b = teacher[k];
      const truth = (t * sigmoid(a / t) * sigmoid(-b / t) * -Math.expm1((b - a) / t)) / 5;
      expect(Math.abs(gradient[k] - truth)).toBeLessThan(2e-6 * Math.abs(truth));
    });
    const equal = await gradientTo(tf.tensor1d(teacher), tf.tensor1d(teacher)).data();
    expectClose(equal, [0, 0, 0, 0, 0], 0, 'equal');
  });

  it('has a second order', async () => {
    const options = { temperature: 2, labels: at(y), alpha: 0.3 };
    const first = (x: tf.Tensor) => gradientTo(x, at(v), options);
    const curvature = await tf
      .grad((x: tf.Tensor) => tf.sum(first(x)))(at(z))
      .data();
    const derivative = (a: number) => sigmoid(a) * sigmoid(-a);
    const truth = z.map((a) => (0.7 * derivative(a / 2) + 0.3 * derivative(a)) / CLASSES);
    expectClose(curvature, truth, TOLERANCE, 'curvature');
    const same = await tf
      .grad((x: tf.Tensor) => tf.sum(gradientTo(x, at(z))))(at(z))
      .data();
    expectClose(
      same,
      z.map((a) => derivative(a) / CLASSES),
      TOLERANCE,
      'where both agree',
    );
  });

  it('takes rank 1 to 6, one label, and no rows', async () => {
    const whole = await multiLabelDistillationLoss(at(v), at(z)).data();
    const shape: [number, number, number, number, number, number] = [1, 5, 1, 1, 1, 7];
    const rank6 = multiLabelDistillationLoss(tf.reshape(at(v), shape), tf.reshape(at(z), shape));
    expectClose(await rank6.data(), whole, TOLERANCE, 'rank 6');
    const one = multiLabelDistillationLoss([[2], [1]], [[0], [1]], { labels: [[1], [0]], alpha: 1 });
    expectClose(await one.data(), [(entropy(1, 0) + entropy(0, 1)) / 2], TOLERANCE, 'one label');
    const none = tf.zeros([0, 3]);
    expectClose(await multiLabelDistillationLoss(none, none).data(), [0], 0, 'no rows');
    expect(gradientTo(none, none).shape).toEqual([0, 3]);
  });

  it('leaves no tensor behind, and the teacher is a constant', () => {
    const [teacher, student, tags] = [at(v), at(z), at(y)];
    const before = tf.memory().numTensors;
    tf.dispose(multiLabelDistillationLoss(teacher, student, { labels: tags, weights: [1, 0, 1, 2, 1] }));
    expect(tf.memory().numTensors).toBe(before);
    expect(() => tf.grad((t: tf.Tensor) => multiLabelDistillationLoss(t, student))(teacher)).toThrow();
  });

  it.each([
    [{ alpha: 0.1 }, 'alpha is about the hard term, which needs labels'],
    [{ classWeights: [1] }, 'classWeights is about the hard term'],
    [
      { labels: [[1, 0]] },
      'labels must be one number for each label of each row, of shape [5,7]; got shape [1,2]',
    ],
    [{ labels: [[1]], alpha: 2 }, 'alpha must be in [0, 1]; got 2'],
    [{ temperature: 0 }, 'temperature must be a finite number greater than 0'],
    [{ targets: 'odds' }, "targets must be one of 'logits', 'probabilities'"],
    [{ divergence: 'kl' }, "unknown option 'divergence'"],
    [{ weights: [1, 2] }, 'weights must be one number or one per row'],
  ])('refuses %j', (options, message) => {
    expect(() => multiLabelDistillationLoss(at(v), at(z), options as never)).toThrow(
      `multiLabelDistillationLoss: ${message}`,
    );
  });
});
