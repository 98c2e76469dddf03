import {
  argMax,
  cast,
  gather,
  mul,
  notEqual,
  ones,
  Reduction,
  reshape,
  type Scalar,
  sum,
  type Tensor,
  tensor1d,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { type LayersModel, type LayerVariable, layers, type Shape } from '@tensorflow/tfjs-layers';
import { float32 } from '../arguments.ts';
import { calledBy } from '../called_by.ts';
import { type DistillationOptions, distillationLoss } from '../ops/distillation_loss.ts';
import { multiLabelDistillationLoss } from '../ops/multi_label_distillation_loss.ts';
import { withoutTape } from '../run_objective.ts';
import { NAME, type Outputs, sigmoidOptions } from './distiller_arguments.ts';
import { fitted, inputsOf, type ModelInputs } from './inputs.ts';
import { labelsLike } from './labels.ts';
import { type DistillationMetric, measure } from './measures.ts';
import { labelsOfSigmoids, measureSigmoids } from './multi_label.ts';
import { FirstOutputs, type Role } from './notice_endings.ts';
import { checkClasses } from './table.ts';
import { predictLogits, type TeacherModel } from './teacher.ts';

/** What a batch holds, in the order of the layer's inputs. */
export interface Columns {
  /** Inputs of the student, and those that the teacher alone takes. */
  x: number;
  teacherLogits: boolean;
  labels: boolean;
  weights: boolean;
}

export interface Distillation {
  student: LayersModel;
  /** Runs on each batch where its logits are not among the columns, on the inputs at these places. */
  teacher: { model: TeacherModel; inputs: ModelInputs; at: readonly number[] } | null;
  columns: Columns;
  outputs: Outputs;
  /** Of the loss of one batch; its labels and weights come with it. */
  options: Omit<DistillationOptions, 'labels' | 'weights'>;
  /** By class id; null for 1 each. Counts in training only, as in tfjs-layers. */
  classWeight: readonly number[] | null;
  measures: readonly DistillationMetric[];
}

interface Batch {
  x: readonly Tensor[];
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
  /** The public function that runs it, for errors. */
  caller: string = NAME;
  /** Of the last batch. */
  measured: { [metric in DistillationMetric]?: Tensor } = {};
  labels: Tensor | null = null;
  studentLogits: Tensor | null = null;
  /** Of each row of the last batch; null for 1 each. */
  rowWeights: Tensor | null = null;
  private readonly studentInputs: ModelInputs;
  readonly firstOutputs = new FirstOutputs();

  constructor(private readonly distillation: Distillation) {
    super({ name: `distillation_of_${distillation.student.name}` });
    this.studentInputs = inputsOf(distillation.student, 'student');
  }

  override computeOutputShape(): Shape {
    return [null, 1]; // for tfjs-layers, which wants targets of this shape; what call returns is a scalar
  }

  override call(inputs: Tensor | Tensor[], kwargs: { training?: boolean }): Tensor {
    const { student, options, measures } = this.distillation;
    const batch = this.unpack(Array.isArray(inputs) ? inputs : [inputs]);
    // As tfjs-layers feeds them.
    const x = student.inputs.map((_, k) => fitted(batch.x[k], this.studentInputs.inputs?.[k]));
    const studentLogits = student.apply(x.length === 1 ? x[0] : x, kwargs) as Tensor;
    const teacherLogits = batch.teacherLogits ?? this.runTeacher(batch.x);
    checkClasses(teacherLogits.shape.at(-1), studentLogits.shape.at(-1), this.caller);
    if (batch.teacherLogits !== null) this.lookAt(batch.teacherLogits, null, 'teacher');
    this.lookAt(studentLogits, student, 'student');
    const [labels, weights] = withoutTape(() => {
      const { shape } = studentLogits;
      const like = batch.labels === null ? null : this.labelsLike(batch.labels, shape);
      return [like, this.weightsOfRows(batch, like, studentLogits, kwargs.training === true)];
    });
    const complete: DistillationOptions = {
      ...options,
      ...(labels === null ? {} : { labels }),
      ...(weights === null ? {} : { weights }),
    };
    this.labels = labels;
    this.studentLogits = studentLogits;
    this.rowWeights = weights;
    if (this.distillation.outputs === 'sigmoid') {
      return this.lossOfSigmoids(teacherLogits, studentLogits, complete, kwargs.training === true);
    }
    return calledBy(this.caller, () => {
      if (measures.length > 0) {
        this.measured = withoutTape(() => measure(teacherLogits, studentLogits, complete));
      }
      return distillationLoss<Scalar>(teacherLogits, studentLogits, complete);
    });
  }

  private lossOfSigmoids(
    teacherLogits: Tensor,
    studentLogits: Tensor,
    { labels, weights, ...given }: DistillationOptions,
    isTraining: boolean,
  ): Tensor {
    const { measures, classWeight } = this.distillation;
    const options = {
      ...sigmoidOptions(given),
      ...(labels === undefined ? {} : { labels }),
      ...(weights === undefined ? {} : { weights }),
    };
    const classWeights = classWeight !== null && isTraining ? { classWeights: [...classWeight] } : {};
    return calledBy(this.caller, () => {
      if (measures.length > 0) {
        this.measured = withoutTape(() => measureSigmoids(teacherLogits, studentLogits, options));
      }
      return multiLabelDistillationLoss<Scalar>(teacherLogits, studentLogits, {
        ...options,
        ...classWeights,
      });
    });
  }

  private labelsLike(labels: Tensor, shape: number[]): Tensor {
    const { outputs, options } = this.distillation;
    return outputs === 'sigmoid'
      ? labelsOfSigmoids(labels, shape, this.caller)
      : labelsLike(labels, shape, options.ignoreIndex, this.caller);
  }

  /**
   * How much the last batch counts in means over batches: by the divisor of its loss, and by the sum of its weights, which is that of the metrics. A loss that is a sum counts
   * once.
   */
  weightsOfBatch(): { loss: number | Tensor; metrics: number | Tensor } {
    const { reduction = Reduction.SUM_BY_NONZERO_WEIGHTS } = this.distillation.options;
    const weights = this.rowWeights;
    const total = weights === null ? util.sizeFromShape(this.rowShape) : sum(weights);
    if (reduction === Reduction.SUM) return { loss: 1, metrics: total };
    if (reduction === Reduction.MEAN || weights === null) return { loss: total, metrics: total };
    return { loss: sum(cast(notEqual(weights, 0), 'float32')), metrics: total };
  }

  /** Of the last batch. */
  get rowShape(): number[] {
    return given(this.studentLogits, 'logits').shape.slice(0, -1);
  }

  private runTeacher(x: readonly Tensor[]): Tensor {
    const { model, inputs, at } = given(this.distillation.teacher, 'teacher');
    const ofTeacher = at.map((k) => x[k]);
    return predictLogits(model, ofTeacher, inputs, this.caller, (logits, of) =>
      this.lookAt(logits, of, 'teacher'),
    );
  }

  private lookAt(outputs: Tensor, model: object | null, role: Role): void {
    const { options, outputs: kind } = this.distillation;
    const { targets = 'logits' } = options;
    this.firstOutputs.lookAt(outputs, model, { role, targets, functionName: NAME, outputs: kind });
  }

  /** Columns for `call`, with the labels as the loss takes them, so that those of a batch need neither a reshape nor a cast. New tensors are the caller's. */
  withLabelsOfRows(columns: Tensor[]): Tensor[] {
    const { student, columns: given } = this.distillation;
    const shape = student.outputs[0].shape.slice(1);
    const sizes = shape.filter((size) => size !== null);
    if (!given.labels || sizes.length < shape.length) return columns;
    const at = given.x + Number(given.teacherLogits);
    const logitsShape = [columns[at].shape[0], ...sizes];
    const labels = tidy(() => this.labelsLike(columns[at], logitsShape));
    return columns.map((column, k) => (k === at ? labels : column));
  }

  private unpack(inputs: readonly Tensor[]): Batch {
    const { columns } = this.distillation;
    let next = columns.x;
    const column = (isGiven: boolean) => (isGiven ? inputs[next++] : null);
    return {
      x: inputs.slice(0, columns.x),
      teacherLogits: column(columns.teacherLogits),
      labels: column(columns.labels),
      weights: column(columns.weights),
    };
  }

  /** For each row the product of what the caller gave for its sample, the weight of its class, and 0 where it is ignored; null for 1 each. */
  private weightsOfRows(
    batch: Batch,
    labels: Tensor | null,
    studentLogits: Tensor,
    isTraining: boolean,
  ): Tensor | null {
    const { classWeight, options, outputs } = this.distillation;
    const rowShape = studentLogits.shape.slice(0, -1);
    const factors: Tensor[] = [];
    if (batch.weights !== null) factors.push(perRow(batch.weights, rowShape, this.caller));
    const hasIds = labels !== null && outputs === 'softmax';
    if (hasIds && (classWeight !== null || options.ignoreIndex !== undefined)) {
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

/** One weight for each sample, or for each row, as one for each row. */
function perRow(given: Tensor, rowShape: number[], functionName: string): Tensor {
  const weights = float32(given);
  if (weights.size === util.sizeFromShape(rowShape)) return reshape(weights, rowShape);
  if (weights.size !== rowShape[0]) {
    throw new Error(
      `${functionName}: sampleWeight must be one number for each sample, or for each row [${rowShape}]; got shape [${weights.shape}].`,
    );
  }
  const perSample = reshape(weights, [rowShape[0], ...rowShape.slice(1).fill(1)]);
  return mul(perSample, ones(rowShape));
}
