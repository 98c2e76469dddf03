import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';
import { expectClose } from '../close.ts';
import { makeCase } from '../objective_case.ts';
import { expectCase } from '../run_case.ts';
import { type DeviceBackend, withDevice } from '../webgpu_device.ts';

beforeAll(startBackend);

/** The device that tfjs asks for has no subgroups; one of the user's own may. */
const withSubgroups = (run: () => Promise<void>) =>
  withDevice({ features: ['subgroups'] }, async (device) => {
    expect(device.features.has('subgroups')).toBe(true);
    await run();
    const keys = Object.keys((tf.backend() as DeviceBackend).pipelineCache);
    const ours = keys.filter((key) => key.startsWith('tfjs-distill'));
    expect(ours.length).toBeGreaterThan(0);
    expect(ours.filter((key) => !key.includes('team=subgroup'))).toEqual([]);
  });

async function withLanes(lanes: number, run: () => Promise<void>): Promise<void> {
  tf.env().set('TFJS_DISTILL_WEBGPU_LANES', lanes);
  try {
    await run();
  } finally {
    tf.env().set('TFJS_DISTILL_WEBGPU_LANES', 0);
  }
}

if (backend.backendName === 'webgpu') {
  describe('on a device with subgroups', () => {
    // Within a subgroup of SwiftShader (4 threads), a few of them, and many.
    for (const [lanes, divergence] of [
      [1, 'crossEntropy'],
      [2, 'jsd'],
      [4, 'kl'],
      [16, 'reverseKl'],
      [64, 'jsd'],
      [256, 'crossEntropy'],
    ] as const) {
      it(`${divergence} with ${lanes} threads to a row: values, masks, NaN and near rows`, () =>
        withSubgroups(() =>
          withLanes(lanes, () =>
            expectCase(
              makeCase(
                '',
                [9, 260],
                { divergence, temperature: 2, labels: 'classIds', labelSmoothing: 0.1 },
                {
                  seed: 51,
                  edit: ({ teacher, student }) => {
                    teacher[3] = student[3] = Number.NEGATIVE_INFINITY;
                    student[260] = Number.NaN;
                    teacher[521] = Number.NEGATIVE_INFINITY;
                    for (let i = 780; i < 1040; i++) student[i] = teacher[i] + 1e-3 * student[i];
                  },
                },
              ),
            ),
          ),
        ));
    }

    it('the sum of the losses, for each divergence', () =>
      withSubgroups(async () => {
        const [teacher, student] = [tf.randomNormal([600, 12]), tf.randomNormal([600, 12])];
        for (const divergence of DIVERGENCES) {
          const perRow = await distillationLoss(teacher, student, {
            divergence,
            reduction: tf.Reduction.NONE,
          }).data();
          const mean = Array.from(perRow as Float32Array).reduce((sum, x) => sum + x, 0) / 600;
          const loss = await distillationLoss(teacher, student, { divergence }).data();
          expectClose(loss, [mean], 1e-5 * mean, 'loss');
        }
        tf.dispose([teacher, student]);
      }));
  });
} else {
  it('is about the subgroups of WebGPU', () => expect(tf.getBackend()).not.toBe('webgpu'));
}
