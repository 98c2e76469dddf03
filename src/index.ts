/**
 * Distillation losses for TensorFlow.js. The import registers the kernels and gradients with tfjs-core, on every backend.
 *
 * @module tfjs-distill
 */
import './backends/cpu/register.ts';
import './backends/node/register.ts';
import './backends/wasm/register.ts';
import './backends/webgl/register.ts';
import './backends/webgpu/register.ts';

export * from './core.ts';
