import * as tf from '@tensorflow/tfjs-core';
import * as secondCopy from '@tensorflow/tfjs-core/dist/tf-core.fesm.js';
import { type DistillationOptions, distillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { DIVERGENCES } from '../cases.ts';
import { expectClose } from '../close.ts';
import { makeCase, reference } from '../objective_case.ts';
import { TOLERANCE } from '../run_case.ts';

beforeAll(startBackend);

const { shape, teacher: V, student: Z } = makeCase('', [3, 7], { temperature: 2 }, { seed: 61, spread: 2 });
const CLOSE = 20 * TOLERANCE;

const v = () => tf.tensor(V, shape);
const z = () => tf.tensor(Z, shape);
const loss = (teacher: tf.Tensor, student: tf.Tensor, options: DistillationOptions = {}): tf.Scalar =>
  distillationLoss(teacher, student, { temperature: 2, ...options });

/** The gradient to the student of the mean over rows. */
const TRUTH = (() => {
  const { dStudent } = reference(makeCase('', [3, 7], { temperature: 2 }, { seed: 61, spread: 2 }));
  return dStudent.map((slope) => slope / 3);
})();

/** Every project has the plain 'cpu' backend beside its own; 'cpu' has 'wasm'. */
const OTHER = backend.backendName === 'cpu' ? 'wasm' : 'cpu';

async function onOther<T>(run: () => Promise<T>): Promise<T> {
  if (OTHER === 'wasm') {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    setWasmPaths(WASM_FOLDER);
  }
  expect(await tf.setBackend(OTHER)).toBe(true);
  try {
    return await run();
  } finally {
    await tf.setBackend(backend.backendName);
  }
}

declare const WASM_FOLDER: string;

describe('more than one backend', () => {
  it('training goes on where it was after the backend is switched between steps', async () => {
    const train = async (switches: boolean) => {
      const teacher = v();
      let student = z();
      const losses: number[] = [];
      const step = async () => {
        const { value, grad } = tf.valueAndGrad((z: tf.Tensor) => loss(teacher, z))(student);
        const next = tf.tidy(() => tf.sub(student, tf.mul(grad, 2)));
        losses.push((await value.data())[0]);
        await Promise.all([teacher.data(), next.data()]); // without this tfjs cannot take them from a GPU
        tf.dispose([student, value, grad]);
        student = next;
      };
      for (let k = 0; k < 6; k++) await (switches && k % 2 === 1 ? onOther(step) : step());
      tf.dispose([teacher, student]);
      return losses;
    };
    const straight = await train(false);
    expectClose(await train(true), straight, CLOSE * straight[0], 'losses');
    expect(straight[5]).toBeLessThan(straight[0]);
  });

  if (backend.backendName === 'wasm') {
    it('memory that grows while a tensor is brought over does not lose the gradient', async () => {
      const { wasm } = tf.backend() as tf.KernelBackend & { wasm: { HEAPU8: Uint8Array } };
      const classes = 4096;
      const problem = makeCase('', [2000, classes], { divergence: 'jsd', temperature: 2 }, { seed: 63 });
      const teacher = tf.tensor(problem.teacher, problem.shape);
      const student = await onOther(async () => tf.tensor(problem.student, problem.shape));
      const heapBytes = wasm.HEAPU8.length;
      const gradient = tf.grad((z: tf.Tensor) =>
        loss(teacher, z, { divergence: 'jsd', reduction: tf.Reduction.SUM }),
      )(student);
      expect(wasm.HEAPU8.length).toBeGreaterThan(heapBytes);
      const row = { ...problem, shape: [1, classes] };
      row.teacher = problem.teacher.slice(-classes);
      row.student = problem.student.slice(-classes);
      expectClose((await gradient.data()).slice(-classes), reference(row).dStudent, CLOSE, 'last row');
      tf.dispose([teacher, student, gradient]);
    });
  }

  for (const divergence of DIVERGENCES) {
    it(`${divergence}: tensors that lie on another backend are brought to the current one`, async () => {
      // Large enough that memory has to grow for them, with labels and weights as well.
      const problem = makeCase(
        '',
        [40, 3000],
        { divergence, temperature: 2, labels: 'distribution', alpha: 0.25 },
        { seed: 62, spread: 2 },
      );
      const [teacher, student, labels, weights, temperature] = await onOther(async () => [
        tf.tensor(problem.teacher, problem.shape),
        tf.tensor(problem.student, problem.shape),
        tf.tensor(problem.labelDistribution ?? [], problem.shape),
        tf.ones([40]),
        tf.fill([40], 2),
      ]);
      const { value, grad } = tf.valueAndGrad((z: tf.Tensor) =>
        distillationLoss(teacher, z, {
          divergence,
          temperature,
          labels,
          weights,
          alpha: 0.25,
          reduction: tf.Reduction.NONE,
        }),
      )(student);
      const truth = reference(problem);
      const scale = backend.precision === 'f16' ? 20 : 2;
      expectClose(
        await value.data(),
        truth.loss,
        (n) => scale * TOLERANCE * Math.max(truth.valueScale[n], truth.loss[n]),
        'loss',
      );
      expectClose(
        await grad.data(),
        truth.dStudent,
        (i) => scale * TOLERANCE * truth.gradientScale[Math.floor(i / 3000)] * 10,
        'dStudent',
      );
      tf.dispose([teacher, student, labels, weights, temperature, value, grad]);
    });
  }

  it('tensors and gradients of a second copy of tfjs-core on the page are those of the first', async () => {
    expect(secondCopy.grad).not.toBe(tf.grad);
    expect(secondCopy.getBackend()).toBe(tf.getBackend());
    const [teacher, student] = [secondCopy.tensor(V, shape), secondCopy.tensor(Z, shape)];
    const gradient = secondCopy.grad((z: tf.Tensor) => loss(teacher, z))(student);
    expectClose(await gradient.data(), TRUTH, CLOSE, 'dStudent');
    const mixed = tf.grad((z: tf.Tensor) => secondCopy.mul(loss(teacher, z), 3))(student);
    expectClose(
      await mixed.data(),
      TRUTH.map((slope) => 3 * slope),
      3 * CLOSE,
      'dStudent',
    );
    secondCopy.dispose([teacher, student, gradient, mixed]);
  });
});

describe('tensors that are gone', () => {
  for (const name of ['teacher', 'student', 'temperature', 'labels', 'weights'] as const) {
    it(`a disposed tensor as ${name} is an error that names it`, () => {
      const gone = name === 'teacher' || name === 'student' ? v() : tf.ones([3]);
      gone.dispose();
      const [teacher, student] = [name === 'teacher' ? gone : v(), name === 'student' ? gone : z()];
      const options = name === 'teacher' || name === 'student' ? {} : { [name]: gone };
      expect(() => loss(teacher, student, options)).toThrow(
        `distillationLoss: ${name} is a tensor that was disposed.`,
      );
      tf.dispose([teacher, student]);
    });
  }

  it('tensors disposed after the loss do not take its gradient away', async () => {
    const student = z();
    const gradients = tf.grad((z: tf.Tensor) => {
      const [teacher, temperature, weights] = [v(), tf.fill([3], 2), tf.ones([3])];
      const value = loss(teacher, z, { temperature, weights });
      tf.dispose([teacher, temperature, weights]);
      return value;
    })(student);
    expectClose(await gradients.data(), TRUTH, CLOSE, 'dStudent');
    tf.dispose([student, gradients]);
  });
});

describe('wherever it is called', () => {
  it('tf.profile of a gradient shows the kernel and changes nothing', async () => {
    const [teacher, student] = [v(), z()];
    const { result, kernelNames, newTensors } = await tf.profile(() =>
      tf.grad((z: tf.Tensor) => loss(teacher, z))(student),
    );
    expect(kernelNames).toContain('SoftmaxCrossEntropyWithTemperature');
    expect(newTensors).toBe(1);
    expectClose(await (result as tf.Tensor).data(), TRUTH, CLOSE, 'dStudent');
    tf.dispose([teacher, student, result]);
  });

  it("tfjs's own check finds no leak in any kernel", async () => {
    const [teacher, student] = [v(), z()];
    tf.env().set('IS_TEST', true);
    try {
      for (const divergence of DIVERGENCES) {
        const f = (z: tf.Tensor): tf.Scalar =>
          loss(teacher, z, { divergence, labels: [0, 1, 2], teacherGradient: true });
        const { value, grad } = tf.valueAndGrad(f)(student);
        tf.dispose([value, grad]);
      }
    } finally {
      tf.env().set('IS_TEST', false);
    }
    tf.dispose([teacher, student]);
  });

  it('in an async function, in a tidy, in a gradient of a gradient: the same gradient', async () => {
    const [teacher, student] = [v(), z()];
    const gradient = () => tf.grad((z: tf.Tensor) => loss(teacher, z))(student);
    const later = (async () => {
      await tf.nextFrame();
      return gradient();
    })();
    const tidied = tf.tidy(() => tf.keep(gradient()));
    let inner: tf.Tensor | null = null;
    const outer = tf.grad((z: tf.Tensor) => {
      const first = tf.grad((z: tf.Tensor) => loss(teacher, z))(z);
      inner = tf.keep(first.clone());
      return tf.sum(first);
    })(student);
    for (const tensor of [await later, tidied, inner as tf.Tensor | null]) {
      expectClose((await tensor?.data()) ?? [], TRUTH, CLOSE, 'dStudent');
      tensor?.dispose();
    }
    // A row's gradient sums to zero, and so does everything that follows from it. (Half-precision textures
    // hold no second order.)
    if (backend.precision === 'f32')
      expectClose(await outer.data(), new Float32Array(21), CLOSE, 'gradient of a sum of zeros');
    tf.dispose([teacher, student, outer]);
  });
});

type GPUBackends = tf.KernelBackend & {
  device: GPUDevice;
  gpgpu: { gl: WebGL2RenderingContext };
};

/** As the error message tells the user to. */
async function startAnew(): Promise<void> {
  const start = tf.findBackendFactory(backend.backendName);
  tf.removeBackend(backend.backendName);
  tf.registerBackend(backend.backendName, start);
  await tf.setBackend(backend.backendName);
  await startBackend();
}

async function expectRightGradient(): Promise<void> {
  const [teacher, student] = [v(), z()];
  const gradient = tf.grad((z: tf.Tensor) => loss(teacher, z))(student);
  expectClose(await gradient.data(), TRUTH, CLOSE, 'dStudent');
  tf.dispose([teacher, student, gradient]);
}

if (backend.backendName === 'webgpu') {
  it('a row that the device cannot bind is an error with the sizes, before anything is uploaded', () => {
    const { device } = tf.backend() as GPUBackends;
    const { limits } = device;
    const [teacher, student] = [v(), z()];
    Object.defineProperty(device, 'limits', {
      value: { maxStorageBufferBindingSize: 64, minStorageBufferOffsetAlignment: 256 },
      configurable: true,
    });
    try {
      expect(() => loss(teacher, student)).toThrow(
        /a row of 7 classes takes 28 bytes; this device binds at most 64 .*maxStorageBufferBindingSize/,
      );
    } finally {
      Object.defineProperty(device, 'limits', { value: limits });
    }
    tf.dispose([teacher, student]);
  });
}

// These end the backend, so they come last.
if (backend.backendName === 'webgpu') {
  describe('a lost device', () => {
    it('is an error that says so, not a hang or a number', async () => {
      const { device } = tf.backend() as GPUBackends;
      const [teacher, student] = [v(), z()];
      const unread = loss(teacher, student);
      device.destroy();
      await expect(unread.data()).rejects.toThrow();
      await device.lost;
      const lost = /distillationLoss: the WebGPU device \(.+\) of backend 'webgpu' was lost/;
      expect(() => loss(teacher, student)).toThrow(lost);
      expect(() => tf.grad((z: tf.Tensor) => loss(teacher, z))(student)).toThrow(lost);
    });

    it('can be replaced as the message says', async () => {
      await startAnew();
      await expectRightGradient();
    });
  });
}

if (backend.backendName === 'webgl') {
  describe('a lost context', () => {
    it('is an error that says so, not a number', async () => {
      const { gl } = (tf.backend() as GPUBackends).gpgpu;
      const [teacher, student] = [v(), z()];
      await loss(teacher, student).data();
      gl.getExtension('WEBGL_lose_context')?.loseContext();
      const lost = /distillationLoss: the WebGL context of backend 'webgl' was lost/;
      expect(() => loss(teacher, student)).toThrow(lost);
      expect(() => tf.grad((z: tf.Tensor) => loss(teacher, z))(student)).toThrow(lost);
    });

    it('can be replaced as the message says', async () => {
      await startAnew();
      await expectRightGradient();
    });
  });
}
