import * as tf from '@tensorflow/tfjs';
import { FUSED_FLAG, SIMD_FLAG } from '../../src/backends/simd/kernel.ts';
import { registerWasmTraining, unregisterWasmTraining } from '../../src/wasm_training/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';

beforeAll(startBackend);

const TRANSPOSES = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

/**
 * Shapes of a and b before transposition: tails of every tile, several blocks of k and of columns, batches on
 * either side.
 */
const SHAPES: { a: number[]; b: number[] }[] = [
  { a: [1, 1], b: [1, 1] },
  { a: [3, 5], b: [5, 2] },
  { a: [16, 48], b: [48, 8] },
  { a: [33, 300], b: [300, 19] },
  { a: [99, 5], b: [5, 700] },
  { a: [4, 600], b: [600, 530] },
  { a: [3, 9, 7], b: [3, 7, 11] },
  { a: [2, 3, 4, 6], b: [2, 3, 6, 5] },
  { a: [1, 9, 7], b: [3, 7, 11] },
  { a: [4, 9, 7], b: [7, 11] },
];

type Compute = (...tensors: tf.Tensor[]) => tf.Tensor | tf.Tensor[];

/** What `compute` gives of these numbers on a backend. */
async function valuesOn(
  name: string,
  inputs: readonly tf.Tensor[],
  compute: Compute,
): Promise<Float32Array[]> {
  const numbers = inputs.map((tensor) => ({
    values: tensor.dataSync(),
    shape: tensor.shape,
    dtype: tensor.dtype,
  }));
  await tf.setBackend(name);
  const results = tf.tidy(() => [
    compute(...numbers.map(({ values, shape, dtype }) => tf.tensor(values, shape, dtype))),
  ]);
  const read = results.flat().map((tensor) => tensor.dataSync() as Float32Array);
  tf.dispose(results);
  await tf.setBackend(backend.backendName);
  return read;
}

/**
 * The same on 'cpu' and on 'wasm' with our kernels. Bounds are relative to the largest number of a result.
 */
async function expectAsOnCpu(inputs: readonly tf.Tensor[], compute: Compute, bound = 1e-6): Promise<void> {
  const truth = await valuesOn('cpu', inputs, compute);
  const ours = await valuesOn('wasm', inputs, compute);
  truth.forEach((values, k) => {
    const largest = values.filter(Number.isFinite).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    expectClose(ours[k], values, bound * Math.max(largest, 1e-30), `result ${k}`);
  });
}

const random = new Random(17);
const normal = (shape: number[]) => tf.tensor(random.normals(tf.util.sizeFromShape(shape)), shape);
const transposed = (shape: number[]) => [...shape.slice(0, -2), ...shape.slice(-2).reverse()];
const operands = (
  { a, b }: { a: number[]; b: number[] },
  [transposeA, transposeB]: readonly [boolean, boolean],
) => [normal(transposeA ? transposed(a) : a), normal(transposeB ? transposed(b) : b)];

function withTraining(title: string, action: () => Promise<void>): void {
  it(title, async () => {
    registerWasmTraining();
    try {
      await action();
    } finally {
      unregisterWasmTraining();
    }
  });
}

