/** Options of which each row has its own: teacherTemperature and alpha. */
import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss, distillationMetrics } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';
import { expectClose } from '../close.ts';
import { type CaseOptions, makeCase, type ObjectiveCase, reference } from '../objective_case.ts';
import { expectCase, expectOwnSize, runCase, TOLERANCE } from '../run_case.ts';

beforeAll(startBackend);

const ROWS = 6;
/** Of rows that go in groups, by themselves, and through several lanes. */
const CLASSES = [5, 67, 700];
const OWN_TEMPERATURES = [2, 0.7, 3, 2, 1, 5];
const OWN_ALPHAS = [0, 1, 0.25, 0, 0.5, 1];
const halfPrecision = backend.precision === 'f16';

for (const divergence of DIVERGENCES) {
  describe(`${divergence}: teacherTemperature of each row`, () => {
    for (const targets of ['logits', 'probabilities'] as const) {
      for (const classes of CLASSES) {
        const options: CaseOptions = {
          divergence,
          targets,
          temperature: 2,
          teacherTemperature: OWN_TEMPERATURES,
        };
        it(`${classes} ${targets}`, () => expectCase(makeCase('', [ROWS, classes], options, { seed: 51 })));
        it(`${classes} ${targets}, a temperature of each row beside it`, () =>
          expectCase(
            makeCase('', [ROWS, classes], { ...options, temperature: [2, 2, 1, 0.5, 4, 5] }, { seed: 52 }),
          ));
      }
    }
    it('one value in a tensor is that of all rows', async () => {
      const shape = [3, 20];
      const own = makeCase('', shape, { divergence, temperature: 2, teacherTemperature: 3 }, { seed: 53 });
      const { teacher, student } = own;
      const loss = tf.tidy(() =>
        distillationLoss(tf.tensor(teacher, shape), tf.tensor(student, shape), {
          divergence,
          temperature: 2,
          teacherTemperature: tf.scalar(3),
          reduction: tf.Reduction.NONE,
        }),
      );
      const truth = reference(own);
      expectClose(
        await loss.data(),
        truth.loss,
        (n) => TOLERANCE * Math.max(truth.valueScale[n], truth.loss[n]),
        'loss',
      );
      loss.dispose();
    });
  });

  if (!halfPrecision) {
    it(`${divergence}: digits of near rows wherever the two temperatures of a row are equal`, () =>
      expectOwnSize(
        makeCase(
          '',
          [4, 40],
          { divergence, temperature: [1e3, 500, 1e3, 1e3], teacherTemperature: [1e3, 500, 1e3, 2e3] },
          {
            seed: 54,
            edit: ({ teacher, student }) => {
              for (let i = 0; i < 120; i++) student[i] = teacher[i] + 1e-2 * student[i];
              // far apart, for their digits to be within reach
              for (let i = 120; i < 160; i++) student[i] *= 100;
            },
          },
        ),
      ));
  }

  describe(`${divergence}: alpha of each row`, () => {
    for (const labels of ['classIds', 'distribution'] as const) {
      for (const classes of CLASSES) {
        const options: CaseOptions = { divergence, temperature: 2, labels, alpha: OWN_ALPHAS };
        it(`${classes} classes, labels as ${labels}`, () =>
          expectCase(makeCase('', [ROWS, classes], options, { seed: 55 })));
        it(`${classes} classes, labels as ${labels}, smoothed, weighted, T of each row`, () =>
          expectCase(
            makeCase(
              '',
              [ROWS, classes],
              {
                ...options,
                labelSmoothing: 0.1,
                weights: [1, 0.5, 2, 0, 1, 3],
                temperature: [1, 2, 3, 4, 5, 6],
              },
              { seed: 56 },
            ),
          ));
      }
    }
    it('a row whose alpha is 0 needs no valid label', async () => {
      const ids = makeCase(
        '',
        [ROWS, 20],
        { divergence, temperature: 2, labels: 'classIds', alpha: OWN_ALPHAS },
        {
          seed: 57,
          edit: ({ labelIds }) => {
            labelIds?.fill(-1, 0, 1);
            labelIds?.fill(2_000_000_000, 3, 4);
          },
        },
      );
      // No half holds a class id of two milliards.
      if (!halfPrecision) await expectCase(ids);
      await expectCase(
        makeCase(
          '',
          [ROWS, 20],
          { divergence, temperature: 2, labels: 'distribution', alpha: OWN_ALPHAS },
          {
            seed: 58,
            edit: ({ labelDistribution }) => labelDistribution?.fill(Number.NaN, 60, 80),
          },
        ),
      );
    });
    // On half-precision textures such a row is NaN: docs/numerics.md.
    if (!halfPrecision) {
      it('a row whose alpha is 1 has no soft term, infinite or not', () =>
        expectCase(
          makeCase(
            '',
            [ROWS, 20],
            { divergence, temperature: 2, labels: 'classIds', alpha: OWN_ALPHAS },
            {
              seed: 59,
              edit: ({ teacher, student, labelIds }) => {
                labelIds?.fill(7, 1, 2);
                student.fill(Number.NEGATIVE_INFINITY, 23, 24);
                teacher.fill(Number.NEGATIVE_INFINITY, 24, 25);
              },
            },
          ),
        ));
    }
  });
}

