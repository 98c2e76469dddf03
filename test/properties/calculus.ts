import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss, softmaxCrossEntropyWithTemperature } from '../../src/index.ts';
import { backend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { classesOf, type ObjectiveCase, reference, rowsOf } from '../objective_case.ts';
import { Random } from '../random.ts';
import { expectCase, TOLERANCE, tensorsOf } from '../run_case.ts';
import { type Draw, problemOf } from './draw.ts';
import type { Property } from './property.ts';
import { judge, lossesOf, run, tensorOptions, withLogits } from './truth.ts';

const isHalf = backend.precision === 'f16';

const agreesWithReference: Property = {
  title: 'loss and both gradients agree with the float64 reference',
  of: {},
  holds: (draw) => expectCase(problemOf(draw)),
};

/** Logits and temperatures for which steps of a tenth are small. */
const SMOOTH = {
  logits: ['independent'],
  spread: [0.3, 1, 2],
  temperature: [0.5, 1, 2, 5],
  temperaturePerRow: [false],
} as const;

/** Central differences of four points: f'(0) up to h^4/30 of the fifth derivative. */
const POINTS = [
  [1, 8],
  [-1, -8],
  [2, -1],
  [-2, 1],
] as const;

/** A direction for the student's logits, no component above 1, and the problem at `steps` of h along it. */
function along(problem: ObjectiveCase, draw: Draw) {
  const random = new Random(draw.seed + 2);
  const direction = problem.student.map(() => 2 * random.uniform() - 1);
  const h = 0.05 * Math.min(draw.temperature, 1);
  const at = (steps: number) =>
    withLogits(problem, { student: problem.student.map((z, i) => z + steps * h * direction[i]) });
  return { direction, h, at };
}

/** What truncation leaves of the difference quotient: (h/T)^4 of the slope, with room for the constants. */
const truncation = (h: number, temperature: number) => 5 * (h / Math.min(temperature, 1)) ** 4;

const slopes: Property = {
  title: 'the slope along a direction is the four-point difference quotient of the losses',
  of: SMOOTH,
  holds: async (draw) => {
    const problem = problemOf(draw);
    const { truth, bounds } = judge(problem);
    const rows = rowsOf(problem);
    const classes = classesOf(problem);
    const { direction, h, at } = along(problem, draw);
    const { dStudent } = await run(problem, new Float32Array(rows).fill(1));
    const quotient = new Float64Array(rows);
    for (const [steps, weight] of POINTS) {
      const losses = await lossesOf(at(steps));
      for (let n = 0; n < rows; n++) quotient[n] += (weight * losses[n]) / (12 * h);
    }
    const slope = quotient.map((_, n) => dot(dStudent, direction, n, classes));
    const size = (n: number) =>
      (2 * bounds.loss(n)) / h + truncation(h, draw.temperature) * truth.gradientScale[n] * truth.logScale[n];
    expectClose(slope, quotient, size, 'slope');
  },
};

function dot(a: Float32Array, b: Float32Array, row: number, classes: number): number {
  let sum = 0;
  for (let i = row * classes; i < (row + 1) * classes; i++) sum += a[i] * b[i];
  return sum;
}

const again: Property = {
  title: 'a backward pass run again gives the same bits',
  of: {},
  holds: async (draw) => {
    const problem = problemOf(draw);
    const { teacher, student, options } = tensorsOf(problem);
    const gradient = tf.grads((v, z) => distillationLoss(v, z, { ...options, teacherGradient: true }));
    const [first, second] = [gradient([teacher, student]), gradient([teacher, student])];
    for (const k of [0, 1]) expectClose(await second[k].data(), await first[k].data(), 0, `gradient ${k}`);
    tf.dispose([teacher, student, first, second, tensorOptions(options)]);
  },
};

const twoLosses: Property = {
  title: 'two losses on the same logits add up their gradients, and the logits stay as they were',
  of: { logits: isHalf ? ['independent'] : ['independent', 'near'] },
  holds: async (draw) => {
    const problem = problemOf(draw);
    const { bounds } = judge(problem);
    const { teacher, student, options } = tensorsOf(problem);
    const { temperature } = draw;
    const given = (z: tf.Tensor) => distillationLoss(teacher, z, options);
    const plain = (z: tf.Tensor) => softmaxCrossEntropyWithTemperature(teacher, z, temperature);
    const both = tf.grad((z) => tf.add(given(z), plain(z)))(student);
    const each = [tf.grad(given)(student), tf.grad(plain)(student)];
    const [a, b] = [await each[0].data(), await each[1].data()];
    // The incoming gradient is 1 here, and at least 1/2 in the bounds.
    const size = (i: number) => 4 * bounds.dStudent(i) + (4 * TOLERANCE) / temperature;
    expectClose(
      await both.data(),
      a.map((x, i) => x + b[i]),
      size,
      'sum of the gradients',
    );
    expectClose(await teacher.data(), problem.teacher, 0, 'teacher');
    expectClose(await student.data(), problem.student, 0, 'student');
    tf.dispose([teacher, student, both, each, tensorOptions(options)]);
  },
};

const curvature: Property = {
  title:
    'a second-order gradient along a direction is the four-point difference quotient of first-order ones',
  of: { ...SMOOTH, leading: [[], [2], [2, 1, 2]], classes: [2, 3, 5, 20] },
  holds: async (draw) => {
    const problem = problemOf(draw);
    const { truth } = judge(problem);
    const { direction, h, at } = along(problem, draw);
    const ones = new Float32Array(rowsOf(problem)).fill(1);
    const quotient = new Float64Array(problem.student.length);
    for (const [steps, weight] of POINTS) {
      const { dStudent } = await run(at(steps), ones);
      for (let i = 0; i < quotient.length; i++) quotient[i] += (weight * dStudent[i]) / (12 * h);
    }
    const { teacher, student, options } = tensorsOf(problem);
    const u = tf.tensor(direction, problem.shape);
    const loss = (z: tf.Tensor) => distillationLoss(teacher, z, options);
    const product = tf.grad((z: tf.Tensor) => tf.sum(tf.mul(u, tf.grad(loss)(z))))(student);
    const size = (i: number) => {
      const n = Math.floor(i / draw.classes);
      const scale = truth.gradientScale[n] * truth.logScale[n];
      return (
        ((2 * TOLERANCE) / h + truncation(h, draw.temperature)) * scale * Math.max(1, 1 / draw.temperature)
      );
    };
    expectClose(await product.data(), quotient, size, 'Hessian times direction');
    tf.dispose([teacher, student, u, product, tensorOptions(options)]);
  },
};

const perRowGradients: Property = {
  title: 'the gradients to the weights and to the temperature of each row agree with the reference',
  of: { ...SMOOTH, temperaturePerRow: [true], weights: ['perRow'], ignoreIndex: [false] },
  holds: async (draw) => {
    const problem = problemOf(draw);
    const { dLoss, truth, bounds } = judge(problem);
    const { teacher, student, options } = tensorsOf(problem);
    const { temperature, weights } = options as { temperature: tf.Tensor; weights: tf.Tensor };
    const gradients = tf.grads((temperature, weights) =>
      distillationLoss(teacher, student, { ...options, temperature, weights }),
    )([temperature, weights], tf.tensor(dLoss, draw.leading));
    const [dTemperature, dWeights] = await Promise.all(gradients.map((gradient) => gradient.data()));
    const unweighted = judge({ ...problem, options: { ...problem.options, weights: 1 } });
    expectClose(
      dWeights,
      unweighted.truth.loss.map((loss, n) => loss * dLoss[n]),
      (n) => 2 * unweighted.bounds.loss(n),
      'dWeights',
    );
    const [t] = [problem.options.temperature as number[]];
    const h = 1e-3 * draw.temperature;
    const slope = new Float64Array(t.length);
    for (const [steps, weight] of POINTS) {
      const moved = { ...problem.options, temperature: t.map((t) => t + steps * h) };
      const { loss } = reference({ ...problem, options: moved });
      for (let n = 0; n < t.length; n++) slope[n] += (weight * loss[n] * dLoss[n]) / (12 * h);
    }
    // T dD/dT is a sum of slopes times logits, and 2 D.
    const size = (n: number) =>
      (4 * bounds.loss(n)) / t[n] + 20 * TOLERANCE * truth.gradientScale[n] * truth.logScale[n] ** 2;
    expectClose(dTemperature, slope, size, 'dTemperature');
    tf.dispose([teacher, student, gradients, tensorOptions(options)]);
  },
};

const REDUCTIONS = [tf.Reduction.SUM, tf.Reduction.MEAN, tf.Reduction.SUM_BY_NONZERO_WEIGHTS];

const reductions: Property = {
  title: 'a reduction is what the rows and their weights make it, value and gradient',
  of: { logits: isHalf ? ['independent'] : ['independent', 'near'], spread: [0.3, 1, 3] },
  holds: async (draw) => {
    const problem = problemOf(draw);
    const { truth } = judge(problem);
    const weights = weightsOf(problem);
    const { teacher, student, options } = tensorsOf(problem);
    for (const reduction of REDUCTIONS) {
      const f = (z: tf.Tensor): tf.Scalar => distillationLoss(teacher, z, { ...options, reduction });
      const { value, grad } = tf.valueAndGrad(f)(student);
      const divisor = divisorOf(reduction, weights);
      const what = `of ${tf.Reduction[reduction]}`;
      const sum = (values: ArrayLike<number>) => Array.from(values).reduce((a, b) => a + b, 0);
      const total = sum(truth.loss.map((loss) => loss / divisor));
      const size =
        TOLERANCE * sum(truth.loss.map((loss, n) => Math.max(truth.valueScale[n], Math.abs(loss)) / divisor));
      expectClose(await value.data(), [total], size, `loss ${what}`);
      expectClose(
        await grad.data(),
        truth.dStudent.map((slope) => slope / divisor),
        (i) => {
          const n = Math.floor(i / draw.classes);
          return (TOLERANCE * truth.gradientScale[n] * truth.logScale[n]) / divisor;
        },
        `dStudent ${what}`,
      );
      tf.dispose([value, grad]);
    }
    tf.dispose([teacher, student, tensorOptions(options)]);
  },
};

function weightsOf({ options, labelIds, ...problem }: ObjectiveCase): number[] {
  const { weights = 1, ignoreIndex } = options;
  return Array.from({ length: rowsOf({ options, labelIds, ...problem }) }, (_, n) =>
    ignoreIndex !== undefined && labelIds?.[n] === ignoreIndex
      ? 0
      : typeof weights === 'number'
        ? weights
        : weights[n],
  );
}

/** What the sum of weighted rows is divided by; 1 where that would be 0. */
function divisorOf(reduction: tf.Reduction, weights: number[]): number {
  if (reduction === tf.Reduction.SUM) return 1;
  const counted = reduction === tf.Reduction.MEAN ? weights : weights.map((weight) => Number(weight !== 0));
  return counted.reduce((a, b) => a + b, 0) || 1;
}

export const calculus: Property[] = [
  agreesWithReference,
  again,
  twoLosses,
  reductions,
  ...(isHalf ? [] : [slopes, curvature, perRowGradients]),
];
