/**
 * A teacher with a temperature of its own, and probabilities that are softened: MATH (33)-(37). Its values
 * are among those of values.test.ts.
 */
import * as tf from '@tensorflow/tfjs-core';
import { type DistillationOptions, distillationLoss, distillationMetrics } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';
import { expectClose } from '../close.ts';
import { type CaseOptions, edited, makeCase, type ObjectiveCase, reference } from '../objective_case.ts';
import { expectCase, expectOwnSize, runCase, TOLERANCE } from '../run_case.ts';

beforeAll(startBackend);

const { NaN: NOT_A_NUMBER, POSITIVE_INFINITY, NEGATIVE_INFINITY } = Number;
const halfPrecision = backend.precision === 'f16';

/** softmax of each row, in float64. */
function softmax(logits: Float32Array, classes: number): Float64Array {
  const result = Float64Array.from(logits);
  for (let start = 0; start < logits.length; start += classes) {
    const row = result.subarray(start, start + classes);
    const largest = row.reduce((a, b) => Math.max(a, b));
    const total = row.reduce((sum, x) => sum + Math.exp(x - largest), 0);
    row.forEach((x, i) => {
      row[i] = Math.exp(x - largest) / total;
    });
  }
  return result;
}

/** The case with its logits given as what they make of a softmax at T = 1. */
function asProbabilities(problem: ObjectiveCase): ObjectiveCase {
  const teacher = Float32Array.from(softmax(problem.teacher, problem.shape.at(-1) ?? 1));
  return { ...problem, teacher, options: { ...problem.options, targets: 'probabilities' } };
}

const ones = (rows: number) => new Float32Array(rows).fill(1);

/** softmaxes of logits of spread 3, and a student whose logits are `distance` from the logarithms of them. */
const nearProbabilities = (options: CaseOptions, distance: number, shape: number[]) =>
  makeCase(
    '',
    shape,
    { ...options, targets: 'probabilities' },
    {
      seed: 33,
      edit: ({ teacher, student }) => {
        student.forEach((z, i) => {
          student[i] = Math.log(teacher[i]) + distance * z;
        });
      },
    },
  );