function testMatMul(): void {
  for (const transposes of TRANSPOSES) {
    const name = `transposeA ${transposes[0]}, transposeB ${transposes[1]}`;
    const product: Compute = (a, b) => tf.matMul(a, b, ...transposes);

    withTraining(`matMul is that of 'cpu': ${name}`, async () => {
      for (const shapes of SHAPES) await expectAsOnCpu(operands(shapes, transposes), product);
    });

    withTraining(`its gradients, of first and second order, are those of 'cpu': ${name}`, async () => {
      const loss = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.square(product(a, b) as tf.Tensor)) as tf.Scalar;
      const gradients = (a: tf.Tensor, b: tf.Tensor) => tf.grads(loss)([a, b]);
      for (const shapes of [SHAPES[1], SHAPES[3], SHAPES[6], SHAPES[7]]) {
        await expectAsOnCpu(operands(shapes, transposes), (a, b) => [
          ...gradients(a, b),
          ...tf.grads((a, b) => tf.sum(tf.square(tf.grads(loss)([a, b])[0])) as tf.Scalar)([a, b]),
        ]);
      }
    });

    withTraining(`fused.matMul is that of 'cpu': ${name}`, async () => {
      const [a, b] = operands(SHAPES[3], transposes);
      await expectAsOnCpu([a, b, normal([19])], (a, b, bias) =>
        tf.fused.matMul({
          ...{ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias },
          ...{ transposeA: transposes[0], transposeB: transposes[1], activation: 'relu' },
        }),
      );
    });

    it(`up to 48 products a sum, matMul has the bits of tfjs unless it fuses: ${name}`, async () => {
      const fuses = tf.env().getBool(FUSED_FLAG);
      const inputs = SHAPES.slice(0, 3).map((shapes) => operands(shapes, transposes));
      const all = () =>
        Promise.all(inputs.map(async ([a, b]) => (await valuesOn('wasm', [a, b], product))[0]));
      const stock = await all();
      registerWasmTraining();
      const ours = await all();
      unregisterWasmTraining();
      stock.forEach((values, k) => {
        expectClose(ours[k], values, fuses ? 1e-5 : 0, `shape ${k}`);
      });
    });
  }

  withTraining('batches are broadcast axis by axis', async () => {
    const [a, b] = [normal([2, 1, 17, 3]), normal([5, 3, 4])];
    const [ours] = await valuesOn('wasm', [a, b], (a, b) => tf.matMul(a, b));
    const [x, y] = [a.dataSync(), b.dataSync()];
    const truth = Float64Array.from({ length: 2 * 5 * 17 * 4 }, (_, n) => {
      const [i, j, row, column] = [
        Math.floor(n / 340),
        Math.floor(n / 68) % 5,
        Math.floor(n / 4) % 17,
        n % 4,
      ];
      return [0, 1, 2].reduce((sum, k) => sum + x[i * 51 + row * 3 + k] * y[j * 12 + k * 4 + column], 0);
    });
    expectClose(ours, truth, 1e-5, 'product');
  });

  withTraining(
    'a NaN and an infinity reach the row and the column that they stand in, and no other',
    async () => {
      const [a, b] = [normal([18, 6]), normal([6, 9])];
      const [values, others] = [a.dataSync().slice(), b.dataSync().slice()];
      values[17 * 6 + 5] = Number.NaN;
      others[8] = Number.POSITIVE_INFINITY;
      await expectAsOnCpu([tf.tensor(values, [18, 6]), tf.tensor(others, [6, 9])], (a, b) => tf.matMul(a, b));
      await expectAsOnCpu([tf.tensor(values, [6, 18]), tf.tensor(others, [9, 6])], (a, b) =>
        tf.matMul(a, b, true, true),
      );
    },
  );

  withTraining('products of nothing are empty, and sums of nothing are 0', async () => {
    const shapes: [number[], number[]][] = [
      [
        [0, 3],
        [3, 4],
      ],
      [
        [20, 3],
        [3, 0],
      ],
      [
        [0, 20, 3],
        [0, 3, 4],
      ],
    ];
    for (const [a, b] of shapes) {
      const [product] = await valuesOn('wasm', [tf.zeros(a), tf.zeros(b)], (a, b) => tf.matMul(a, b));
      expect(product.length).toBe(0);
    }
    const [sums] = await valuesOn('wasm', [tf.zeros([2, 20, 0]), tf.zeros([2, 0, 3])], (a, b) =>
      tf.matMul(a, b),
    );
    expect([...sums]).toEqual(Array(120).fill(0));
  });

  withTraining('without SIMD, operands are transposed and tfjs multiplies', async () => {
    tf.env().set(SIMD_FLAG, false);
    try {
      for (const transposes of TRANSPOSES)
        await expectAsOnCpu(operands(SHAPES[3], transposes), (a, b) => tf.matMul(a, b, ...transposes), 2e-6);
      await expectAsOnCpu(
        [normal([2, 5, 5, 3]), normal([2, 5, 5, 4])],
        filterGradient({ size: 3, stride: 1, pad: 'same' }),
      );
    } finally {
      tf.env().set(SIMD_FLAG, true);
    }
  });
}

interface Convolution {
  size: number;
  stride: number | [number, number];
  pad: 'same' | 'valid' | number;
}

/** Of sum(conv2d(x) * dy) to the filter. */
const filterGradient =
  ({ size, stride, pad }: Convolution): Compute =>
  (x, dy) => {
    const filter = tf.zeros([size, size, x.shape[3] ?? 1, dy.shape[3] ?? 1]) as tf.Tensor4D;
    return tf.grad((w) => tf.sum(tf.mul(tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, pad), dy)))(
      filter,
    );
  };

