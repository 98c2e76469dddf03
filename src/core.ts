/**
 * Distillation losses for TensorFlow.js without kernels of any backend: the ops and their gradients, for small bundles. It exports what `tfjs-distill` does; beside it
 * the kernels of the backend in use are imported, `import 'tfjs-distill/webgpu'`, or `/webgl`, `/wasm`, `/cpu`, `/node`. On a backend without them stock ops serve.
 *
 * @module tfjs-distill/core
 */
import { registerGradients } from './gradients/register.ts';

export type { Divergence, Targets } from '../kernels/objective.ts';
export type { TensorArgument } from './arguments.ts';
export { DistillationMetrics, SoftmaxCrossEntropyWithTemperature } from './kernel_names.ts';
export { type DistillationOptions, distillationLoss } from './ops/distillation_loss.ts';
export {
  type DistillationMetricsOptions,
  type DistillationMetricValues,
  distillationMetrics,
} from './ops/distillation_metrics.ts';
export { softmaxCrossEntropy } from './ops/softmax_cross_entropy.ts';
export { softmaxCrossEntropyWithTemperature } from './ops/softmax_cross_entropy_with_temperature.ts';

registerGradients();
