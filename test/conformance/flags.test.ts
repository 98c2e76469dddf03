import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss } from '../../src/index.ts';
import { backend, startBackend } from '../backends/current.ts';
import { expectClose } from '../close.ts';
import { Random } from '../random.ts';

beforeAll(startBackend);

type Flags = Record<string, boolean | number>;

/** Sets flags for one call, and puts them back as they were. */
async function withFlags<T>(flags: Flags, run: () => Promise<T>): Promise<T> {
  const before = Object.keys(flags).map((flag) => [flag, tf.env().get(flag)] as const);
  for (const [flag, value] of Object.entries(flags)) tf.env().set(flag, value);
  try {
    return await run();
  } finally {
    for (const [flag, value] of before) tf.env().set(flag, value);
  }
}

const [ROWS, CLASSES] = [16, 300];
const random = new Random(97);
const teacher = random.normals(ROWS * CLASSES, 3);
const student = random.normals(ROWS * CLASSES, 3);

async function losses(): Promise<Float32Array> {
  const loss = tf.tidy(() => {
    const [v, z] = [teacher, student].map((values) => tf.tensor2d(values, [ROWS, CLASSES]));
    return distillationLoss(v, z, { temperature: 2, divergence: 'kl', reduction: tf.Reduction.NONE });
  });
  const values = (await loss.data()) as Float32Array;
  loss.dispose();
  return values;
}

/** The variants of a kernel round differently, so their bits tell which one it was. */
const bitsOf = async (flags: Flags) =>
  new Uint32Array((await withFlags(flags, losses)).slice().buffer).join();

const RELAXED = 'TFJS_DISTILL_WASM_RELAXED_SIMD';
const SIMD = 'TFJS_DISTILL_WASM_SIMD';

if (backend.backendName === 'cpu' || backend.backendName === 'wasm') {
  describe('the flags of the SIMD kernel', () => {
    const VARIANTS: Flags[] = [
      { [SIMD]: true, [RELAXED]: true },
      { [SIMD]: true, [RELAXED]: false },
      { [SIMD]: false },
    ];

    it('have effect at once, however often they are changed and in whatever order', async () => {
      const hasRelaxedSimd = tf.env().getBool(RELAXED);
      const first: string[] = [];
      for (const flags of VARIANTS) first.push(await bitsOf(flags));
      expect(new Set(first).size).toBe(hasRelaxedSimd ? 3 : 2);
      // Where the engine cannot fuse, to ask for it changes nothing.
      expect(first[0] === first[1]).toBe(!hasRelaxedSimd);
      for (const k of [1, 0, 2, 1, 2, 0]) expect(await bitsOf(VARIANTS[k])).toBe(first[k]);
    });
  });
}

if (backend.backendName === 'tensorflow') {
  it('the flag of the fused op has effect at once', async () => {
    const flag = 'TFJS_DISTILL_TENSORFLOW_FUSED_OP';
    const [fused, own] = [await bitsOf({ [flag]: true }), await bitsOf({ [flag]: false })];
    expect(fused).not.toBe(own);
    expect([await bitsOf({ [flag]: true }), await bitsOf({ [flag]: false })]).toEqual([fused, own]);
  });
}

const NUMBERS: Record<string, Record<string, number[]>> = {
  webgpu: {
    TFJS_DISTILL_WEBGPU_LANES: [3, 2048, -1, 0.5],
    TFJS_DISTILL_WEBGPU_PARTS: [-1, 1.5, 5000],
    TFJS_DISTILL_WEBGPU_INPUTS: [4, -1, 0.5],
  },
  webgl: { TFJS_DISTILL_WEBGL_PACK_FIRST: [2, -2, 0.5] },
};
for (const [flag, values] of Object.entries(NUMBERS[backend.backendName] ?? {})) {
  it(`${flag} is refused where it means nothing`, async () => {
    const gradient = async () =>
      tf.tidy(() => {
        const [v, z] = [teacher, student].map((values) => tf.tensor2d(values, [ROWS, CLASSES]));
        tf.grad((z: tf.Tensor) => distillationLoss(v, z))(z);
      });
    for (const value of values) {
      await expect(withFlags({ [flag]: value }, gradient)).rejects.toThrow(`got ${value}.`);
    }
    await gradient();
  });
}

if (backend.backendName === 'webgl' && backend.precision === 'f32') {
  it('textures that become half-precision later are read and written as such, and back', async () => {
    const flag = 'WEBGL_RENDER_FLOAT32_ENABLED'; // what WEBGL_FORCE_F16_TEXTURES sets for tfjs itself
    const truth = await losses();
    const half = await withFlags({ [flag]: false }, losses);
    expectClose(half, truth, (i) => 4e-3 * Math.abs(truth[i]), 'half precision');
    expect(await bitsOf({})).toBe(new Uint32Array(truth.slice().buffer).join());
  });
}

it('a flag that is set to what it was changes nothing', async () => {
  expect(await bitsOf({ [SIMD]: tf.env().getBool(SIMD) })).toBe(await bitsOf({}));
});
