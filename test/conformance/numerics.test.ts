import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss, softmaxCrossEntropyWithTemperature } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';
import { expectClose } from '../close.ts';
import { type CaseOptions, edited, makeCase } from '../objective_case.ts';
import { referenceRow } from '../reference.ts';
import { expectCase, expectOwnSize, runCase, TOLERANCE } from '../run_case.ts';

beforeAll(startBackend);

const { NaN: NOT_A_NUMBER, POSITIVE_INFINITY, NEGATIVE_INFINITY } = Number;

/**
 * Half-precision textures hold logits up to 1e3 usefully and no differences of 1e-4; and what becomes of an
 * infinity in them is the driver's: SwiftShader reads it back as NaN. So the rows that are not finite are a
 * matter of the float32 backends.
 */
const halfPrecision = backend.precision === 'f16';

const ones = (rows: number) => new Float32Array(rows).fill(1);

for (const divergence of DIVERGENCES) {
  const options: CaseOptions = { divergence, temperature: 2 };
  const withProbabilities: CaseOptions = { ...options, targets: 'probabilities', teacherTemperature: 1 };

  if (!halfPrecision) {
    describe(`${divergence}: rows that are not finite stay among themselves`, () => {
      it('v_i = -Infinity: p_i = 0 and the term is 0; of reverseKl there is no finite value', () =>
        expectCase(
          edited('', options, ({ v }) => {
            v[3] = NEGATIVE_INFINITY;
          }),
        ));
      it('p_i > 0 and z_i = -Infinity: +Infinity for crossEntropy and kl, finite for reverseKl and jsd, never NaN; a finite gradient', () =>
        expectCase(
          edited('', options, ({ z }) => {
            z[3] = NEGATIVE_INFINITY;
          }),
        ));
      it('a class masked in both does not exist', () =>
        expectCase(
          edited('', options, ({ v, z }) => {
            v[0] = z[0] = v[19] = z[19] = NEGATIVE_INFINITY;
          }),
        ));
      it('z_i = -Infinity where p_i = 0: the term is 0, and the gradient at i', () =>
        expectCase(
          edited('', withProbabilities, ({ v, z }) => {
            v[3] = 0;
            z[3] = NEGATIVE_INFINITY;
          }),
        ));
      it('a probability of 0 among the targets', () =>
        expectCase(
          edited('', withProbabilities, ({ v }) => {
            v[5] = 0;
          }),
        ));
      it('a class masked on one side alone, where the row nearly agrees elsewhere', async () => {
        for (const masked of ['v', 'z'] as const) {
          await expectCase(
            edited('', options, (row) => {
              for (let i = 0; i < 20; i++) row.z[i] = row.v[i] + 1e-3 * row.z[i];
              row[masked][3] = NEGATIVE_INFINITY;
            }),
          );
        }
      });
      it('a whole row of -Infinity in z is NaN in that row only', () =>
        expectCase(
          edited('', options, ({ z }) => {
            z.fill(NEGATIVE_INFINITY);
          }),
        ));
      it('a whole row of -Infinity in v is NaN in that row only', () =>
        expectCase(
          edited('', options, ({ v }) => {
            v.fill(NEGATIVE_INFINITY);
          }),
        ));
      it('NaN in z is NaN in that row only', () =>
        expectCase(
          edited('', options, ({ z }) => {
            z[0] = NOT_A_NUMBER;
          }),
        ));
      it('NaN in v is NaN in that row only', () =>
        expectCase(
          edited('', options, ({ v }) => {
            v[19] = NOT_A_NUMBER;
          }),
        ));
      it('NaN in the student makes its row NaN where the probability given is 0 too', () =>
        expectCase(
          edited('', withProbabilities, ({ v, z }) => {
            v[3] = 0;
            z[3] = NOT_A_NUMBER;
          }),
        ));
      it('NaN in the student makes its row NaN where the teacher has no mass too', () =>
        expectCase(
          edited('', options, ({ v, z }) => {
            v[3] = -1e4;
            z[3] = NOT_A_NUMBER;
          }),
        ));
      it('NaN among the probabilities makes its row NaN', () =>
        expectCase(
          edited('', withProbabilities, ({ v }) => {
            v[3] = NOT_A_NUMBER;
          }),
        ));
      it('+Infinity in z is NaN in that row only', () =>
        expectCase(
          edited('', options, ({ z }) => {
            z[7] = POSITIVE_INFINITY;
          }),
        ));
      it('+Infinity in v is NaN in that row only', () =>
        expectCase(
          edited('', options, ({ v }) => {
            v[7] = POSITIVE_INFINITY;
          }),
        ));
      it('a row of weight 0 contributes exactly 0 even if it holds NaN', () =>
        expectCase(
          edited('', { ...options, weights: [1, 0, 2, 1] }, ({ v, z }) => {
            v[1] = NOT_A_NUMBER;
            z.fill(NEGATIVE_INFINITY);
          }),
        ));
      it('an ignored row contributes exactly 0 even if it holds NaN', () => {
        const problem = edited('', { ...options, labels: 'classIds', ignoreIndex: -1 }, ({ v }) => {
          v[1] = NOT_A_NUMBER;
        });
        problem.labelIds?.set([-1], 1);
        return expectCase(problem);
      });
    });
  }

  describe(`${divergence}: small and odd rows`, () => {
    it('a label outside of [0, C) that is not ignoreIndex makes its row NaN', () => {
      const problem = edited('', { ...options, labels: 'classIds' }, () => {});
      problem.labelIds?.set([20], 1);
      return expectCase(problem);
    });
    it('one class (C = 1) gives 0 and gradient 0', () =>
      expectCase(makeCase('', [5, 1], options, { seed: 8 })));
    if (backend.backendName !== 'webgl') {
      it('one class (C = 1) gives 0 to the last bit where T is large and the models are a shift apart', async () => {
        const problem = makeCase('', [60, 1], { divergence, temperature: 1e4 }, { seed: 9, spread: 1 });
        const { loss, dStudent } = await runCase(problem, ones(60), false);
        expect([...loss, ...dStudent].map(Math.abs)).toEqual(new Array(120).fill(0));
      });
    }
    it('a T in a tensor that is no finite number above 0 makes its row NaN', () =>
      expectCase(
        makeCase(
          '',
          [6, 20],
          {
            ...options,
            temperature: [2, -1, 0, ...(halfPrecision ? [3, 4] : [NOT_A_NUMBER, POSITIVE_INFINITY]), 5],
          },
          { seed: 15 },
        ),
      ));
    it('zero rows give an empty tensor, 0 when reduced, and an empty gradient', async () => {
      const v = tf.zeros([0, 5]);
      const z = tf.zeros([0, 5]);
      const perRow = distillationLoss(v, z, { divergence, reduction: tf.Reduction.NONE });
      const reduced = distillationLoss(v, z, { divergence });
      const gradient = tf.grad((z) => distillationLoss(v, z, { divergence }))(z);
      expect([perRow.shape, reduced.shape, gradient.shape]).toEqual([[0], [], [0, 5]]);
      expect((await reduced.data())[0]).toBe(0);
      tf.dispose([v, z, perRow, reduced, gradient]);
    });
  });

  describe(`${divergence}: digits`, () => {
    it('v = z gives gradient exactly 0 and, for a divergence, exactly 0', async () => {
      for (const temperature of [0.5, 4, 1e4]) {
        const problem = makeCase(
          '',
          [5, 37],
          { divergence, temperature },
          {
            seed: 9,
            edit: ({ teacher, student }) => student.set(teacher),
          },
        );
        const { loss, dStudent } = await runCase(problem, ones(5), false);
        expectClose(dStudent, new Float32Array(5 * 37), 0, `dStudent at T = ${temperature}`);
        if (divergence !== 'crossEntropy')
          expectClose(loss, new Float32Array(5), 0, `loss at T = ${temperature}`);
      }
    });

    if (divergence !== 'crossEntropy' && !halfPrecision) {
      it('no row is negative, nor one of 300 where one class has nearly all the mass and the models nearly agree', async () => {
        const problem = makeCase(
          '',
          [300, 2],
          { divergence, temperature: 1 },
          {
            seed: 15,
            spread: 10,
            edit: ({ teacher, student }) => {
              for (let i = 0; i < student.length; i++) student[i] = teacher[i] + 0.005 * student[i];
            },
          },
        );
        const { loss } = await runCase(problem, ones(300), false);
        expectClose(loss, loss.map(Math.abs), 0, 'loss');
      });
    }

    for (const temperature of [0.05, 0.5, 20, 100]) {
      for (const spread of halfPrecision ? [100] : [10, 3000]) {
        it(`logits of spread ${spread} at T = ${temperature}`, () =>
          expectCase(
            makeCase(
              '',
              [6, 50],
              { divergence, temperature, scaleByTemperatureSquared: false },
              { seed: 10, spread },
            ),
          ));
      }
    }

    it('one class far off in the middle of a row that nearly agrees elsewhere', () =>
      expectCase(
        makeCase(
          '',
          [2, 600],
          { divergence, temperature: 2 },
          {
            seed: 13,
            edit: ({ teacher, student }) => {
              for (let i = 0; i < student.length; i++) student[i] = teacher[i] + 0.01 * student[i];
              student[400] += 6;
              teacher[600 + 400] += 6;
            },
          },
        ),
      ));

    it('a shift of all logits of a row changes nothing', () =>
      expectCase(
        makeCase(
          '',
          [4, 30],
          { divergence, temperature: 3 },
          {
            seed: 11,
            edit: ({ teacher, student }) => {
              const [a, b] = halfPrecision ? [256, -512] : [1e4, -7e3];
              for (let i = 30; i < 60; i++) teacher[i] += a;
              for (let i = 60; i < 90; i++) student[i] += b;
              for (let i = 90; i < 120; i++) {
                teacher[i] += b;
                student[i] += b;
              }
            },
          },
        ),
      ));

    if (!halfPrecision) {
      for (const classes of [30, 300]) {
        it(`a shift changes nothing of ${classes} classes that nearly agree, whatever rounding the shift leaves in each of them`, () =>
          expectCase(
            makeCase(
              '',
              [8, classes],
              { divergence, temperature: 0.3 },
              {
                seed: 16,
                edit: ({ teacher, student }) => {
                  for (let i = 0; i < student.length; i++) student[i] = teacher[i] + 0.003 * student[i] + 1e4;
                },
              },
            ),
          ));
      }
      // Compilers that may reorder sums leave nothing of them, unless each is out of their sight: MATH.md,
      // "Digits when teacher and student nearly agree".
      for (const [shift, distance] of [
        [5, 1e-5],
        [100, 1e-5],
        [-100, 1e-3],
      ]) {
        it(`the models a shift of ${shift} apart, and ${distance} besides: T^2 D within 1e-3 and gradient within 1e-4 of their own size`, () =>
          expectOwnSize(
            makeCase(
              '',
              [8, 20],
              { divergence, temperature: 2 },
              {
                seed: 19,
                edit: ({ teacher, student }) => {
                  for (let i = 0; i < student.length; i++)
                    student[i] = teacher[i] + shift + (distance / 3) * student[i];
                },
              },
            ),
          ));
      }
      const isMasked: Record<string, (i: number) => boolean> = {
        'the first are': (i) => i < 3,
        'three of four pairs are': (i) => i % 8 < 6, // nothing is left to most lanes of 'webgl'
      };
      for (const [classes, temperature, masked] of [
        [30, 1e3, 'the first are'],
        [30, 1e4, 'the first are'],
        [300, 1e4, 'the first are'],
        [300, 1e4, 'three of four pairs are'],
      ] as const) {
        it(`T = ${temperature}, of ${classes} classes ${masked} masked, the models a shift apart: the digits of those that are left`, () =>
          expectOwnSize(
            makeCase(
              '',
              [4, classes],
              { divergence, temperature },
              {
                seed: 17,
                edit: ({ teacher, student }) => {
                  for (let i = 0; i < student.length; i++) {
                    const shift = [0, 0.01, 0.1, 0.3][Math.floor(i / classes)] * temperature;
                    student[i] += teacher[i] + shift;
                    if (isMasked[masked](i % classes)) teacher[i] = student[i] = NEGATIVE_INFINITY;
                  }
                },
              },
            ),
          ));
      }
      it('the models agree within every fourth pair of classes, and are apart from one such set to another', () =>
        expectCase(
          makeCase(
            '',
            [2, 300],
            { divergence, temperature: 2 },
            {
              seed: 18,
              edit: ({ teacher, student }) => {
                for (let i = 0; i < student.length; i++) student[i] = teacher[i] + (((i % 300) >> 1) % 4);
              },
            },
          ),
        ));
      for (const temperature of [1, 20, 1e3, 1e4]) {
        for (const [state, distance] of [
          ['apart', 3],
          ['nearly converged', 1e-2],
          ['a hair apart', 1e-4],
        ] as const) {
          if (temperature < 1e3 && state === 'apart') continue; // no row is near
          it(`T = ${temperature}, student and teacher ${state}: T^2 D within 1e-3 and gradient within 1e-4 of their own size`, async () => {
            const problem = makeCase(
              '',
              [4, 101],
              { divergence, temperature },
              {
                seed: 12,
                edit: ({ teacher, student }) => {
                  for (let i = 0; i < student.length; i++)
                    student[i] = teacher[i] + (distance / 3) * student[i];
                  for (let i = 101; i < 202; i++) student[i] += 50; // a shifted row
                },
              },
            );
            await expectOwnSize(problem);
          });
        }
      }
    }
  });
}

