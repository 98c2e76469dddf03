import * as tf from '@tensorflow/tfjs-core';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES, optionCases, shapeCases } from '../cases.ts';
import { expectCase } from '../run_case.ts';

beforeAll(startBackend);

const FLAG = 'TFJS_DISTILL_WEBGL_PACK_FIRST';

/** Runs with packing forced or forbidden. */
async function withPacking(flag: 0 | 1, run: () => Promise<void>): Promise<void> {
  tf.env().set(FLAG, flag);
  try {
    await run();
  } finally {
    tf.env().set(FLAG, -1);
  }
}

if (backend.backendName === 'webgl') {
  // The other suites take uploaded logits as they are: a GPU always does, a software renderer where they are few.
  describe('uploaded logits packed first', () => {
    for (const problem of shapeCases().filter(({ shape }) => shape[shape.length - 1] < 2000)) {
      it(problem.name, () => withPacking(1, () => expectCase(problem)));
    }
    for (const divergence of DIVERGENCES) {
      it(`${divergence} with every option`, () =>
        withPacking(1, async () => {
          for (const problem of optionCases()) {
            if (problem.options.divergence === divergence) await expectCase(problem);
          }
        }));
    }
  });

  it('packing leaves nothing behind', async () => {
    for (const flag of [0, 1] as const) {
      await withPacking(flag, async () => {
        const before = tf.memory().numDataBuffers;
        await expectCase(shapeCases()[0]);
        expect(tf.memory().numDataBuffers).toBe(before);
      });
    }
  });
} else {
  it('is about the textures of WebGL', () => expect(tf.getBackend()).not.toBe('webgl'));
}
