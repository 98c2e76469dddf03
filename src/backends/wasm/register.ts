/**
 * Registers the kernels for backend 'wasm' with tfjs-core.
 *
 * @module tfjs-distill/wasm
 */
import { registerBackend } from '../register.ts';
import { rowPass } from './index.ts';
import { rowMetrics } from './metrics.ts';

registerBackend('wasm', rowPass, rowMetrics);
