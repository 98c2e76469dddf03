/**
 * Registers the kernels for backend 'webgpu' with tfjs-core.
 *
 * @module tfjs-distill/webgpu
 */
import { registerBackend } from '../register.ts';
import type { WebGPUBackend } from './backend.ts';
import { withFloatBuffers } from './float_buffers.ts';
import { rowPass } from './index.ts';
import { rowMetrics } from './metrics.ts';

registerBackend<WebGPUBackend>('webgpu', withFloatBuffers(rowPass), withFloatBuffers(rowMetrics));