for (const divergence of DIVERGENCES) {
  describe(`${divergence}: targets that are no distribution`, () => {
    for (const mass of [0.25, 1.75]) {
      it(`unnormalised targets of mass S = ${mass}`, () =>
        expectCase(
          makeCase(
            '',
            [6, 21],
            { divergence, targets: 'probabilities', teacherTemperature: 1, temperature: 2 },
            { seed: 13, mass },
          ),
        ));

      it(`unnormalised labels of mass Y' = ${mass}`, () =>
        expectCase(
          makeCase(
            '',
            [6, 21],
            { divergence, labels: 'distribution', alpha: 0.5, temperature: 2 },
            {
              seed: 15,
              edit: ({ labelDistribution }) =>
                labelDistribution?.forEach((y, i, all) => {
                  all[i] = mass * y;
                }),
            },
          ),
        ));
    }

    // MATH.md, "Rows that are not finite": 0 for crossEntropy and kl, +Infinity for reverseKl, -(1 - beta)
    // log(1 - beta) for jsd.
    const valueOfNothing = { crossEntropy: 0, kl: 0, reverseKl: POSITIVE_INFINITY, jsd: 0.5 * Math.LN2 }[
      divergence
    ];
    if (!halfPrecision || Number.isFinite(valueOfNothing)) {
      it(`an all-zero targets row gives ${valueOfNothing}, and gradient ${divergence === 'reverseKl' ? 'NaN' : 0}`, async () => {
        const problem = makeCase(
          '',
          [3, 21],
          {
            divergence,
            targets: 'probabilities',
            teacherTemperature: 1,
            temperature: 2,
            scaleByTemperatureSquared: false,
          },
          {
            seed: 14,
            edit: ({ teacher }) => teacher.fill(0, 21, 42),
          },
        );
        const { loss, dStudent } = await runCase(problem, ones(3), false);
        const bound = divergence === 'jsd' ? TOLERANCE : 0;
        const slope = divergence === 'reverseKl' ? NOT_A_NUMBER : 0;
        expectClose(loss.subarray(1, 2), [valueOfNothing], bound, 'loss');
        expectClose(dStudent.subarray(21, 42), new Float32Array(21).fill(slope), bound, 'dStudent');
        await expectCase(problem);
      });
    }
  });
}