function testConvolution(): void {
  const cases: { x: number[]; dy: number[]; convolution: Convolution }[] = [
    { x: [2, 5, 6, 3], dy: [2, 5, 6, 4], convolution: { size: 3, stride: 1, pad: 'same' } },
    { x: [2, 7, 6, 3], dy: [2, 5, 4, 4], convolution: { size: 3, stride: 1, pad: 'valid' } },
    { x: [1, 8, 7, 2], dy: [1, 4, 4, 5], convolution: { size: 4, stride: 2, pad: 'same' } },
    { x: [3, 9, 9, 1], dy: [3, 5, 5, 2], convolution: { size: 5, stride: 2, pad: 2 } },
    { x: [2, 9, 9, 1], dy: [2, 2, 2, 2], convolution: { size: 4, stride: [3, 5], pad: 'valid' } },
    { x: [2, 6, 6, 3], dy: [2, 6, 6, 7], convolution: { size: 1, stride: 1, pad: 'same' } },
    { x: [2, 2, 2, 1], dy: [2, 2, 2, 1], convolution: { size: 5, stride: 1, pad: 'same' } },
    // More patches than are multiplied at once.
    { x: [9, 32, 32, 16], dy: [9, 32, 32, 2], convolution: { size: 3, stride: 1, pad: 'same' } },
  ];
  for (const { x, dy, convolution } of cases) {
    const { size, stride, pad } = convolution;
    withTraining(
      `the gradient to a filter is that of 'cpu': x [${x}], filter ${size} x ${size}, stride ${stride}, pad ${pad}`,
      async () => {
        await expectAsOnCpu([normal(x), normal(dy)], filterGradient(convolution), 2e-6);
      },
    );
  }
}

function testSegments(): void {
  withTraining("unsortedSegmentSum is that of 'cpu', ids outside of the segments left out", async () => {
    const cases: [number[], number[], number[]][] = [
      [[6], [6], [2, 0, 2, 3, -1, 9]],
      [[6, 3], [6], [0, 0, 1, 1, 7, 2]],
      [[2, 2, 3], [2], [3, 1]],
    ];
    for (const [shape, idShape, ids] of cases) {
      await expectAsOnCpu([normal(shape), tf.tensor(ids, idShape, 'int32')], (x, ids) =>
        tf.unsortedSegmentSum(x, ids as tf.Tensor1D, 4),
      );
    }
  });

  withTraining('unsortedSegmentSum wants ids of one axis, as tfjs says that they have', async () => {
    const ids = tf.tensor2d([0, 1, 1, 0], [2, 2], 'int32');
    expect(() => tf.unsortedSegmentSum(tf.ones([2, 2]), ids as unknown as tf.Tensor1D, 2)).toThrow(
      "UnsortedSegmentSum: segmentIds must be one for each place of x's first axis, of shape [2]; got shape [2,2].",
    );
  });

  withTraining('the gradient of gather on any axis is that of cpu, ids repeated', async () => {
    for (const axis of [0, 1, 2]) {
      await expectAsOnCpu([normal([4, 5, 6]), tf.tensor1d([3, 0, 3, 3, 1], 'int32')], (x, ids) =>
        tf.grad((x) => tf.sum(tf.square(tf.gather(x, ids as tf.Tensor1D, axis))))(x),
      );
    }
  });
}

/** An embedding, a convolution and dense layers over sequences of 8 ids. */
function modelOfEverything(): tf.Sequential {
  const { embedding, reshape, conv2d, flatten, dense, maxPooling2d } = tf.layers;
  return tf.sequential({
    layers: [
      embedding({ inputDim: 10, outputDim: 6, inputLength: 8 }),
      reshape({ targetShape: [8, 6, 1] }),
      conv2d({ filters: 4, kernelSize: 3, padding: 'same', activation: 'relu' }),
      maxPooling2d({ poolSize: 2 }),
      flatten(),
      dense({ units: 16, activation: 'relu' }),
      dense({ units: 3 }),
    ],
  });
}

