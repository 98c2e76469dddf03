import { mean, Reduction, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { type DistillationOptions, distillationLoss } from '../ops/distillation_loss.ts';

const NAME = 'layersLoss';

/** Options of {@link layersLoss}: those of distillationLoss but for what belongs to a batch, or to the hard term. */
export type LayersLossOptions = Omit<
  DistillationOptions,
  'labels' | 'alpha' | 'labelSmoothing' | 'ignoreIndex' | 'weights' | 'teacherGradient' | 'reduction'
>;

const OF_THE_HARD_TERM = ['labels', 'alpha', 'labelSmoothing', 'ignoreIndex'];
const OF_THE_BATCH: Record<string, string> = {
  weights: 'give classWeight to model.fit, or sampleWeight to Distiller.fit, instead',
  reduction: 'tfjs-layers takes the mean over the batch',
  teacherGradient: 'the targets of a model are constants',
};

/**
 * A loss for `model.compile` with which a model learns from the logits of a teacher, given as its targets: per sample
 *
 *     T^2 * D(softmax(yTrue / T), softmax(yPred / T))
 *
 * of which tfjs-layers takes the mean. A sample with more than one row (a sequence, `[batch, steps, C]`) counts for the mean over its rows. Works for
 * each output of a model with several (`loss: [layersLoss({temperature: 4}), layersLoss()]`, or by output name), and with `classWeight`, where a sample
 * has the class that the teacher finds most likely. Use `Distiller` to learn from labels too, or to weigh samples: `model.fit` of tfjs-layers throws on
 * `sampleWeight`, and `Distiller.fit` takes it.
 *
 * ```js
 * student.compile({optimizer: 'adam', loss: layersLoss({temperature: 4})});
 * await student.fit(x, teacher.predict(x), {epochs: 10});
 * ```
 *
 * @param options as for distillationLoss, without those of the hard term, of weights and of the reduction.
 * @returns (yTrue, yPred) => `[batch]`, in nats: yTrue the teacher's logits `[batch, ..., C]`, yPred the student's, of the same shape. The student has to
 *     end in logits: no softmax.
 * @throws {Error} at once for options that do not belong here; when it is called, all that distillationLoss throws.
 */
export function layersLoss(options: LayersLossOptions = {}): (yTrue: Tensor, yPred: Tensor) => Tensor {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${NAME}: options must be an object; got ${options}.`);
  }
  for (const option of Object.keys(options)) {
    if (OF_THE_HARD_TERM.includes(option)) {
      throw new Error(
        `${NAME}: got ${option}, but the targets of a model hold the teacher's logits alone; use Distiller, which takes labels too.`,
      );
    }
    if (option in OF_THE_BATCH)
      throw new Error(`${NAME}: got ${option}; leave it out, ${OF_THE_BATCH[option]}.`);
  }
  // Options are checked here, once, and not in the middle of a training step.
  tidy(() => distillationLoss([[0, 0]], [[0, 0]], options));
  return function distillation(yTrue: Tensor, yPred: Tensor): Tensor {
    return tidy(() => {
      const rows = distillationLoss(yTrue, yPred, { ...options, reduction: Reduction.NONE });
      return rows.rank > 1 ? mean(rows, rows.shape.map((_, axis) => axis).slice(1)) : rows;
    });
  };
}
