import {
  add,
  dispose,
  keep,
  mean,
  mul,
  type NamedTensorMap,
  type Scalar,
  stack,
  type Tensor,
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
  type Shape,
} from '@tensorflow/tfjs-layers';
import { withoutTape } from '../run_objective.ts';
import { Batches } from './batches.ts';
import { type Distillation, DistillationLayer, given } from './distillation_layer.ts';
import type { DistillationMetric, MetricFunction } from './measures.ts';

/** Shapes and dtypes of the columns that a batch has besides the student's inputs. */
export interface ColumnInput {
  /** Without the batch axis. */
  shape: Shape;
  dtype: 'float32' | 'int32';
}

/**
 * What LayersModel.fit trains: the student, with everything that makes its loss among the inputs. To a callback, which gets it as its model, it is the
 * student: that is what it saves and predicts with.
 */
export class TrainingModel extends LayersModel {
  static override className = 'DistillationTrainingModel';
  readonly step: DistillationLayer;
  readonly student: LayersModel;
  private logged: (() => Tensor)[] = [];

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
  }

  /** Compiled for the loss that the layer computes, and metrics that read what it measured on the way. */
  compileStep(
    optimizer: ModelCompileArgs['optimizer'],
    measures: readonly DistillationMetric[],
    functions: readonly MetricFunction[],
  ): void {
    const { step } = this;
    const measured = measures.map((name) => named(name, () => given(step.measured[name], name)));
    const own = functions.map((metric) =>
      named(metric.name, () =>
        mean(metric(given(step.labels, 'labels'), given(step.studentLogits, 'logits'))),
      ),
    );
    this.logged = [...measured, ...own];
    this.compile({ optimizer, loss: (_targets, loss) => loss, metrics: this.logged });
  }

  /**
   * A step as one would write it by hand. That of tfjs-layers takes the means of what are scalars already, metrics too, and records all of it for the
   * gradient: with five metrics some twenty kernels more.
   */
  protected override makeTrainFunction(): (data: Tensor[]) => Scalar[] {
    const weights = this.trainableWeights.map((weight) => weight.read() as Variable);
    const isPenalised = tidy(() => this.step.calculateLosses().length > 0);
    return (data) => {
      let logged: Scalar[] = [];
      const total = this.optimizer.minimize(
        () => {
          const loss = this.step.call(data, { training: true }) as Scalar;
          logged = withoutTape(() => this.logged.map((metric) => keep(metric() as Scalar)));
          if (!isPenalised) return loss;
          return this.step.calculateLosses().reduce((sum, penalty) => add(sum, penalty), loss);
        },
        true,
        weights,
      );
      return [given(total, 'loss'), ...logged];
    };
  }

  /**
   * That of tfjs-layers, with all that belongs to it, over no data but a number of rows. What it is given it slices, casts and gathers for every batch, targets
   * that nobody reads too; the batches come from here, as in a loop written by hand.
   */
  override async fitLoop(...args: FitLoopArguments): Promise<History> {
    const [f, ins, labels, batchSize = 32, epochs, verbose, callbacks, valF, valIns, shuffle, ...rest] = args;
    const inputs = ins.slice(0, this.inputs.length);
    const columns = this.step.withLabelsOfRows(inputs);
    const training = new Batches(columns, batchSize, Boolean(shuffle ?? true));
    const held = valF && valIns?.slice(0, this.inputs.length);
    let epochsBegun = 0;
    const train = () => {
      // History has the epochs that are through, those that were stopped too.
      if (this.history.epoch.length === epochsBegun) {
        training.startEpoch();
        epochsBegun++;
      }
      return training.next(f);
    };
    const validate = held && (() => this.meansOver(held, batchSize));
    const order = shuffle === 'batch' && shuffle; // 'batch' is an error of tfjs-layers
    const settings = [labels, batchSize, epochs, verbose, callbacks, validate] as const;
    try {
      // Its test loop has one row to go over: the validation data as a whole.
      return await super.fitLoop(
        train,
        rowsAlone(inputs[0].shape[0]),
        ...settings,
        held && rowsAlone(1),
        order,
        ...rest,
      );
    } finally {
      training.dispose();
      dispose(columns.filter((column) => !inputs.includes(column)));
    }
  }

  /** That of tfjs-layers gathers for every batch too. */
  override evaluate(
    x: Tensor | Tensor[],
    y: Tensor | Tensor[],
    args: ModelEvaluateArgs = {},
  ): Scalar | Scalar[] {
    const { batchSize = 32, steps, verbose } = args;
    const isRefused = !Number.isInteger(batchSize) || batchSize < 1 || steps !== undefined || verbose;
    if (isRefused) return super.evaluate(x, y, args); // an error there
    return tidy(() => {
      const [inputs] = this.standardizeUserDataXY(x, y, true, batchSize);
      const means = this.meansOver(inputs, batchSize);
      return means.length === 1 ? means[0] : means;
    });
  }

  /** The loss and the metrics of some data: the mean of those of its batches, of which each counts by its rows. In a tidy, which frees the sums. */
  private meansOver(inputs: Tensor[], batchSize: number): Scalar[] {
    const rows = inputs[0].shape[0];
    if (rows === 0) return [];
    const batches = new Batches(this.step.withLabelsOfRows(inputs), batchSize, false);
    let sum = zeros([1 + this.logged.length]);
    const addBatch = (batch: Tensor[]) => {
      const values = stack([this.step.call(batch, {}), ...this.logged.map((metric) => metric())]);
      return add(sum, mul(values, batch[0].shape[0] / rows));
    };
    try {
      for (let start = 0; start < rows; start += batchSize) sum = tidy(() => batches.next(addBatch));
    } finally {
      batches.dispose();
    }
    return unstack(sum) as Scalar[];
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

type FitLoopArguments = Parameters<LayersModel['fitLoop']>;

/** Data for a loop of tfjs-layers that counts rows and takes none: an array of no tensors, which says how many rows they have. */
function rowsAlone(rows: number): Tensor[] {
  return [Object.assign([], { shape: [rows] }) as never];
}

/** tfjs-layers logs a metric under the name of its function. */
function named(name: string, metric: () => Tensor): () => Tensor {
  return Object.defineProperty(metric, 'name', { value: name });
}
