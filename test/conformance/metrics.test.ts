import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss, distillationMetrics } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { SHAPES } from '../cases.ts';
import { expectClose } from '../close.ts';
import { type CaseOptions, makeCase, type ObjectiveCase } from '../objective_case.ts';
import { referenceMetrics } from '../reference_metrics.ts';
import { roundToHalf, TOLERANCE, tensorsOf } from '../run_case.ts';
import { type DeviceBackend, withDevice } from '../webgpu_device.ts';

beforeAll(startBackend);

const { NaN: NOT_A_NUMBER, POSITIVE_INFINITY, NEGATIVE_INFINITY } = Number;
const halfPrecision = backend.precision === 'f16';

async function measure(problem: ObjectiveCase): Promise<Record<string, number>> {
  const { teacher, student, options } = tensorsOf(problem);
  const { temperature, teacherTemperature, labels, targets, weights } = options;
  const metrics = distillationMetrics(teacher, student, {
    ...(temperature === undefined ? {} : { temperature }),
    ...(labels === undefined ? {} : { labels }),
    ...(teacherTemperature === undefined ? {} : { teacherTemperature }),
    ...(targets === undefined ? {} : { targets }),
    ...(weights === undefined ? {} : { weights }),
  });
  const values: Record<string, number> = {};
  for (const [name, scalar] of Object.entries(metrics)) {
    expect(scalar.shape).toEqual([]);
    values[name] = (await scalar.data())[0];
  }
  tf.dispose([teacher, student, metrics, Object.values(options).filter((x) => x instanceof tf.Tensor)]);
  return values;
}

async function expectMetrics(given: ObjectiveCase): Promise<void> {
  const problem = halfPrecision
    ? { ...given, teacher: roundToHalf(given.teacher), student: roundToHalf(given.student) }
    : given;
  const { hardLoss, accuracy, ...soft } = referenceMetrics(problem);
  const truth: Record<string, number> = problem.options.labels ? { ...soft, hardLoss, accuracy } : soft;
  const values = await measure(problem);
  expect(Object.keys(values)).toEqual(Object.keys(truth));
  for (const [name, value] of Object.entries(truth)) {
    expectClose([values[name]], [value], TOLERANCE * Math.max(1, Math.abs(value)), name);
  }
}

const OPTIONS: Record<string, Partial<CaseOptions>> = {
  alone: {},
  'of probabilities': { targets: 'probabilities', teacherTemperature: 1 },
  'of probabilities softened at T': { targets: 'probabilities' },
  'of probabilities softened at a temperature of their own': {
    targets: 'probabilities',
    teacherTemperature: 1.5,
  },
  'of logits at a temperature of their own': { teacherTemperature: 1.5, labels: 'classIds' },
  'with class ids': { labels: 'classIds' },
  'with a label distribution': { labels: 'distribution' },
  'of probabilities, with a label distribution': {
    targets: 'probabilities',
    teacherTemperature: 1,
    labels: 'distribution',
  },
  'of softened probabilities, with a label distribution and a temperature per row': {
    targets: 'probabilities',
    labels: 'distribution',
    temperature: [0.5, 1, 2, 3, 4, 8, 20, 1.5, 0.7],
  },
  'a temperature per row': { temperature: [0.5, 1, 2, 3, 4, 8, 20, 1.5, 0.7], labels: 'classIds' },
  'a weight per row': { weights: [1, 0, 2, 0.5, 0, 1, 3, 0.25, 1], labels: 'classIds' },
  'one weight for all': { weights: 2.5 },
};

/** A half-precision texture holds whole numbers up to 2048 only. */
const classIds = (shape: number[]): Partial<CaseOptions> =>
  halfPrecision && shape[shape.length - 1] > 2048 ? {} : { labels: 'classIds' };

describe('distillationMetrics agrees with the float64 reference', () => {
  for (const shape of SHAPES) {
    it(`shape [${shape}]`, () =>
      expectMetrics(makeCase('', shape, { temperature: 2, ...classIds(shape) }, { seed: 61 })));
  }
  for (const [name, options] of Object.entries(OPTIONS)) {
    it(name, () => expectMetrics(makeCase('', [9, 33], { temperature: 3, ...options }, { seed: 62 })));
    it(`${name}, long rows`, () =>
      expectMetrics(makeCase('', [9, 1333], { temperature: 3, ...options }, { seed: 63 })));
  }
  for (const teacherTemperature of [1, 1.5, 2]) {
    it(`targets that do not sum to one, teacherTemperature ${teacherTemperature}`, () =>
      expectMetrics(
        makeCase(
          '',
          [6, 21],
          { targets: 'probabilities', temperature: 2, teacherTemperature },
          { seed: 64, mass: 1.75 },
        ),
      ));
  }
  it('tensors of other ranks', () =>
    expectMetrics(makeCase('', [2, 3, 17], { temperature: 2, labels: 'distribution' }, { seed: 65 })));
});

