import { Reduction, type Scalar, Tensor, tidy } from '@tensorflow/tfjs-core';
import {
  type ClassWeight,
  type History,
  LayersModel,
  type ModelCompileArgs,
  type ModelEvaluateArgs,
  type ModelFitArgs,
  type ModelFitDatasetArgs,
} from '@tensorflow/tfjs-layers';
import { checkOneNumber, checkOneOf, type TensorArgument } from '../arguments.ts';
import { calledBy } from '../called_by.ts';
import { nearestName } from '../nearest_name.ts';
import { type DistillationOptions, distillationLoss } from '../ops/distillation_loss.ts';
import {
  type MultiLabelDistillationOptions,
  multiLabelDistillationLoss,
} from '../ops/multi_label_distillation_loss.ts';
import { type DatasetLike, isDataset } from './dataset.ts';
import { checkedMembers, Ensemble, type EnsembleMean, errorOfEnsemble } from './ensemble.ts';
import type { Inputs } from './inputs.ts';
import type { LabelsGiven } from './labels.ts';
import type { DistillationMetric, MetricFunction } from './measures.ts';
import { isPredictor, type Predictor, type Teacher, type TeacherModel } from './teacher.ts';

/** In errors, of the layer that does its steps too. */
export const NAME = 'Distiller';

/** The options of distillationLoss that hold for every batch; labels and weights come with the data. */
export interface LossOptions extends Omit<DistillationOptions, 'labels' | 'weights' | 'teacherGradient'> {
  /**
   * What makes probabilities of the logits: 'softmax' (default), for classes of which one is right, or 'sigmoid', for independent labels, of which several may be. The loss is then
   * multiLabelDistillationLoss, y one number for each label, and the metrics are means over labels.
   */
  outputs?: Outputs;
}

/** See {@link DistillerOptions}. */
export type Outputs = 'softmax' | 'sigmoid';

/** A student, a teacher, and what the loss is made of. */
export interface DistillerOptions extends LossOptions {
  /** Built, with one output, logits `[batch, ..., C]`. Its weights are what is trained. */
  student: LayersModel;
  /** A model with one output of the student's shape, logits unless `targets` says otherwise, or its logits; or several models, which are averaged. */
  teacher: Teacher | readonly Predictor[];
  /** How several teachers are averaged: 'arithmetic' (default), the mean of their softened probabilities, or 'geometric', that of their logits. See averageTeachers. */
  ensemble?: EnsembleMean;
}

/** What {@link Distiller.getConfig} returns: the options of the loss, as JSON can hold them. */
export type DistillerConfig = Omit<LossOptions, 'temperature'> & {
  /** One number for every row. */
  temperature?: number;
  /** Where there are several teachers. */
  ensemble?: EnsembleMean;
};

/** What {@link Distiller.compile} takes. */
export interface DistillerCompileArgs {
  /** As LayersModel.compile takes it: a name or a tf.Optimizer. */
  optimizer: ModelCompileArgs['optimizer'];
  /** What is logged beside the loss: names of metrics, functions (labels, studentLogits) => Tensor. Default all names. */
  metrics?: readonly (DistillationMetric | MetricFunction)[];
}

/** x, y and sampleWeight, of which the latter two may be left out. */
export type DistillerValidationTensors = [Inputs, (LabelsGiven | null)?, TensorArgument?];

/** What LayersModel.fit takes, and what belongs to distillation. */
export interface DistillerFitArgs
  extends Omit<ModelFitArgs, 'classWeight' | 'sampleWeight' | 'validationData'> {
  /** [x, y] or [x, y, sampleWeight]; y may be left out as in fit. */
  validationData?: DistillerValidationTensors;
  /** Weight of each class, by class id; every class must be there. Training only, as in tfjs-layers. */
  classWeight?: ClassWeight;
  /** Weight of each sample, `[samples]`, or of each row, `[samples, ...]`; split with the data by `validationSplit`. LayersModel.fit throws on it. */
  sampleWeight?: TensorArgument;
  /** The teacher's logits for x. Then the teacher itself is not run on x. */
  teacherLogits?: Tensor;
  /** The teacher's logits for the x of validationData; needed where the teacher is not a model. */
  validationTeacherLogits?: Tensor;
}

/** An element of a dataset: a batch. */
export interface DistillerElement {
  /** Inputs of the student, and of the teacher. */
  xs: Inputs;
  /** Labels; may be left out as in fit. */
  ys?: LabelsGiven | null;
  /** As for fit, of this batch. */
  sampleWeight?: TensorArgument;
  /** The teacher's logits for xs: used whatever the teacher is. All elements have them, or none. */
  teacherLogits?: Tensor;
}

/** What LayersModel.fitDataset takes, and what belongs to distillation. */
export interface DistillerFitDatasetArgs
  extends Omit<ModelFitDatasetArgs<unknown>, 'classWeight' | 'validationData'> {
  /** A dataset as that which is trained on, or tensors as for fit. */
  validationData?: DatasetLike<DistillerElement> | DistillerValidationTensors;
  /** As for fit. */
  classWeight?: ClassWeight;
  /** As for fit. For a validation dataset, a dataset of logits. */
  validationTeacherLogits?: Tensor | DatasetLike<Tensor>;
}

/** What LayersModel.evaluate takes, and the teacher's logits. */
export interface DistillerEvaluateArgs extends Omit<ModelEvaluateArgs, 'sampleWeight'> {
  /** As for fit. */
  sampleWeight?: TensorArgument;
  /** The teacher's logits for x; needed where the teacher is not a model. */
  teacherLogits?: Tensor;
  /** Give back the values by their names, {@link NamedValues}, and not in an array. Default false. */
  named?: boolean;
}

