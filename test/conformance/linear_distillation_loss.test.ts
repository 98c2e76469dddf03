import * as tf from '@tensorflow/tfjs-core';
import {
  distillationLoss,
  type LinearDistillationOptions,
  type LinearLogits,
  linearDistillationLoss,
} from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { optionCases } from '../cases.ts';
import { expectClose } from '../close.ts';
import { classesOf, type ObjectiveCase, reference, referenceRowOf, rowsOf } from '../objective_case.ts';
import { Random } from '../random.ts';
import { referenceRow } from '../reference.ts';
import { TOLERANCE, tensorsOf, unevenGradients } from '../run_case.ts';

beforeAll(startBackend);

const isCpu = ['cpu', 'wasm', 'tensorflow', 'composed'].includes(backend.backendName);
const UNITS = 5;

/** A case whose student is a linear layer: its numbers, and the logits in float64. */
interface LinearCase {
  problem: ObjectiveCase;
  hidden: Float32Array;
  kernel: Float32Array;
  bias: Float32Array;
  logits: Float64Array;
}

function linearCase(problem: ObjectiveCase, seed: number): LinearCase {
  const random = new Random(seed);
  const [rows, classes] = [rowsOf(problem), classesOf(problem)];
  const hidden = random.normals(rows * UNITS);
  const kernel = random.normals(UNITS * classes);
  const bias = random.normals(classes);
  const logits = Float64Array.from({ length: rows * classes }, (_, n) => {
    const [row, column] = [Math.floor(n / classes), n % classes];
    let sum = bias[column];
    for (let k = 0; k < UNITS; k++) sum += hidden[row * UNITS + k] * kernel[k * classes + column];
    return sum;
  });
  return { problem, hidden, kernel, bias, logits };
}

/** Loss and gradients in float64, for the incoming gradient dLoss of each row. */
function truthOf({ problem, hidden, kernel, logits }: LinearCase, dLoss: Float32Array) {
  const [rows, classes] = [rowsOf(problem), classesOf(problem)];
  const truth = {
    loss: new Float64Array(rows),
    hidden: new Float64Array(rows * UNITS),
    kernel: new Float64Array(UNITS * classes),
    bias: new Float64Array(classes),
  };
  for (let n = 0; n < rows; n++) {
    const student = logits.subarray(n * classes, (n + 1) * classes);
    const { loss, dStudent } = referenceRow({ ...referenceRowOf(problem, n), student });
    truth.loss[n] = loss;
    for (let i = 0; i < classes; i++) {
      const slope = dStudent[i] * dLoss[n];
      truth.bias[i] += slope;
      for (let k = 0; k < UNITS; k++) {
        truth.hidden[n * UNITS + k] += slope * kernel[k * classes + i];
        truth.kernel[k * classes + i] += slope * hidden[n * UNITS + k];
      }
    }
  }
  return truth;
}

const largest = (values: ArrayLike<number>) =>
  Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** Within the tolerance of the largest number, or of 1 where all are smaller: gradients cancel. */
async function expectNear(actual: tf.Tensor, truth: ArrayLike<number>, what: string): Promise<void> {
  expectClose(await actual.data(), truth, 2 * TOLERANCE * Math.max(1, largest(truth)), what);
}

function testOptions(): void {
  // In half-precision textures small probabilities are 0, and the divergence infinite.
  const isHeld = (name: string) =>
    backend.precision === 'f32' || !name.startsWith('reverseKl of probabilities');
  const cases = optionCases().filter(({ name }, k) => isCpu || (k % 13 === 3 && isHeld(name)));
  cases.forEach((problem, k) => {
    it(`${problem.name}: losses and gradients are those of the whole logits in float64`, async () => {
      const given = linearCase(problem, 900 + k);
      const { teacher, student, options } = tensorsOf(problem);
      const [rows, classes] = [rowsOf(problem), classesOf(problem)];
      const dLoss = unevenGradients(rows);
      const truth = truthOf(given, dLoss);
      const inputs = [
        tf.tensor2d(given.hidden, [rows, UNITS]),
        tf.tensor2d(given.kernel, [UNITS, classes]),
        tf.tensor1d(given.bias),
      ];
      const f = (hidden: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor) =>
        linearDistillationLoss<tf.Tensor>(teacher, { hidden, kernel, bias }, { ...options, chunkRows: 4 });
      const { value, grads } = tf.valueAndGrads(f)(inputs, tf.tensor1d(dLoss));
      // The logits are rounded once more than those of a case.
      const { valueScale } = reference(problem);
      const bound = (n: number) => 2 * TOLERANCE * Math.max(valueScale[n], Math.abs(truth.loss[n]), 1);
      expectClose(await value.data(), truth.loss, bound, 'loss');
      await expectNear(grads[0], truth.hidden, 'dHidden');
      await expectNear(grads[1], truth.kernel, 'dKernel');
      await expectNear(grads[2], truth.bias, 'dBias');
      tf.dispose([teacher, student, options as tf.TensorContainer, inputs, value, grads]);
    });
  });
}