for (const divergence of DIVERGENCES) {
  describe(`${divergence}: what is given as a softmax at T = 1 is what its logits are`, () => {
    for (const teacherTemperature of [undefined, 1.5]) {
      it(teacherTemperature === undefined ? 'at the temperature of both' : 'at one of its own', async () => {
        const own = teacherTemperature === undefined ? {} : { teacherTemperature };
        const logits = makeCase('', [7, 45], { divergence, temperature: 4, ...own }, { seed: 31 });
        const [ofLogits, ofProbabilities] = [
          await runCase(logits, ones(7), false),
          await runCase(asProbabilities(logits), ones(7), false),
        ];
        const { valueScale, gradientScale } = reference(logits);
        expectClose(ofProbabilities.loss, ofLogits.loss, (n) => 4 * TOLERANCE * valueScale[n], 'loss');
        const size = (i: number) => 4 * TOLERANCE * gradientScale[Math.floor(i / 45)];
        expectClose(ofProbabilities.dStudent, ofLogits.dStudent, size, 'dStudent');
      });
    }
  });

  if (!halfPrecision) {
    describe(`${divergence}: digits`, () => {
      for (const [temperature, distance] of [
        [1e3, 1],
        [1e4, 1],
        [20, 1e-2],
        [1e3, 1e-2], // the logarithms are rounded to about 3e-7
      ]) {
        for (const classes of [40, 700]) {
          it(`${classes} probabilities softened at T = ${temperature}, the student ${distance} apart: T^2 D within 1e-3 and gradient within 1e-4 of their own size`, () =>
            expectOwnSize(nearProbabilities({ divergence, temperature }, distance, [5, classes])));
        }
      }
      it("a temperature per row that is the teacher's in one of them", () =>
        expectOwnSize(
          makeCase(
            '',
            [3, 40],
            { divergence, temperature: [1e3, 2e3, 500], teacherTemperature: 1e3 },
            {
              seed: 34,
              edit: ({ teacher, student }) => {
                for (let i = 0; i < 40; i++) student[i] = teacher[i] + 1e-2 * student[i];
                // far apart, for their digits to be within reach
                for (let i = 40; i < 120; i++) student[i] *= 100;
              },
            },
          ),
        ));
      it('a student that is its teacher is not pushed away, at any T and whatever the probabilities sum to', async () => {
        for (const temperature of [1.5, 4, 1e3]) {
          for (const mass of [1, 0.5]) {
            const options: CaseOptions = { divergence, temperature, targets: 'probabilities' };
            const problem = makeCase('', [4, 30], options, {
              seed: 35,
              mass,
              edit: ({ teacher, student }) => student.set(teacher.map(Math.log)),
            });
            const { dStudent } = await runCase(problem, ones(4), false);
            // The logarithms are rounded.
            const rounding = 2e-6 * (divergence === 'reverseKl' ? 2 : 1);
            expectClose(
              dStudent,
              new Float32Array(120),
              rounding,
              `dStudent at T = ${temperature}, sum ${mass}`,
            );
          }
        }
      });
    });
  }

  for (const [name, options] of [
    ['logits at a temperature of their own', { divergence, temperature: 2, teacherTemperature: 3 }],
    ['softened probabilities', { divergence, temperature: 2, targets: 'probabilities' }],
    [
      'softened probabilities at a temperature of their own',
      { divergence, temperature: 2, teacherTemperature: 0.7, targets: 'probabilities' },
    ],
  ] satisfies [string, CaseOptions][]) {
    const isLogits = options.targets === undefined;
    const rows: [string, (row: { v: Float32Array; z: Float32Array }) => void][] = [
      ['a class masked in the student that the teacher has', ({ z }) => z.fill(NEGATIVE_INFINITY, 3, 4)],
      ['a class that only the student has', ({ v }) => v.fill(isLogits ? NEGATIVE_INFINITY : 0, 3, 4)],
      [
        'classes that neither has',
        ({ v, z }) => {
          for (const [from, to] of [
            [0, 1],
            [5, 9],
            [19, 20],
          ]) {
            v.fill(isLogits ? NEGATIVE_INFINITY : 0, from, to);
            z.fill(NEGATIVE_INFINITY, from, to);
          }
        },
      ],
      ['NaN in the teacher', ({ v }) => v.fill(NOT_A_NUMBER, 19)],
      [
        'NaN in the student where the teacher has nothing',
        ({ v, z }) => {
          v[3] = isLogits ? NEGATIVE_INFINITY : 0;
          z[3] = NOT_A_NUMBER;
        },
      ],
      ['+Infinity in the teacher', ({ v }) => v.fill(POSITIVE_INFINITY, 7, 8)],
      ['a teacher without any class', ({ v }) => v.fill(isLogits ? NEGATIVE_INFINITY : 0)],
      ['a student without any class', ({ z }) => z.fill(NEGATIVE_INFINITY)],
    ];
    if (!isLogits) {
      rows.push(
        ['a probability below 0', ({ v }) => v.fill(-0.25, 4, 5)],
        ['a probability too small to be softened', ({ v }) => v.fill(1e-40, 4, 6)],
        ['the smallest probability that is softened', ({ v }) => v.fill(2 ** -126, 4, 6)],
        [
          'probabilities that sum to eight',
          ({ v }) =>
            v.forEach((p, i) => {
              v[i] = 8 * p;
            }),
        ],
      );
    }
    if (halfPrecision) continue;
    describe(`${divergence} of ${name}`, () => {
      for (const [what, edit] of rows) it(what, () => expectCase(edited('', options, edit)));
      it('a row of weight 0, whatever it holds', () =>
        expectCase(
          edited('', { ...options, weights: [1, 0, 2, 1] }, ({ v, z }) => {
            v.fill(-1);
            z.fill(NOT_A_NUMBER);
          }),
        ));
      it('rows of one class', () => expectCase(makeCase('', [5, 1], options, { seed: 36 })));
    });
  }

  if (!halfPrecision) {
    describe(`${divergence}: gradients to T and of second order`, () => {
      const CLASSES = 5;
      const shape = [3, CLASSES];
      for (const [name, given] of [
        ['logits at T', {}],
        ['logits at a fixed temperature', { teacherTemperature: 1.5 }],
        ['probabilities softened at T', { targets: 'probabilities' }],
        [
          'probabilities softened at a fixed temperature',
          { targets: 'probabilities', teacherTemperature: 1.5 },
        ],
        ['probabilities as they are', { targets: 'probabilities', teacherTemperature: 1 }],
      ] satisfies [string, Pick<DistillationOptions, 'targets' | 'teacherTemperature'>][]) {
        const temperature = [1.7, 0.8, 3];
        const problem = makeCase(
          '',
          shape,
          { divergence, ...given, temperature },
          { seed: 37, spread: 1.5, mass: 1.25 },
        );
        const lossOf = (changed: Partial<ObjectiveCase>) =>
          reference({ ...problem, ...changed }).loss.reduce((a, b) => a + b);
        const total = (v: tf.Tensor, z: tf.Tensor, t: tf.Tensor): tf.Scalar =>
          distillationLoss(v, z, {
            ...given,
            divergence,
            temperature: t,
            teacherGradient: true,
            reduction: tf.Reduction.SUM,
          });

        it(`to the temperature, of ${name}`, async () => {
          const [v, z, t] = [
            tf.tensor(problem.teacher, shape),
            tf.tensor(problem.student, shape),
            tf.tensor(temperature),
          ];
          const slope = tf.grads(total)([v, z, t]);
          const truth = temperature.map((_, n) =>
            differenceAt(
              (x) => lossOf({ options: { ...problem.options, temperature: moved(temperature, n, x) } }),
              temperature[n],
            ),
          );
          expectClose(await slope[2].data(), truth, 2e-4, 'dTemperature');
          tf.dispose([v, z, t, slope]);
        });

        it(`of second order, of ${name}`, async () => {
          const [v, z, t] = [
            tf.tensor(problem.teacher, shape),
            tf.tensor(problem.student, shape),
            tf.tensor(temperature),
          ];
          const direction = tf.tensor(
            makeCase('', shape, { temperature: 1 }, { seed: 38, spread: 1 }).student,
            shape,
          );
          const u = await direction.data();
          const along = (v: tf.Tensor, z: tf.Tensor): tf.Scalar =>
            tf.sum(tf.mul(direction, tf.grad((z: tf.Tensor) => total(v, z, t))(z)));
          const [mixed, hessian] = tf.grads(along)([v, z]);
          const slope = (changed: Partial<ObjectiveCase>) =>
            reference({ ...problem, ...changed }).dStudent.reduce((sum, x, i) => sum + x * u[i], 0);
          const differences = (of: 'teacher' | 'student', step: number) =>
            Array.from(problem[of], (at, i) =>
              differenceAt(
                (x) => slope({ [of]: moved(problem[of], i, x) } as Partial<ObjectiveCase>),
                at,
                step,
              ),
            );
          expectClose(await hessian.data(), differences('student', 1e-3), 2e-4, 'd(dStudent . u)/dStudent');
          const size = (i: number) => 2e-4 * Math.max(1, 1 / Math.abs(problem.teacher[i]));
          expectClose(await mixed.data(), differences('teacher', 1e-4), size, 'd(dStudent . u)/dTeacher');
          tf.dispose([v, z, t, direction, mixed, hessian]);
        });
      }
    });
  }
}

