import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { SIMD_FLAG } from '../../src/backends/simd/kernel.ts';
import { stagedKernel } from '../../src/backends/simd/staging.ts';
import { distillationLoss } from '../../src/index.ts';

const V = [[1, 2, 3, -1]];
const Z = [[0.5, -2, 1, 0]];
/** sum p log(p/q), p = softmax(V/2), q = softmax(Z/2), times T^2. */
const TRUTH = (() => {
  const softmax = (x: number[]) => {
    const e = x.map((value) => Math.exp(value / 2));
    const total = e.reduce((a, b) => a + b);
    return e.map((value) => value / total);
  };
  const [p, q] = [softmax(V[0]), softmax(Z[0])];
  return 4 * p.reduce((sum, pi, i) => sum + pi * Math.log(pi / q[i]), 0);
})();

async function lossOf(): Promise<number> {
  const loss = distillationLoss(V, Z, { divergence: 'kl', temperature: 2 });
  const [value] = await loss.data();
  loss.dispose();
  return value;
}

it('where synchronous compilation is refused, plain JavaScript serves until the SIMD kernel is compiled', async () => {
  jest.spyOn(console, 'warn').mockImplementation(); // tfjs advertises its node backend
  await tf.setBackend('cpu');
  const compile = jest.spyOn(WebAssembly, 'Module').mockImplementation(() => {
    throw new RangeError('WebAssembly.Module: buffer size is larger than 4KB on the main thread');
  });
  try {
    expect(Math.abs((await lossOf()) - TRUTH)).toBeLessThan(1e-6);
    expect(compile).toHaveBeenCalledTimes(1);
  } finally {
    compile.mockRestore();
  }
  for (let k = 0; k < 100 && stagedKernel() === null; k++) await new Promise((done) => setTimeout(done, 10));
  expect(stagedKernel()).not.toBeNull();
  expect(Math.abs((await lossOf()) - TRUTH)).toBeLessThan(1e-6);
});

it('the flag keeps the SIMD kernel out', async () => {
  tf.env().set(SIMD_FLAG, false);
  try {
    expect(stagedKernel()).toBeNull();
    expect(Math.abs((await lossOf()) - TRUTH)).toBeLessThan(1e-6);
  } finally {
    tf.env().set(SIMD_FLAG, true);
  }
});
