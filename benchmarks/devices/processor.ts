import * as tf from '@tensorflow/tfjs-core';
import type { Copy, Device } from './device.ts';
import { countInEngine } from './engine_counts.ts';

/**
 * The backends 'cpu', 'wasm' and 'tensorflow'. On the first two a call is done when it returns; TensorFlow
 * may compute on a GPU, and reading one new number waits for what was asked for before.
 */
export function processor(): Device {
  const wait =
    tf.getBackend() === 'tensorflow' ? () => tf.tidy(() => tf.add(tf.scalar(1), 1).dataSync()) : () => {};
  return {
    machine: 'cpu',
    adapter: '',
    clocks: ['wall'],
    maxBytes: 2 ** 31,
    cacheBytes: 2 ** 26,
    time: async (_clock, calls) => {
      const start = performance.now();
      calls();
      wait();
      return performance.now() - start;
    },
    makeCopy,
    count: async (call) => countInEngine(call),
    takeFaults: () => [],
  };
}

function makeCopy(bytes: number, buffers: number): Copy {
  const length = Math.max(1, Math.round(bytes / 8));
  const make = () => Array.from({ length: buffers }, (_, k) => new Float32Array(length).fill(k + 1));
  const sources = make();
  const targets = make();
  return {
    run: (i) => targets[i % buffers].set(sources[i % buffers]),
    dispose: () => {},
  };
}