const moved = (values: ArrayLike<number>, i: number, x: number) =>
  Float64Array.from(values, (value, k) => (k === i ? x : value)) as never;

/** Fourth-order central difference, in float64. */
function differenceAt(f: (x: number) => number, x: number, step = 1e-3): number {
  return (8 * (f(x + step) - f(x - step)) - (f(x + 2 * step) - f(x - 2 * step))) / (12 * step);
}

describe('in use', () => {
  const v = [[0.7, 0.2, 0.1]];
  const z = [[1, 0.3, -1]];
  const lossAt = async (options: DistillationOptions) => {
    const loss = distillationLoss(v, z, options);
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };
  it('T^2 is that of the student', async () => {
    const plain = await lossAt({ temperature: 3, teacherTemperature: 2, scaleByTemperatureSquared: false });
    const scaled = await lossAt({ temperature: 3, teacherTemperature: 2 });
    expectClose([scaled], [9 * plain], 1e-2, 'loss');
  });
  it('metrics are of the softened teacher, at temperatures of their own too', async () => {
    const metrics = distillationMetrics(v, z, {
      temperature: 3,
      teacherTemperature: 2,
      targets: 'probabilities',
    });
    const roots = v[0].map(Math.sqrt);
    const sum = roots.reduce((a, b) => a + b);
    const entropy = -roots.reduce((total, root) => total + (root / sum) * Math.log(root / sum), 0);
    const loss = await lossAt({
      temperature: 3,
      teacherTemperature: 2,
      targets: 'probabilities',
      divergence: 'kl',
      scaleByTemperatureSquared: false,
    });
    expectClose(await metrics.teacherEntropy.data(), [entropy], 4 * TOLERANCE, 'teacherEntropy');
    expectClose(await metrics.kl.data(), [loss], 4 * TOLERANCE, 'kl');
    tf.dispose(metrics);
  });
  it('leaves no tensors behind', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      tf.grads((v, z, t) =>
        distillationLoss(v, z, { temperature: t, targets: 'probabilities', teacherGradient: true }),
      )([tf.tensor2d(v), tf.tensor2d(z), tf.tensor1d([3])]);
    });
    expect(tf.memory().numTensors).toBe(before);
  });
});
