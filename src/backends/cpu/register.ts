/**
 * Registers the kernels for backend 'cpu' with tfjs-core.
 *
 * @module tfjs-distill/cpu
 */
import { registerBackend, registerOnce } from '../register.ts';
import { accumulatedMatMulConfig } from './accumulated_mat_mul.ts';
import { rowPass } from './index.ts';
import { rowMetrics } from './metrics.ts';

registerBackend('cpu', rowPass, rowMetrics);
registerOnce(accumulatedMatMulConfig);
