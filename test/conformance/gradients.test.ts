import * as tf from '@tensorflow/tfjs-core';
import {
  type DistillationOptions,
  distillationLoss,
  softmaxCrossEntropyWithTemperature,
} from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';
import { expectClose } from '../close.ts';
import { makeCase, type ObjectiveCase, referenceRowOf } from '../objective_case.ts';
import { Random } from '../random.ts';
import { type ReferenceRow, referenceRow } from '../reference.ts';
import { TOLERANCE } from '../run_case.ts';

beforeAll(startBackend);

const ROWS = 3;
const CLASSES = 7;
const SHAPE: [number, number] = [ROWS, CLASSES];

/** Central differences of f at x, in float64. */
function differences(f: (x: Float64Array) => number, x: ArrayLike<number>, step = 1e-4): Float64Array {
  return Float64Array.from({ length: x.length }, (_, i) => {
    const at = (delta: number) => {
      const moved = Float64Array.from(x);
      moved[i] += delta;
      return f(moved);
    };
    return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
  });
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

/** The sum over rows of some function of the row, with teacher or student replaced. */
function overRows(problem: ObjectiveCase, term: (row: ReferenceRow, n: number) => number) {
  return (changed: { teacher?: ArrayLike<number>; student?: ArrayLike<number> }): number => {
    let total = 0;
    for (let n = 0; n < ROWS; n++) {
      const row = referenceRowOf(problem, n);
      const slice = (x: ArrayLike<number>) => Array.from(x).slice(n * CLASSES, (n + 1) * CLASSES);
      if (changed.teacher) row.teacher = slice(changed.teacher);
      if (changed.student) row.student = slice(changed.student);
      total += term(row, n);
    }
    return total;
  };
}

/** Of which numbers are given once for all rows. */
type Options = DistillationOptions & { teacherTemperature?: number; alpha?: number };

const OPTIONS: Record<string, Options> = {
  'of logits': {},
  'of probabilities': { targets: 'probabilities', teacherTemperature: 1 },
  'with labels': { labels: tf.tensor1d([1, 6, 0], 'int32').arraySync(), alpha: 0.3, labelSmoothing: 0.1 },
};

for (const divergence of DIVERGENCES) {
  for (const [name, given] of Object.entries(OPTIONS)) {
    const options: DistillationOptions = { ...given, divergence, temperature: 1.7, teacherGradient: true };
    const problem = makeCase(
      '',
      SHAPE,
      { divergence, temperature: 1.7, ...pick(given) },
      { seed: 21, spread: 1.5 },
    );
    if (given.labels) problem.labelIds?.set([1, 6, 0]);
    const u = new Random(22).normals(ROWS * CLASSES);
    const tensors = () => ({
      v: tf.tensor2d(problem.teacher, SHAPE),
      z: tf.tensor2d(problem.student, SHAPE),
      direction: tf.tensor2d(u, SHAPE),
    });
    const total = (v: tf.Tensor, z: tf.Tensor): tf.Scalar =>
      distillationLoss(v, z, { ...options, reduction: tf.Reduction.SUM });

    describe(`${divergence} ${name}`, () => {
      it('gradients agree with finite differences of the reference', async () => {
        const { v, z, direction } = tensors();
        const [dv, dz] = tf.grads(total)([v, z]);
        const loss = overRows(problem, (row) => referenceRow(row).loss);
        const size = backend.precision === 'f16' ? 0.1 : 10 * TOLERANCE;
        expectClose(
          await dz.data(),
          differences((student) => loss({ student }), problem.student),
          size,
          'dStudent',
        );
        expectClose(
          await dv.data(),
          differences((teacher) => loss({ teacher }), problem.teacher, 1e-5),
          (i) => size * Math.max(1, Math.abs(1 / problem.teacher[i])),
          'dTeacher',
        );
        tf.dispose([v, z, direction, dv, dz]);
      });

      // Beyond the first order the stock ops do the work, and overflow in half-precision textures.
      if (backend.precision === 'f32') {
        it('second-order gradients agree with finite differences of the reference gradient', async () => {
          const { v, z, direction } = tensors();
          const along = (v: tf.Tensor, z: tf.Tensor): tf.Scalar =>
            tf.sum(tf.mul(direction, tf.grad((z: tf.Tensor) => total(v, z))(z)));
          const [mixed, hessian] = tf.grads(along)([v, z]);
          const slope = overRows(problem, (row, n) =>
            dot(referenceRow(row).dStudent, u.subarray(n * CLASSES, (n + 1) * CLASSES)),
          );
          const size = 1e-4;
          expectClose(
            await hessian.data(),
            differences((student) => slope({ student }), problem.student),
            size,
            'd(dStudent . u)/dStudent',
          );
          expectClose(
            await mixed.data(),
            differences((teacher) => slope({ teacher }), problem.teacher, 1e-5),
            (i) => size * Math.max(1, Math.abs(1 / problem.teacher[i])),
            'd(dStudent . u)/dTeacher',
          );
          tf.dispose([v, z, direction, mixed, hessian]);
        });
      }
    });
  }
}

/** The part of the options that a case carries as plain data. */
function pick({ targets, teacherTemperature, alpha, labelSmoothing, labels }: Options) {
  return {
    ...(targets ? { targets } : {}),
    ...(teacherTemperature === undefined ? {} : { teacherTemperature }),
    ...(labels
      ? { labels: 'classIds' as const, alpha: alpha ?? 0.5, labelSmoothing: labelSmoothing ?? 0 }
      : {}),
  };
}

describe('gradients in use', () => {
  const v = () =>
    tf.tensor2d([
      [1, 2, 3],
      [0, -1, 0.5],
    ]);
  const z = () =>
    tf.tensor2d([
      [0.3, 0.2, -1],
      [2, 0, 1],
    ]);
  const CLOSE = backend.precision === 'f16' ? 2e-2 : 1e-5;

  if (backend.precision === 'f32') {
    it('a third-order gradient is that of the stock composition', async () => {
      const x = tf.tensor1d([0.3, -0.5, 1]);
      const target = tf.tensor1d([1, 0.2, -1]);
      const third = (f: (x: tf.Tensor) => tf.Scalar) => {
        const along = (g: (x: tf.Tensor) => tf.Tensor) => (x: tf.Tensor) =>
          tf.sum(tf.mul(g(x), tf.tensor1d([1, -2, 0.5]))) as tf.Scalar;
        return tf.tidy(() => tf.grad(along(tf.grad(along(tf.grad(f)))))(x));
      };
      const ours = third((x) => softmaxCrossEntropyWithTemperature(target, x, 2));
      // d3/dz3 of logsumexp(z/2), from the moments of q about its mean.
      const scaled = Array.from([0.3, -0.5, 1], (value) => Math.exp(value / 2));
      const sum = scaled.reduce((a, b) => a + b);
      const q = scaled.map((value) => value / sum);
      const d = [1, -2, 0.5];
      const mean = dot(q, d);
      const variance = dot(
        q,
        d.map((value) => (value - mean) ** 2),
      );
      const truth = q.map((qi, i) => (qi * ((d[i] - mean) ** 2 - variance)) / 8);
      expectClose(await ours.data(), truth, CLOSE, 'third order');
      tf.dispose([x, target, ours]);
    });
  }

  it('an incoming gradient known to be 1, constant or computed gives the same rows', async () => {
    const [teacher, student] = [v(), z()];
    const f = (z: tf.Tensor) => softmaxCrossEntropyWithTemperature(teacher, z, 2);
    const one = tf.grad(f)(student);
    const three = tf.grad(f)(student, tf.tensor1d([3, 3]));
    const computed = tf.grad((z) => tf.sum(tf.mul(f(z), tf.sqrt(tf.tensor1d([4, 25])))))(student);
    const truth = await one.data();
    expectClose(
      await three.data(),
      truth.map((x) => 3 * x),
      CLOSE,
      'constant',
    );
    expectClose(
      await computed.data(),
      truth.map((x, i) => (i < 3 ? 2 : 5) * x),
      CLOSE,
      'computed',
    );
    tf.dispose([teacher, student, one, three, computed]);
  });

  it('several losses on the same logits add up, and the inputs are left as they were', async () => {
    const [teacher, student] = [v(), z()];
    const before = [await teacher.data(), await student.data()].map((x) => Float32Array.from(x));
    const first = (z: tf.Tensor): tf.Scalar => distillationLoss(teacher, z, { temperature: 4 });
    const second = (z: tf.Tensor): tf.Scalar =>
      distillationLoss(teacher, z, { temperature: 1, divergence: 'reverseKl' });
    const both = tf.grad((z) => tf.add(first(z), second(z)))(student);
    const each = [tf.grad(first)(student), tf.grad(second)(student)];
    const [a, b] = [await each[0].data(), await each[1].data()];
    expectClose(
      await both.data(),
      a.map((x, i) => x + b[i]),
      CLOSE,
      'sum of gradients',
    );
    // Half-precision textures round on upload, whoever reads them.
    const rounding = backend.precision === 'f16' ? 1e-3 : 0;
    expectClose(await teacher.data(), before[0], rounding, 'teacher');
    expectClose(await student.data(), before[1], rounding, 'student');
    tf.dispose([teacher, student, both, each]);
  });

  it('a second backward pass gives the same gradient', async () => {
    const [teacher, student] = [v(), z()];
    const g = tf.grad((z: tf.Tensor): tf.Scalar => distillationLoss(teacher, z, { temperature: 2 }));
    const [once, again] = [g(student), g(student)];
    expectClose(await again.data(), await once.data(), 0, 'gradient');
    tf.dispose([teacher, student, once, again]);
  });

  it('the gradient reaches variables through a model', async () => {
    const teacher = v();
    const input = tf.tensor2d([
      [1, 0],
      [0.5, -1],
    ]);
    const kernel = tf.variable(
      tf.tensor2d([
        [0.1, 0.2, 0.3],
        [-0.3, 0.1, 0],
      ]),
    );
    const { value, grads } = tf.variableGrads(() =>
      distillationLoss(teacher, tf.matMul(input, kernel), { temperature: 3 }),
    );
    const step = 1e-2;
    const at = async (delta: number) => {
      const moved = tf.add(
        kernel,
        tf.tensor2d([
          [delta, 0, 0],
          [0, 0, 0],
        ]),
      );
      const loss = distillationLoss(teacher, tf.matMul(input, moved), { temperature: 3 });
      return (await loss.data())[0];
    };
    const slope = ((await at(step)) - (await at(-step))) / (2 * step);
    expectClose(
      (await grads[kernel.name].data()).slice(0, 1),
      [slope],
      backend.precision === 'f16' ? 0.5 : 5e-3,
      'd loss / d kernel[0]',
    );
    tf.dispose([teacher, input, kernel, value, grads]);
  });

  it('the teacher is a constant unless asked', async () => {
    const [teacher, student] = [tf.variable(v()), tf.variable(z())];
    const names = (teacherGradient: boolean) => {
      const { value, grads } = tf.variableGrads(
        () => distillationLoss(teacher, student, { teacherGradient }),
        [teacher, student],
      );
      const reached = [teacher, student].map(({ name }) => grads[name] != null);
      tf.dispose([value, grads]);
      return reached;
    };
    expect(names(false)).toEqual([false, true]);
    expect(names(true)).toEqual([true, true]);
    tf.dispose([teacher, student]);
  });

  it('gradients to weights and temperature agree with finite differences', async () => {
    const [teacher, student] = [v(), z()];
    const loss = (weights: tf.Tensor, temperature: tf.Tensor): tf.Scalar =>
      distillationLoss(teacher, student, { weights, temperature, labels: [1, 2], alpha: 0.3 });
    const at = async (w: number[], t: number[]) => {
      const value = loss(tf.tensor1d(w), tf.tensor1d(t));
      return (await value.data())[0];
    };
    const [dw, dt] = tf.grads(loss)([tf.tensor1d([1, 0.5]), tf.tensor1d([2, 3])]);
    const e = 2e-2;
    const slope = async (a: Promise<number>, b: Promise<number>) => ((await a) - (await b)) / (2 * e);
    const size = backend.precision === 'f16' ? 0.5 : 2e-3;
    expectClose(
      await dw.data(),
      [
        await slope(at([1 + e, 0.5], [2, 3]), at([1 - e, 0.5], [2, 3])),
        await slope(at([1, 0.5 + e], [2, 3]), at([1, 0.5 - e], [2, 3])),
      ],
      size,
      'dWeights',
    );
    expectClose(
      await dt.data(),
      [
        await slope(at([1, 0.5], [2 + e, 3]), at([1, 0.5], [2 - e, 3])),
        await slope(at([1, 0.5], [2, 3 + e]), at([1, 0.5], [2, 3 - e])),
      ],
      size,
      'dTemperature',
    );
    tf.dispose([teacher, student, dw, dt]);
  });

  if (backend.precision === 'f32') {
    it('a second-order gradient of the mean over rows is that of their sum, divided by the rows', async () => {
      const [teacher, student] = [v(), z()];
      const curvature = (reduction: tf.Reduction) =>
        tf.grad((z: tf.Tensor) => {
          const loss = (z: tf.Tensor) => distillationLoss(teacher, z, { temperature: 2, reduction });
          return tf.sum(tf.mul(tf.grad(loss)(z), tf.tensor2d([[1, -2, 0.5]])));
        })(student);
      const [ofMean, ofSum] = [curvature(tf.Reduction.MEAN), curvature(tf.Reduction.SUM)];
      expectClose(
        await ofMean.data(),
        (await ofSum.data()).map((x) => x / 2),
        CLOSE,
        'second order',
      );
      tf.dispose([teacher, student, ofMean, ofSum]);
    });

    it('logits of rank 6 have weights, ignored rows and a temperature with a gradient', async () => {
      const shape = [1, 2, 1, 1, 1, 3];
      const [teacher, student] = [tf.reshape(v(), shape), tf.reshape(z(), shape)];
      const options = { labels: tf.tensor([0, 1], [1, 2, 1, 1, 1], 'int32'), ignoreIndex: 1 };
      const [dWeights, dTemperature] = tf.grads((weights, temperature) =>
        tf.sum(distillationLoss(teacher, student, { ...options, weights, temperature })),
      )([tf.ones([1, 2, 1, 1, 1]), tf.fill([1, 2, 1, 1, 1], 2)]);
      const [w, t] = [await dWeights.data(), await dTemperature.data()];
      expect([w[0] !== 0, t[0] !== 0, w[1], t[1]]).toEqual([true, true, 0, 0]);
      tf.dispose([teacher, student, options.labels, dWeights, dTemperature]);
    });

    it('an ignored row, whose class id is none, has gradient 0 to its weight', async () => {
      const [teacher, student] = [v(), z()];
      const options = { labels: [1, -100], ignoreIndex: -100, reduction: tf.Reduction.SUM };
      const dWeights = tf.grad((weights: tf.Tensor) =>
        distillationLoss(teacher, student, { ...options, weights }),
      )(tf.tensor1d([1, 2]));
      const alone = distillationLoss(tf.slice(teacher, 0, 1), tf.slice(student, 0, 1), { labels: [1] });
      expectClose(await dWeights.data(), [(await alone.data())[0], 0], CLOSE, 'dWeights');
      tf.dispose([teacher, student, dWeights, alone]);
    });

    it('an ignored row has no part in the gradient of a mean to the weights', async () => {
      const [teacher, student] = [tf.concat([v(), v()]), tf.concat([z(), tf.neg(z())])];
      const options = { labels: [1, -100, 0, 2], ignoreIndex: -100 };
      const dWeights = tf.grad((weights: tf.Tensor) =>
        distillationLoss(teacher, student, { ...options, weights, reduction: tf.Reduction.MEAN }),
      )(tf.tensor1d([1, 2, 3, 0]));
      const losses = distillationLoss(teacher, student, { ...options, reduction: tf.Reduction.NONE });
      const [l0, , l2, l3] = await losses.data();
      const mean = (l0 + 3 * l2) / 4;
      const truth = [l0, mean, l2, l3].map((loss) => (loss - mean) / 4);
      expectClose(await dWeights.data(), truth, CLOSE, 'dWeights');
      tf.dispose([teacher, student, dWeights, losses]);
    });

    it('a class masked on both sides is no part of the gradient to the temperature', async () => {
      const slope = async (teacher: number[], student: number[]) => {
        const gradient = tf.grad((t: tf.Tensor) =>
          tf.sum(distillationLoss([teacher], [student], { temperature: t, divergence: 'kl' })),
        )(tf.tensor1d([2]));
        return gradient.data();
      };
      const masked = Number.NEGATIVE_INFINITY;
      const withMask = await slope([1, masked, 2, 3], [0.3, masked, 0.2, -1]);
      expectClose(withMask, await slope([1, 2, 3], [0.3, 0.2, -1]), CLOSE, 'dTemperature');
    });
  }
});
