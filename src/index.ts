/**
 * Distillation losses for TensorFlow.js. Importing it registers the kernels of every backend, and the
 * gradients, with tfjs-core.
 *
 * @module tfjs-distill
 */
import './backends/cpu/register.ts';
import './backends/node/register.ts';
import './backends/wasm/register.ts';
import './backends/webgl/register.ts';
import './backends/webgpu/register.ts';

export * from './core.ts';
