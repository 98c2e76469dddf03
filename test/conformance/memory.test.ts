import * as tf from '@tensorflow/tfjs-core';
import {
  distillationLoss,
  distillationMetrics,
  softmaxCrossEntropyWithTemperature,
} from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';

beforeAll(startBackend);

describe('nothing is left behind', () => {
  const v = () =>
    tf.tensor2d([
      [1, 2, 3],
      [0, -1, 0.5],
    ]);
  const z = () =>
    tf.tensor2d([
      [0.3, 0.2, -1],
      [2, 0, 1],
    ]);

  for (const divergence of DIVERGENCES) {
    it(`${divergence}: a value, gradients and a second-order gradient leave only their results`, async () => {
      const [teacher, student] = [v(), z()];
      const f = (z: tf.Tensor): tf.Scalar =>
        distillationLoss(teacher, z, {
          divergence,
          temperature: 2,
          labels: [0, 2],
          weights: [1, 2],
          ignoreIndex: 5,
        });
      tf.dispose(tf.valueAndGrad(f)(student));
      const before = tf.memory();
      const loss = f(student);
      expect(tf.memory().numTensors).toBe(before.numTensors + 1);
      const { value, grad } = tf.valueAndGrad(f)(student);
      expect(tf.memory().numTensors).toBe(before.numTensors + 3);
      const second = tf.grad((z: tf.Tensor) => tf.sum(tf.square(tf.grad(f)(z))))(student);
      expect(tf.memory().numTensors).toBe(before.numTensors + 4);
      await second.data();
      tf.dispose([loss, value, grad, second]);
      expect(tf.memory().numTensors).toBe(before.numTensors);
      expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
      expect(tf.memory().numBytes).toBe(before.numBytes);
      tf.dispose([teacher, student]);
    });
  }

  it('logits, labels, weights and temperatures of int32 and bool are cast, and the casts are gone', async () => {
    const [teacher, student] = [v().toInt(), z().toInt()];
    const options = {
      labels: tf.tensor2d([1, 0, 0, 0, 0, 1], [2, 3], 'bool'),
      weights: tf.tensor1d([1, 2], 'int32'),
      temperature: tf.tensor1d([2, 3], 'int32'),
    };
    const step = async () => {
      const loss = distillationLoss(teacher, student, options);
      tf.dispose(distillationMetrics(teacher, student, options));
      await loss.data();
      loss.dispose();
    };
    for (let k = 0; k < 3; k++) await step(); // compiles all, buffers of every size
    const before = heldByBackend();
    await step();
    expect(heldByBackend()).toEqual(before);
    tf.dispose([teacher, student, options]);
  });

  it('1,000 training steps leave tensors and buffers as they were', async () => {
    const teacher = v();
    const input = tf.tensor2d([
      [1, 0],
      [0.5, -1],
    ]);
    const kernel = tf.variable(
      tf.tensor2d([
        [0.1, 0.2, 0.3],
        [-0.3, 0.1, 0],
      ]),
    );
    const optimizer = tf.train.sgd(0.1);
    const step = () =>
      optimizer.minimize(
        () =>
          distillationLoss(teacher, tf.matMul(input, kernel), { temperature: 2, labels: [2, 0], alpha: 0.2 }),
        true,
      );
    const first = step();
    const before = tf.memory();
    const start = (await first?.data())?.[0] ?? Number.NaN;
    let end = Number.NaN;
    for (let k = 0; k < 1000; k++) {
      const loss = step();
      if (k === 999) end = (await loss?.data())?.[0] ?? Number.NaN;
      loss?.dispose();
    }
    expect(end).toBeLessThan(start);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
    first?.dispose();
    optimizer.dispose();
    tf.dispose([teacher, input, kernel]);
  });

  it('10,000 losses with their gradients leave tensors, bytes, buffers, textures and pipelines as 1,000 did', async () => {
    const [teacher, student] = [v(), z()];
    const labels = tf.tensor1d([2, 0], 'int32');
    const weights = tf.tensor1d([1, 2]);
    const functions = [
      ...DIVERGENCES.map((divergence) => ({ divergence, temperature: 2 })),
      { labels, weights, alpha: 0.3 },
      { temperature: weights, teacherGradient: true, reduction: tf.Reduction.NONE },
    ].map((options) => (z: tf.Tensor) => distillationLoss(teacher, z, options));
    let last = Number.NaN;
    const steps = async (from: number, to: number) => {
      for (let k = from; k < to; k++) {
        const { value, grad } = tf.valueAndGrad(functions[k % functions.length])(student);
        if (k % 100 === 99) last = (await value.data())[0]; // as a training loop does now and then
        tf.dispose([value, grad]);
      }
    };
    await steps(0, 1000);
    const [before, held] = [last, heldByBackend()];
    await steps(1000, 10_000);
    expect(heldByBackend()).toEqual(held);
    expect(last).toBe(before); // step 999 and step 9,999 are of the same function
    tf.dispose([teacher, student, labels, weights]);
  });

  it('an error leaves nothing behind', () => {
    const teacher = tf.tensor2d([[1, 2, 3]]);
    const before = tf.memory().numTensors;
    expect(() => softmaxCrossEntropyWithTemperature(teacher, [[1, 2]])).toThrow('same shape');
    expect(() => distillationLoss(teacher, [[1, 2, 3]], { labels: [[[1]]] })).toThrow('labels');
    expect(tf.memory().numTensors).toBe(before);
    teacher.dispose();
  });

  it('inside tf.tidy, tf.profile and an async function it behaves as a stock op', async () => {
    const [teacher, student] = [v(), z()];
    const before = tf.memory().numTensors;
    const profile = await tf.profile(() => tf.tidy(() => distillationLoss(teacher, student).clone()));
    expect(profile.kernelNames).toContain('SoftmaxCrossEntropyWithTemperature');
    const later = await (async () => {
      await Promise.resolve();
      return distillationLoss(teacher, student);
    })();
    expect((await later.data())[0]).toBeGreaterThan(0);
    tf.dispose([profile.result, later]);
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([teacher, student]);
  });
});

