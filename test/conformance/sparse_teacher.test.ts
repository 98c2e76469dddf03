/** A teacher of which only the largest classes are known: MATH (38)-(40). */
import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss, topKTeacher } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';
import { TOLERANCE } from '../run_case.ts';
import { runSparse, type SparseCase, type SparseRow, sparseRow, sparseTruth } from '../sparse_case.ts';

beforeAll(startBackend);

const { NaN: none, POSITIVE_INFINITY, NEGATIVE_INFINITY } = Number;
const halfPrecision = backend.precision === 'f16';

/** Each divergence with the tails that it has a value for. */
const DEFINED = [
  ['crossEntropy', 'bucket'],
  ['crossEntropy', 'uniform'],
  ['crossEntropy', 'renormalize'],
  ['crossEntropy', 'none'],
  ['kl', 'bucket'],
  ['kl', 'uniform'],
  ['kl', 'renormalize'],
  ['kl', 'none'],
  ['reverseKl', 'bucket'],
  ['reverseKl', 'uniform'],
  ['jsd', 'bucket'],
  ['jsd', 'uniform'],
  ['jsd', 'renormalize'],
] as const;

async function expectSparse(problem: SparseCase): Promise<void> {
  const truth = sparseTruth(problem);
  const { loss, dStudent } = await runSparse(problem);
  const { temperature: t } = problem.objective;
  const weightOf = (n: number) => Math.abs(problem.weights?.[n] ?? 1);
  const tOf = (n: number) => (typeof t === 'number' ? t : t[n]);
  // The logit of what is not listed is rounded, and so is p, which is made of its logarithm.
  const size = 4 * TOLERANCE;
  expectClose(
    loss,
    truth.loss,
    (n) => size * Math.max(weightOf(n) * tOf(n) ** 2, Math.abs(truth.loss[n]) || 0),
    'loss',
  );
  const { classes } = problem;
  const isReverse = problem.objective.divergence === 'reverseKl';
  truth.dStudent.forEach((expected, n) => {
    const bound = size * weightOf(n) * Math.max(1, tOf(n)) * (isReverse ? 20 : 1);
    expectClose(dStudent.subarray(n * classes, (n + 1) * classes), expected, bound, `dStudent of row ${n}`);
  });
}

const T = 2;
const rowsOf = (seed: number, classes: number, k: number): SparseRow[] =>
  [0, 1, 2, 3, 4].map((n) => sparseRow(seed + n, classes, k, T));

/** Half-precision textures hold what one class for the others needs not. */
const SUPPORTED = DEFINED.filter(([, tail]) => !halfPrecision || tail === 'uniform');

for (const [divergence, tail] of SUPPORTED) {
  describe(`${divergence}, tail ${tail}`, () => {
    for (const [classes, k] of [
      [5, 2],
      [67, 8],
      [700, 40],
    ]) {
      const objective = { divergence, temperature: T };
      it(`${k} of ${classes} classes`, () =>
        expectSparse({ classes, tail, objective, rows: rowsOf(71, classes, k) }));
      it(`${k} of ${classes} classes, labels, weights`, () => {
        const rows = rowsOf(72, classes, k).map((row, n) => ({ ...row, label: (n * n) % classes }));
        return expectSparse({
          classes,
          tail,
          objective: { ...objective, labelSmoothing: 0.1 },
          rows,
          alpha: [0.3, 0, 1, 0.5, 0.25],
          weights: [1, 0.5, 2, 0, 3],
        });
      });
    }
    it('a distribution as labels', () => {
      const random = new Random(73);
      const rows = rowsOf(74, 20, 4).map((row) => ({ ...row, label: random.distributions(1, 20) }));
      return expectSparse({ classes: 20, tail, objective: { divergence, temperature: T }, rows });
    });
    if (!halfPrecision) {
      it('classes without mass or that do not exist', () => {
        const rows = rowsOf(75, 20, 4).map((row, n) => edited(row, n));
        return expectSparse({ classes: 20, tail, objective: { divergence, temperature: T }, rows });
      });
    }
  });
}