/** Of each row whether loss and gradient are NaN throughout, or nowhere. */
async function nanRows(problem: ObjectiveCase): Promise<boolean[]> {
  const [rows, classes] = problem.shape;
  const { loss, dStudent } = await runCase(problem, new Float32Array(rows).fill(1), false);
  return Array.from(loss, (value, n) => {
    const isNaNs = Array.from(dStudent.subarray(n * classes, (n + 1) * classes), Number.isNaN);
    expect(isNaNs.every((is) => is === Number.isNaN(value))).toBe(true);
    return Number.isNaN(value);
  });
}

it.each([3, 300])(
  'a value that is out of range makes its row NaN, and no other, %d classes',
  async (classes) => {
    const { NaN: none, POSITIVE_INFINITY: infinity } = Number;
    const wrong = [0, -1, none, infinity];
    const temperatures = makeCase(
      '',
      [5, classes],
      { temperature: 2, teacherTemperature: [...wrong, 3] },
      { seed: 60 },
    );
    expect(await nanRows(temperatures)).toEqual([true, true, true, true, false]);
    const alphas = makeCase(
      '',
      [5, classes],
      { temperature: 2, labels: 'classIds', alpha: [-1, 1.1, none, infinity, 1] },
      {
        seed: 61,
      },
    );
    expect(await nanRows(alphas)).toEqual([true, true, true, true, false]);
    for (const value of [-1, 0, none]) {
      const all = makeCase(
        '',
        [2, classes],
        { temperature: 2, teacherTemperature: [value, value] },
        { seed: 62 },
      );
      expect(await nanRows(all)).toEqual([true, true]);
      const [v, z] = [all.teacher, all.student].map((values) => tf.tensor(values, all.shape));
      const single = distillationLoss(v, z, { temperature: 2, teacherTemperature: tf.scalar(value) });
      expect((await single.data())[0]).toBeNaN();
      tf.dispose([v, z, single]);
    }
  },
);

describe('the gradient to teacherTemperature', () => {
  for (const divergence of DIVERGENCES) {
    for (const targets of ['logits', 'probabilities'] as const) {
      it(`${divergence}, ${targets}: agrees with finite differences of the reference`, async () => {
        const shape = [3, 6];
        const given = [2, 3, 1.5];
        const of = (temperatures: number[]) =>
          reference(
            makeCase(
              '',
              shape,
              { divergence, targets, temperature: 2, teacherTemperature: temperatures },
              { seed: 63 },
            ),
          ).loss;
        const h = 1e-4;
        const truth = given.map((_, n) => {
          const moved = (by: number) => of(given.map((t, k) => (k === n ? t + by : t)))[n];
          return (moved(h) - moved(-h)) / (2 * h);
        });
        const problem = makeCase('', shape, { divergence, targets, temperature: 2 }, { seed: 63 });
        const [v, z] = [problem.teacher, problem.student].map((values) => tf.tensor(values, shape));
        const loss = (teacherTemperature: tf.Tensor): tf.Scalar =>
          distillationLoss(v, z, {
            divergence,
            targets,
            temperature: 2,
            teacherTemperature,
            reduction: tf.Reduction.SUM,
          });
        const t = tf.tensor1d(given);
        const slopes = tf.grad(loss)(t);
        const size = halfPrecision ? 0.2 : 50 * TOLERANCE;
        expectClose(
          await slopes.data(),
          truth,
          (n) => size * Math.max(1, Math.abs(truth[n])),
          'dTeacherTemperature',
        );
        tf.dispose([v, z, t, slopes]);
      });
    }
  }
});