describe('dtypes', () => {
  it('int32 and bool logits are cast to float32', async () => {
    const loss = softmaxCrossEntropyWithTemperature(
      tf.tensor2d([[1, -2, 3]], [1, 3], 'int32'),
      tf.tensor2d([[1, 0, 1]], [1, 3], 'bool'),
    );
    const truth = referenceRow({ teacher: [1, -2, 3], student: [1, 0, 1], temperature: 1 }).loss;
    expect(loss.dtype).toBe('float32');
    expectClose(await loss.data(), [truth], TOLERANCE, 'loss');
    loss.dispose();
  });

  // On 'webgpu' tf.cast leaves the integers where they are.
  it('integers and booleans are cast wherever a tensor is taken, and so are tensors that tf.cast made of them', async () => {
    const v = [1, -2, 3];
    const z = [-1, 2, 0];
    const truth = referenceRow({
      teacher: v,
      student: z,
      temperature: 2,
      softWeight: 0.5,
      hardWeight: 0.5,
      label: [0, 1, 0],
      weight: 1,
    });
    const cast = (values: number[], dtype: 'int32' | 'bool') =>
      tf.cast(tf.tensor2d([values], [1, 3], dtype), 'float32');
    for (const [teacher, student, labels] of [
      [
        tf.tensor2d([v], [1, 3], 'int32'),
        tf.tensor2d([z], [1, 3], 'int32'),
        tf.tensor2d([[0, 1, 0]], [1, 3], 'bool'),
      ],
      [cast(v, 'int32'), cast(z, 'int32'), cast([0, 1, 0], 'bool')],
    ]) {
      const { value, grad } = tf.valueAndGrad((z: tf.Tensor) =>
        distillationLoss(teacher, z, {
          labels,
          temperature: tf.tensor1d([2], 'int32'),
          weights: tf.tensor1d([true], 'bool'),
          scaleByTemperatureSquared: false,
        }),
      )(student);
      expectClose(await value.data(), [truth.loss], TOLERANCE * 4, 'loss');
      expectClose(await grad.data(), truth.dStudent, TOLERANCE * 4, 'dStudent');
      tf.dispose([teacher, student, labels, value, grad]);
    }
  });
});