/** With forced choices of src/backends/webgpu/plan.ts. */
async function withPlan(flags: Partial<Record<'LANES' | 'INPUTS', number>>, run: () => Promise<void>) {
  const set = (name: string, value: number) => tf.env().set(`TFJS_DISTILL_WEBGPU_${name}`, value);
  for (const [name, value] of Object.entries(flags)) set(name, value);
  try {
    await run();
  } finally {
    for (const name of Object.keys(flags)) set(name, 0);
  }
}

/**
 * Equal maxima in a vector, in different vectors and in different blocks of a lane, and masks and near rows
 * between them.
 */
const ties = (classes: number) =>
  makeCase(
    '',
    [7, classes],
    { temperature: 2, labels: 'classIds' },
    {
      seed: 71,
      edit: ({ teacher, student }) => {
        const at = (row: number, i: number) => row * classes + i;
        for (const i of [1, 3, classes - 1]) teacher[at(0, i)] = 50;
        for (const i of [3, 1]) student[at(0, i)] = 50;
        for (const i of [classes >> 1, classes - 2]) student[at(1, i)] = teacher[at(1, i)] = 50;
        teacher[at(2, 0)] = student[at(2, 0)] = NEGATIVE_INFINITY;
        student[at(3, classes - 1)] = NEGATIVE_INFINITY;
        teacher[at(4, classes - 1)] = NEGATIVE_INFINITY;
        for (let i = at(5, 0); i < at(6, 0); i++) student[i] = teacher[i] + 1e-3 * student[i];
      },
    },
  );

async function expectOptions(classes: number): Promise<void> {
  await expectMetrics(ties(classes));
  for (const options of Object.values(OPTIONS)) {
    await expectMetrics(makeCase('', [9, classes], { temperature: 3, ...options }, { seed: 70 }));
  }
}

if (backend.backendName === 'webgpu') {
  describe('any plan', () => {
    for (const lanes of [1, 2, 32, 256]) {
      it(`${lanes} threads to a row`, () => withPlan({ LANES: lanes }, () => expectOptions(333)));
    }
    it('vectors of four classes', () => withPlan({ LANES: 8 }, () => expectOptions(336)));
    it('rows in tiles', () => withPlan({ INPUTS: 3 }, () => expectOptions(21)));
    it('subgroups', () =>
      withDevice({ features: ['subgroups'] }, async (device) => {
        expect(device.features.has('subgroups')).toBe(true);
        await withPlan({ LANES: 64 }, () => expectOptions(336));
        const keys = Object.keys((tf.backend() as DeviceBackend).pipelineCache);
        expect(keys.some((key) => key.includes('team=subgroup') && key.includes('sums=entropies'))).toBe(
          true,
        );
      }));
    it('tensors larger than a device binds, by their classes or by their metrics', () =>
      withDevice({ limits: { maxStorageBufferBindingSize: 4096 } }, async () => {
        for (const [rows, classes] of [
          [150, 33],
          [300, 2],
          [300, 8],
        ]) {
          const temperature = Array.from({ length: rows }, (_, n) => 1 + (n % 4));
          await expectMetrics(
            makeCase('', [rows, classes], { temperature, labels: 'classIds' }, { seed: 72 }),
          );
        }
      }));
  });
}

describe('who comes first', () => {
  it('of equal logits the first class is the first choice, as in tf.argMax', async () => {
    for (const classes of [4, 2000]) {
      const v = new Float32Array(classes);
      const z = new Float32Array(classes);
      v[1] = v[classes - 1] = z[1] = z[2] = 5;
      const metrics = distillationMetrics([v], [z], { labels: [1] });
      expect((await metrics.agreement.data())[0]).toBe(1);
      expect((await metrics.accuracy?.data())?.[0]).toBe(1);
      const other = distillationMetrics([v], [z], { labels: [2] });
      expect((await other.accuracy?.data())?.[0]).toBe(0);
      tf.dispose([metrics, other]);
    }
  });
  it('a tie in the label distribution goes to the first class too', async () => {
    const metrics = distillationMetrics([[0, 0, 0]], [[0, 1, 1]], { labels: [[0, 0.5, 0.5]] });
    expect((await metrics.accuracy?.data())?.[0]).toBe(1);
    tf.dispose(metrics);
  });
});

