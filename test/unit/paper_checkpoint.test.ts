import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { type Examples, IMAGE_SIZE } from '../../examples/mnist.ts';
import { Checkpoints } from '../../examples/paper/checkpoint.ts';
import type { Job } from '../../examples/paper/plan.ts';
import { train, type Watcher } from '../../examples/paper/train.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';

jest.setTimeout(60_000); // a second on an idle machine

const COUNT = 40;
const EPOCHS = 3;
const random = new Random(1);
const examples: Examples = {
  count: COUNT,
  images: Float32Array.from({ length: COUNT * IMAGE_SIZE }, () => random.uniform()),
  labels: Int32Array.from({ length: COUNT }, (_, n) => n % 10),
};
const teacherLogits = Float32Array.from({ length: COUNT * 10 }, () => random.normal());

const job = { title: '', units: 4, epochs: EPOCHS, seed: 1, optimizer: 'adam', learningRate: 0.01 } as const;
const JOBS: Job[] = [
  {
    ...job,
    name: 'teacher',
    role: 'teacher',
    targets: { kind: 'labelsRegularised', dropout: { inputs: 0.2, hidden: 0.5 }, jitter: 2 },
  },
  {
    ...job,
    name: 'student',
    role: 'softStudent',
    optimizer: 'momentum',
    targets: { kind: 'teacher', temperature: 20 },
  },
];

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

function emptyCheckpoints(): Checkpoints {
  const folder = mkdtempSync(join(tmpdir(), 'tfjs-distill-paper-'));
  folders.push(folder);
  return new Checkpoints(folder);
}

async function weightsOf(model: tf.LayersModel): Promise<Float32Array> {
  const flat = tf.concat(model.getWeights().map((weight) => tf.reshape(weight, [weight.size])));
  return (await flat.data()) as Float32Array;
}

/**
 * tfjs's Adam computes the powers of its betas anew when it is restored, and rounds them otherwise: 4e-7 was
 * the most. A step moves a weight by up to 1e-2.
 */
const BOUND = { adam: 1e-5, momentum: 0 };

describe('npm run paper, stopped and started again', () => {
  for (const job of JOBS) {
    it(`has the ${job.name} of a run that was not stopped`, async () => {
      await tf.setBackend('cpu');
      const trained: number[] = [];
      const watcher: Watcher = { batch: () => {}, epoch: (_job, epochs) => trained.push(epochs) };
      const stopAt = (last: number): Watcher => ({
        ...watcher,
        batch: () => {
          if (trained.length === last) throw new Error('stopped');
        },
      });
      const { model: whole } = await train(job, examples, teacherLogits, emptyCheckpoints(), watcher);
      trained.length = 0;

      const checkpoints = emptyCheckpoints();
      for (const last of [1, 2]) {
        const cutOff = train(job, examples, teacherLogits, checkpoints, stopAt(last));
        await expect(cutOff).rejects.toThrow('stopped');
      }
      const { model: resumed } = await train(job, examples, teacherLogits, checkpoints, watcher);
      expect(trained).toEqual([1, 2, 3]);
      expectClose(await weightsOf(resumed), await weightsOf(whole), BOUND[job.optimizer], 'weights');
      expect(checkpoints.read(job)?.epochs).toBe(EPOCHS);
    });
  }

  it('starts afresh when the plan of a network has changed', async () => {
    await tf.setBackend('cpu');
    const [, student] = JOBS;
    const checkpoints = emptyCheckpoints();
    const watcher: Watcher = { batch: () => {}, epoch: () => {} };
    await train(student, examples, teacherLogits, checkpoints, watcher);
    expect(checkpoints.read(student)?.epochs).toBe(EPOCHS);
    expect(checkpoints.read({ ...student, learningRate: 0.02 })).toBeNull();
    checkpoints.remove(student);
    expect(checkpoints.read(student)).toBeNull();
  });
});
