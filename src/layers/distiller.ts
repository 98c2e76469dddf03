import type { Optimizer, Scalar } from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { checkBoolean } from '../arguments.ts';
import {
  checkArgumentNames,
  EVALUATE_ARGS,
  EVALUATE_DATASET_ARGS,
  FIT_ARGS,
  FIT_DATASET_ARGS,
} from './argument_names.ts';
import { type Compiled, classWeights, compiledOf } from './compiled.ts';
import { DataReader, Owned } from './data_reader.ts';
import { type DatasetLike, mapDataset } from './dataset.ts';
import type { DatasetTables } from './dataset_tables.ts';
import {
  checkedTeacher,
  checkLossOptions,
  checkStudent,
  type DistillerCompileArgs,
  type DistillerConfig,
  type DistillerElement,
  type DistillerEvaluateArgs,
  type DistillerEvaluateDatasetArgs,
  type DistillerFitArgs,
  type DistillerFitDatasetArgs,
  type DistillerHistory,
  type DistillerOptions,
  LOSS_OPTIONS,
  type LossOptions,
  NAME,
  type NamedValues,
} from './distiller_arguments.ts';
import type { EnsembleMean } from './ensemble.ts';
import { columnsToFit } from './fit_settings.ts';
import type { Inputs } from './inputs.ts';
import type { LabelsGiven } from './labels.ts';
import { noticeModels } from './notice_endings.ts';
import { readOnly } from './read_only.ts';
import { checkClasses, elementOf, type Table, tensorsOf } from './table.ts';
import { classesOfTeacher, type Teacher } from './teacher.ts';
import type { TrainingArgs, TrainingModel, Validation } from './training_model.ts';
import { TrainingModels } from './training_models.ts';

/** What changes in the life of a Distiller. */
interface State {
  compiled: Compiled | null;
  /** The call of fit or fitDataset that is under way. */
  running: string | null;
  training: TrainingModel | null;
}

/**
 * Trains a student to match a teacher, and the labels where there are any: `distillationLoss` as the loss of LayersModel.fit, which does the training, so that all
 * that belongs to it works as it does there. Logs hold `loss` and, from one fused pass over the logits, the {@link DistillationMetric}s. Only the student's weights
 * change, and afterwards it is a LayersModel like any other. Source: Hinton, Vinyals, Dean, arXiv 1503.02531.
 *
 * ```js
 * const distiller = new Distiller({student, teacher, temperature: 4, alpha: 0.1});
 * distiller.compile({optimizer: 'adam'});
 * const callbacks = tf.callbacks.earlyStopping({monitor: 'val_loss'});
 * const {history} = await distiller.fit(x, labels, {epochs: 10, validationSplit: 0.1, callbacks});
 * console.log(history.agreement, history.val_loss);
 * ```
 */
export class Distiller {
  /** What is trained. */
  readonly student: LayersModel;
  /** As it was given. */
  readonly teacher: DistillerOptions['teacher'];
  private readonly options: LossOptions;
  private readonly ensemble: EnsembleMean | undefined;
  private readonly reader: DataReader;
  private readonly models: TrainingModels;
  private readonly state: State = { compiled: null, running: null, training: null };

  /**
   * Brings a student, a teacher and a loss together: `compile` and `fit` then train the student, on what the teacher says and, where labels are given, on these too. `temperature` softens both, `alpha` weighs the labels.
   * The options cannot be changed later: assigning to any property but stopTraining is an error.
   *
   * @throws TypeError if the student is no LayersModel, or the teacher none of what it may be.
   * @throws RangeError for options out of range.
   * @throws Error for options that are unknown or belong to the data, for a student with several outputs, for different numbers of classes, and for one class, of which there is nothing to learn.
   * Warns, naming the layer or node, of a student or teacher that ends in something else than logits, and says what to write instead.
   */
  constructor({ student, teacher, ensemble, ...options }: DistillerOptions) {
    checkStudent(student);
    const checked = checkedTeacher(teacher, ensemble, options);
    checkLossOptions(options);
    const teachers = [teacher].flat() as Teacher[];
    noticeModels({ student, teachers }, options);
    for (const one of teachers) checkClasses(classesOfTeacher(one), student.outputs[0].shape.at(-1), NAME);
    this.student = student;
    this.teacher = teacher;
    this.options = options;
    this.ensemble = ensemble;
    this.models = new TrainingModels(student, checked, options);
    this.reader = new DataReader(student, checked, options);
    // biome-ignore lint/correctness/noConstructorReturn: nothing but a proxy can refuse assignments in scripts that are not strict
    if (new.target === Distiller) return readOnly(this, ['stopTraining'], errorOfAssignment);
  }

