import {
  add,
  dispose,
  keep,
  type NamedTensorMap,
  Reduction,
  type Scalar,
  stack,
  Tensor,
  tidy,
  unstack,
  type Variable,
  zeros,
} from '@tensorflow/tfjs-core';
import {
  type History,
  input,
  LayersModel,
  type ModelCompileArgs,
  type ModelEvaluateArgs,
  type ModelFitDatasetArgs,
  type Shape,
} from '@tensorflow/tfjs-layers';
import { withoutTape } from '../run_objective.ts';
import { Batches } from './batches.ts';
import type { DatasetOf } from './dataset.ts';
import { type Distillation, DistillationLayer, given } from './distillation_layer.ts';
import { NAME } from './distiller_arguments.ts';
import { type BatchWeights, FitLogs, logInto, weightsOfFigures } from './fit_logs.ts';
import { type DistillationMetric, type MetricFunction, meanOfMetric } from './measures.ts';
import { minimize } from './optimizers.ts';
import { disposeTable, type Table, tensorsOf } from './table.ts';
import { WeightedMeans } from './weighted_means.ts';

/** Shapes and dtypes of the columns that a batch has besides the student's inputs. */
export interface ColumnInput {
  /** Without the batch axis. */
  shape: Shape;
  dtype: 'float32' | 'int32';
}

/** Validation after each epoch of a fit. */
export interface Validation {
  /** For the columns of its data, which may be others than those of the training data. */
  model: TrainingModel;
  /** A dataset of tables, or columns and what stands for targets. */
  data: DatasetOf<Table> | [Tensor[], Tensor];
}

/** Tensors to train on. */
export interface ColumnsToFit {
  columns: Tensor[];
  batchSize: number;
  isShuffled: boolean;
  settings: ModelFitDatasetArgs<unknown>;
}

/** What to train on, and the arguments of LayersModel.fitDataset. */
export type TrainingArgs =
  | ColumnsToFit
  | { dataset: DatasetOf<{ xs: Tensor[]; ys: Tensor }>; settings: ModelFitDatasetArgs<unknown> };

/**
 * What LayersModel.fit trains: the student, with everything that makes its loss among the inputs. To a callback, which gets it as its model, it is the
 * student: that is what it saves and predicts with.
 */
export class TrainingModel extends LayersModel {
  static override className = 'DistillationTrainingModel';
  readonly step: DistillationLayer;
  readonly student: LayersModel;
  private readonly isLossSummed: boolean;
  /** Of the last batch of the step. */
  private metricsOfStep: (() => Tensor)[] = [];
  private logs: FitLogs | null = null;
  private validation: Validation | null = null;
  private batches: Batches | null = null;
  private variables: Variable[] = [];
  /** The public function that trains, for errors. */
  private caller: string = NAME;
  private isPenalised = false;

  constructor(distillation: Distillation, columns: readonly ColumnInput[]) {
    const { student } = distillation;
    const inputs = [
      ...student.inputs.map(({ shape, dtype }) => input({ shape: shape.slice(1), dtype })),
      ...columns.map(({ shape, dtype }) => input({ shape, dtype })),
    ];
    const step = new DistillationLayer(distillation);
    super({ inputs, outputs: step.apply(inputs) as typeof inputs, name: student.name });
    this.step = step;
    this.student = student;
    this.isLossSummed = distillation.options.reduction === Reduction.SUM;
  }

  /** Compiled for the loss that the layer computes, and metrics that read what it measured on the way. */
  compileStep(
    optimizer: ModelCompileArgs['optimizer'],
    measures: readonly DistillationMetric[],
    functions: readonly MetricFunction[],
  ): void {
    const { step } = this;
    const own = (metric: MetricFunction) => {
      const values = metric(given(step.labels, 'labels'), given(step.studentLogits, 'logits'));
      return meanOfMetric(values, step.rowWeights, step.rowShape);
    };
    this.metricsOfStep = [
      ...measures.map((name) => () => given(step.measured[name], name)),
      ...functions.map((metric) => () => own(metric)),
    ];
    this.compile({ optimizer, loss: (_targets, loss) => loss });
    this.metricsNames = ['loss', ...measures, ...functions.map(({ name }) => name)];
  }

