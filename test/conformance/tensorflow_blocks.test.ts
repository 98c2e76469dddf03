import * as tf from '@tensorflow/tfjs-core';
import { partsOf } from '../../src/backends/node/tensors.ts';
import { distillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { type CaseOptions, makeCase, reference } from '../objective_case.ts';
import { boundsOf, tensorsOf, unevenGradients } from '../run_case.ts';

beforeAll(startBackend);

/** Rows that cross in several blocks, the last of them smaller, long and short; rows in two parts, in one of odd length, and longer than a block. */
const SHAPES: [number, number][] = [
  [9, 50_257],
  [9, 131_072],
  [5, 65_537],
  [2, 600_000],
  [4096, 21],
  [25_013, 21],
];

const OPTIONS: Record<string, CaseOptions> = {
  'cross entropy': { temperature: 2 },
  'kl with a label distribution': { temperature: 3, divergence: 'kl', labels: 'distribution', alpha: 0.3 },
};

if (backend.backendName === 'tensorflow') {
  describe("rows cross between TensorFlow's memory and the kernel's in blocks", () => {
    for (const shape of SHAPES) {
      for (const [name, options] of Object.entries(OPTIONS)) {
        it(`[${shape}], ${name}`, async () => {
          const problem = makeCase(name, shape, options, { seed: shape[1] });
          const truth = reference(problem);
          const dLoss = unevenGradients(shape[0]);
          const bounds = boundsOf(problem, truth, dLoss);
          const { teacher, student, options: tensors } = tensorsOf(problem);
          // What an op has made lies in TensorFlow's memory.
          const [v, z] = [tf.neg(tf.neg(teacher)), tf.neg(tf.neg(student))];
          const { value, grads } = tf.valueAndGrads((z) => distillationLoss(v, z, tensors))(
            [z],
            tf.tensor1d(dLoss),
          );
          expectClose(await value.data(), truth.loss, bounds.loss, 'loss');
          expectClose(await grads[0].data(), bounds.dStudentTruth, bounds.dStudent, 'dStudent');
          expectClose(await v.data(), problem.teacher, 0, 'teacher');
          expectClose(await z.data(), problem.student, 0, 'student');
        });
      }
    }
  });

  it('a block is cut into the fewest equal parts that TensorFlow copies without its threads', () => {
    expect([1, 50_257, 65_536].map(partsOf)).toEqual([1, 1, 1]);
    expect([131_072, 128_256, 65_538, 1_000_000].map(partsOf)).toEqual([2, 2, 2, 16]);
    expect(partsOf(65_537)).toBe(1); // a prime
  });
} else {
  it("is about backend 'tensorflow'", () => expect(tf.getBackend()).not.toBe('tensorflow'));
}
