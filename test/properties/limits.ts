import { backend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { classesOf, type ObjectiveCase, rowsOf } from '../objective_case.ts';
import { TOLERANCE } from '../run_case.ts';
import { problemOf } from './draw.ts';
import type { Property } from './property.ts';
import { judge, lossesOf, run } from './truth.ts';

const isHalf = backend.precision === 'f16';

const notNegative: Property = {
  title:
    'no divergence of two distributions is negative, nor is a mixture further apart than log(1/beta) and log(1/(1-beta)) allow',
  of: { divergence: ['kl', 'reverseKl', 'jsd'], targets: ['logits'], labels: ['none'] },
  holds: async (draw) => {
    const problem = problemOf(draw);
    const { truth, bounds } = judge(problem);
    const { beta } = draw;
    const most =
      draw.divergence === 'jsd' && beta > 0 && beta < 1
        ? -beta * Math.log(beta) - (1 - beta) * Math.log(1 - beta)
        : Number.POSITIVE_INFINITY;
    const losses = await lossesOf(problem);
    losses.forEach((loss, n) => {
      const unit = truth.valueScale[n];
      if (loss < 0 || loss > most * unit + bounds.loss(n))
        throw new Error(`loss ${n} is ${loss}; expected at least 0 and at most ${most * unit}.`);
    });
  },
};

/**
 * Where T is so large, distributions are nearly uniform, and the paper's approximations are exact up to terms
 * of spread/T.
 */
const HOT = {
  temperature: [1e4, 3e4, 1e5],
  temperaturePerRow: [false],
  spread: [0.3, 1, 3],
  logits: ['independent'],
} as const;

const alone = {
  targets: ['logits'],
  teacherTemperature: ['same'],
  labels: ['none'],
  weights: ['none'],
} as const;

/** A row's logits less their mean, in float64. */
function centred(logits: Float32Array, row: number, classes: number): Float64Array {
  const values = Float64Array.from(logits.subarray(row * classes, (row + 1) * classes));
  const mean = values.reduce((total, x) => total + x, 0) / classes;
  return values.map((x) => x - mean);
}

/** (z - v) of a row, both centred. */
function disagreement({ student, teacher, shape }: ObjectiveCase, row: number): Float64Array {
  const classes = shape[shape.length - 1];
  const v = centred(teacher, row, classes);
  return centred(student, row, classes).map((z, i) => z - v[i]);
}

const halfVariance: Property = {
  title:
    'T^2 times a divergence tends to half the variance of v - z as T grows, times beta (1 - beta) for a mixture',
  of: { ...alone, ...HOT, divergence: ['kl', 'reverseKl', 'jsd'], scaleByTemperatureSquared: [true] },
  holds: async (draw) => {
    const problem = problemOf(draw);
    const classes = classesOf(problem);
    const { beta } = draw;
    const share = draw.divergence === 'jsd' && beta > 0 && beta < 1 ? beta * (1 - beta) : 1;
    const limit = Array.from({ length: rowsOf(problem) }, (_, n) => {
      const squares = disagreement(problem, n).reduce((total, d) => total + d * d, 0);
      return (share * squares) / classes / 2;
    });
    // The next term of the series is of relative size spread/T.
    const next = (10 * draw.spread) / draw.temperature;
    expectClose(await lossesOf(problem), limit, (n) => (1e-3 + next) * limit[n], 'T^2 D');
  },
};

const equation4: Property = {
  title: 'the gradient at T^2 tends to (z - v)/C of centred logits: equation 4 of arXiv 1503.02531',
  of: { ...alone, ...HOT, divergence: ['crossEntropy', 'kl'], scaleByTemperatureSquared: [true] },
  holds: async (draw) => {
    const problem = problemOf(draw);
    const classes = classesOf(problem);
    const rows = rowsOf(problem);
    const { dStudent } = await run(problem, new Float32Array(rows).fill(1));
    for (let n = 0; n < rows; n++) {
      const limit = disagreement(problem, n).map((d) => d / classes);
      const largest = limit.reduce((most, slope) => Math.max(most, Math.abs(slope)), 0);
      const size = (1e-4 + (10 * draw.spread) / draw.temperature) * largest;
      expectClose(dStudent.subarray(n * classes, (n + 1) * classes), limit, size, `dStudent of row ${n}`);
    }
  },
};

const argmax: Property = {
  title:
    'as T tends to 0 the gradient tells which classes lead: 0 where teacher and student agree, else +1/T and -1/T',
  of: {
    ...alone,
    logits: ['ranks'],
    divergence: ['crossEntropy', 'kl'],
    temperature: isHalf ? [0.06] : [0.02, 0.05],
    temperaturePerRow: [false],
    scaleByTemperatureSquared: [false],
    classes: [1, 2, 3, 7, 64, 300],
  },
  holds: async (draw) => {
    const problem = problemOf(draw);
    const { classes, temperature } = draw;
    const rows = rowsOf(problem);
    const { dStudent } = await run(problem, new Float32Array(rows).fill(1));
    const leads = (logits: Float32Array, i: number) => Number(logits[i] === classes - 1);
    const limit = Float64Array.from(
      dStudent,
      (_, i) => (leads(problem.student, i) - leads(problem.teacher, i)) / temperature,
    );
    // The second class has e^(-1/T) of the first, 6e-8 at T = 0.06.
    expectClose(dStudent, limit, TOLERANCE / temperature, 'dStudent');
  },
};

export const limits: Property[] = isHalf ? [argmax] : [notNegative, halfVariance, equation4, argmax];