const random = new Random(5);
const normal = (...shape: number[]) => tf.tensor(random.normals(tf.util.sizeFromShape(shape)), shape);
const [ROWS, CLASSES] = [13, 37];
const labels = Int32Array.from({ length: ROWS }, (_, n) => n % 5);
const perRow = Float32Array.from({ length: ROWS }, (_, n) => (n % 4 === 1 ? 0 : 1 + n / 10));

type Whole = (head: LinearLogits) => tf.Tensor;
const logitsOf: Whole = ({ hidden, kernel, bias, transposeKernel = false }) => {
  const logits = tf.matMul(hidden, kernel, false, transposeKernel);
  return bias ? tf.add(logits, bias) : logits;
};

/** Value, gradients and one gradient of a gradient of ours and of the whole logits. */
async function expectAsWhole(
  teacher: LinearLogits | tf.Tensor,
  student: LinearLogits,
  { chunkRows = 4, ...options }: LinearDistillationOptions,
): Promise<void> {
  const teacherLogits = teacher instanceof tf.Tensor ? teacher : logitsOf(teacher);
  const inputs = [student.hidden, student.kernel, ...(student.bias ? [student.bias] : [])];
  const headOf = ([hidden, kernel, bias]: tf.Tensor[]): LinearLogits => ({
    ...student,
    ...{ hidden, kernel },
    ...(bias ? { bias } : {}),
  });
  const square = (x: tf.Tensor) => tf.sum(tf.square(x)) as tf.Scalar;
  const whole = (...xs: tf.Tensor[]) =>
    square(distillationLoss(teacherLogits, logitsOf(headOf(xs)), options));
  const ours = (...xs: tf.Tensor[]) =>
    square(linearDistillationLoss(teacher, headOf(xs), { ...options, chunkRows }));
  const [truth, result] = [whole, ours].map((f) => tf.valueAndGrads(f)(inputs));
  await expectNear(result.value, await truth.value.data(), 'square of the loss');
  for (const [k, grad] of result.grads.entries())
    await expectNear(grad, await truth.grads[k].data(), `gradient ${k}`);
  if (!isCpu) return;
  const [second, ofOurs] = [whole, ours].map((f) =>
    tf.grad((kernel: tf.Tensor) =>
      square(tf.grad((hidden) => f(hidden, kernel, ...inputs.slice(2)))(student.hidden)),
    )(student.kernel),
  );
  const values = await second.data();
  expectClose(await ofOurs.data(), values, 1e-5 * largest(values), 'second order');
}