  /** Runs a fit of this model, whose errors name `caller`. */
  async train(caller: string, fit: TrainingArgs, validation: Validation | null): Promise<History> {
    const logs = new FitLogs({
      names: this.metricsNames,
      isLossSummed: this.isLossSummed,
      isValidated: validation !== null,
      params: 'columns' in fit ? paramsOf(fit) : {},
      onEpochBegin: () => this.beginEpoch(),
    });
    this.logs = logs;
    this.validation = validation;
    this.caller = caller;
    logInto(this, logs);
    const settings = validation === null ? {} : { validationData: validation.data as never };
    try {
      return 'columns' in fit
        ? await this.fitColumns(fit, settings)
        : await this.fitDataset(fit.dataset as never, { ...fit.settings, ...settings });
    } catch (error) {
      this.step.firstOutputs.free();
      throw error;
    } finally {
      logs.dispose();
      this.logs = null;
      this.validation = null;
    }
  }

  /** Training on tensors is training on a dataset of their batches. LayersModel.fit slices, casts and gathers what it is given for every batch, targets that nobody reads too. */
  private async fitColumns(
    { columns: given, batchSize, isShuffled, settings }: ColumnsToFit,
    validation: object,
  ): Promise<History> {
    const columns = this.step.withLabelsOfRows(given);
    const batches = new Batches(columns, batchSize, isShuffled);
    this.batches = batches;
    let last: Tensor[] = [];
    const next = async () => {
      last = batches.take();
      return { done: false, value: { xs: last, ys: last[0] } };
    };
    const batchesPerEpoch = Math.ceil(given[0].shape[0] / batchSize);
    try {
      const args = { ...settings, ...validation, batchesPerEpoch, validationBatchSize: batchSize };
      return await this.fitDataset({ iterator: async () => ({ next }) } as never, args);
    } finally {
      this.batches = null;
      batches.dispose();
      dispose([...last, ...columns.filter((column) => !given.includes(column))]);
    }
  }

  private beginEpoch(): void {
    this.batches?.startEpoch();
    // Layers may have been frozen or thawed since the last epoch.
    this.variables = this.trainableWeights.map((weight) => weight.read() as Variable);
    if (this.variables.length === 0) {
      throw new Error(`${this.caller}: the student has no weights to train; all of its layers are frozen.`);
    }
  }

  /** Its loop is told of no figures: the logs are written by FitLogs. */
  protected override getDedupedMetricsNames(): string[] {
    return [];
  }

  /** Nothing to warn of: each weight keeps what the optimizer knows of it when others are frozen or thawed. */
  protected override checkTrainableWeightsConsistency(): void {}

  /**
   * A step as one would write it by hand. That of tfjs-layers takes the means of what are scalars already, metrics too, and records all of it for the
   * gradient: with five metrics some twenty kernels more.
   */
  protected override makeTrainFunction(): (data: Tensor[]) => Scalar[] {
    this.isPenalised = tidy(() => this.step.calculateLosses().length > 0);
    return (data) => {
      this.trainOn(data);
      return [];
    };
  }

  private trainOn(data: Tensor[]): void {
    const { step } = this;
    step.caller = this.caller;
    const kept: Tensor[] = [];
    const keeping = <T extends Tensor>(tensor: T): T => {
      kept.push(keep(tensor));
      return tensor;
    };
    let metrics: Scalar[] = [];
    let weights: BatchWeights = { loss: 0, metrics: 0 };
    let parts: { loss: Scalar; penalty: Scalar } | null = null;
    const lossOfBatch = () => {
      const loss = step.call(data, { training: true }) as Scalar;
      const penalty = this.isPenalised ? step.calculateLosses().reduce((sum, term) => add(sum, term)) : null;
      withoutTape(() => {
        metrics = this.metricsOfStep.map((metric) => keeping(metric() as Scalar));
        const { loss: ofLoss, metrics: ofMetrics } = step.weightsOfBatch();
        weights = {
          loss: ofLoss instanceof Tensor ? keeping(ofLoss) : ofLoss,
          metrics: ofMetrics instanceof Tensor ? keeping(ofMetrics) : ofMetrics,
        };
        if (penalty !== null) parts = { loss: keeping(loss.clone()), penalty: keeping(penalty.clone()) };
      });
      return penalty === null ? loss : add<Scalar>(loss, penalty);
    };
    try {
      const total = keeping(minimize(this.optimizer, lossOfBatch, this.variables));
      given(this.logs, 'fit').addBatch({ total, parts, metrics, weights });
      dispose(Object.values(weights).filter((weight) => weight instanceof Tensor));
    } catch (error) {
      dispose(kept);
      throw error;
    }
  }

