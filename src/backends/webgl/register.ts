/**
 * Registers the kernels for backend 'webgl' with tfjs-core.
 *
 * @module tfjs-distill/webgl
 */
import { rowPass as composedRowPass } from '../composed.ts';
import { rowMetrics as composedRowMetrics } from '../composed_metrics.ts';
import { registerBackend } from '../register.ts';
import { rowPass, supportsRowPass, type WebGLBackend } from './index.ts';
import { rowMetrics } from './metrics.ts';

registerBackend<WebGLBackend>(
  'webgl',
  (request) => (supportsRowPass() ? rowPass(request) : composedRowPass(request)),
  (request) => (supportsRowPass() ? rowMetrics(request) : composedRowMetrics(request)),
);