describe('digits', () => {
  if (!halfPrecision) {
    it('the KL of 300 rows where one class has nearly all the mass and the models nearly agree is never negative', async () => {
      for (let seed = 0; seed < 300; seed++) {
        // Of a shift each class keeps a rounding of its own.
        const [spread, distance, shift] = seed % 2 === 0 ? [10, 0.005, 0] : [20, 0.002, 3e4];
        const edit = ({ teacher, student }: { teacher: Float32Array; student: Float32Array }) => {
          for (let i = 0; i < student.length; i++) student[i] = teacher[i] + distance * student[i] + shift;
        };
        const problem = makeCase('', [1, 2], { temperature: 1 }, { seed, spread, edit });
        expect((await measure(problem)).kl).toBeGreaterThanOrEqual(0);
      }
    });
  }

  it('v = z gives a KL of exactly 0 and equal entropies', async () => {
    for (const temperature of [0.5, 4, 1e4]) {
      const problem = makeCase(
        '',
        [5, 37],
        { temperature },
        { seed: 66, edit: ({ teacher, student }) => student.set(teacher) },
      );
      const { kl, agreement, teacherEntropy, studentEntropy } = await measure(problem);
      expect([kl, agreement]).toEqual([0, 1]);
      expectClose([studentEntropy], [teacherEntropy], 4 * TOLERANCE, 'studentEntropy');
    }
  });
  if (!halfPrecision) {
    for (const temperature of [1e3, 1e4]) {
      it(`T = ${temperature}: KL within 1e-3 of its own size`, async () => {
        const problem = makeCase('', [4, 100], { temperature }, { seed: 67 });
        const { kl } = referenceMetrics(problem);
        expectClose([(await measure(problem)).kl], [kl], 1e-3 * kl, 'kl');
      });
    }
  }
});

/** Rows of 20 classes whose second row is edited. */
function edited(
  options: Partial<CaseOptions>,
  edit: (row: { v: Float32Array; z: Float32Array }) => void,
): ObjectiveCase {
  return makeCase(
    '',
    [4, 20],
    { temperature: 2, ...options },
    {
      seed: 68,
      edit: ({ teacher, student }) => edit({ v: teacher.subarray(20, 40), z: student.subarray(20, 40) }),
    },
  );
}

// What becomes of an infinity in half-precision textures is the driver's: SwiftShader reads it back as NaN.
if (!halfPrecision) {
  describe('rows that are not finite', () => {
    const cases: [string, Partial<CaseOptions>, (row: { v: Float32Array; z: Float32Array }) => void][] = [
      ['NaN in the student makes every metric NaN', {}, ({ z }) => z.fill(NOT_A_NUMBER, 3, 4)],
      ['NaN in the teacher makes every metric NaN', {}, ({ v }) => v.fill(NOT_A_NUMBER, 3, 4)],
      ['+Infinity makes every metric NaN', {}, ({ z }) => z.fill(POSITIVE_INFINITY, 3, 4)],
      ['a row masked throughout makes every metric NaN', {}, ({ z }) => z.fill(NEGATIVE_INFINITY)],
      ['a class masked in the teacher has no mass there', {}, ({ v }) => v.fill(NEGATIVE_INFINITY, 3, 4)],
      [
        'a class masked in the student where the teacher has mass makes CE and KL infinite, and nothing else',
        {},
        ({ z }) => z.fill(NEGATIVE_INFINITY, 3, 4),
      ],
      [
        'a class masked in both does not exist',
        {},
        ({ v, z }) => {
          v.fill(NEGATIVE_INFINITY, 3, 5);
          z.fill(NEGATIVE_INFINITY, 3, 5);
        },
      ],
      [
        'a class masked in the student where the probability given is 0',
        { targets: 'probabilities', teacherTemperature: 1 },
        ({ v, z }) => {
          v.fill(0, 3, 4);
          z.fill(NEGATIVE_INFINITY, 3, 4);
        },
      ],
      [
        'a row of weight 0 counts for nothing even if it holds NaN',
        { weights: [1, 0, 2, 1], labels: 'classIds' },
        ({ v, z }) => {
          v.fill(NOT_A_NUMBER, 0, 1);
          z.fill(NEGATIVE_INFINITY);
        },
      ],
      [
        'a row of zeros among the targets',
        { targets: 'probabilities', teacherTemperature: 1 },
        ({ v }) => v.fill(0),
      ],
      ['a row of zeros among softened targets', { targets: 'probabilities' }, ({ v }) => v.fill(0)],
      [
        'a negative softened probability makes every metric NaN',
        { targets: 'probabilities' },
        ({ v }) => v.fill(-0.1, 3, 4),
      ],
      [
        'a class masked in the student where the softened probability is 0',
        { targets: 'probabilities' },
        ({ v, z }) => {
          v.fill(0, 3, 4);
          z.fill(NEGATIVE_INFINITY, 3, 4);
        },
      ],
    ];
    for (const [name, options, edit] of cases) it(name, () => expectMetrics(edited(options, edit)));

    it('a label whose class is masked makes the hard loss infinite, and nothing else', () => {
      const problem = edited({ labels: 'classIds' }, ({ v, z }) => {
        v.fill(NEGATIVE_INFINITY, 3, 4);
        z.fill(NEGATIVE_INFINITY, 3, 4);
      });
      problem.labelIds?.set([3], 1);
      return expectMetrics(problem);
    });
  });
}

