import {
  argMax,
  cast,
  gather,
  mul,
  notEqual,
  ones,
  reshape,
  type Scalar,
  type Tensor,
  tensor1d,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { type LayersModel, type LayerVariable, layers, type Shape } from '@tensorflow/tfjs-layers';
import { type DistillationOptions, distillationLoss } from '../ops/distillation_loss.ts';
import { classIds } from '../ops/labels.ts';
import { withoutTape } from '../run_objective.ts';
import { NAME } from './distiller_arguments.ts';
import { type DistillationMetric, measure } from './measures.ts';
import { type Predictor, predictLogits } from './teacher.ts';

/** What a batch holds besides the student's inputs, in the order of the layer's inputs. */
export interface Columns {
  teacherLogits: boolean;
  labels: boolean;
  weights: boolean;
}

export interface Distillation {
  student: LayersModel;
  /** Runs on each batch where its logits are not among the columns. */
  teacher: Predictor | null;
  columns: Columns;
  /** Of the loss of one batch; its labels and weights come with it. */
  options: Omit<DistillationOptions, 'labels' | 'weights'>;
  /** By class id; null for 1 each. Counts in training only, as in tfjs-layers. */
  classWeight: readonly number[] | null;
  measures: readonly DistillationMetric[];
}

interface Batch {
  x: Tensor[];
  teacherLogits: Tensor | null;
  labels: Tensor | null;
  weights: Tensor | null;
}

/**
 * The whole training step as one layer: a batch of inputs, and of the teacher's logits, labels and weights as far as they are given, becomes the loss. Its
 * weights are the student's, so a model made of this layer alone is trained by LayersModel.fit as it is, with all that belongs to it.
 */
export class DistillationLayer extends layers.Layer {
  static className = 'DistillationLayer';
  /** Of the last batch. */
  measured: { [metric in DistillationMetric]?: Tensor } = {};
  labels: Tensor | null = null;
  studentLogits: Tensor | null = null;

  constructor(private readonly distillation: Distillation) {
    super({ name: `distillation_of_${distillation.student.name}` });
  }

  override computeOutputShape(): Shape {
    return [null, 1]; // for tfjs-layers, which wants targets of this shape; what call returns is a scalar
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor {
    const { student, teacher, options, measures } = this.distillation;
    const batch = this.unpack(Array.isArray(inputs) ? inputs : [inputs]);
    const studentLogits = student.apply(batch.x.length === 1 ? batch.x[0] : batch.x, kwargs) as Tensor;
    const teacherLogits = batch.teacherLogits ?? predictLogits(given(teacher, 'teacher'), batch.x, NAME);
    checkClasses(teacherLogits.shape.at(-1), studentLogits.shape.at(-1));
    const [labels, weights] = withoutTape(() => {
      const like =
        batch.labels === null ? null : labelsLike(batch.labels, studentLogits.shape, options.ignoreIndex);
      return [like, this.rowWeights(batch, like, studentLogits, kwargs.training === true)];
    });
    const complete: DistillationOptions = {
      ...options,
      ...(labels === null ? {} : { labels }),
      ...(weights === null ? {} : { weights }),
    };
    if (measures.length > 0) {
      this.measured = withoutTape(() => measure(teacherLogits, studentLogits, complete));
    }
    this.labels = labels;
    this.studentLogits = studentLogits;
    return distillationLoss<Scalar>(teacherLogits, studentLogits, complete);
  }

  /** Columns for `call`, with the labels as the loss takes them, so that those of a batch need neither a reshape nor a cast. New tensors are the caller's. */
  withLabelsOfRows(columns: Tensor[]): Tensor[] {
    const { student, columns: given, options } = this.distillation;
    const shape = student.outputs[0].shape.slice(1);
    const sizes = shape.filter((size) => size !== null);
    if (!given.labels || sizes.length < shape.length) return columns;
    const at = student.inputs.length + Number(given.teacherLogits);
    const logitsShape = [columns[at].shape[0], ...sizes];
    const labels = tidy(() => labelsLike(columns[at], logitsShape, options.ignoreIndex));
    return columns.map((column, k) => (k === at ? labels : column));
  }

  private unpack(inputs: Tensor[]): Batch {
    const { student, columns } = this.distillation;
    let next = student.inputs.length;
    // As tfjs-layers feeds them, to the teacher too: a tf.GraphModel refuses any other dtype.
    const x = student.inputs.map(({ dtype }, k) =>
      inputs[k].dtype === dtype ? inputs[k] : cast(inputs[k], dtype),
    );
    const column = (isGiven: boolean) => (isGiven ? inputs[next++] : null);
    return {
      x,
      teacherLogits: column(columns.teacherLogits),
      labels: column(columns.labels),
      weights: column(columns.weights),
    };
  }

  /** For each row the product of what the caller gave for its sample, the weight of its class, and 0 where it is ignored; null for 1 each. */
  private rowWeights(
    batch: Batch,
    labels: Tensor | null,
    studentLogits: Tensor,
    isTraining: boolean,
  ): Tensor | null {
    const { classWeight, options } = this.distillation;
    const rowShape = studentLogits.shape.slice(0, -1);
    const factors: Tensor[] = [];
    if (batch.weights !== null) factors.push(perRow(batch.weights, rowShape));
    if (labels !== null && (classWeight !== null || options.ignoreIndex !== undefined)) {
      const ids = labels.rank > rowShape.length ? argMax(labels, -1) : labels;
      const kept = cast(notEqual(ids, options.ignoreIndex ?? -1), 'int32');
      // An ignored id such as -1 is no class that could be looked up.
      if (classWeight !== null && isTraining)
        factors.push(gather(tensor1d([...classWeight]), mul(ids, kept)));
      if (options.ignoreIndex !== undefined) factors.push(cast(kept, 'float32'));
    }
    return factors.length === 0 ? null : factors.reduce((product, factor) => mul(product, factor));
  }

  override get trainableWeights(): LayerVariable[] {
    return this.distillation?.student.trainableWeights ?? []; // asked for before the constructor is through
  }

  override get nonTrainableWeights(): LayerVariable[] {
    return this.distillation?.student.nonTrainableWeights ?? [];
  }

  override calculateLosses(): Scalar[] {
    return this.distillation.student.calculateLosses();
  }

  override get stateful(): boolean {
    return this.distillation?.student.stateful ?? false;
  }

  override resetStates(): void {
    this.distillation.student.resetStates();
  }
}

/** What is there where it is asked for. */
export function given<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`${NAME}: no ${what}.`);
  return value;
}

