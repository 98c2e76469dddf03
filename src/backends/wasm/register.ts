/**
 * Registers the kernels for backend 'wasm' with tfjs-core.
 *
 * @module tfjs-distill/wasm
 */
import { registerBackend, registerOnce } from '../register.ts';
import { accumulatedMatMulConfig } from './accumulated_mat_mul.ts';
import { rowPass } from './index.ts';
import { rowMetrics } from './metrics.ts';

registerBackend('wasm', rowPass, rowMetrics);
registerOnce(accumulatedMatMulConfig);
