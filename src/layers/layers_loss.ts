import { mean, Reduction, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Targets } from '../../kernels/objective.ts';
import { checkBoolean, checkOneNumber } from '../arguments.ts';
import { calledBy } from '../called_by.ts';
import { type DistillationOptions, distillationLoss } from '../ops/distillation_loss.ts';
import { withoutTape } from '../run_objective.ts';
import { checkSeveralClasses, noticeValuesOnCpu, type Reading, type Role } from './notice_endings.ts';
import { weightsOfRows } from './sample_weights.ts';

const NAME = 'layersLoss';

/** Options of {@link layersLoss}: those of distillationLoss but for what belongs to a batch, or to the hard term. */
export interface LayersLossOptions
  extends Omit<
    DistillationOptions,
    'labels' | 'alpha' | 'labelSmoothing' | 'ignoreIndex' | 'weights' | 'teacherGradient' | 'reduction'
  > {
  /** The targets are what {@link withSampleWeights} gives. Default false. Plain logits would be read as if the largest of each row were its weight. */
  sampleWeights?: boolean;
}

const OF_THE_HARD_TERM = ['labels', 'alpha', 'labelSmoothing', 'ignoreIndex'];
const OF_THE_BATCH: Record<string, string> = {
  weights:
    'give targets of withSampleWeights and say sampleWeights: true, or give sampleWeight to Distiller.fit',
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
 * has the class that the teacher finds most likely. Use `Distiller` to learn from labels too.
 *
 * ```js
 * student.compile({optimizer: 'adam', loss: layersLoss({temperature: 4})});
 * await student.fit(x, teacher.predict(x), {epochs: 10});
 * ```
 *
 * Samples can be weighed: `model.fit` of tfjs-layers throws on `sampleWeight`, so the targets hold the weights, see {@link withSampleWeights}. Then
 *
 *     w * T^2 * D(softmax(yTrue / T), softmax(yPred / T))
 *
 * is what the means are taken of, over all samples and rows and not over those whose weight is not 0, as with `classWeight`; `evaluate` and validation count so too.
 *
 * @param options as for distillationLoss, without those of the hard term, of weights and of the reduction.
 * @returns (yTrue, yPred) => `[batch]`, in nats: yTrue the teacher's logits `[batch, ..., C]`, yPred the student's, of the same shape. The student has to
 *     end in logits: no softmax.
 * @throws Error at once for options that do not belong here; when it is called, all that distillationLoss throws.
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
  const { sampleWeights = false, ...others } = options;
  checkBoolean(sampleWeights, 'sampleWeights', NAME);
  if (sampleWeights && others.targets === 'probabilities') {
    throw new Error(
      `${NAME}: sampleWeights needs logits as targets; give the logarithms of the probabilities, which are softened alike.`,
    );
  }
  for (const name of ['temperature', 'teacherTemperature'] as const) checkOneNumber(others[name], name, NAME);
  tidy(() => {
    calledBy(NAME, () => distillationLoss([[0, 0]], [[0, 0]], others));
  });
  const notice = noticeOnce(others.targets, sampleWeights);
  return function distillation(yTrue: Tensor, yPred: Tensor): Tensor {
    notice(yTrue, yPred);
    return tidy(() => {
      const weights = sampleWeights ? { weights: withoutTape(() => weightsOfRows(yTrue)) } : {};
      const args = { ...others, ...weights, reduction: Reduction.NONE };
      const rows = calledBy(NAME, () => distillationLoss(yTrue, yPred, args));
      return rows.rank > 1 ? mean(rows, rows.shape.map((_, axis) => axis).slice(1)) : rows;
    });
  };
}

/** Looks at the first values of both that lie on the CPU, for what plainly are no logits; a GPU is never waited for. Targets that hold weights tell nothing. */
function noticeOnce(
  targets: Targets = 'logits',
  holdsWeights: boolean,
): (yTrue: Tensor, yPred: Tensor) => void {
  const left = new Set<Role>(holdsWeights ? ['student'] : ['teacher', 'student']);
  return (yTrue, yPred) => {
    for (const role of left) {
      const reading: Reading = { role, targets, functionName: NAME };
      const outputs = role === 'teacher' ? yTrue : yPred;
      checkSeveralClasses(outputs.shape.at(-1), reading);
      if (noticeValuesOnCpu(outputs, reading)) left.delete(role);
    }
  };
}