/** What may be in a row, one thing in each. */
function edited(row: SparseRow, n: number): SparseRow {
  const { student, ids, values } = row;
  const other = student.findIndex((_, i) => !ids.includes(i));
  switch (n) {
    case 0: // a class that is listed and masked
      student[ids[1]] = NEGATIVE_INFINITY;
      return row;
    case 1: // one that is not listed
      student[other] = NEGATIVE_INFINITY;
      return row;
    case 2: // no entry, twice
      return {
        ...row,
        ids: [ids[0], -1, ids[2], ids[3]],
        values: [values[0], none, values[2], NEGATIVE_INFINITY],
      };
    case 3: // the same class again, with another value
      return {
        ...row,
        ids: [ids[0], ids[1], ids[0], ids[3]],
        values: [values[0], values[1], -0.1, values[3]],
      };
    default:
      return row;
  }
}

const BUCKET = { classes: 20, tail: 'bucket', objective: { divergence: 'kl', temperature: T } } as const;

if (!halfPrecision) {
  describe('rows that are not finite', () => {
    it('an id that is no class, NaN or an infinity make their row NaN, and no other', () => {
      const rows = rowsOf(76, 20, 4);
      rows[0].ids[2] = 20;
      rows[1].ids[2] = -2;
      rows[2].values[1] = none;
      rows[3].values[1] = POSITIVE_INFINITY;
      return expectSparse({ ...BUCKET, rows });
    });
    it('NaN and infinities in the student do', () => {
      const rows = rowsOf(77, 20, 4);
      rows[0].student[rows[0].ids[0]] = none;
      rows[1].student[rows[1].student.findIndex((_, i) => !rows[1].ids.includes(i))] = none;
      rows[2].student[3] = POSITIVE_INFINITY;
      rows[3].student.fill(NEGATIVE_INFINITY);
      return expectSparse({ ...BUCKET, rows });
    });
    it('a row of weight 0 is 0, whatever it holds', () => {
      const rows = rowsOf(78, 20, 4);
      rows[0].ids[0] = 99;
      rows[1].student.fill(none);
      return expectSparse({ ...BUCKET, rows, weights: [0, 0, 1, 1, 1] });
    });
    it('a row without an entry', async () => {
      const rows = rowsOf(79, 20, 4).map((row) => ({ ...row, ids: [-1, -1, -1, -1] }));
      for (const tail of ['bucket', 'renormalize', 'none'] as const) {
        const { loss, dStudent } = await runSparse({ ...BUCKET, tail, rows });
        expectClose(loss, new Float32Array(5), 1e-6, 'loss');
        expectClose(dStudent, new Float32Array(100), 1e-6, 'dStudent');
      }
    });
    it('all classes that are not listed masked: infinite, unless what is left is rounding', async () => {
      const rows = rowsOf(80, 20, 4);
      for (const { student, ids } of rows)
        student.forEach((_, i) => {
          if (!ids.includes(i)) student[i] = NEGATIVE_INFINITY;
        });
      await expectSparse({ ...BUCKET, rows });
      const { loss } = await runSparse({ ...BUCKET, rows });
      expect(Array.from(loss)).toEqual([1, 2, 3, 4, 5].map(() => POSITIVE_INFINITY));
      const full = rows.map((row) => {
        const sum = row.values.reduce((total, value) => total + Math.exp(value), 0);
        return { ...row, values: row.values.map((value) => Math.fround(value - Math.log(sum))) };
      });
      await expectSparse({ ...BUCKET, rows: full });
    });
    it('entries that sum to more than one leave nothing', () => {
      const rows = rowsOf(81, 20, 4).map((row) => ({ ...row, values: row.values.map((value) => value + 1) }));
      return expectSparse({
        ...BUCKET,
        objective: { ...BUCKET.objective, divergence: 'crossEntropy' },
        rows,
      });
    });
    it('what is left is given', () =>
      expectSparse({
        ...BUCKET,
        rows: rowsOf(82, 20, 4).map((row, n) => ({ ...row, tailLogProbability: Math.fround(-1 - n) })),
      }));
  });
}

