import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss } from '../../src/index.ts';
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
  // The other suites take uploaded logits as they are: a GPU always does, a software renderer where they are
  // few.
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

  describe('what tfjs sees', () => {
    const [rows, classes] = [16, 300];
    const logits = () => tf.randomNormal([rows, classes]) as tf.Tensor2D;
    const PROGRAM = 'SoftmaxCrossEntropyWithTemperatureProgram';

    it('tf.profile reports the kernel with name, shapes, bytes and time, as a kernel of tfjs', async () => {
      const [teacher, student] = [logits(), logits()];
      const run = () => tf.grad((z: tf.Tensor) => distillationLoss(teacher, z) as tf.Scalar)(student);
      run().dispose();
      const { kernels, result } = await tf.profile(() => tf.tidy(() => tf.mul(run(), tf.exp(student))));
      const own = kernels.find(({ name }) => name === 'SoftmaxCrossEntropyWithTemperature');
      const stock = kernels.find(({ name }) => name === 'Exp');
      expect(own?.inputShapes.slice(0, 2)).toEqual([
        [rows, classes],
        [rows, classes],
      ]);
      expect(own?.outputShapes).toEqual([[], [rows, classes]]);
      expect(own?.bytesAdded).toBe(4 * (rows * classes + 1));
      const [ownTime, stockTime] = [await own?.kernelTimeMs, await stock?.kernelTimeMs];
      expect(typeof ownTime).toBe(typeof stockTime);
      const [ownInfo, stockInfo] = [await own?.extraInfo, await stock?.extraInfo];
      if (typeof stockTime === 'number') {
        expect(ownTime).toBeGreaterThan(0);
        expect(stockInfo).toContain('Program: ');
        expect(ownInfo).toContain(`${PROGRAM}: `);
      } else {
        expect(ownTime).toEqual(stockTime); // no timers here: the same error
        expect(ownInfo).toEqual(stockInfo);
      }
      tf.dispose([teacher, student, result as tf.Tensor]);
    });

    it('tf.time takes as many times as there are programs, or says why it cannot', async () => {
      const [teacher, student] = [logits(), logits()];
      const time = async (run: () => tf.Tensor) => {
        tf.dispose(run());
        return (await tf.time(() => tf.dispose(run()))) as tf.TimingInfo;
      };
      const own = await time(() => distillationLoss(teacher, student));
      const stock = await time(() => tf.exp(student));
      expect(own.wallMs).toBeGreaterThan(0);
      if (typeof stock.kernelMs === 'number') expect(own.kernelMs).toBeGreaterThan(0);
      else expect(own.kernelMs).toEqual(stock.kernelMs);
      tf.dispose([teacher, student]);
    });
  });
} else {
  it('is about the textures of WebGL', () => expect(tf.getBackend()).not.toBe('webgl'));
}
