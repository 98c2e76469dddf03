import { dispose, type Optimizer, ones, type Scalar, Tensor, tidy } from '@tensorflow/tfjs-core';
import { type ClassWeight, type History, input, type LayersModel, model } from '@tensorflow/tfjs-layers';
import { type DatasetLike, isDataset, mapDataset, peek, zipDatasets } from './dataset.ts';
import { checkClasses } from './distillation_layer.ts';
import {
  checkLossOptions,
  checkStudent,
  checkTeacher,
  type DistillerCompileArgs,
  type DistillerConfig,
  type DistillerElement,
  type DistillerEvaluateArgs,
  type DistillerEvaluateDatasetArgs,
  type DistillerFitArgs,
  type DistillerFitDatasetArgs,
  type DistillerOptions,
  type DistillerValidationTensors,
  type Inputs,
  type LossOptions,
  NAME,
  withoutHardTerm,
} from './distiller_arguments.ts';
import {
  DISTILLATION_METRICS,
  type DistillationMetric,
  type MetricFunction,
  needsLabels,
} from './measures.ts';
import { warnOfSoftmax } from './softmax_warning.ts';
import { checkRows, checkValidationColumns, columnsOf, elementOf, onlyLabels, type Table } from './table.ts';
import { cacheTeacherLogits, classesOfTeacher, inputTensors, isPredictor, type Teacher } from './teacher.ts';
import { type ColumnInput, TrainingModel } from './training_model.ts';

const OF_THE_HARD_TERM = ['alpha', 'labelSmoothing', 'ignoreIndex'] as const;

interface Compiled {
  optimizer: Optimizer;
  /** Made here, from a name. */
  isOptimizerOwned: boolean;
  measures: readonly DistillationMetric[];
  functions: readonly MetricFunction[];
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
  readonly teacher: Teacher;
  private readonly options: LossOptions;
  private compiled: Compiled | null = null;
  private readonly trainingModels = new Map<string, TrainingModel>();
  private running: TrainingModel | null = null;

  /**
   * @throws TypeError if the student is no LayersModel, or the teacher none of what it may be.
   * @throws RangeError for options out of range.
   * @throws Error for options that are unknown or belong to the data, for a student with several outputs, and for different numbers of classes.
   * Warns, naming the layer, of a student or teacher that ends in a softmax.
   */
  constructor({ student, teacher, ...options }: DistillerOptions) {
    checkStudent(student);
    checkTeacher(teacher);
    checkLossOptions(options);
    checkClasses(classesOfTeacher(teacher), student.outputs[0].shape.at(-1));
    warnOfSoftmax(student, 'student', 'leave the softmax out (the loss contains it)');
    if (options.targets !== 'probabilities') {
      warnOfSoftmax(teacher, 'teacher', "leave it out, or say targets: 'probabilities'");
    }
    this.student = student;
    this.teacher = teacher;
    this.options = options;
  }

  /**
   * To be called before training, and again to change the optimizer or the metrics.
   *
   * @throws TypeError if the optimizer is none.
   * @throws Error for an unknown metric or name of an optimizer.
   */
  compile({ optimizer, metrics = DISTILLATION_METRICS }: DistillerCompileArgs): void {
    const measures: DistillationMetric[] = [];
    const functions: MetricFunction[] = [];
    for (const metric of metrics) {
      if (typeof metric === 'function') functions.push(metric);
      else if (DISTILLATION_METRICS.includes(metric)) measures.push(metric);
      else {
        throw new Error(
          `${NAME}.compile: unknown metric '${metric}'; expected ${DISTILLATION_METRICS.join(', ')}, or a function (labels, studentLogits) => Tensor.`,
        );
      }
    }
    const made = typeof optimizer === 'string' ? optimizerNamed(optimizer) : optimizer;
    if (typeof made?.minimize !== 'function') {
      throw new TypeError(`${NAME}.compile: expected an optimizer, or the name of one; got ${optimizer}.`);
    }
    this.dispose();
    this.compiled = { optimizer: made, isOptimizerOwned: made !== optimizer, measures, functions };
  }

  /** Frees the state of the optimizer if compile made it from a name. The models are left as they are; compile again to train on. */
  dispose(): void {
    if (this.compiled?.isOptimizerOwned) this.compiled.optimizer.dispose();
    this.compiled = null;
    this.trainingModels.clear();
  }