if (!halfPrecision) {
  describe('class ids of float32', () => {
    const logits = [
      [1, 2, 3],
      [3, 1, 2],
      [0, 5, 1],
      [2, 2, 9],
      [1, 0, 1],
      [4, 1, 1],
    ];
    const ids = [0, NOT_A_NUMBER, 1.5, POSITIVE_INFINITY, -0.5, 2];
    const truth = logits.map((student, row) => {
      if (row % 5 !== 0) return NOT_A_NUMBER;
      const [teacher, temperature] = [student.toReversed(), 1];
      const parts = { softWeight: 0.5, hardWeight: 0.5, label: ids[row] };
      return referenceRow({ teacher, student, temperature, ...parts }).loss;
    });
    const teacher = logits.map((row) => row.toReversed());

    for (const ignoreIndex of [undefined, -1, 0]) {
      it(`that are no whole numbers make their rows NaN, and no others, with ignoreIndex ${ignoreIndex}`, async () => {
        // So many numbers are computed on the device, and stay there.
        const many = tf.mul(tf.tensor1d([...ids, ...new Array<number>(4000).fill(0)]), 1);
        const computed = tf.slice(many, 0, ids.length);
        const options = {
          reduction: tf.Reduction.NONE,
          ...(ignoreIndex === undefined ? {} : { ignoreIndex }),
        };
        const expected = truth.map((loss, row) => (ids[row] === ignoreIndex ? 0 : loss));
        for (const labels of [ids, tf.tensor1d(ids), computed]) {
          const loss = distillationLoss(teacher, logits, { ...options, labels });
          expectClose(await loss.data(), expected, TOLERANCE * 4, 'loss');
          tf.dispose([labels, loss]);
        }
        many.dispose();
      });
    }
  });
}

