import * as tf from '@tensorflow/tfjs-core';
import { partsOf } from '../../src/backends/node/blocks.ts';
import { FUSED_OP_FLAG } from '../../src/backends/node/index.ts';
import type { TensorFlowBackendParts } from '../../src/backends/node/tensors.ts';
import { distillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { type CaseOptions, makeCase, reference } from '../objective_case.ts';
import { boundsOf, tensorsOf, unevenGradients } from '../run_case.ts';

beforeAll(startBackend);

/**
 * Rows that cross in several blocks, the last of them smaller: 16 to a block so that blocks are aligned,
 * aligned by themselves, in blocks that are not, longer than a block, and short. Then in one.
 */
const SHAPES: [number, number][] = [
  [19, 50_257],
  [9, 131_072],
  [8, 70_001],
  [2, 600_000],
  [25_013, 21],
  [9, 50_257],
  [4096, 21],
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
}

if (backend.backendName === 'tensorflow' && !backend.flags?.[FUSED_OP_FLAG]) {
  describe('TensorFlow is left with the gradient alone', () => {
    const parts = () => tf.backend() as TensorFlowBackendParts & { binding: { getNumOfTensors(): number } };
    const held = () => parts().binding.getNumOfTensors();
    const inputs = () => [tf.neg(tf.randomNormal([19, 50_257])), tf.neg(tf.randomNormal([19, 50_257]))];

    it('by a call', () => {
      const [v, z] = inputs();
      const before = held();
      const { value, grad } = tf.valueAndGrad((z: tf.Tensor) => distillationLoss(v, z))(z);
      expect(held()).toBe(before + 1);
      tf.dispose([value, grad]);
      expect(held()).toBe(before);
    });

    it('by one that fails at any of its ops', () => {
      const [v, z] = inputs();
      const { binding } = parts();
      const call = (failing: number) => {
        let ops = 0;
        const executeOp: typeof binding.executeOp = (...given) => {
          if (ops++ === failing) throw new Error('out of memory');
          return binding.executeOp(...given);
        };
        parts().binding = Object.create(binding, { executeOp: { value: executeOp } });
        try {
          tf.dispose({ ...tf.valueAndGrad((z: tf.Tensor) => distillationLoss(v, z))(z) });
        } finally {
          parts().binding = binding;
        }
        return ops;
      };
      const before = held();
      const ops = call(-1);
      expect(ops).toBeGreaterThan(10);
      for (let failing = 0; failing < ops; failing++) {
        expect(() => call(failing)).toThrow('out of memory');
        expect(held()).toBe(before);
      }
    });
  });
}

if (backend.backendName !== 'tensorflow') {
  it("is about backend 'tensorflow'", () => expect(tf.getBackend()).not.toBe('tensorflow'));
}
