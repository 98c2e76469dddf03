/**
 * Distillation losses for TensorFlow.js. The import registers the kernels and gradients with tfjs-core, on every backend.
 *
 * @module tfjs-distill
 */
import { register } from './register.ts';

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

register();