function testHeads(): void {
  const student = () => ({ hidden: normal(ROWS, 5), kernel: normal(5, CLASSES), bias: normal(CLASSES) });
  const tied = () => ({ hidden: normal(ROWS, 7), kernel: normal(CLASSES, 7), transposeKernel: true });

  for (const reduction of [0, 1, 2, 3]) {
    it(`reduction ${tf.Reduction[reduction]}: as the whole logits, of second order too`, async () => {
      await expectAsWhole(tied(), student(), { reduction });
      await expectAsWhole(normal(ROWS, CLASSES), student(), {
        ...{ reduction, temperature: tf.tensor1d(perRow.map((w) => 1 + w)), weights: tf.tensor1d(perRow) },
        divergence: 'jsd',
      });
      const options = { labels: tf.tensor1d(labels, 'int32'), alpha: 0.3, ignoreIndex: 2, temperature: 2 };
      await expectAsWhole(student(), tied(), { ...options, reduction, divergence: 'reverseKl' });
    });
  }

  it('every number of rows a chunk gives the same', async () => {
    const [teacher, head] = [tied(), student()];
    for (const chunkRows of [1, 5, ROWS, 100])
      await expectAsWhole(teacher, head, { chunkRows, temperature: 3 });
  });

  it('rows may have several axes, and the losses have their shape', async () => {
    const [hidden, kernel] = [normal(2, 3, 5), normal(5, 4)];
    const teacher = normal(2, 3, 4);
    const ids = tf.tensor2d([0, 1, 2, 3, 0, 1], [2, 3], 'int32');
    const options = { reduction: tf.Reduction.NONE, labels: ids, weights: tf.ones([2, 3]), chunkRows: 4 };
    const ours = linearDistillationLoss<tf.Tensor>(teacher, { hidden, kernel }, options);
    const logits = tf.reshape(tf.matMul(tf.reshape(hidden, [6, 5]), kernel as tf.Tensor2D), [2, 3, 4]);
    const { chunkRows: _, ...plain } = options;
    expect(ours.shape).toEqual([2, 3]);
    await expectNear(ours, await distillationLoss(teacher, logits, plain).data(), 'losses');
    const grad = tf.grad((h: tf.Tensor) =>
      tf.sum(linearDistillationLoss(teacher, { hidden: h, kernel }, options)),
    );
    expect(grad(hidden).shape).toEqual([2, 3, 5]);
  });

  it('gradients flow to weights and to temperatures as they do for the whole logits', async () => {
    const [teacher, head] = [tied(), student()];
    for (const reduction of [tf.Reduction.NONE, tf.Reduction.MEAN]) {
      const at = [tf.tensor1d(perRow), tf.tensor1d(perRow.map((w) => 1 + w))];
      const both = (f: (weights: tf.Tensor, temperature: tf.Tensor) => tf.Tensor) =>
        tf.grads((w, t) => tf.sum(tf.square(f(w, t))))(at);
      const truth = both((weights, temperature) =>
        distillationLoss(logitsOf(teacher), logitsOf(head), { weights, temperature, reduction }),
      );
      const ours = both((weights, temperature) =>
        linearDistillationLoss(teacher, head, { weights, temperature, reduction, chunkRows: 4 }),
      );
      for (const [k, grad] of ours.entries()) await expectNear(grad, await truth[k].data(), `gradient ${k}`);
    }
  });

  it('a kernel that is not trained is a constant', async () => {
    const [teacher, head] = [tied(), student()];
    const gradient = (kernel: tf.Tensor, options: LinearDistillationOptions) => () =>
      tf.grad((kernel: tf.Tensor) => linearDistillationLoss(teacher, { ...head, kernel }, options))(kernel);
    expect(gradient(head.kernel, { trainKernel: false })).toThrow('Cannot compute gradient');
    const frozen = tf.variable(head.kernel, false);
    const loss = () => linearDistillationLoss(teacher, { ...head, kernel: frozen });
    expect(Object.keys(tf.variableGrads(() => tf.add(loss(), tf.sum(tf.mul(bias, 0)))).grads)).toEqual(['b']);
    tf.dispose(frozen);
  });
  const bias = tf.variable(tf.zeros([1]), true, 'b');
}