/** What the backends of tfjs keep count of. */
type Counts = tf.KernelBackend & {
  pipelineCache?: object;
  bufferManager?: { numUsedBuffers: number; numFreeBuffers: number; numBytesAllocated: number };
  binaryCache?: object;
  textureManager?: { numUsedTextures: number; numFreeTextures: number; numBytesAllocated?: number };
  wasm?: { HEAPU8: Uint8Array };
  getNumOfTFTensors?(): number;
};

/** All that is allocated: by tfjs's engine, and by the backend below it. */
function heldByBackend(): Record<string, number> {
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  const { bufferManager, textureManager, pipelineCache, binaryCache, wasm } = tf.backend() as Counts;
  const held: Record<string, number> = {
    numTensors,
    numDataBuffers,
    numBytes,
    dataIds: tf.backend().numDataIds(),
  };
  if (pipelineCache && bufferManager) {
    held.pipelines = Object.keys(pipelineCache).length;
    held.buffers = bufferManager.numUsedBuffers + bufferManager.numFreeBuffers;
    held.bufferBytes = bufferManager.numBytesAllocated;
  }
  if (binaryCache && textureManager) {
    held.programs = Object.keys(binaryCache).length;
    held.textures = textureManager.numUsedTextures + textureManager.numFreeTextures;
    held.textureBytes = textureManager.numBytesAllocated ?? Number.NaN;
  }
  if (wasm) held.heapBytes = wasm.HEAPU8.length;
  const tensorsOfTensorFlow = (tf.backend() as Counts).getNumOfTFTensors?.();
  if (tensorsOfTensorFlow !== undefined) held.tensorsOfTensorFlow = tensorsOfTensorFlow;
  const counts = { cpu: 4, composed: 4, wasm: 5, tensorflow: 5, webgpu: 7, webgl: 7 };
  const expected = counts[backend.backendName];
  if (Object.values(held).filter(Number.isFinite).length !== expected)
    throw new Error(
      `The counts of backend '${backend.backendName}' are not where they were: ${JSON.stringify(held)}.`,
    );
  return held;
}