/** The loss and the metrics by their names in the logs. */
export type NamedValues = {
  /** The loss. */
  loss: Scalar;
  /** Each metric that was measured. */
  [metric: string]: Scalar;
};

/** What LayersModel.fit answers with, whose values are numbers when training has ended. */
export interface DistillerHistory extends History {
  /** For each entry of the logs its value after each epoch. */
  history: { [log: string]: number[] };
}

/** What LayersModel.evaluateDataset takes, and the teacher's logits. */
export interface DistillerEvaluateDatasetArgs {
  /** How many batches. Default all. */
  batches?: number;
  /** The teacher's logits, of cacheTeacherLogits or in step with the dataset; needed where the teacher is not a model. */
  teacherLogits?: DatasetLike<Tensor>;
  /** As for evaluate. */
  named?: boolean;
}

export const LOSS_OPTIONS: Record<keyof LossOptions, true> = {
  temperature: true,
  teacherTemperature: true,
  targets: true,
  divergence: true,
  beta: true,
  alpha: true,
  labelSmoothing: true,
  scaleByTemperatureSquared: true,
  ignoreIndex: true,
  reduction: true,
  outputs: true,
};

export function checkStudent(student: unknown): asserts student is LayersModel {
  if (!(student instanceof LayersModel)) {
    throw new TypeError(`${NAME}: student must be a tf.LayersModel; got ${student}.`);
  }
  if (!student.outputs?.length) {
    throw new Error(`${NAME}: the student has no outputs yet; give its first layer an inputShape.`);
  }
  if (!student.built) student.build(student.inputs[0].shape); // a tf.sequential is built when it is first used
  if (student.outputs.length !== 1) {
    throw new Error(
      `${NAME}: the student must have one output; got ${student.outputs.length}. For several, train with model.fit and a layersLoss for each.`,
    );
  }
}

/** The teacher as it is run, and read. */
export function checkedTeacher(
  teacher: DistillerOptions['teacher'],
  ensemble: EnsembleMean | undefined,
  { temperature: ofAll, teacherTemperature, targets = 'logits', outputs }: LossOptions,
): Teacher | TeacherModel {
  if (Array.isArray(teacher)) {
    if (outputs === 'sigmoid') {
      throw new Error(
        `${NAME}: several teachers are averaged as softmaxes are; where outputs are 'sigmoid', give one, {predict: (x) => ...}, that averages them.`,
      );
    }
    const mean = checkedMembers(teacher, ensemble, NAME);
    const temperature = teacherTemperature ?? ofAll ?? 1;
    return new Ensemble<Predictor>(teacher, { mean, temperature, targets });
  }
  if (ensemble !== undefined) throw new Error(errorOfEnsemble(NAME));
  const isObject = typeof teacher === 'object' && teacher !== null;
  if (isObject && (teacher instanceof Tensor || isPredictor(teacher) || isDataset(teacher)))
    return teacher as Teacher;
  throw new TypeError(
    `${NAME}: teacher must be a model (anything with predict), several of them in an array, a tensor of logits or a dataset of such tensors; got ${teacher}.`,
  );
}

export function checkLossOptions(options: LossOptions): void {
  for (const option of Object.keys(options)) {
    if (Object.hasOwn(LOSS_OPTIONS, option)) continue;
    const instead: Record<string, string> = {
      labels: 'give labels to fit, as y',
      weights: 'give sampleWeight or classWeight to fit',
      teacherGradient: 'the teacher is a constant here',
    };
    const known = ['student', 'teacher', 'ensemble', ...Object.keys(LOSS_OPTIONS)];
    const meant = nearestName(option, known);
    const advice = instead[option] ?? `expected ${meant ?? known.join(', ')}`;
    throw new Error(`${NAME}: got option '${option}'; ${advice}.`);
  }
  if (options.reduction === Reduction.NONE) {
    throw new Error(`${NAME}: reduction must leave one number per batch; got tf.Reduction.NONE.`);
  }
  for (const name of ['temperature', 'teacherTemperature', 'alpha'] as const)
    checkOneNumber(options[name], name, NAME);
  const { outputs = 'softmax', ...loss } = options;
  checkOneOf(outputs, ['softmax', 'sigmoid'], 'outputs', NAME);
  if (outputs === 'sigmoid') {
    checkSigmoidOptions(loss);
    return;
  }
  // Ranges are checked at once, as the loss of a batch of one checks them, and not in the middle of training.
  tidy(() => {
    calledBy(NAME, () => distillationLoss([[0, 0]], [[0, 0]], { ...loss, labels: [0] }));
  });
}

const OF_SIGMOIDS = ['temperature', 'targets', 'alpha', 'reduction'] as const;

/** Those of the loss of independent labels, which knows fewer options. */
export function sigmoidOptions(options: Omit<LossOptions, 'outputs'>): MultiLabelDistillationOptions {
  const known = OF_SIGMOIDS.filter((name) => options[name] !== undefined);
  return Object.fromEntries(known.map((name) => [name, options[name]]));
}

function checkSigmoidOptions(options: Omit<LossOptions, 'outputs'>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || OF_SIGMOIDS.includes(name as never)) continue;
    throw new Error(
      `${NAME}: ${name} is no option where outputs are 'sigmoid'; expected ${OF_SIGMOIDS.join(', ')}.`,
    );
  }
  tidy(() => {
    calledBy(NAME, () =>
      multiLabelDistillationLoss([[0, 0]], [[0, 0]], { ...sigmoidOptions(options), labels: [[0, 0]] }),
    );
  });
}

export function withoutHardTerm(options: LossOptions): LossOptions {
  const { alpha, labelSmoothing, ignoreIndex, ...others } = options;
  return others;
}
