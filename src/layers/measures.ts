import { mul, Reduction, reshape, type Scalar, square, type Tensor } from '@tensorflow/tfjs-core';
import type { Divergence } from '../../kernels/objective.ts';
import { type DistillationOptions, distillationLoss } from '../ops/distillation_loss.ts';
import { type DistillationMetricValues, distillationMetrics } from '../ops/distillation_metrics.ts';

/**
 * What a Distiller writes to the logs beside `loss`, each a mean over the rows of a batch, weighted where these have weights: `softLoss` the soft term, T^2 included if the loss includes it;
 * `hardLoss` the cross entropy with the labels; `klDivergence` KL(p||q) of the softened distributions, without T^2; `agreement` how often teacher and student have the
 * same most likely class; `accuracy` how often the student's is the label's. hardLoss and accuracy need labels.
 */
export type DistillationMetric = 'softLoss' | 'hardLoss' | 'klDivergence' | 'agreement' | 'accuracy';

export const DISTILLATION_METRICS: readonly DistillationMetric[] = [
  'softLoss',
  'hardLoss',
  'klDivergence',
  'agreement',
  'accuracy',
];

/** A metric of one's own, of the labels as they are given and the student's logits; its mean is logged under the function's name. */
export type MetricFunction = (labels: Tensor, studentLogits: Tensor) => Tensor;

export function needsLabels(metric: DistillationMetric): boolean {
  return metric === 'hardLoss' || metric === 'accuracy';
}

/** All metrics of one batch, from one pass over the logits. */
export function measure(
  teacherLogits: Tensor,
  studentLogits: Tensor,
  options: DistillationOptions,
): { [metric in DistillationMetric]?: Tensor } {
  const { temperature, teacherTemperature, targets, labels, weights } = options;
  const values = distillationMetrics(teacherLogits, studentLogits, {
    ...(temperature === undefined ? {} : { temperature }),
    ...(teacherTemperature === undefined ? {} : { teacherTemperature }),
    ...(targets === undefined ? {} : { targets }),
    ...(labels === undefined ? {} : { labels }),
    ...(weights === undefined ? {} : { weights }),
  });
  const { kl, agreement, hardLoss, accuracy } = values;
  return {
    softLoss: softLoss(teacherLogits, studentLogits, options, values),
    klDivergence: kl,
    agreement,
    ...(hardLoss && accuracy ? { hardLoss, accuracy } : {}),
  };
}

/** The metric that is a divergence; null if none is. */
const MEASURED_AS: Readonly<Record<Divergence, 'crossEntropy' | 'kl' | null>> = {
  crossEntropy: 'crossEntropy',
  kl: 'kl',
  reverseKl: null,
  jsd: null,
};

/** The soft term; that of the divergences that the metrics do not hold takes a pass of its own. */
function softLoss(
  teacherLogits: Tensor,
  studentLogits: Tensor,
  options: DistillationOptions,
  measured: DistillationMetricValues,
): Tensor {
  const { temperature = 1, divergence = 'crossEntropy', scaleByTemperatureSquared = true } = options;
  const metric = MEASURED_AS[divergence];
  if (metric === null) {
    const { labels, alpha, labelSmoothing, ignoreIndex, reduction, ...soft } = options;
    return distillationLoss<Scalar>(teacherLogits, studentLogits, { ...soft, reduction: Reduction.MEAN });
  }
  const value = measured[metric];
  if (!scaleByTemperatureSquared) return value.clone(); // each entry of the logs is disposed singly
  return mul(value, typeof temperature === 'number' ? temperature ** 2 : reshape(square(temperature), []));
}