  /**
   * To be called before training, and again to change the optimizer or the metrics. Layers can be frozen and thawed without it, by `layer.trainable`, between epochs too: what the
   * optimizer keeps of a weight stays that weight's.
   *
   * @throws TypeError if the optimizer is none.
   * @throws Error for an unknown metric, name of an optimizer or argument, and during a fit.
   */
  compile(args: DistillerCompileArgs): void {
    const name = `${NAME}.compile`;
    this.checkNotRunning(name);
    const compiled = compiledOf(args, name);
    this.dispose();
    this.state.compiled = compiled;
  }

  /**
   * Frees the state of the optimizer if compile made it from a name. The models are left as they are; compile again to train on.
   *
   * @throws Error during a fit.
   */
  dispose(): void {
    this.checkNotRunning(`${NAME}.dispose`);
    const { compiled } = this.state;
    if (compiled?.isOptimizerOwned) compiled.optimizer.dispose();
    this.state.compiled = null;
    this.models.clear();
  }

  /**
   * That which trains, also where compile made it from a name: its state, `await distiller.optimizer.getWeights()`, is what has to be saved beside the student to train on later as if
   * nothing had happened, by `await distiller.optimizer.setWeights(state)` after compile. It lists the weights in the order in which they were first trained, so the same layers have to be trainable.
   *
   * @throws Error if not compiled.
   */
  get optimizer(): Optimizer {
    return this.checkCompiled(`${NAME}.optimizer`).optimizer;
  }

  /** Names of what {@link evaluate} returns, for data with labels. Empty before compile. */
  get metricsNames(): string[] {
    const { compiled } = this.state;
    if (compiled === null) return [];
    return ['loss', ...compiled.measures, ...compiled.functions.map(({ name }) => name)];
  }

  /** To be set, by a callback for example, to end training after the current batch. */
  get stopTraining(): boolean {
    return this.state.training?.stopTraining ?? false;
  }

  /** Has effect during training only. */
  set stopTraining(stop: boolean) {
    if (this.state.training !== null) this.state.training.stopTraining = stop;
  }

  /**
   * Trains for some epochs. All arguments and callbacks are those of LayersModel.fit, which shows progress in the same way. What is logged for a batch is of that batch; what is logged for an epoch,
   * and `val_` of it, is the mean over all data that counts, by its weights, however it is cut into batches.
   *
   * @param x inputs of the student, and of the teacher: a tensor; several in an array, for both in the order of their inputs; or by name, where each model takes those of its own names.
   * @param y labels: class ids `[samples, ...]` (int32 or float32, with or without a last axis of size 1) or a distribution `[samples, ..., C]`, as a tensor or as numbers. May be
   *     left out (null) where alpha is 0 or not given, and the teacher alone counts then; alpha not given means 0.5 with labels.
   * @returns the History: `loss`, the metrics, and `val_` of each with validation data.
   * @throws RangeError for a class id that is no class; it names the id and its row.
   * @throws Error if not compiled, if labels are missing, the shapes do not fit, or an argument is unknown.
   */
  async fit(x: Inputs, y?: LabelsGiven | null, args: DistillerFitArgs = {}): Promise<DistillerHistory> {
    const name = `${NAME}.fit`;
    const compiled = this.checkCompiled(name);
    checkArgumentNames(args, FIT_ARGS, name);
    const { classWeight, sampleWeight, teacherLogits, validationTeacherLogits, validationData, ...others } =
      args;
    return this.run(name, async (owned) => {
      const table = await this.reader.training({ x, y, teacherLogits, sampleWeight }, owned, name);
      const weights = classWeights(classWeight, this.classes, table.labels !== null, name);
      const training = this.models.of(table, weights, compiled);
      const held =
        validationData &&
        (await this.reader.validation(table, validationData, validationTeacherLogits, owned, name));
      const { fit, split } = columnsToFit(tensorsOf(table), others, held !== undefined, owned, name);
      const ofSplit: Validation | null = split && { model: training, data: [split, split[0]] };
      const validation = held ? this.validationOf(held, compiled) : ofSplit;
      return this.train(training, name, fit, validation);
    });
  }