/** Class ids in the shape of the rows, or a distribution in that of the logits. tfjs-layers hands ids over with an axis of size 1 at their end. */
function labelsLike(labels: Tensor, logitsShape: number[], ignoreIndex: number | undefined): Tensor {
  const rowShape = logitsShape.slice(0, -1);
  if (util.arraysEqual(labels.shape, logitsShape)) return labels;
  if (labels.size === util.sizeFromShape(rowShape)) {
    // A reshape to the shape that it has would be a kernel too.
    return classIds(
      util.arraysEqual(labels.shape, rowShape) ? labels : reshape(labels, rowShape),
      ignoreIndex,
    );
  }
  throw new Error(
    `${NAME}: labels must be class ids of shape [${rowShape}] or a distribution of shape [${logitsShape}]; got shape [${labels.shape}].`,
  );
}

/** One weight for each sample, or for each row, as one for each row. */
function perRow(weights: Tensor, rowShape: number[]): Tensor {
  if (weights.size === util.sizeFromShape(rowShape)) return reshape(weights, rowShape);
  if (weights.size !== rowShape[0]) {
    throw new Error(
      `${NAME}: sampleWeight must be one number for each sample, or for each row [${rowShape}]; got shape [${weights.shape}].`,
    );
  }
  const perSample = reshape(weights, [rowShape[0], ...rowShape.slice(1).fill(1)]);
  return mul(perSample, ones(rowShape));
}

export function checkClasses(teacher: number | null | undefined, student: number | null | undefined): void {
  if (typeof teacher !== 'number' || typeof student !== 'number' || teacher === student) return;
  throw new Error(
    `${NAME}: teacher and student must have the same classes (vocabulary mismatch); got a teacher with ${teacher} and a student with ${student}.`,
  );
}