if (!halfPrecision) {
  it('the gradient of what is not listed has its digits, however little the student gives it', async () => {
    const classes = 300;
    for (const power of [1, 3, 6, 9, 12]) {
      const row = sparseRow(83, classes, 4, 1);
      const others = row.student.map((z, i) => (row.ids.includes(i) ? Number.NEGATIVE_INFINITY : z));
      const logRest = Math.log(others.reduce((sum, z) => sum + Math.exp(z), 0));
      const shift = Math.log(10 ** -power) - logRest;
      row.student.forEach((z, i) => {
        row.student[i] = row.ids.includes(i) ? Math.log(0.25) : Math.fround(z + shift);
      });
      const problem: SparseCase = {
        classes,
        tail: 'bucket',
        objective: { divergence: 'kl', temperature: 1 },
        rows: [
          {
            ...row,
            values: row.ids.map(() => Math.fround(Math.log(0.9 / 4))),
            tailLogProbability: Math.fround(Math.log(0.1)),
          },
        ],
      };
      const [truth] = sparseTruth(problem).dStudent;
      const { dStudent } = await runSparse(problem);
      const largest = truth.reduce(
        (most, slope, i) => (row.ids.includes(i) ? most : Math.max(most, Math.abs(slope))),
        0,
      );
      truth.forEach((slope, i) => {
        if (!row.ids.includes(i)) expect(Math.abs(dStudent[i] - slope)).toBeLessThanOrEqual(1e-5 * largest);
      });
    }
  });

  it('gradients of gradients', async () => {
    for (const [divergence, tail] of DEFINED) {
      const problem: SparseCase = {
        classes: 9,
        tail,
        objective: { divergence, temperature: T },
        rows: rowsOf(84, 9, 3),
      };
      const u = new Random(85).normals(45);
      const h = 1e-3;
      const moved = (by: number): SparseCase => ({
        ...problem,
        rows: problem.rows.map((row, n) => ({
          ...row,
          student: row.student.map((z, i) => z + by * u[n * 9 + i]),
        })),
      });
      const gradientAt = (by: number) => sparseTruth(moved(by)).dStudent.flatMap((row) => Array.from(row));
      const [above, below] = [gradientAt(h), gradientAt(-h)];
      const rows = problem.rows;
      const product = tf.tidy(() => {
        const teacher = {
          indices: tf.tensor2d(
            rows.map(({ ids }) => ids),
            [5, 3],
            'int32',
          ),
          values: tf.tensor2d(rows.map(({ values }) => values)),
          temperature: T,
          tail,
        };
        const loss = (z: tf.Tensor): tf.Scalar =>
          distillationLoss(teacher, z, { divergence, temperature: T, reduction: tf.Reduction.SUM });
        const direction = tf.tensor2d(u, [5, 9]);
        const z = tf.tensor2d(rows.map(({ student }) => Array.from(student)));
        return tf.grad((z: tf.Tensor) => tf.sum(tf.mul(tf.grad(loss)(z), direction)))(z);
      });
      expectClose(
        await product.data(),
        above.map((slope, i) => (slope - below[i]) / (2 * h)),
        1e-2,
        `Hv of ${divergence}, ${tail}`,
      );
      product.dispose();
    }
  });
}

if (halfPrecision) {
  it('one class for the others is an error on half-precision textures', () => {
    const teacher = { indices: [[0]], values: [[-0.5]] };
    expect(() => distillationLoss(teacher, [[1, 2, 3]])).toThrow('a sparse teacher needs float32 textures');
    expect(() => topKTeacher([[1, 2, 3]], 2)).toThrow('a sparse teacher needs float32 textures');
  });
} else {
  describe('topKTeacher', () => {
    const logits = (seed: number) => tf.tensor2d(new Random(seed).normals(4 * 50, 3), [4, 50]);

    it('with all classes is the dense teacher; with fewer its KL is less, and rises with k', async () => {
      const [v, z] = [logits(86), logits(87)];
      for (const divergence of ['crossEntropy', 'kl', 'reverseKl', 'jsd'] as const) {
        const dense = distillationLoss(v, z, { divergence, temperature: T });
        const [truth] = await dense.data();
        let before = 0;
        for (const k of [1, 5, 20, 49, 50]) {
          const loss = tf.tidy(() =>
            distillationLoss(topKTeacher(v, k, { temperature: T }), z, { divergence, temperature: T }),
          );
          const [value] = await loss.data();
          const slack = 10 * TOLERANCE * Math.max(T * T, truth);
          if (k >= 49) expect(Math.abs(value - truth)).toBeLessThanOrEqual(slack);
          expect(value).toBeLessThanOrEqual(truth + slack);
          expect(value).toBeGreaterThanOrEqual(before - slack);
          before = value;
          loss.dispose();
        }
        dense.dispose();
      }
      tf.dispose([v, z]);
    });

    it('checks k', () => {
      for (const k of [0, 51, 1.5])
        expect(() => topKTeacher(logits(88), k)).toThrow(
          `topKTeacher: k must be a whole number in [1, 50]; got ${k}.`,
        );
    });
  });
}

