import '@tensorflow/tfjs-backend-cpu';
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';

// tfjs warns there of what is registered twice.
const warnings = [];
console.warn = (...words) => warnings.push(words.join(' '));

const require = createRequire(import.meta.url);
const entries = ['/cpu', '', '/core', '/webgpu', '/webgl', '/wasm', '/node', '/cpu'];
for (const entry of entries) await import(`tfjs-distill${entry}`);
const ofEntries = [...tf.getKernelsForBackend('cpu')];
for (const entry of entries) require(`tfjs-distill${entry}`);
const isFirst = tf.getKernelsForBackend('cpu').every((kernel, i) => kernel === ofEntries[i]);

const count = (backend) =>
  tf.getKernelsForBackend(backend).filter(({ kernelName }) => /Distill|WithTemperature/.test(kernelName))
    .length;
const kernels = Object.fromEntries(
  ['cpu', 'wasm', 'webgl', 'webgpu', 'tensorflow'].map((name) => [name, count(name)]),
);
console.log(JSON.stringify({ kernels, isFirst, warnings }));