function testEdges(): void {
  const head = () => ({ hidden: normal(ROWS, 5), kernel: normal(5, CLASSES), bias: normal(CLASSES) });
  const gradients = (teacher: tf.Tensor, given: LinearLogits, options: LinearDistillationOptions) =>
    tf.valueAndGrads((hidden, kernel, bias) =>
      linearDistillationLoss(teacher, { ...given, hidden, kernel, bias }, { chunkRows: 4, ...options }),
    )([given.hidden, given.kernel, given.bias ?? tf.zeros([CLASSES])]);
  const finite = async (tensors: tf.Tensor[]) =>
    (await Promise.all(tensors.map((tensor) => tensor.data()))).every((values) =>
      values.every(Number.isFinite),
    );

  it('no rows: the loss is 0, and so are the gradients', async () => {
    const { value, grads } = gradients(tf.zeros([0, CLASSES]), { ...head(), hidden: tf.zeros([0, 5]) }, {});
    expect((await value.data())[0]).toBe(0);
    expect(grads.map(({ shape }) => shape)).toEqual([[0, 5], [5, CLASSES], [CLASSES]]);
    for (const grad of grads) expect(largest(await grad.data())).toBe(0);
    const losses = linearDistillationLoss<tf.Tensor>(
      tf.zeros([0, CLASSES]),
      { ...head(), hidden: tf.zeros([0, 5]) },
      { reduction: tf.Reduction.NONE },
    );
    expect(losses.shape).toEqual([0]);
  });

  if (backend.precision === 'f32') {
    it('a class whose bias is -Infinity is masked', async () => {
      const given = head();
      const values = (await given.bias.data()).slice();
      values[3] = Number.NEGATIVE_INFINITY;
      const teacher = (await normal(ROWS, CLASSES).array()) as number[][];
      for (const row of teacher) row[3] = Number.NEGATIVE_INFINITY;
      const { value, grads } = gradients(tf.tensor2d(teacher), { ...given, bias: tf.tensor1d(values) }, {});
      expect(await finite([value, ...grads])).toBe(true);
      expect((await grads[2].data())[3]).toBe(0);
    });

    it('a row of weight 0, or ignored, may hold NaN: it counts for exactly 0 in every gradient', async () => {
      const given = head();
      const values = (await given.hidden.data()).slice();
      values.fill(Number.NaN, 2 * 5, 3 * 5);
      const hidden = tf.tensor2d(values, [ROWS, 5]);
      const weights = Float32Array.from({ length: ROWS }, (_, n) => Number(n !== 2));
      const ids = Int32Array.from({ length: ROWS }, (_, n) => (n === 2 ? 9 : 1));
      for (const options of [
        { weights: tf.tensor1d(weights) },
        { labels: tf.tensor1d(ids, 'int32'), ignoreIndex: 9 },
      ]) {
        const { value, grads } = gradients(normal(ROWS, CLASSES), { ...given, hidden }, options);
        expect(await finite([value, grads[1], grads[2]])).toBe(true);
      }
    });

    it('a row of NaN is NaN alone among the losses, and makes the gradients of kernel and bias NaN', async () => {
      const given = head();
      const values = (await given.hidden.data()).slice();
      values[2 * 5] = Number.NaN;
      const student = { ...given, hidden: tf.tensor2d(values, [ROWS, 5]) };
      const teacher = normal(ROWS, CLASSES);
      const losses = await linearDistillationLoss<tf.Tensor>(teacher, student, {
        reduction: tf.Reduction.NONE,
      }).data();
      losses.forEach((loss, n) => {
        expect(Number.isNaN(loss)).toBe(n === 2);
      });
      const { grads } = gradients(teacher, student, {});
      expect(await finite([grads[2]])).toBe(false);
    });
  }

  it('all weights 0: the loss is 0, and so are the gradients', async () => {
    const { value, grads } = gradients(normal(ROWS, CLASSES), head(), { weights: tf.zeros([ROWS]) });
    for (const tensor of [value, ...grads]) expect(largest(await tensor.data())).toBe(0);
  });

  if (backend.backendName === 'cpu' || backend.backendName === 'wasm') {
    it('no product is spent on a chunk that counts for nothing', async () => {
      const weights = Float32Array.from({ length: ROWS }, (_, n) => Number(n < 4));
      const [teacher, given] = [normal(ROWS, CLASSES), head()];
      const products = async (weights: Float32Array) => {
        const { kernelNames, kernels } = await tf.profile(() =>
          tf.tidy(
            () =>
              gradients(teacher, given, { weights: tf.tensor1d(weights) }) as unknown as tf.TensorContainer,
          ),
        );
        expect(kernelNames).toContain('TfjsDistillAccumulatedMatMul');
        return kernels.filter(({ name }) => name === 'TfjsDistillAccumulatedMatMul').length;
      };
      expect(await products(weights)).toBe(3);
      expect(await products(weights.fill(1))).toBe(12);
    });
  }
}