it('the number of tensors stays', async () => {
  const problem: SparseCase = {
    ...BUCKET,
    tail: 'uniform',
    rows: rowsOf(89, 20, 4).map((row) => ({ ...row, label: 3 })),
  };
  await runSparse(problem);
  const before = tf.memory().numTensors;
  await runSparse(problem);
  expect(tf.memory().numTensors).toBe(before);
});

it('arrays, three axes, and any dtype', async () => {
  const student = [
    [
      [1, 2, 3, 4],
      [4, 3, 2, 1],
    ],
  ];
  const values = [
    [
      [-0.5, -1.5],
      [-0.7, -2],
    ],
  ];
  const of = (indices: number[][][] | tf.Tensor) =>
    distillationLoss({ indices, values, tail: 'uniform' }, student, { reduction: tf.Reduction.NONE });
  const indices = [
    [
      [3, 0],
      [0, 1],
    ],
  ];
  const losses = [
    of(indices),
    of(tf.tensor3d(indices, [1, 2, 2], 'float32')),
    of(tf.tensor3d(indices, [1, 2, 2], 'int32')),
  ];
  const first = await losses[0].data();
  expect(losses[0].shape).toEqual([1, 2]);
  for (const loss of losses) expectClose(await loss.data(), first, 1e-6, 'loss');
  tf.dispose(losses);
});

describe('what cannot be had', () => {
  const student = [
    [1, 2, 3],
    [3, 2, 1],
  ];
  const teacher = { indices: [[0], [2]], values: [[-0.5], [-0.4]] };
  it.each<[string, () => unknown, RegExp]>([
    [
      'a bucket at another temperature',
      () => distillationLoss(teacher, student, { temperature: 4 }),
      /taken at 1 and compared at 4, with tail 'bucket'.*teacherTemperature: 1/,
    ],
    [
      'reverseKl without a tail',
      () => distillationLoss({ ...teacher, tail: 'renormalize' }, student, { divergence: 'reverseKl' }),
      /divergence 'reverseKl' cannot be had with tail 'renormalize'/,
    ],
    [
      'jsd of no distribution',
      () => distillationLoss({ ...teacher, tail: 'none' }, student, { divergence: 'jsd' }),
      /divergence 'jsd' cannot be had with tail 'none'/,
    ],
    [
      'logits without what is left',
      () => distillationLoss({ ...teacher, kind: 'logits' }, student),
      /kind 'logits' and tail 'bucket' without tailLogProbability/,
    ],
    [
      'shapes that do not fit',
      () => distillationLoss({ ...teacher, indices: [[0, 1]] }, student),
      /teacher.indices must have shape \[2,k\] beside a student of shape \[2,3\]; got shape \[1,2\]/,
    ],
    [
      'values of another shape',
      () =>
        distillationLoss(
          {
            ...teacher,
            values: [
              [-1, -1],
              [-1, -1],
            ],
          },
          student,
        ),
      /teacher.values and teacher.indices must have the same shape/,
    ],
    [
      'a gradient to the teacher',
      () => distillationLoss(teacher, student, { teacherGradient: true }),
      /teacherGradient is not for a sparse teacher/,
    ],
    [
      'targets',
      () => distillationLoss(teacher, student, { targets: 'logits' }),
      /targets is not for a sparse teacher/,
    ],
    [
      'an unknown tail',
      () => distillationLoss({ ...teacher, tail: 'rest' as 'none' }, student),
      /teacher.tail must be one of 'bucket', 'uniform', 'renormalize', 'none'; got 'rest'/,
    ],
    [
      'an unknown key',
      () => distillationLoss({ ...teacher, logprobs: 1 } as typeof teacher, student),
      /unknown option 'logprobs'/,
    ],
  ])('%s', (_, run, message) => {
    expect(run).toThrow(message);
  });
});