  /**
   * As fit, for a dataset of batches {xs, ys, sampleWeight, teacherLogits}; ys may be left out as y may, and so may sampleWeight. Logits that the elements hold are used whatever the teacher is. Where the teacher
   * is a dataset of logits of cacheTeacherLogits, each row gets its own; any other goes in step with the data. The arguments are those of LayersModel.fitDataset.
   */
  async fitDataset(
    dataset: DatasetLike<DistillerElement>,
    args: DistillerFitDatasetArgs,
  ): Promise<DistillerHistory> {
    const name = `${NAME}.fitDataset`;
    const compiled = this.checkCompiled(name);
    if (args === undefined)
      throw new TypeError(`${name}: expected arguments, {epochs: 10} for example; got none.`);
    checkArgumentNames(args, FIT_DATASET_ARGS, name);
    const { classWeight, validationData, validationTeacherLogits, ...others } = args;
    return this.run(name, async (owned) => {
      const tables = await this.reader.dataset(dataset, this.reader.logits, owned, name);
      const { first } = tables;
      const weights = classWeights(classWeight, this.classes, first.labels !== null, name);
      const training = this.models.of(first, weights, compiled);
      const held =
        validationData &&
        (await this.reader.validationOfDataset(first, validationData, validationTeacherLogits, owned, name));
      const validation = held ? this.validationOf(held, compiled) : null;
      return this.train(
        training,
        name,
        { dataset: mapDataset(tables, elementOf), settings: others },
        validation,
      );
    });
  }

  /**
   * The loss and the metrics of given data, in the order of the logs (see metricsNames; hardLoss and accuracy only with labels), as LayersModel.evaluate: means over all data that counts, whatever the batch size. Weighted by
   * sampleWeight, not by classWeight; without what regularisers add.
   *
   * @returns scalars, to be disposed by the caller; with `named: true` by their names, `{loss, softLoss, ...}`.
   */
  evaluate(
    x: Inputs,
    y: LabelsGiven | null | undefined,
    args: DistillerEvaluateArgs & { named: true },
  ): NamedValues;
  evaluate(x: Inputs, y?: LabelsGiven | null, args?: DistillerEvaluateArgs): Scalar | Scalar[];
  evaluate(
    x: Inputs,
    y?: LabelsGiven | null,
    args: DistillerEvaluateArgs = {},
  ): Scalar | Scalar[] | NamedValues {
    const name = `${NAME}.evaluate`;
    const compiled = this.checkCompiled(name);
    checkArgumentNames(args, EVALUATE_ARGS, name);
    const { teacherLogits, sampleWeight, named = false, ...others } = args;
    checkBoolean(named, 'named', name);
    const owned = new Owned();
    try {
      const table = this.reader.evaluated({ x, y, teacherLogits, sampleWeight }, owned, name);
      const columns = tensorsOf(table);
      const model = this.models.of(table, null, compiled);
      const values = model.evaluate(columns, columns[0], others, name);
      return named ? byName(values, model.metricsNames) : values;
    } finally {
      owned.dispose();
    }
  }

