/**
 * Registers the kernels for backend 'cpu' with tfjs-core.
 *
 * @module tfjs-distill/cpu
 */
import { registerBackend } from '../register.ts';
import { rowPass } from './index.ts';
import { rowMetrics } from './metrics.ts';

registerBackend('cpu', rowPass, rowMetrics);