describe('class ids at the ends of int32', () => {
  const FIRST = -(2 ** 31);
  const LAST = 2 ** 31 - 1;
  const OUTSIDE = [FIRST - 1, LAST + 1, 2 ** 32, 2 ** 32 + 1];
  const logits = [[1, 2, 3]];
  const lossOf = async (label: number, ignoreIndex: number) => {
    const options = { labels: [label], ignoreIndex, reduction: tf.Reduction.NONE };
    const loss = distillationLoss(logits, logits, options);
    const [value] = await loss.data();
    loss.dispose();
    return value;
  };

  it('are ignored as any other', async () => {
    for (const id of [FIRST, LAST]) expect(await lossOf(id, id)).toBe(0);
  });

  it('are not what a number beyond them, or one of 0 to C, becomes', async () => {
    for (const id of OUTSIDE)
      for (const ignoreIndex of [FIRST, LAST, -1, 0, 1])
        expect([id, ignoreIndex, await lossOf(id, ignoreIndex)]).toEqual([id, ignoreIndex, NOT_A_NUMBER]);
  });
});

describe('what a reduction makes of nothing', () => {
  it('all weights 0 give 0 and gradient 0', async () => {
    const v = tf.tensor2d([[1, 2, 3]]);
    const z = tf.tensor2d([[3, 2, NOT_A_NUMBER]]);
    for (const weights of [0, [0]]) {
      const { value, grad } = tf.valueAndGrad((z) => distillationLoss(v, z, { weights }))(z);
      expectClose(await value.data(), [0], 0, 'loss');
      expectClose(await grad.data(), [0, 0, 0], 0, 'dStudent');
      tf.dispose([value, grad]);
    }
    tf.dispose([v, z]);
  });

  it('all rows ignored give 0 and gradient 0', async () => {
    const v = tf.tensor2d([[1, 2, 3]]);
    const z = tf.tensor2d([[3, 2, 1]]);
    const { value, grad } = tf.valueAndGrad((z) => distillationLoss(v, z, { labels: [9], ignoreIndex: 9 }))(
      z,
    );
    expectClose(await value.data(), [0], 0, 'loss');
    expectClose(await grad.data(), [0, 0, 0], 0, 'dStudent');
    tf.dispose([v, z, value, grad]);
  });
});

