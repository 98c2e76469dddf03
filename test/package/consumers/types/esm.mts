import { type Tensor, tensor2d } from '@tensorflow/tfjs-core';
import {
  type DistillationOptions,
  distillationLoss,
  distillationMetrics,
  softmaxCrossEntropyWithTemperature,
} from 'tfjs-distill';

const options: DistillationOptions = { temperature: 4, divergence: 'jsd', beta: 0.1 };
const loss: Tensor = distillationLoss(tensor2d([[1, 2]]), [[2, 1]], options);
const perRow: Tensor = softmaxCrossEntropyWithTemperature([[1, 2]], [[2, 1]], 2);
// @ts-expect-error: no such divergence
distillationLoss(loss, perRow, { divergence: 'hellinger' });

const { kl, accuracy } = distillationMetrics(loss, perRow, { labels: [1] });
kl.print();
accuracy.print(); // there, because labels are
// @ts-expect-error: without labels it may not be
distillationMetrics(loss, perRow).accuracy.print();
