import * as tf from '@tensorflow/tfjs-core';
import { FUSED_OP_FLAG } from '../../src/backends/node/index.ts';
import type { TensorFlowBackendParts } from '../../src/backends/node/tensors.ts';
import { distillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { type CaseOptions, makeCase, type ObjectiveCase } from '../objective_case.ts';
import { expectCase, runCase, tensorsOf } from '../run_case.ts';

beforeAll(startBackend);

const FUSED_OP = 'SoftmaxCrossEntropyWithLogits';
const SPARSE_FUSED_OP = `Sparse${FUSED_OP}`;

/** Run by the composition for every row that it computes, and by nothing else here. */
const OF_COMPOSITION = 'Exp';

interface Op {
  name: string;
  /** Of its first input. */
  rows: number;
}

interface Executed {
  ops: Op[];
  /** The most that was held at once beyond the inputs, the gradient included, in tensors [rows, classes]. */
  peak: number;
}

/** What TensorFlow is asked for while f runs. */
function executed(student: tf.Tensor, f: () => void): Executed {
  const parts = tf.backend() as TensorFlowBackendParts;
  const { executeSingleOutput, executeMultipleOutputs } = parts;
  const ops: Op[] = [];
  const held = tf.memory().numBytes;
  let most = 0;
  const record = (name: string, [first]: tf.TensorInfo[]) => {
    ops.push({ name, rows: first.shape[0] });
    most = Math.max(most, tf.memory().numBytes - held);
  };
  parts.executeSingleOutput = (name, attributes, inputs) => {
    const output = executeSingleOutput.call(parts, name, attributes, inputs);
    record(name, inputs);
    return output;
  };
  parts.executeMultipleOutputs = (name, attributes, inputs, outputs) => {
    const made = executeMultipleOutputs.call(parts, name, attributes, inputs, outputs);
    record(name, inputs);
    return made;
  };
  try {
    f();
  } finally {
    Object.assign(parts, { executeSingleOutput, executeMultipleOutputs });
  }
  // The loss has a second handle to the teacher, which tfjs counts.
  return { ops, peak: most / (4 * student.size) - 1 };
}

const ROWS = 6;
const CLASSES = 500;

/** Of a row: teacher, student and, if it has one, its label distribution. */
type Edit = (row: { v: Float32Array; z: Float32Array; y: Float32Array }) => void;

/** Ordinary rows, but for those that are edited. */
function problemOf(
  options: CaseOptions,
  edit: Edit = () => {},
  edited: readonly number[] = [1, 4],
): ObjectiveCase {
  const rowsOf = (values: Float32Array | null, n: number) =>
    values?.subarray(n * CLASSES, (n + 1) * CLASSES) ?? new Float32Array(CLASSES);
  return makeCase('', [ROWS, CLASSES], options, {
    seed: 21,
    edit: ({ teacher, student, labelDistribution }) => {
      for (const n of edited)
        edit({ v: rowsOf(teacher, n), z: rowsOf(student, n), y: rowsOf(labelDistribution, n) });
    },
  });
}

/** Of value and gradient of a problem. */
function opsOf(problem: ObjectiveCase): Executed & Record<'dense' | 'sparse' | 'composed', Op[]> {
  const { teacher, student, options } = tensorsOf(problem);
  const f = (z: tf.Tensor) => distillationLoss(teacher, z, { ...options, reduction: tf.Reduction.MEAN });
  const result = executed(student, () => tf.dispose({ ...tf.valueAndGrad(f)(student) }));
  const named = (name: string) => result.ops.filter((op) => op.name === name);
  return {
    ...result,
    dense: named(FUSED_OP),
    sparse: named(SPARSE_FUSED_OP),
    composed: named(OF_COMPOSITION),
  };
}

const perRow = [3, 1, 4, 1, 5, 9];

/** How often it takes either op, how many ops in all, and what those hold at the most. */
const ORDINARY: Record<
  string,
  { options: CaseOptions; dense: number; sparse: number; ops: number; peak: number }
> = {
  'T = 1': { options: { temperature: 1 }, dense: 1, sparse: 0, ops: 13, peak: 3 },
  'T = 2': { options: { temperature: 2 }, dense: 1, sparse: 0, ops: 15, peak: 3 },
  'T = 3': { options: { temperature: 3 }, dense: 1, sparse: 0, ops: 19, peak: 3 },
  kl: { options: { temperature: 3, divergence: 'kl' }, dense: 1, sparse: 0, ops: 25, peak: 3 },
  probabilities: {
    options: { temperature: 3, targets: 'probabilities', teacherTemperature: 1 },
    dense: 1,
    sparse: 0,
    ops: 15,
    peak: 3,
  },
  'class ids': { options: { temperature: 3, labels: 'classIds' }, dense: 1, sparse: 1, ops: 30, peak: 4 },
  'smoothed class ids': {
    options: { temperature: 3, labels: 'classIds', labelSmoothing: 0.1 },
    dense: 2,
    sparse: 0,
    ops: 31,
    peak: 4,
  },
  'a label distribution': {
    options: { temperature: 3, labels: 'distribution' },
    dense: 2,
    sparse: 0,
    ops: 30,
    peak: 4,
  },
  'all at once': {
    options: {
      temperature: perRow,
      weights: perRow,
      labels: 'distribution',
      labelSmoothing: 0.1,
      divergence: 'kl',
    },
    dense: 2,
    sparse: 0,
    ops: 58,
    peak: 5,
  },
  'T and weights of rows': {
    options: { temperature: perRow, weights: perRow },
    dense: 1,
    sparse: 0,
    ops: 37,
    peak: 3,
  },
};

const OPTIONS: readonly CaseOptions[] = [
  { temperature: 3, divergence: 'kl' },
  { temperature: perRow, weights: perRow, labels: 'classIds', labelSmoothing: 0.1 },
  { temperature: 2, labels: 'distribution' },
];

/** What leaves rows to the op. */
const MASKED: Record<string, Edit> = {
  'a class that the teacher lacks': ({ v }) => {
    v[7] = Number.NEGATIVE_INFINITY;
  },
  'a class that the student lacks': ({ z }) => {
    z[7] = Number.NEGATIVE_INFINITY;
  },
};

/** What makes them the composition's. */
const OTHERS: Record<string, Edit> = {
  'near rows': ({ v, z }) => z.set(v.map((value, i) => value + 1e-3 * Math.sin(i))),
  'NaN in the teacher': ({ v }) => {
    v[7] = Number.NaN;
  },
  'NaN in the student': ({ z }) => {
    z[7] = Number.NaN;
  },
  'a class that neither has, as a padded vocabulary': ({ v, z, y }) => {
    v[7] = z[7] = Number.NEGATIVE_INFINITY;
    y[7] = 0;
  },
  'a student that lacks every class': ({ z }) => z.fill(Number.NEGATIVE_INFINITY),
};

if (backend.flags?.[FUSED_OP_FLAG]) {
  describe("ordinary rows are TensorFlow's fused op, a few others, and nothing of the composition", () => {
    for (const [name, { options, dense, sparse, ops, peak }] of Object.entries(ORDINARY)) {
      it(name, () => {
        const ran = opsOf(problemOf(options));
        expect([ran.dense.length, ran.sparse.length, ran.composed.length]).toEqual([dense, sparse, 0]);
        expect(ran.ops.length).toBe(ops);
        expect(ran.peak).toBeLessThan(peak + 0.1); // and values of rows
      });
    }
  });

  describe('the composition is handed the rows that the op does not fit, and no others', () => {
    for (const [name, edit] of Object.entries(OTHERS)) {
      for (const options of OPTIONS) {
        it(`${name}, ${Object.keys(options).join(', ')}`, async () => {
          const problem = problemOf(options, edit);
          const { dense, composed } = opsOf(problem);
          expect(dense.length).toBe(options.labels ? 2 : 1);
          expect(new Set(composed.map(({ rows }) => rows))).toEqual(new Set([2]));
          await expectCase(problem, false);
        });
      }
    }

    for (const [name, edit] of Object.entries(MASKED)) {
      for (const options of OPTIONS) {
        it(`${name} is left to the op, ${Object.keys(options).join(', ')}`, async () => {
          const problem = problemOf(options, edit);
          expect(opsOf(problem).composed).toHaveLength(0);
          await expectCase(problem, false);
        });
      }
    }

    it('near rows that do not count stay with the op', () => {
      const problem = problemOf({ temperature: 3, weights: [1, 0, 1, 1, 0, 1] }, OTHERS['near rows']);
      expect(opsOf(problem).composed).toHaveLength(0);
    });

    it('an id that is no class', async () => {
      const problem = problemOf({ temperature: 3, labels: 'classIds' });
      problem.labelIds?.set([-1], 0);
      problem.labelIds?.set([CLASSES], 5);
      expect(new Set(opsOf(problem).composed.map(({ rows }) => rows))).toEqual(new Set([2]));
      await expectCase(problem, false);
    });

    it('rows that are all near are handed over as they are', () => {
      const { ops, composed } = opsOf(problemOf({ temperature: 1e4 }));
      expect(composed.every(({ rows }) => rows === ROWS)).toBe(true);
      expect(ops.filter(({ name }) => name === 'GatherV2')).toHaveLength(0);
    });
  });

  it('no row that is not near has a negative divergence, nor one of 300 where one class has nearly all the mass', async () => {
    const problem = makeCase(
      '',
      [300, 8],
      { divergence: 'kl', temperature: 1 },
      {
        seed: 22,
        spread: 10,
        edit: ({ teacher, student }) => student.set(teacher.map((v, i) => v + 0.1 * student[i])),
      },
    );
    expect(opsOf(problem).composed).toHaveLength(0);
    const { loss } = await runCase(problem, new Float32Array(300).fill(1), false);
    expect(loss.reduce((a, b) => Math.min(a, b))).toBeGreaterThanOrEqual(0);
  });

  it('jsd, reverseKl and rows of one class are the composition', () => {
    const jsd = opsOf(problemOf({ temperature: 2, divergence: 'jsd' }));
    const reverseKl = opsOf(problemOf({ temperature: 2, divergence: 'reverseKl' }));
    const oneClass = opsOf(makeCase('', [ROWS, 1], { temperature: 2 }, { seed: 21 }));
    for (const { dense, composed } of [jsd, reverseKl, oneClass]) {
      expect(dense).toHaveLength(0);
      expect(composed.length).toBeGreaterThan(0);
    }
  });
} else if (backend.backendName === 'tensorflow') {
  it('the fused op serves where the package is tfjs-node-gpu, the SIMD kernel where it is not', () => {
    const parts = tf.backend() as TensorFlowBackendParts;
    const ran = () => {
      tf.env().reset(); // flags are worked out once
      return opsOf(problemOf({ temperature: 2 })).dense.length;
    };
    expect(ran()).toBe(0);
    parts.isGPUPackage = true;
    expect(ran()).toBe(1);
    parts.isGPUPackage = false;
    expect(ran()).toBe(0);
  });
} else {
  it("is about backend 'tensorflow'", () => expect(tf.getBackend()).not.toBe('tensorflow'));
}