if (halfPrecision) {
  it('log sums keep more digits than a half-precision texture has', async () => {
    // log 3017 lies about as far from the half-precision numbers around it as one can: 0.0036.
    const classes = 3017;
    const flat = tf.zeros([1, classes]);
    const sharp = tf.tensor2d([[20, ...new Array<number>(classes - 1).fill(0)]]);
    const share = 1 / classes;
    for (const [teacher, student, sign] of [
      [sharp, flat, 1],
      [flat, sharp, -1],
    ] as const) {
      const gradient = await tf
        .grad((z: tf.Tensor) => softmaxCrossEntropyWithTemperature(teacher, z))(student)
        .data();
      // Eleven bits of each number: half of 2^-10.
      expect(Math.abs((sign * gradient[classes - 1]) / share - 1)).toBeLessThan(1e-3);
    }
    tf.dispose([flat, sharp]);
  });
  it('class ids that a half-precision texture cannot hold are an error, and the last that it can is right', async () => {
    const lossOf = (classes: number, label: number) => {
      return tf.tidy(() => {
        const logits = tf.tensor2d([Array.from({ length: classes }, (_, i) => (i === label ? 3 : 0))]);
        return distillationLoss(logits, logits, { labels: [label], alpha: 1 });
      });
    };
    const right = await lossOf(2049, 2048).data();
    expect(Math.abs(right[0] - Math.log(1 + 2048 * Math.exp(-3)))).toBeLessThan(1e-2);
    expect(() => lossOf(2050, 2049)).toThrow(RangeError);
    expect(() => lossOf(2050, 2049)).toThrow(/class ids need classes - 1 <= 2048 .* got 2050 classes/);
  });
}