function testTraining(): void {
  const ids = tf.tensor2d(
    Int32Array.from({ length: 30 * 8 }, () => random.integer(10)),
    [30, 8],
    'int32',
  );
  const train = async () => {
    const model = modelOfEverything();
    model.compile({ optimizer: tf.train.adam(0.02), loss: tf.losses.softmaxCrossEntropy });
    const labels = tf.oneHot(tf.cast(tf.slice(ids, [0, 0], [30, 1]).reshape([30]).mod(3), 'int32'), 3);
    const { history } = await model.fit(ids, labels, { epochs: 15, batchSize: 10, verbose: 0 });
    const { length } = history.loss;
    return [history.loss[0], history.loss[length - 1]] as number[];
  };

  it('a model with an embedding and a convolution trains, which stock tfjs cannot', async () => {
    let message = '';
    await train().catch((error: Error) => {
      message = error.message;
    });
    expect(message).toMatch(/not registered for the backend wasm|Kernel '.*' not registered/);
    registerWasmTraining();
    const [first, last] = await train();
    unregisterWasmTraining();
    expect(last).toBeLessThan(0.5 * first);
  });

  withTraining('a clone shares its data, and outlives what it is a clone of', async () => {
    const x = normal([5]);
    const values = await x.data();
    const before = tf.memory().numDataBuffers;
    const clone = tf.clone(x);
    expect(tf.memory().numDataBuffers).toBe(before);
    x.dispose();
    expectClose(await clone.data(), values, 0, 'clone');
    clone.dispose();
    expect(tf.memory().numDataBuffers).toBe(before - 1);
  });

  withTraining('nothing is left behind', async () => {
    const tensors = [normal([20, 7]), normal([20, 5]), normal([2, 6, 6, 2])];
    const step = () => {
      const [a, b, x] = tensors;
      tf.dispose(tf.grads((a, b) => tf.sum(tf.matMul(a, b, true)) as tf.Scalar)([a, b]));
      tf.dispose(tf.grad((a) => tf.sum(tf.gather(a, [1, 1, 3])))(a));
      tf.dispose(
        tf.tidy(() => filterGradient({ size: 3, stride: 1, pad: 'same' })(x, tf.ones([2, 6, 6, 4]))),
      );
    };
    step();
    const before = { tensors: tf.memory().numTensors, dataIds: tf.backend().numDataIds() };
    step();
    expect({ tensors: tf.memory().numTensors, dataIds: tf.backend().numDataIds() }).toEqual(before);
  });
}

const registered = () =>
  ['cpu', 'wasm', 'webgl'].flatMap((name) =>
    tf.getKernelsForBackend(name).map(({ kernelName, kernelFunc }) => ({ name, kernelName, kernelFunc })),
  );

if (backend.backendName === 'wasm') {
  describe("with registerWasmTraining, on backend 'wasm',", () => {
    testMatMul();
    testConvolution();
    testSegments();
    testTraining();
  });

  it('registerWasmTraining changes five kernels of wasm and no gradient, once; unregisterWasmTraining takes it back', () => {
    const [before, gradient] = [registered(), tf.getGradient('BatchMatMul')];
    registerWasmTraining();
    const during = registered();
    const changed = during.filter(({ name, kernelName, kernelFunc }) =>
      before.every(
        (kernel) =>
          kernel.name !== name || kernel.kernelName !== kernelName || kernel.kernelFunc !== kernelFunc,
      ),
    );
    expect(changed.map(({ name, kernelName }) => `${name} ${kernelName}`).sort()).toEqual(
      ['BatchMatMul', 'Conv2DBackpropFilter', 'Identity', 'UnsortedSegmentSum', '_FusedMatMul'].map(
        (kernel) => `wasm ${kernel}`,
      ),
    );
    registerWasmTraining();
    expect(registered().length).toBe(during.length);
    expect(tf.getGradient('BatchMatMul')).toBe(gradient);
    unregisterWasmTraining();
    unregisterWasmTraining();
    const key = ({ name, kernelName }: { name: string; kernelName: string }) => `${name} ${kernelName}`;
    expect(registered().map(key).sort()).toEqual(before.map(key).sort());
    for (const { name, kernelName, kernelFunc } of before)
      expect(tf.getKernel(kernelName, name).kernelFunc).toBe(kernelFunc);
  });
} else {
  it("registerWasmTraining needs backend 'wasm', and says what to import", () => {
    expect(tf.getKernel('BatchMatMul', 'wasm')).toBeUndefined();
    expect(registerWasmTraining).toThrow(
      "registerWasmTraining: backend 'wasm' has no kernel BatchMatMul: import '@tensorflow/tfjs-backend-wasm' first.",
    );
  });
}