  /** Names of what {@link evaluate} returns, for data with labels. Empty before compile. */
  get metricsNames(): string[] {
    if (this.compiled === null) return [];
    const { measures, functions } = this.compiled;
    return ['loss', ...measures, ...functions.map(({ name }) => name)];
  }

  /** To be set, by a callback for example, to end training after the current batch. */
  get stopTraining(): boolean {
    return this.running?.stopTraining ?? false;
  }

  /** Has effect during training only. */
  set stopTraining(stop: boolean) {
    if (this.running !== null) this.running.stopTraining = stop;
  }

  /**
   * Trains for some epochs. All arguments and callbacks are those of LayersModel.fit, which shows progress in the same way.
   *
   * @param x inputs of the student, and of the teacher.
   * @param y labels: class ids `[samples, ...]` (int32 or float32, with or without a last axis of size 1) or a distribution `[samples, ..., C]`. May be
   *     left out (null) where alpha is 0 or not given, and the teacher alone counts then; alpha not given means 0.5 with labels.
   * @returns the History: `loss`, the metrics, and `val_` of each with validation data.
   * @throws Error if not compiled, if labels are missing, or the shapes do not fit.
   */
  async fit(x: Inputs, y?: Inputs | null, args: DistillerFitArgs = {}): Promise<History> {
    const name = `${NAME}.fit`;
    const compiled = this.checkCompiled(name);
    const { classWeight, sampleWeight, teacherLogits, validationTeacherLogits, validationData, ...others } =
      args;
    const owned: Tensor[] = [];
    try {
      const ownLogits = this.teacher instanceof Tensor ? this.teacher : null;
      const table = this.table(x, y, { teacherLogits: teacherLogits ?? ownLogits, sampleWeight }, name);
      this.checkTeacherRuns(table.teacherLogits ?? undefined, 'teacherLogits', name);
      const validation = await this.validation(table, validationData, validationTeacherLogits, owned, name);
      const training = this.trainingModel(table, this.classWeights(classWeight, table, name), compiled);
      return await this.run(training, name, () =>
        training.fit(...columnsOf(table, owned), { ...others, ...validation }),
      );
    } finally {
      dispose(owned);
    }
  }

  /**
   * As fit, for a dataset of batches {xs, ys, sampleWeight}; ys may be left out as y may, and so may sampleWeight. Where the teacher is a dataset of logits, the two go in step. The arguments are
   * those of LayersModel.fitDataset.
   */
  async fitDataset(dataset: DatasetLike<DistillerElement>, args: DistillerFitDatasetArgs): Promise<History> {
    const name = `${NAME}.fitDataset`;
    const compiled = this.checkCompiled(name);
    const { classWeight, validationData, validationTeacherLogits, ...others } = args;
    if (this.teacher instanceof Tensor) {
      throw new Error(
        `${name}: the teacher is a tensor, whose rows belong to those of tensors; give a model, or a dataset of logits (see cacheTeacherLogits).`,
      );
    }
    const { tables, first } = await this.tables(
      dataset,
      isDataset(this.teacher) ? this.teacher : undefined,
      name,
    );
    const training = this.trainingModel(first, this.classWeights(classWeight, first, name), compiled);
    const owned: Tensor[] = [];
    try {
      const validation = await this.datasetValidation(
        first,
        validationData,
        validationTeacherLogits,
        owned,
        name,
      );
      return await this.run(training, name, () =>
        training.fitDataset(mapDataset(tables, elementOf), { ...others, ...validation }),
      );
    } finally {
      dispose(owned);
    }
  }

  /**
   * The loss and the metrics of given data, in the order of the logs (see metricsNames; hardLoss and accuracy only with labels), as LayersModel.evaluate. Weighted by sampleWeight, not by classWeight.
   *
   * @returns scalars, to be disposed by the caller.
   */
  evaluate(x: Inputs, y?: Inputs | null, args: DistillerEvaluateArgs = {}): Scalar | Scalar[] {
    const name = `${NAME}.evaluate`;
    const compiled = this.checkCompiled(name);
    const { teacherLogits, sampleWeight, ...others } = args;
    this.checkTeacherRuns(teacherLogits, 'teacherLogits', name);
    const table = this.table(x, y, { teacherLogits, sampleWeight }, name);
    const training = this.trainingModel(table, null, compiled);
    return tidy(() => training.evaluate(...columnsOf(table, []), others));
  }

