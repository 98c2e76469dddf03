import * as tf from '@tensorflow/tfjs-core';
import { type DistillationOptions, distillationLoss, distillationMetrics } from '../../src/index.ts';
import {
  DistillationMetrics,
  SoftmaxCrossEntropyWithTemperature,
  SoftmaxCrossEntropyWithTemperatureGrad,
} from '../../src/kernel_names.ts';
import { startBackend } from '../backends/current.ts';

beforeAll(startBackend);

type Attrs = Record<string, unknown>;

/** What an op hands to its kernel, with some of it replaced. */
function withAttrs(kernelName: string, replaced: Attrs, run: () => void): void {
  const { kernelFunc, ...config } = tf.getKernel(kernelName, tf.getBackend());
  tf.unregisterKernel(kernelName, tf.getBackend());
  const changed: tf.KernelFunc = ({ inputs, attrs, backend }) =>
    kernelFunc({ inputs, attrs: { ...attrs, ...replaced } as tf.NamedAttrMap, backend });
  tf.registerKernel({ ...config, kernelFunc: changed });
  try {
    run();
  } finally {
    tf.unregisterKernel(kernelName, tf.getBackend());
    tf.registerKernel({ ...config, kernelFunc });
  }
}

const v = () => tf.tensor2d([[1, 2, 3]]);
const z = () => tf.tensor2d([[3, 2, 1]]);
const loss = (options: DistillationOptions = {}) => tf.tidy(() => void distillationLoss(v(), z(), options));

describe('a kernel throws at a word that it does not know, and computes nothing', () => {
  const WORDS: [string, Attrs][] = [
    ['divergence', { divergence: 'totalVariation' }],
    ['targets', { targets: 'odds' }],
    ['labels', { labels: 'embeddings' }],
    ['outputs', { outputs: 'hessian' }],
    ['divergence', { divergence: 'constructor' }],
  ];
  for (const [kind, replaced] of WORDS) {
    const [word] = Object.values(replaced);
    const error = new RegExp(`${kind} must be one of '.*'; got '${word}'`);

    it(`${kind} '${word}' of the loss`, () => {
      loss(); // registers the composition where there are no kernels
      expect(() => withAttrs(SoftmaxCrossEntropyWithTemperature, replaced, loss)).toThrow(error);
    });

    it(`${kind} '${word}' of a gradient`, () => {
      const gradient = () =>
        tf.tidy(() => void tf.grad((v) => distillationLoss(v, z(), { teacherGradient: true }))(v()));
      gradient();
      expect(() => withAttrs(SoftmaxCrossEntropyWithTemperatureGrad, replaced, gradient)).toThrow(error);
    });
  }

  for (const name of ['temperature', 'teacherTemperature', 'softWeight', 'beta', 'scale']) {
    it(`${name} that is missing`, () => {
      const replaced = { [name]: undefined };
      const error = `the attribute ${name} must be a number; got undefined.`;
      loss();
      expect(() => withAttrs(SoftmaxCrossEntropyWithTemperature, replaced, loss)).toThrow(error);
      if (!name.endsWith('emperature')) return;
      const metrics = () => tf.tidy(() => void distillationMetrics(v(), z()));
      metrics();
      expect(() => withAttrs(DistillationMetrics, replaced, metrics)).toThrow(error);
    });
  }

  it.each([
    ['targets', { targets: 'odds' }],
    ['labels', { labels: 'embeddings' }],
  ])('%s of the metrics', (kind, replaced: Attrs) => {
    const metrics = () => tf.tidy(() => void distillationMetrics(v(), z()));
    metrics();
    expect(() => withAttrs(DistillationMetrics, replaced, metrics)).toThrow(`${kind} must be one of`);
  });
});
