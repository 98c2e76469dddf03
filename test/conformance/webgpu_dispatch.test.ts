import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss, softmaxCrossEntropyWithTemperature } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';
import { expectClose } from '../close.ts';
import { type CaseOptions, makeCase } from '../objective_case.ts';
import { expectCase } from '../run_case.ts';
import { type DeviceBackend, withDevice } from '../webgpu_device.ts';

beforeAll(startBackend);

/** Dispatches that f records, counted where tfjs records each. */
function countDispatches(f: () => void): number {
  const current = tf.backend() as DeviceBackend;
  const { recordAndSubmit } = current;
  let count = 0;
  current.recordAndSubmit = (...dispatch) => {
    count++;
    recordAndSubmit.apply(current, dispatch);
  };
  try {
    f();
  } finally {
    current.recordAndSubmit = recordAndSubmit;
  }
  return count;
}

/**
 * Runs f with its dispatch of that index left out, or with the one before in its place, as if the device had
 * refused it.
 */
async function withoutDispatch<T>(index: number, isRepeated: boolean, f: () => Promise<T>): Promise<T> {
  const current = tf.backend() as DeviceBackend;
  const { recordAndSubmit } = current;
  let count = 0;
  let last: unknown[] = [];
  current.recordAndSubmit = (...dispatch) => {
    if (count++ === index) {
      if (isRepeated) recordAndSubmit.apply(current, last);
      return;
    }
    last = dispatch;
    recordAndSubmit.apply(current, dispatch);
  };
  try {
    return await f();
  } finally {
    current.recordAndSubmit = recordAndSubmit;
    expect(count).toBeGreaterThan(index);
  }
}

const [ROWS, CLASSES] = [60, 40];

/** Teacher and student logits on the device. */
async function logits(rows = ROWS, classes = CLASSES): Promise<[tf.Tensor2D, tf.Tensor2D]> {
  const tensors: [tf.Tensor2D, tf.Tensor2D] = [
    tf.randomNormal([rows, classes], 0, 3),
    tf.randomNormal([rows, classes], 0, 3),
  ];
  for (const tensor of tensors) tf.dispose(tf.add(tensor, 0));
  await Promise.all(tensors.map((tensor) => tensor.data()));
  return tensors;
}