  /** As evaluate, for a dataset of batches {xs, ys, sampleWeight}. */
  async evaluateDataset(
    dataset: DatasetLike<DistillerElement>,
    args: DistillerEvaluateDatasetArgs = {},
  ): Promise<Scalar | Scalar[]> {
    const name = `${NAME}.evaluateDataset`;
    const compiled = this.checkCompiled(name);
    const { teacherLogits, ...others } = args;
    this.checkTeacherRuns(teacherLogits, 'teacherLogits', name);
    const { tables, first } = await this.tables(dataset, teacherLogits, name);
    return this.trainingModel(first, null, compiled).evaluateDataset(mapDataset(tables, elementOf), others);
  }

  /**
   * The options of the loss. The models are not part of it: save those as models.
   *
   * @throws Error if the temperature is a tensor.
   */
  getConfig(): DistillerConfig {
    const { temperature, ...others } = this.options;
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

  private checkCompiled(name: string): Compiled {
    if (this.compiled === null)
      throw new Error(`${name}: not compiled yet; call compile({optimizer: 'adam'}) first.`);
    return this.compiled;
  }

  private checkTeacherRuns(logits: object | undefined, argument: string, name: string): void {
    if (logits !== undefined || isPredictor(this.teacher)) return;
    throw new Error(
      `${name}: the teacher is no model but the logits of some data; give those of this data too, as ${argument}.`,
    );
  }

  private async run<T>(training: TrainingModel, name: string, train: () => Promise<T>): Promise<T> {
    if (this.running !== null) throw new Error(`${name}: another fit is under way; await it first.`);
    this.running = training;
    try {
      return await train();
    } finally {
      this.running = null;
    }
  }

  private table(
    x: Inputs,
    y: Inputs | null | undefined,
    columns: { teacherLogits?: Tensor | null | undefined; sampleWeight?: Tensor | undefined },
    name: string,
  ): Table {
    const labels = y === null || y === undefined ? null : onlyLabels(y, name);
    if (labels === null) {
      for (const option of OF_THE_HARD_TERM) {
        const value = this.options[option];
        if (value === undefined || (option === 'alpha' && value === 0)) continue;
        throw new Error(
          `${name}: labels are missing, and ${option} ${value} is about them; give labels as y, or leave ${option} out.`,
        );
      }
    }
    const { teacherLogits = null, sampleWeight = null } = columns;
    const table = {
      x: inputTensors(x, this.student.inputNames, name),
      teacherLogits,
      labels,
      weights: sampleWeight,
    };
    if (table.x.length !== this.student.inputNames.length) {
      throw new Error(
        `${name}: x must be one tensor for each input of the student (${this.student.inputNames.join(', ')}); got ${table.x.length}.`,
      );
    }
    checkRows(table, name);
    checkClasses(teacherLogits?.shape.at(-1), this.student.outputs[0].shape.at(-1));
    return table;
  }

  /** Validation data with the same columns as the training data: what it lacks is computed, and put in `owned`. */
  private async validation(
    training: Table,
    data: DistillerValidationTensors | undefined,
    logits: Tensor | undefined,
    owned: Tensor[],
    name: string,
  ) {
    if (data === undefined) return {};
    if (!Array.isArray(data) || data.length > 3) {
      throw new TypeError(`${name}: validationData must be [x, y] or [x, y, sampleWeight]; got ${data}.`);
    }
    const [x, y, sampleWeight] = data;
    this.checkTeacherRuns(logits, 'validationTeacherLogits', name);
    const table = this.table(x, y, { teacherLogits: logits, sampleWeight }, name);
    if (training.weights !== null && table.weights === null) {
      table.weights = ones([table.x[0].shape[0], ...training.weights.shape.slice(1)]);
      owned.push(table.weights);
    }
    checkValidationColumns(training, table, name);
    if (training.teacherLogits !== null && table.teacherLogits === null && isPredictor(this.teacher)) {
      table.teacherLogits = await cacheTeacherLogits(this.teacher, table.x);
      owned.push(table.teacherLogits);
    }
    return { validationData: columnsOf(table, owned) };
  }

  private async datasetValidation(
    training: Table,
    data: DistillerFitDatasetArgs['validationData'],
    logits: Tensor | DatasetLike<Tensor> | undefined,
    owned: Tensor[],
    name: string,
  ) {
    if (data === undefined) return {};
    if (Array.isArray(data)) {
      if (logits !== undefined && !(logits instanceof Tensor)) {
        throw new TypeError(`${name}: for validation tensors, validationTeacherLogits must be a tensor.`);
      }
      return this.validation(training, data, logits, owned, name);
    }
    if (logits instanceof Tensor) {
      throw new TypeError(`${name}: for a validation dataset, validationTeacherLogits must be a dataset.`);
    }
    this.checkTeacherRuns(logits, 'validationTeacherLogits', name);
    const isCached = training.teacherLogits !== null;
    const teacher =
      logits ??
      (isCached && isPredictor(this.teacher) ? await cacheTeacherLogits(this.teacher, data) : undefined);
    const { tables, first } = await this.tables(data, teacher, name);
    checkValidationColumns(training, first, name);
    return { validationData: mapDataset(tables, elementOf) };
  }

  private async tables(
    dataset: DatasetLike<DistillerElement>,
    logits: DatasetLike<Tensor> | undefined,
    name: string,
  ): Promise<{ first: Table; tables: DatasetLike<Table> }> {
    if (typeof dataset !== 'object' || dataset === null || !isDataset(dataset)) {
      throw new TypeError(`${name}: expected a dataset of elements {xs, ys}; got ${dataset}.`);
    }
    const elements =
      logits === undefined
        ? mapDataset(dataset, ({ xs, ys, sampleWeight }) => this.table(xs, ys, { sampleWeight }, name))
        : mapDataset(zipDatasets(dataset, logits, name), ([{ xs, ys, sampleWeight }, teacherLogits]) =>
            this.table(xs, ys, { teacherLogits, sampleWeight }, name),
          );
    const { first, dataset: tables } = await peek(elements);
    if (first === undefined) throw new Error(`${name}: the dataset has no elements.`);
    return { first, tables };
  }

  private classWeights(
    classWeight: ClassWeight | undefined,
    { labels }: Table,
    name: string,
  ): number[] | null {
    if (classWeight === undefined) return null;
    if (labels === null) throw new Error(`${name}: classWeight needs labels; got none.`);
    const classes = this.student.outputs[0].shape.at(-1) ?? 0;
    return Array.from({ length: classes }, (_, id) => {
      const weight = classWeight[id];
      if (typeof weight === 'number') return weight;
      throw new Error(
        `${name}: classWeight must hold a number for each of the ${classes} classes; got ${weight} for class ${id}.`,
      );
    });
  }

  /** Kept for further calls with the same columns, so that one graph serves them all. */
  private trainingModel(table: Table, classWeight: number[] | null, compiled: Compiled): TrainingModel {
    const columns: ColumnInput[] = [];
    for (const column of [table.teacherLogits, table.labels, table.weights]) {
      if (column === null) continue;
      const shape = column.rank === 1 ? [1] : column.shape.slice(1);
      columns.push({ shape, dtype: column.dtype === 'int32' ? 'int32' : 'float32' });
    }
    const isGiven = {
      teacherLogits: table.teacherLogits !== null,
      labels: table.labels !== null,
      weights: table.weights !== null,
    };
    const key = JSON.stringify({ columns, isGiven, classWeight });
    const kept = this.trainingModels.get(key);
    if (kept !== undefined) return kept;
    const measures = compiled.measures.filter((metric) => isGiven.labels || !needsLabels(metric));
    const training = new TrainingModel(
      {
        student: this.student,
        teacher: isPredictor(this.teacher) ? this.teacher : null,
        columns: isGiven,
        options: isGiven.labels ? this.options : withoutHardTerm(this.options),
        classWeight,
        measures,
      },
      columns,
    );
    training.compileStep(compiled.optimizer, measures, isGiven.labels ? compiled.functions : []);
    this.trainingModels.set(key, training);
    return training;
  }
}

/** As tfjs-layers makes it, which has no other public way to. */
function optimizerNamed(name: string): Optimizer {
  const symbol = input({ shape: [1] });
  const weightless = model({ inputs: symbol, outputs: symbol });
  weightless.compile({ optimizer: name, loss: 'meanSquaredError' });
  return weightless.optimizer;
}