describe('small and odd', () => {
  it('a class id outside of [0, C) makes every metric NaN', async () => {
    for (const id of [-1, 20]) {
      const problem = edited({ labels: 'classIds' }, () => {});
      problem.labelIds?.set([id], 1);
      await expectMetrics(problem);
    }
  });
  it('a temperature that is none makes every metric NaN', async () => {
    const { kl, agreement } = distillationMetrics([[1, 2]], [[2, 1]], { temperature: tf.tensor1d([-1]) });
    expectClose([(await kl.data())[0], (await agreement.data())[0]], [NOT_A_NUMBER, NOT_A_NUMBER], 0, 'kl');
    tf.dispose([kl, agreement]);
  });
  it('no rows, and weights that are all 0, give 0', async () => {
    for (const metrics of [
      distillationMetrics(tf.zeros([0, 5]), tf.zeros([0, 5])),
      distillationMetrics([[1, NOT_A_NUMBER]], [[1, 2]], { weights: 0 }),
    ]) {
      for (const scalar of Object.values(metrics)) expect((await scalar.data())[0]).toBe(0);
      tf.dispose(metrics);
    }
  });
});

describe('in use', () => {
  it('leaves no tensors behind, and does not disturb a gradient', async () => {
    const z = tf.tensor2d([
      [0.3, 0.2, -1],
      [2, 0, 1],
    ]);
    const v = tf.tensor2d([
      [1, 2, 3],
      [0, -1, 0.5],
    ]);
    const plain = tf.grad((z: tf.Tensor) => distillationLoss(v, z, { temperature: 2 }))(z);
    const before = tf.memory().numTensors;
    const beside = tf.grad((z: tf.Tensor) => {
      const { kl } = distillationMetrics(v, z, { temperature: 2, labels: [0, 1] });
      return tf.add(distillationLoss(v, z, { temperature: 2 }), kl); // a constant for gradients
    })(z);
    expect(tf.memory().numTensors).toBe(before + 1);
    tf.dispose(distillationMetrics(v, z, { temperature: 2, labels: [0, 1], weights: [1, 2] }));
    expect(tf.memory().numTensors).toBe(before + 1);
    expectClose(await beside.data(), await plain.data(), 0, 'gradient');
    tf.dispose([v, z, plain, beside]);
  });
  it('equals the loss it is a part of', async () => {
    const problem = makeCase('', [8, 50], { temperature: 3 }, { seed: 69 });
    const loss = distillationLoss(tf.tensor(problem.teacher, [8, 50]), tf.tensor(problem.student, [8, 50]), {
      temperature: 3,
      divergence: 'kl',
      scaleByTemperatureSquared: false,
    });
    expectClose([(await measure(problem)).kl], await loss.data(), 4 * TOLERANCE, 'kl');
    loss.dispose();
  });
});
