/**
 * Registers the kernels for backend 'tensorflow', which is tfjs-node, with tfjs-core.
 *
 * @module tfjs-distill/node
 */
import { registerBackend } from '../register.ts';
import { rowPass } from './index.ts';
import { rowMetrics } from './metrics.ts';

registerBackend('tensorflow', rowPass, rowMetrics);
