/**
 * Distillation losses for TensorFlow.js without the kernels of any backend, for small bundles: it exports
 * what `tfjs-distill` does. Import the kernels of your backend beside it, `import 'tfjs-distill/webgpu'`, or
 * `/webgl`, `/wasm`, `/cpu`, `/node`; on a backend without them, stock ops compute the loss.
 *
 * @module tfjs-distill/core
 */
import { registerGradients } from './gradients/register.ts';

export type { Divergence, Targets } from '../kernels/objective.ts';
export type { NestedNumbers, TensorArgument } from './arguments.ts';
export { DistillationMetrics, SoftmaxCrossEntropyWithTemperature } from './kernel_names.ts';
export type { LinearLogits } from './linear_head/linear_logits.ts';
export { type AverageTeachersOptions, averageTeachers } from './ops/average_teachers.ts';
export { type DistillationOptions, distillationLoss } from './ops/distillation_loss.ts';
export {
  type DistillationMetricsOptions,
  type DistillationMetricValues,
  distillationMetrics,
} from './ops/distillation_metrics.ts';
export { type LinearDistillationOptions, linearDistillationLoss } from './ops/linear_distillation_loss.ts';
export {
  type MultiLabelDistillationOptions,
  multiLabelDistillationLoss,
} from './ops/multi_label_distillation_loss.ts';
export { softmaxCrossEntropy } from './ops/softmax_cross_entropy.ts';
export { softmaxCrossEntropyWithTemperature } from './ops/softmax_cross_entropy_with_temperature.ts';
export {
  type SparseTail,
  type SparseTeacher,
  type TopKOptions,
  type TopKTeacher,
  topKTeacher,
} from './ops/sparse_teacher.ts';

registerGradients();