function testErrors(): void {
  const [hidden, kernel, teacher] = [tf.zeros([4, 5]), tf.zeros([5, 6]), tf.zeros([4, 6])];
  const student = { hidden, kernel };
  const bad = (value: unknown) => value as LinearLogits;
  const cases: [string, () => unknown, string][] = [
    [
      'no head',
      () => linearDistillationLoss(teacher, bad(hidden)),
      'student must be {hidden, kernel, bias?, transposeKernel?}',
    ],
    [
      'a misspelt key',
      () => linearDistillationLoss(teacher, bad({ ...student, biases: hidden })),
      "student has no 'biases'; expected some of hidden, kernel, bias, transposeKernel.",
    ],
    [
      'units',
      () => linearDistillationLoss(teacher, { hidden, kernel: tf.zeros([6, 6]) }),
      'student.hidden must be [..., 6] of rank 1 to 6, as its kernel is [6,6]; got shape [4,5].',
    ],
    [
      'rank of the kernel',
      () => linearDistillationLoss(teacher, { hidden, kernel: tf.zeros([5]) }),
      'student.kernel must be [H, C] with at least one class; got shape [5].',
    ],
    [
      'bias',
      () => linearDistillationLoss(teacher, { ...student, bias: tf.zeros([5]) }),
      'student.bias must be of shape [6], one for each class; got shape [5].',
    ],
    [
      'dtype',
      () => linearDistillationLoss(teacher, { hidden, kernel: tf.zeros([5, 6], 'int32') }),
      'student.kernel must be float32; got dtype int32.',
    ],
    [
      'transposeKernel',
      () => linearDistillationLoss(teacher, bad({ ...student, transposeKernel: 1 })),
      'student.transposeKernel must be true or false; got number.',
    ],
    [
      'classes of the teacher',
      () => linearDistillationLoss({ hidden, kernel: tf.zeros([5, 7]) }, student),
      'teacher and student must have logits of the same shape; got [4,7] and [4,6].',
    ],
    [
      'rows of the teacher',
      () => linearDistillationLoss(tf.zeros([3, 6]), student),
      'teacher and student must have logits of the same shape; got [3,6] and [4,6].',
    ],
    [
      'chunkRows',
      () => linearDistillationLoss(teacher, student, { chunkRows: 2.5 }),
      'chunkRows must be a whole number of at least 1; got 2.5.',
    ],
    [
      'trainKernel',
      () => linearDistillationLoss(teacher, student, { trainKernel: 1 as unknown as boolean }),
      'trainKernel must be true or false; got number.',
    ],
    [
      'teacherGradient',
      () => linearDistillationLoss(teacher, student, { teacherGradient: true }),
      'the teacher is a constant; teacherGradient must be false or left out; got true.',
    ],
    [
      'an option of the loss',
      () => linearDistillationLoss(teacher, student, { alpha: 0.5 }),
      'alpha is about the hard term, which needs labels',
    ],
    [
      'labels',
      () => linearDistillationLoss(teacher, student, { labels: [1, 2] }),
      'labels must be class ids of shape [4]',
    ],
    [
      'options',
      () => linearDistillationLoss(teacher, student, bad(null) as LinearDistillationOptions),
      'options must be an object; got null.',
    ],
  ];
  for (const [name, action, message] of cases) {
    it(`an error names the function and what is wrong: ${name}`, () => {
      expect(action).toThrow(`linearDistillationLoss: ${message}`);
    });
  }
}

/**
 * The most bytes of data while f runs, over those at its start: counted whenever a tensor is made, so after
 * every kernel. Tensors that share their data count once.
 */
function peakOver(inputs: LinearLogits[], f: () => void): number {
  const engine = tf.engine() as unknown as { trackTensor(...args: unknown[]): void };
  const alive = new Map<object, { bytes: number; tensors: tf.Tensor[] }>();
  const given = new Set(inputs.flatMap(({ hidden, kernel }) => [hidden.dataId, kernel.dataId]));
  const { trackTensor } = engine;
  let peak = 0;
  engine.trackTensor = (...args) => {
    trackTensor.apply(engine, args);
    const tensor = args[0] as tf.Tensor;
    if (given.has(tensor.dataId)) return;
    const data = alive.get(tensor.dataId) ?? { bytes: 4 * tensor.size, tensors: [] };
    data.tensors.push(tensor);
    alive.set(tensor.dataId, data);
    let bytes = 0;
    for (const { bytes: size, tensors } of alive.values())
      if (tensors.some(({ isDisposed }) => !isDisposed)) bytes += size;
    peak = Math.max(peak, bytes);
  };
  try {
    f();
  } finally {
    engine.trackTensor = trackTensor;
  }
  return peak;
}

