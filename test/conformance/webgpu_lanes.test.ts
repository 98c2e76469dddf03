import * as tf from '@tensorflow/tfjs-core';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES, optionCases, shapeCases } from '../cases.ts';
import { makeCase } from '../objective_case.ts';
import { expectCase } from '../run_case.ts';

beforeAll(startBackend);

const FLAG = 'TFJS_DISTILL_WEBGPU_LANES';

/** Runs with a forced number of threads to a row: a software adapter would choose 1 or 16 by itself, a GPU up to 256. */
async function withLanes(lanes: number, run: () => Promise<void>): Promise<void> {
  tf.env().set(FLAG, lanes);
  try {
    await run();
  } finally {
    tf.env().set(FLAG, 0);
  }
}

const MASKED = Number.NEGATIVE_INFINITY;

if (backend.backendName === 'webgpu') {
  for (const lanes of [2, 32, 256]) {
    describe(`${lanes} threads to a row`, () => {
      for (const problem of shapeCases().filter(({ shape }) => shape[shape.length - 1] < 2000)) {
        it(problem.name, () => withLanes(lanes, () => expectCase(problem)));
      }
      for (const divergence of DIVERGENCES) {
        it(`${divergence} with every option`, () =>
          withLanes(lanes, async () => {
            for (const problem of optionCases()) {
              if (problem.options.divergence === divergence) await expectCase(problem);
            }
          }));
        it(`${divergence}: masks, NaN and nearly equal rows`, () =>
          withLanes(lanes, () =>
            expectCase(
              makeCase(
                '',
                [7, 70],
                { divergence, temperature: 2 },
                {
                  seed: 31,
                  edit: ({ teacher, student }) => {
                    teacher[0] = student[0] = MASKED;
                    student[70 + 69] = MASKED;
                    teacher[140 + 35] = MASKED;
                    student[210 + 69] = Number.NaN;
                    for (let i = 280; i < 350; i++) student[i] = teacher[i] + 1e-3 * student[i];
                    for (let i = 350; i < 420; i++) student[i] = teacher[i];
                  },
                },
              ),
            ),
          ));
      }
    });
  }
} else {
  it('is about the threads of WebGPU', () => expect(tf.getBackend()).not.toBe('webgpu'));
}
