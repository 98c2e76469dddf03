/**
 * Registers the kernels for backend 'webgl' with tfjs-core.
 *
 * @module tfjs-distill/webgl
 */

import { rowMetrics as composedRowMetrics } from '../composed/row_metrics.ts';
import { rowPass as composedRowPass } from '../composed/row_pass.ts';
import { registerBackend } from '../register.ts';
import { rowPass, supportsRowPass, type WebGLBackend } from './index.ts';
import { rowMetrics } from './metrics.ts';

registerBackend<WebGLBackend>(
  'webgl',
  (request) => (supportsRowPass() ? rowPass(request) : composedRowPass(request)),
  (request) => (supportsRowPass() ? rowMetrics(request) : composedRowMetrics(request)),
);