function testMemory(): void {
  const [rows, units, classes, chunkRows] = [64, 32, 2000, 8];
  const teacher = () => ({ hidden: normal(rows, units), kernel: normal(units, classes) });
  const inPlace = backend.backendName === 'cpu' || backend.backendName === 'wasm';
  const step = (teacher: LinearLogits, student: LinearLogits, options: LinearDistillationOptions) => () =>
    tf.dispose(
      tf.grad((hidden: tf.Tensor) =>
        linearDistillationLoss(teacher, { ...student, hidden }, { chunkRows, ...options }),
      )(student.hidden),
    );

  // Stock ops hold many more of each chunk than a kernel of ours.
  const itHasKernels = backend.backendName === 'composed' ? () => {} : it;

  itHasKernels(
    'the most that is in memory over the inputs is a few kernels and chunks, never the whole logits',
    () => {
      const [v, z] = [teacher(), teacher()];
      const [kernel, chunk, all] = [4 * units * classes, 4 * chunkRows * classes, 4 * rows * units];
      const peak = peakOver([v, z], step(v, z, {}));
      expect(peak).toBeLessThan((inPlace ? 2.5 : 3.5) * kernel + 3 * chunk + 2 * all);
      expect(peak).toBeGreaterThan(kernel);
      expect(peakOver([v, z], step(v, z, { trainKernel: false }))).toBeLessThan(2 * all + 4 * chunk);
    },
  );

  it('nothing is left behind, also when a kernel throws in the middle', () => {
    const [v, z] = [teacher(), { ...teacher(), bias: normal(classes) }];
    const labels = tf.tensor1d(
      Int32Array.from({ length: rows }, (_, n) => n),
      'int32',
    );
    const temperature = tf.fill([rows], 2);
    const steps = [0, 3].map((reduction) => step(v, z, { labels, temperature, reduction }));
    for (const step of steps) step();
    const before = { tensors: tf.memory().numTensors, bytes: tf.memory().numBytes };
    for (const step of steps) step();
    expect({ tensors: tf.memory().numTensors, bytes: tf.memory().numBytes }).toEqual(before);
    const name = 'SoftmaxCrossEntropyWithTemperature';
    const kernel = tf.getKernel(name, backend.backendName);
    let calls = 0;
    tf.unregisterKernel(name, backend.backendName);
    tf.registerKernel({
      ...kernel,
      kernelFunc: (params) => {
        if (++calls % 3 === 0) throw new Error('in the middle');
        return kernel.kernelFunc(params);
      },
    });
    for (const step of steps) expect(step).toThrow('in the middle');
    tf.unregisterKernel(name, backend.backendName);
    tf.registerKernel(kernel);
    expect({ tensors: tf.memory().numTensors, bytes: tf.memory().numBytes }).toEqual(before);
  });
}

describe('linearDistillationLoss', () => {
  testHeads();
  testEdges();
  testErrors();
  testMemory();
  testOptions();

  if (isCpu && backend.backendName !== 'composed') {
    it('sums over 50,257 classes keep their digits', async () => {
      const classes = 50_257;
      const problem: ObjectiveCase = {
        ...optionCases()[0],
        shape: [4, classes],
        teacher: new Random(3).normals(4 * classes, 3),
        options: { temperature: 1 },
      };
      const given = linearCase(problem, 77);
      const truth = truthOf(given, new Float32Array(4).fill(0.25));
      const grads = tf.grads((hidden, kernel, bias) =>
        linearDistillationLoss(tf.tensor2d(problem.teacher, [4, classes]), { hidden, kernel, bias }),
      )([
        tf.tensor2d(given.hidden, [4, UNITS]),
        tf.tensor2d(given.kernel, [UNITS, classes]),
        tf.tensor1d(given.bias),
      ]);
      for (const [k, name] of (['hidden', 'kernel', 'bias'] as const).entries()) {
        const bound = (k === 0 ? 2e-6 : 1e-6) * largest(truth[name]);
        expectClose(await grads[k].data(), truth[name], bound, name);
      }
    });
  }
});