  /** As evaluate, for a dataset of batches {xs, ys, sampleWeight, teacherLogits}. */
  async evaluateDataset(
    dataset: DatasetLike<DistillerElement>,
    args: DistillerEvaluateDatasetArgs & { named: true },
  ): Promise<NamedValues>;
  async evaluateDataset(
    dataset: DatasetLike<DistillerElement>,
    args?: DistillerEvaluateDatasetArgs,
  ): Promise<Scalar | Scalar[]>;
  async evaluateDataset(
    dataset: DatasetLike<DistillerElement>,
    args: DistillerEvaluateDatasetArgs = {},
  ): Promise<Scalar | Scalar[] | NamedValues> {
    const name = `${NAME}.evaluateDataset`;
    const compiled = this.checkCompiled(name);
    checkArgumentNames(args, EVALUATE_DATASET_ARGS, name);
    const { teacherLogits, batches, named = false } = args;
    checkBoolean(named, 'named', name);
    if (batches !== undefined && !(Number.isInteger(batches) && batches > 0)) {
      throw new RangeError(`${name}: batches must be a positive integer; got ${batches}.`);
    }
    const owned = new Owned();
    try {
      const tables = await this.reader.dataset(dataset, teacherLogits, owned, name, 'teacherLogits');
      const model = this.models.of(tables.first, null, compiled);
      const means = await model.evaluateDataset(tables, { batches }, name);
      await owned.settle();
      return named ? byName(means, model.metricsNames) : means;
    } finally {
      owned.dispose();
    }
  }

  /**
   * The options of the loss. The models are not part of it: save those as models.
   *
   * @throws Error if the temperature is a tensor.
   */
  getConfig(): DistillerConfig {
    const { temperature, ...options } = this.options;
    const others = { ...options, ...(this.ensemble && { ensemble: this.ensemble }) };
    if (temperature === undefined) return others;
    if (typeof temperature !== 'number') {
      throw new Error(
        `${NAME}.getConfig: the temperature is a tensor, which a config cannot hold; use a number.`,
      );
    }
    return { ...others, temperature };
  }

  /** A Distiller with the options of a config and these models. */
  static fromConfig(
    config: DistillerConfig,
    models: Pick<DistillerOptions, 'student' | 'teacher'>,
  ): Distiller {
    return new Distiller({ ...config, ...models });
  }

  private get classes(): number {
    return this.student.outputs[0].shape.at(-1) ?? 0;
  }

  private checkCompiled(name: string): Compiled {
    const { compiled } = this.state;
    if (compiled !== null) return compiled;
    throw new Error(`${name}: not compiled yet; call compile({optimizer: 'adam'}) first.`);
  }

  private checkNotRunning(name: string): void {
    const { running } = this.state;
    if (running === null) return;
    throw new Error(`${name}: ${running} is under way; set stopTraining to end it, and await it first.`);
  }

  /** One fit at a time; what it makes is freed when it ends. */
  private async run<T>(name: string, work: (owned: Owned) => Promise<T>): Promise<T> {
    if (this.state.running !== null) {
      throw new Error(`${name}: another fit is under way; await it first.`);
    }
    this.state.running = name;
    const owned = new Owned();
    try {
      const result = await work(owned);
      await owned.settle();
      return result;
    } finally {
      this.state.running = null;
      this.state.training = null;
      owned.dispose();
    }
  }

  private train(
    training: TrainingModel,
    name: string,
    fit: TrainingArgs,
    validation: Validation | null,
  ): Promise<DistillerHistory> {
    this.state.training = training;
    // Tensors of its history have become numbers when it comes back: syncData of tfjs-layers.
    return training.train(name, fit, validation) as Promise<DistillerHistory>;
  }

  private validationOf(held: Table | DatasetTables, compiled: Compiled): Validation {
    const isDataset = 'first' in held;
    return {
      model: this.models.of(isDataset ? held.first : held, null, compiled),
      data: isDataset ? held : [tensorsOf(held), held.x[0]],
    };
  }
}

function errorOfAssignment(property: string): Error {
  const advice =
    property in LOSS_OPTIONS || property === 'student' || property === 'teacher'
      ? `make another one, new Distiller({..., ${property}})`
      : property === 'optimizer' || property === 'metrics'
        ? `call compile({${property}})`
        : 'only stopTraining can be assigned';
  return new Error(`${NAME}: ${property} cannot be assigned; ${advice}.`);
}

function byName(values: Scalar | Scalar[], names: readonly string[]): NamedValues {
  const [loss, ...metrics] = [values].flat();
  return { loss, ...Object.fromEntries(metrics.map((value, k) => [names[k + 1], value])) };
}
