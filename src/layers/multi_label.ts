import {
  abs,
  cast,
  div,
  equal,
  greater,
  mean,
  mul,
  ones,
  Reduction,
  reshape,
  sub,
  sum,
  type Tensor,
  util,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { float32 } from '../arguments.ts';
import {
  type MultiLabelDistillationOptions,
  multiLabelDistillationLoss,
} from '../ops/multi_label_distillation_loss.ts';
import { logitOf, sigmoidDivergences } from '../ops/sigmoid_elements.ts';
import type { DistillationMetric } from './measures.ts';

/** Labels `[samples, ..., C]` of models with sigmoids, which for one label may lack the last axis. */
export function labelsOfSigmoids(labels: Tensor, logitsShape: number[], functionName: string): Tensor {
  const isWhole = util.arraysEqual(labels.shape, logitsShape);
  if (isWhole) return float32(labels);
  const isOne = logitsShape[logitsShape.length - 1] === 1 && labels.size === util.sizeFromShape(logitsShape);
  if (isOne) return reshape(float32(labels), logitsShape);
  throw new Error(
    `${functionName}: labels must be one number for each label of each row, of shape [${logitsShape}]; got shape [${labels.shape}].`,
  );
}

/** The metrics of one batch, means over the labels of all rows by the weights of these. */
export function measureSigmoids(
  teacher: Tensor,
  student: Tensor,
  options: MultiLabelDistillationOptions,
): { [metric in DistillationMetric]?: Tensor } {
  const { labels, alpha, classWeights, reduction, temperature, ...others } = options;
  const v = others.targets === 'probabilities' ? logitOf(teacher) : teacher;
  const t = (temperature ?? 1) as number | Tensor;
  const rowShape = student.shape.slice(0, -1);
  const weights = others.weights === undefined ? ones(rowShape) : (others.weights as Tensor);
  const meanOver = (each: Tensor) => {
    const ofRows = mean(each, -1);
    const total = sum(where(equal(weights, 0), zerosLike(ofRows), mul(ofRows, weights)));
    const divisor = sum(weights);
    return div(total, where(equal(divisor, 0), 1, divisor));
  };
  const isSame = (a: Tensor, b: Tensor) => sub(1, abs(sub(cast(a, 'float32'), cast(b, 'float32'))));
  const isOn = greater(student, 0);
  const soft = {
    softLoss: multiLabelDistillationLoss(teacher, student, {
      ...others,
      ...(temperature === undefined ? {} : { temperature }),
      reduction: Reduction.MEAN,
    }),
    klDivergence: meanOver(sigmoidDivergences(student, v, t)),
    agreement: meanOver(isSame(isOn, greater(v, 0))),
  };
  if (labels === undefined) return soft;
  const hard = { labels, alpha: 1, reduction: Reduction.MEAN } as const;
  return {
    ...soft,
    hardLoss: multiLabelDistillationLoss(teacher, student, { ...others, ...hard }),
    accuracy: meanOver(isSame(isOn, greater(labels as Tensor, 0.5))),
  };
}
