import {
  add,
  dispose,
  keep,
  mean,
  type NamedTensorMap,
  range,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Variable,
} from '@tensorflow/tfjs-core';
import { type History, input, LayersModel, type ModelCompileArgs, type Shape } from '@tensorflow/tfjs-layers';
import { withoutTape } from '../run_objective.ts';
import { type Distillation, DistillationLayer } from './distillation_layer.ts';
import type { DistillationMetric, MetricFunction } from './measures.ts';
import { takeRows } from './rows.ts';

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
    return (data) => {
      let logged: Scalar[] = [];
      const total = this.optimizer.minimize(
        () => {
          const loss = this.step.call(data.slice(0, this.inputs.length), { training: true });
          logged = withoutTape(() => this.logged.map((metric) => keep(metric() as Scalar)));
          return this.calculateLosses().reduce<Tensor>((sum, penalty) => add(sum, penalty), loss) as Scalar;
        },
        true,
        weights,
      );
      if (total === null) throw new Error('Distiller: the optimizer gave no loss.');
      return [total, ...logged];
    };
  }

  /**
   * That of tfjs-layers, over the numbers of rows alone. Given the columns it would gather all of them, with targets that nobody reads, and cast the numbers anew
   * for each.
   */
  override async fitLoop(
    ...[f, ins, labels, batchSize, epochs, verbose, callbacks, valF, valIns, ...rest]: FitLoopArguments
  ): Promise<History> {
    const numbers = [ins, valIns ?? []].map((columns) => numbersOfRows(columns));
    try {
      const training = this.onRows(f, ins);
      const validation = valF && valIns ? this.onRows(valF, valIns) : valF;
      const all = [labels, batchSize, epochs, verbose, callbacks, validation, numbers[1], ...rest] as const;
      return await super.fitLoop(training, numbers[0], ...all);
    } finally {
      dispose(numbers);
    }
  }

  /** What f makes of a batch, as a function of the numbers of its rows. */
  private onRows<T>(f: (batch: Tensor[]) => T, columns: Tensor[]): (numbers: Tensor[]) => T {
    const inputs = columns.slice(0, this.inputs.length);
    return ([numbers]) => f(inputs.map((column) => takeRows(column, numbers as Tensor1D)));
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

/** One column for the loop of tfjs-layers to shuffle and cut into batches; none where there is no data. */
function numbersOfRows(columns: Tensor[]): Tensor1D[] {
  return columns.length === 0 ? [] : [range(0, columns[0].shape[0], 1, 'int32')];
}

/** tfjs-layers logs a metric under the name of its function. */
function named(name: string, metric: () => Tensor): () => Tensor {
  return Object.defineProperty(() => metric(), 'name', { value: name });
}

function given(tensor: Tensor | null | undefined, name: string): Tensor {
  if (!tensor) throw new Error(`Distiller: a metric needs the ${name} of a batch that has none.`);
  return tensor;
}
