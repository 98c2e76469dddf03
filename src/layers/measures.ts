import {
  cast,
  div,
  equal,
  mean,
  mul,
  notEqual,
  Reduction,
  reshape,
  type Scalar,
  square,
  sum,
  type Tensor,
  type TensorLike,
  util,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { Divergence } from '../../kernels/objective.ts';
import { type DistillationOptions, distillationLoss } from '../ops/distillation_loss.ts';
import { type DistillationMetricValues, distillationMetrics } from '../ops/distillation_metrics.ts';

/**
 * What a Distiller writes to the logs beside `loss`, each a mean over the rows of a batch, weighted where these have weights: `softLoss` the soft term, T^2 included if the loss includes it, and with the divergence crossEntropy the teacher's entropy, so that it hardly falls;
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

/**
 * A metric of one's own, of the labels as they are given and the student's logits, which is logged under the function's name: the mean of its values, in which those of a row, `[batch, ...]`, or of a
 * sample, `[batch]`, count by their weights, and those of weight 0 not at all.
 */
export type MetricFunction = (labels: Tensor, studentLogits: Tensor) => Tensor;

export function needsLabels(metric: DistillationMetric): boolean {
  return metric === 'hardLoss' || metric === 'accuracy';
}

/** The mean of what a metric of one's own gives for a batch, over rows or samples by their weights where it tells them apart. */
export function meanOfMetric(given: Tensor, weights: Tensor | null, rowShape: readonly number[]): Tensor {
  const values = cast(given, 'float32');
  if (weights === null || values.rank === 0) return mean(values);
  const rank = [rowShape.length, 1].find((rank) =>
    util.arraysEqual(values.shape.slice(0, rank), rowShape.slice(0, rank)),
  );
  if (rank === undefined) return mean(values);
  const perUnit = (tensor: Tensor) => reshape(tensor, [util.sizeFromShape(rowShape.slice(0, rank)), -1]);
  const each = mean(perUnit(values), 1);
  const counts = sum(perUnit(weights), 1);
  const isCounted = notEqual(counts, 0);
  const total = sum(mul(where(isCounted, each, zerosLike(each)), counts));
  const divisor = sum(counts);
  return div(total, where(equal(divisor, 0), 1, divisor));
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
  return mul(
    value,
    typeof temperature === 'number'
      ? temperature ** 2
      : reshape(square(temperature as Tensor | TensorLike), []),
  );
}
