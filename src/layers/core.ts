/**
 * `tfjs-distill/layers` without kernels of any backend, as `tfjs-distill/core` is `tfjs-distill` without them: they are imported beside it, `import 'tfjs-distill/webgpu'`.
 *
 * @module tfjs-distill/layers/core
 */
import '../core.ts';

export {
  type CacheTeacherLogitsArgs,
  type CacheTeacherLogitsProgress,
  cacheTeacherLogits,
  type TeacherElement,
  type TeacherLogitsOfElement,
  type TeacherToCache,
} from './cache_teacher_logits.ts';
export type { DatasetLike, DatasetOf } from './dataset.ts';
export { Distiller } from './distiller.ts';
export type {
  DistillerCompileArgs,
  DistillerConfig,
  DistillerElement,
  DistillerEvaluateArgs,
  DistillerEvaluateDatasetArgs,
  DistillerFitArgs,
  DistillerFitDatasetArgs,
  DistillerHistory,
  DistillerOptions,
  DistillerValidationTensors,
  NamedValues,
  Outputs,
} from './distiller_arguments.ts';
export type { EnsembleMean } from './ensemble.ts';
export type { Inputs } from './inputs.ts';
export type { LabelsGiven } from './labels.ts';
export { type LayersLossOptions, layersLoss } from './layers_loss.ts';
export type { DistillationMetric, MetricFunction } from './measures.ts';
export { withSampleWeights } from './sample_weights.ts';
export type { AsyncPredictor, NumbersWithDims, Predictor, Teacher } from './teacher.ts';