if (backend.backendName === 'webgpu') {
  describe('one dispatch', () => {
    for (const divergence of DIVERGENCES) {
      it(`${divergence}: value and gradient of a mean, and one tensor of the size of the logits`, async () => {
        const [teacher, student] = await logits();
        const f = (z: tf.Tensor): tf.Scalar => distillationLoss(teacher, z, { divergence, temperature: 2 });
        tf.dispose(tf.valueAndGrad(f)(student)); // compiles
        const bytes = () => (tf.backend() as DeviceBackend).memory().numBytesInGPU;
        await (tf.backend() as DeviceBackend).queue.onSubmittedWorkDone();
        const before = bytes();
        let result: ReturnType<ReturnType<typeof tf.valueAndGrad>> | undefined;
        const dispatches = countDispatches(() => {
          result = tf.valueAndGrad(f)(student);
        });
        expect(dispatches).toBe(1);
        // What is disposed of counts until it is submitted, so this is the peak: the gradient, and less than
        // 512 bytes for loss and uniforms.
        expect(bytes() - before).toBeGreaterThanOrEqual(ROWS * CLASSES * 4);
        expect(bytes() - before).toBeLessThan(ROWS * CLASSES * 4 + 512);
        tf.dispose([result?.value, result?.grad].filter((x) => x !== undefined));
        const profile = await tf.profile(() => tf.valueAndGrad(f)(student).grad);
        // Identity and Reshape give another name to the same data.
        const makers = profile.kernelNames.filter((name) => !['Identity', 'Reshape'].includes(name));
        expect(new Set(makers)).toEqual(new Set(['SoftmaxCrossEntropyWithTemperature']));
        tf.dispose([profile.result as tf.Tensor, teacher, student]);
      });
    }

    it('kl with a teacher at a temperature of its own: value and either gradient of a sum', async () => {
      const [teacher, student] = await logits();
      const options = { divergence: 'kl', temperature: 2, teacherTemperature: 3 } as const;
      const toStudent = (z: tf.Tensor): tf.Scalar => distillationLoss(teacher, z, options);
      const toTeacher = (v: tf.Tensor): tf.Scalar =>
        distillationLoss(v, student, { ...options, teacherGradient: true });
      expect(countDispatches(() => tf.dispose(tf.valueAndGrad(toStudent)(student)))).toBe(1);
      expect(countDispatches(() => tf.dispose(tf.grad(toTeacher)(teacher)))).toBeLessThanOrEqual(2);
      tf.dispose([teacher, student]);
    });

    for (const own of [{}, { teacherTemperature: 3 }]) {
      it(`jsd of softened probabilities, ${own.teacherTemperature ? 'at a temperature of their own' : 'at T'}: value and either gradient of a sum`, async () => {
        const [teacher, student] = await logits();
        const shares = tf.softmax(teacher);
        const options = { divergence: 'jsd', temperature: 2, targets: 'probabilities', ...own } as const;
        const toStudent = (z: tf.Tensor): tf.Scalar => distillationLoss(shares, z, options);
        const toTeacher = (p: tf.Tensor): tf.Scalar =>
          distillationLoss(p, student, { ...options, teacherGradient: true });
        expect(countDispatches(() => tf.dispose(tf.valueAndGrad(toStudent)(student)))).toBe(1);
        expect(countDispatches(() => tf.dispose(tf.grad(toTeacher)(shares)))).toBeLessThanOrEqual(2);
        tf.dispose([teacher, student, shares]);
      });
    }

    it('the value alone, with memory for the loss alone', async () => {
      const [teacher, student] = await logits();
      const f = () => distillationLoss(teacher, student);
      f().dispose();
      const before = tf.memory().numBytes;
      let loss: tf.Tensor | undefined;
      expect(
        countDispatches(() => {
          loss = f();
        }),
      ).toBe(1);
      expect(tf.memory().numBytes - before).toBe(4);
      tf.dispose([loss as tf.Tensor, teacher, student]);
    });

    it('an incoming gradient that is not known takes one more, to scale', async () => {
      const [teacher, student] = await logits();
      const dy = tf.add(await logits(1, ROWS).then(([dy]) => dy.reshape([ROWS])), 1);
      const f = (z: tf.Tensor) => softmaxCrossEntropyWithTemperature(teacher, z, 2);
      const run = () => tf.valueAndGrad(f)(student, dy);
      tf.dispose(run());
      expect(countDispatches(() => tf.dispose(run()))).toBe(2);
      tf.dispose([teacher, student, dy]);
    });

    it('a sum over many workgroups is right, and the same each time', async () => {
      const [teacher, student] = await logits(5000, 12);
      const perRow = await distillationLoss(teacher, student, { reduction: tf.Reduction.NONE }).data();
      const truth = Array.from(perRow as Float32Array).reduce((sum, x) => sum + x, 0) / 5000;
      const losses: number[] = [];
      for (let i = 0; i < 4; i++) losses.push((await distillationLoss(teacher, student).data())[0]);
      expectClose(losses, [truth, truth, truth, truth], 1e-5 * truth, 'loss');
      expect(new Set(losses).size).toBe(1);
      tf.dispose([teacher, student]);
    });

    it('a NaN in one row is the NaN of the sum, and the next sum is right again', async () => {
      const [teacher, student] = await logits(300, 12);
      const broken = tf.tensor2d(await student.data(), [300, 12]);
      const values = await broken.data();
      values[1234] = Number.NaN;
      const withNaN = tf.tensor2d(values, [300, 12]);
      expect((await distillationLoss(teacher, withNaN).data())[0]).toBeNaN();
      expect(Number.isFinite((await distillationLoss(teacher, student).data())[0])).toBe(true);
      tf.dispose([teacher, student, broken, withNaN]);
    });
  });

  describe('what tfjs sees', () => {
    it('tf.time reports the kernel with its time, and tf.profile with name, shapes and bytes', async () => {
      const [teacher, student] = await logits(64, 1000);
      const f = () => tf.valueAndGrad((z) => distillationLoss(teacher, z) as tf.Scalar)(student);
      tf.dispose(f());
      const time = (await tf.time(() => tf.dispose(f()))) as tf.TimingInfo & { kernelMs: number };
      const { device } = tf.backend() as DeviceBackend;
      if (device.features.has('timestamp-query')) expect(time.kernelMs).toBeGreaterThan(0);
      const profile = await tf.profile(() => f().grad);
      const kernel = profile.kernels.find(({ name }) => name === 'SoftmaxCrossEntropyWithTemperature');
      expect(kernel?.outputShapes).toEqual([[], [64, 1000]]);
      expect(kernel?.bytesAdded).toBe(64 * 1000 * 4 + 4);
      expect(String(kernel?.extraInfo)).toContain('SoftmaxCrossEntropyWithTemperatureProgram');
      tf.dispose([profile.result as tf.Tensor, teacher, student]);
    });

    it('each variant is compiled once', async () => {
      const [teacher, student] = await logits();
      const { device } = tf.backend() as DeviceBackend;
      const f = () => tf.dispose(tf.valueAndGrad((z) => distillationLoss(teacher, z) as tf.Scalar)(student));
      f();
      const { createComputePipeline } = device;
      let compiled = 0;
      device.createComputePipeline = (descriptor) => {
        compiled++;
        return createComputePipeline.call(device, descriptor);
      };
      f();
      f();
      device.createComputePipeline = createComputePipeline;
      expect(compiled).toBe(0);
      tf.dispose([teacher, student]);
    });

    it('a compile-only warm-up compiles, dispatches nothing, and the run after it is right', async () => {
      const problem = makeCase('', [5, 36], { divergence: 'kl', temperature: 3 }, { seed: 41 });
      const teacher = tf.tensor(problem.teacher, [5, 36]);
      const student = tf.tensor(problem.student, [5, 36]);
      const run = () =>
        tf.valueAndGrad(
          (z: tf.Tensor) =>
            distillationLoss(teacher, z, { divergence: 'kl', labels: [1, 2, 3, 4, 5] }) as tf.Scalar,
        )(student);
      tf.env().set('WEBGPU_ENGINE_COMPILE_ONLY', true);
      try {
        expect(countDispatches(() => tf.dispose(run()))).toBe(0);
        await (tf.backend() as DeviceBackend).checkCompileCompletionAsync();
      } finally {
        tf.env().set('WEBGPU_ENGINE_COMPILE_ONLY', false);
      }
      const { value, grad } = run();
      expect(Number.isFinite((await value.data())[0])).toBe(true);
      const slopes = await grad.data();
      expect(slopes.every(Number.isFinite)).toBe(true);
      tf.dispose([teacher, student, value, grad]);
      await expectCase(problem);
    });
  });

  describe('a device with the limits that every device has', () => {
    for (const labels of ['classIds', 'distribution'] as const) {
      it(`takes every tensor at once, ${labels === 'classIds' ? 'class ids' : 'a label distribution'} among them`, () =>
        withDevice({}, async ({ limits }) => {
          expect(limits.maxStorageBuffersPerShaderStage).toBe(8);
          expect(limits.maxComputeInvocationsPerWorkgroup).toBe(256);
          const perRow = (from: number[]) => Array.from({ length: 9 }, (_, n) => from[n % from.length]);
          const options: CaseOptions = {
            divergence: 'kl',
            temperature: perRow([2, 3, 1.5, 4]),
            weights: perRow([1, 0, 2]),
            labels,
          };
          const ofRows = { teacherTemperature: perRow([1.5, 2, 1]), alpha: perRow([0.4, 0, 0.25, 1]) };
          for (const own of [{}, ofRows])
            await expectCase(makeCase('', [9, 33], { ...options, ...own }, { seed: 52 }));
        }));
    }
  });

  describe('tensors larger than a device binds', () => {
    it('are cut by rows and come out the same, per row, summed and split', () =>
      withDevice({ limits: { maxStorageBufferBindingSize: 8192 } }, async (device) => {
        expect(device.limits.maxStorageBufferBindingSize).toBe(8192);
        for (const classes of [33, 36, 1200]) {
          for (const divergence of ['kl', 'jsd'] as const) {
            const rows = classes === 1200 ? 5 : 150;
            await expectCase(
              makeCase(
                '',
                [rows, classes],
                {
                  divergence,
                  temperature: Array.from({ length: rows }, (_, n) => 1 + (n % 4)),
                  weights: Array.from({ length: rows }, (_, n) => n % 3),
                  labels: divergence === 'kl' ? 'distribution' : 'classIds',
                },
                { seed: classes },
              ),
            );
          }
          const [teacher, student] = await logits(classes === 1200 ? 5 : 150, classes);
          const { value, grad } = tf.valueAndGrad((z) => distillationLoss(teacher, z) as tf.Scalar)(student);
          const perRow = await distillationLoss(teacher, student, { reduction: tf.Reduction.NONE }).data();
          const mean = Array.from(perRow as Float32Array).reduce((sum, x) => sum + x, 0) / perRow.length;
          expectClose(await value.data(), [mean], 1e-5 * mean, 'loss');
          tf.dispose([teacher, student, value, grad]);
        }
      }));

    for (const [what, isRepeated] of [
      ['dropped', false],
      ['replaced by the one before it, so that its part never comes', true],
    ] as const) {
      it(`one dispatch of a sum is ${what}: the sums that follow are right`, () =>
        withDevice({ limits: { maxStorageBufferBindingSize: 8192 } }, async () => {
          const [teacher, student] = await logits(150, 36);
          const one = await logits(20, 36);
          const loss = async (pair: [tf.Tensor, tf.Tensor]) =>
            (await distillationLoss(pair[0], pair[1]).data())[0];
          const before = [await loss([teacher, student]), await loss(one)];
          expect(before.every(Number.isFinite)).toBe(true);
          const broken = await withoutDispatch(2, isRepeated, () =>
            distillationLoss(teacher, student).data(),
          );
          if (isRepeated) expect(broken[0]).toBeNaN();
          for (let i = 0; i < 2; i++) {
            expect(await loss(one)).toBe(before[1]);
            expect(await loss([teacher, student])).toBe(before[0]);
          }
          tf.dispose([teacher, student, one]);
        }));
    }

    it('with rows too long for any binding throw, naming limit and size', () =>
      withDevice({ limits: { maxStorageBufferBindingSize: 4096 } }, async () => {
        const [teacher, student] = [tf.zeros([2, 1000]), tf.zeros([2, 1000])];
        expect(() => distillationLoss(teacher, student)).toThrow(
          /a row of 1000 classes takes 4000 bytes; this device binds at most 4096 .*maxStorageBufferBindingSize/,
        );
        tf.dispose([teacher, student]);
      }));
  });
} else {
  it('is about the dispatches of WebGPU', () => expect(tf.getBackend()).not.toBe('webgpu'));
}
