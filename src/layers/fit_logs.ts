import {
  add,
  concat,
  dispose,
  mul,
  ones,
  type Scalar,
  stack,
  Tensor,
  tidy,
  unstack,
} from '@tensorflow/tfjs-core';
import { Callback, type LayersModel, type Logs, registerCallbackConstructor } from '@tensorflow/tfjs-layers';
import { WeightedMeans } from './weighted_means.ts';

/** Values of a batch under the names that they are logged by; tensors, until a callback reads them. */
type Figures = Record<string, Scalar>;

/** How much a batch counts: in the mean of its loss, and in those of the metrics. */
export interface BatchWeights {
  loss: number | Tensor;
  metrics: number | Tensor;
}

/** A batch as it was trained on, all of it kept. */
export interface MeasuredBatch {
  /** What was minimized. */
  total: Scalar;
  /** What it is the sum of where regularisers of the student add to it, once whatever the batch holds. */
  parts: { loss: Scalar; penalty: Scalar } | null;
  metrics: Scalar[];
  weights: BatchWeights;
}

export interface LoggedFit {
  /** Of the figures, the loss first. */
  names: readonly string[];
  isLossSummed: boolean;
  isValidated: boolean;
  /** What LayersModel.fit tells callbacks, where it is not what LayersModel.fitDataset tells them. */
  params: { [name: string]: number | null };
  onEpochBegin: () => void;
}

/**
 * What a fit logs. tfjs-layers writes the values of a batch into the logs, and takes means over an epoch that count every sample alike, by a callback of its own; here batches
 * count by their weights. So its loop is told of no figures, and a callback that comes right after its own writes all of them.
 */
export class FitLogs {
  private readonly means: WeightedMeans;
  private batch: Figures = {};
  /** All that was put into the logs of epochs, which the History reads in the end. */
  private readonly ofEpochs: Tensor[] = [];

  constructor(private readonly fit: LoggedFit) {
    this.means = new WeightedMeans(fit.isLossSummed);
  }

  /** What callbacks are told of a fit: as tfjs-layers would tell it, had it been told of the figures. */
  writeParams(params: Params): void {
    const { names, isValidated } = this.fit;
    const metrics = [...names, ...(isValidated ? names.map((name) => `val_${name}`) : [])];
    Object.assign(params, { ...this.fit.params, metrics });
  }

  /** The logs own the total and the metrics. */
  addBatch({ total, parts, metrics, weights }: MeasuredBatch): void {
    dispose(this.batch);
    this.batch = figures(this.fit.names, [total, ...metrics]);
    tidy(() => {
      const ofFigures = weightsOfFigures(weights, 1 + metrics.length);
      if (parts === null) {
        this.means.add(stack([total, ...metrics]), ofFigures);
        return;
      }
      const each = mul(ofFigures, ones([1 + metrics.length]));
      this.means.add(stack([parts.loss, ...metrics, parts.penalty]), concat([each, ones([1])]));
    });
    if (parts !== null) dispose([parts.loss, parts.penalty]);
  }

  beginEpoch(): void {
    this.means.reset();
    this.fit.onEpochBegin();
  }

  writeBatch(logs: UnresolvedLogs): void {
    Object.assign(logs, this.batch); // tfjs-layers disposes them after the callbacks
  }

  writeEpoch(logs: UnresolvedLogs): void {
    const values = tidy(() => {
      const means = this.means.means();
      if (means === null) return [];
      const [loss, ...others] = unstack(means) as Scalar[];
      const penalty = others[this.fit.names.length - 1];
      return penalty === undefined ? [loss, ...others] : [add(loss, penalty), ...others.slice(0, -1)];
    });
    Object.assign(logs, figures(this.fit.names, values as Scalar[]));
    this.ofEpochs.push(...Object.values(logs).filter((value) => value instanceof Tensor));
  }

  /** Frees what is left where a fit ended in an error; after one that did not there is nothing. */
  dispose(): void {
    this.means.reset();
    dispose([this.batch, this.ofEpochs]);
  }
}

/** Of each figure, the loss first; one number if they are all the same. */
export function weightsOfFigures({ loss, metrics }: BatchWeights, count: number): number | Tensor {
  if (typeof loss === 'number' && (loss === metrics || count === 1)) return loss;
  return stack(Array.from({ length: count }, (_, k) => (k === 0 ? loss : metrics)) as Scalar[]);
}

function figures(names: readonly string[], values: readonly Scalar[]): Figures {
  return Object.fromEntries(values.map((value, k) => [names[k], value]));
}

type UnresolvedLogs = Record<string, number | Scalar>;

type Params = Callback['params'];

const LOGS = new WeakMap<LayersModel, FitLogs>();

/** Writes the logs of the models that have such; to all others it does nothing. */
class WriteLogs extends Callback {
  private get logs(): FitLogs | undefined {
    return LOGS.get(this.model);
  }

  override setModel(model: LayersModel): void {
    super.setModel(model);
    this.logs?.writeParams(this.params); // which all callbacks of a fit share
  }

  override async onEpochBegin(): Promise<void> {
    this.logs?.beginEpoch();
  }

  override async onBatchEnd(_batch: number, logs: Logs): Promise<void> {
    this.logs?.writeBatch(logs);
  }

  override async onEpochEnd(_epoch: number, logs: Logs): Promise<void> {
    this.logs?.writeEpoch(logs);
  }
}

let isRegistered = false;

/** The logs of a model from now on. tfjs-layers calls registered callbacks before those that fit is given, and those of level 0 first. */
export function logInto(model: LayersModel, logs: FitLogs): void {
  if (!isRegistered) registerCallbackConstructor(0, WriteLogs as never);
  isRegistered = true;
  LOGS.set(model, logs);
}