// Beyond the first order the stock ops do the work, and overflow in half-precision textures.
if (!halfPrecision) {
  it('gradients of gradients', async () => {
    const shape = [3, 5];
    const problem = makeCase(
      '',
      shape,
      { temperature: 2, teacherTemperature: [1, 3, 2], labels: 'classIds', alpha: [0, 0.5, 1] },
      { seed: 64 },
    );
    const v = tf.tensor(problem.teacher, shape);
    const direction = tf.tensor(makeCase('', shape, { temperature: 1 }, { seed: 65 }).student, shape);
    const labels = tf.tensor(problem.labelIds ?? [], [3], 'int32');
    const loss = (z: tf.Tensor): tf.Scalar =>
      distillationLoss(v, z, {
        divergence: 'reverseKl',
        temperature: 2,
        teacherTemperature: tf.tensor1d([1, 3, 2]),
        labels,
        alpha: tf.tensor1d([0, 0.5, 1]),
        reduction: tf.Reduction.SUM,
      });
    const z = tf.tensor(problem.student, shape);
    const product = tf.tidy(() => tf.grad((z: tf.Tensor) => tf.sum(tf.mul(tf.grad(loss)(z), direction)))(z));
    const h = 1e-4;
    const u = await direction.data();
    const gradientAt = (by: number) =>
      reference({
        ...problem,
        options: { ...problem.options, divergence: 'reverseKl' },
        student: problem.student.map((x, i) => x + by * u[i]),
      }).dStudent;
    const [above, below] = [gradientAt(h), gradientAt(-h)];
    const truth = above.map((slope, i) => (slope - below[i]) / (2 * h));
    expectClose(await product.data(), truth, 5e-3, 'Hv');
    tf.dispose([v, z, direction, labels, product]);
  });
}

it('metrics at a temperature of each teacher', async () => {
  const shape = [4, 30];
  const teacherTemperature = [1, 2, 3, 4];
  const problem = makeCase('', shape, { temperature: 2, teacherTemperature, divergence: 'kl' }, { seed: 66 });
  const [v, z] = [problem.teacher, problem.student].map((values) => tf.tensor(values, shape));
  const metrics = distillationMetrics(v, z, { temperature: 2, teacherTemperature });
  const mean = (of: CaseOptions) => {
    const { loss } = reference({ ...problem, options: { ...of, scaleByTemperatureSquared: false } });
    return loss.reduce((sum, value) => sum + value / 4, 0);
  };
  const expected = {
    kl: mean(problem.options),
    crossEntropy: mean({ ...problem.options, divergence: 'crossEntropy' }),
  };
  for (const [name, value] of Object.entries(expected))
    expectClose(await metrics[name as 'kl'].data(), [value], () => 2 * TOLERANCE * Math.max(1, value), name);
  tf.dispose([v, z, Object.values(metrics)]);
});

it('what is given for each row is checked like what is given once', () => {
  const logits = [
    [1, 2],
    [3, 4],
  ];
  const loss = (options: object) => distillationLoss(logits, logits, options);
  expect(() => loss({ teacherTemperature: [1, 0] })).toThrow(
    'distillationLoss: teacherTemperature must be a finite number greater than 0; got 0.',
  );
  expect(() => loss({ teacherTemperature: [1, 2, 3] })).toThrow(
    'distillationLoss: teacherTemperature must be one number or one per row, of shape [2]; got shape [3].',
  );
  expect(() => loss({ labels: [0, 1], alpha: [0.5, 2] })).toThrow(
    'distillationLoss: alpha must be in [0, 1]; got 2.',
  );
  expect(() => loss({ labels: [0, 1], alpha: [0.5] })).toThrow(
    'distillationLoss: alpha must be one number or one per row, of shape [2]; got shape [1].',
  );
  expect(() => loss({ alpha: [0.5, 0.5] })).toThrow(
    'distillationLoss: alpha is about the hard term, which needs labels; got alpha per row and no labels.',
  );
});
