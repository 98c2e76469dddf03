/**
 * The part of the package for models of `@tensorflow/tfjs-layers`: a loss for `model.compile`, and a trainer.
 *
 * @module tfjs-distill/layers
 */
import { register } from '../register.ts';

export type { DatasetLike } from './dataset.ts';
export { Distiller } from './distiller.ts';
export type {
  DistillerCompileArgs,
  DistillerConfig,
  DistillerElement,
  DistillerEvaluateArgs,
  DistillerEvaluateDatasetArgs,
  DistillerFitArgs,
  DistillerFitDatasetArgs,
  DistillerOptions,
} from './distiller_arguments.ts';
export { type LayersLossOptions, layersLoss } from './layers_loss.ts';
export type { DistillationMetric, MetricFunction } from './measures.ts';
export {
  type CacheTeacherLogitsArgs,
  type CacheTeacherLogitsProgress,
  cacheTeacherLogits,
  type Predictor,
  type Teacher,
} from './teacher.ts';

register();