  /** Of the data of validation during a fit. That of tfjs-layers gathers for every batch, and counts each by its rows. */
  override evaluate(
    x: Tensor | Tensor[],
    _y: Tensor | Tensor[],
    args: ModelEvaluateArgs = {},
    caller = this.caller,
  ): Scalar | Scalar[] {
    const inputs = x instanceof Tensor ? [x] : x;
    const { batchSize = 32, steps, verbose } = args;
    const isRefused = !Number.isInteger(batchSize) || batchSize < 1 || steps !== undefined || verbose;
    if (isRefused) return tidy(() => super.evaluate(x, zeros([inputs[0].shape[0], 1]), args)); // an error there
    const model = this.validation?.model ?? this;
    return oneOrAll(model.meansOver(inputs, batchSize, caller));
  }

  /** As evaluate, of a dataset of tables. */
  override async evaluateDataset(
    dataset: object,
    { batches }: { batches?: number | undefined } = {},
    caller = this.caller,
  ): Promise<Scalar | Scalar[]> {
    const model = this.validation?.model ?? this;
    return oneOrAll(await model.meansOverDataset(dataset as DatasetOf<Table>, batches, caller));
  }

  /** The loss and the metrics of some data: means over its batches, of which each counts by its weights. */
  private meansOver(columns: Tensor[], batchSize: number, caller: string): Scalar[] {
    const rows = columns[0].shape[0];
    const means = new WeightedMeans(this.isLossSummed);
    return tidy(() => {
      const batches = new Batches(this.step.withLabelsOfRows(columns), batchSize, false);
      try {
        for (let start = 0; start < rows; start += batchSize) {
          tidy(() => batches.next((batch) => this.measureBatch(batch, means, caller)));
        }
        return scalarsOf(means);
      } finally {
        batches.dispose();
        means.reset();
      }
    });
  }

  private async meansOverDataset(
    tables: DatasetOf<Table>,
    batches: number | undefined,
    caller: string,
  ): Promise<Scalar[]> {
    const means = new WeightedMeans(this.isLossSummed);
    try {
      const iterator = await tables.iterator();
      for (let batch = 0; batch !== batches; batch++) {
        const { done, value } = await iterator.next();
        if (done) {
          if (batches !== undefined) {
            console.warn(`${caller}: the dataset ended after ${batch} of ${batches} batches.`);
          }
          break;
        }
        try {
          tidy(() => this.measureBatch(tensorsOf(value), means, caller));
        } finally {
          disposeTable(value);
        }
      }
      return tidy(() => scalarsOf(means));
    } finally {
      means.reset();
    }
  }

  private measureBatch(batch: Tensor[], means: WeightedMeans, caller: string): void {
    this.step.caller = caller;
    const loss = this.step.call(batch, {});
    const values = [loss, ...this.metricsOfStep.map((metric) => metric())];
    means.add(stack(values), weightsOfFigures(this.step.weightsOfBatch(), values.length));
  }

  override predict(...args: Parameters<LayersModel['predict']>): Tensor | Tensor[] {
    return this.student.predict(...args);
  }

  override predictOnBatch(x: Tensor | Tensor[]): Tensor | Tensor[] {
    return this.student.predictOnBatch(x);
  }

  override execute(
    inputs: Tensor | Tensor[] | NamedTensorMap,
    outputs: string | string[],
  ): Tensor | Tensor[] {
    return this.student.execute(inputs, outputs);
  }

  override save(...args: Parameters<LayersModel['save']>): ReturnType<LayersModel['save']> {
    return this.student.save(...args);
  }

  override summary(...args: Parameters<LayersModel['summary']>): void {
    this.student.summary(...args);
  }
}

/** What LayersModel.fit tells callbacks. */
function paramsOf({ columns, batchSize, settings }: ColumnsToFit): { [name: string]: number | null } {
  return {
    samples: columns[0].shape[0],
    batchSize,
    steps: null,
    initialEpoch: settings.initialEpoch ?? 0,
  };
}

function scalarsOf(means: WeightedMeans): Scalar[] {
  const values = means.means();
  return values === null ? [] : (unstack(values) as Scalar[]);
}

function oneOrAll(means: Scalar[]): Scalar | Scalar[] {
  return means.length === 1 ? means[0] : means;
}
