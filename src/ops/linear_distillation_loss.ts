import {
  add,
  customGrad,
  engine,
  type GradSaveFunc,
  keep,
  mul,
  reshape,
  type Scalar,
  type Tensor,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { checkBoolean, float32, numericTensor, type TensorArgument } from '../arguments.ts';
import { knownConstant } from '../backends/values_on_cpu.ts';
import { calledBy } from '../called_by.ts';
import {
  type ChunkedLoss,
  chunkedGradients,
  chunkedLoss,
  defaultChunkRows,
  differentiableChunkedLoss,
  type TeacherRows,
  type WantedGradients,
} from '../linear_head/chunks.ts';
import {
  isFrozen,
  isLinearLogits,
  type LinearHead,
  type LinearLogits,
  linearHead,
} from '../linear_head/linear_logits.ts';
import { headGradient, temperatureGradient, weightsGradient } from '../linear_head/per_row_gradients.ts';
import { mapBeside } from '../objective_inputs.ts';
import { withoutTape } from '../run_objective.ts';
import { share } from '../share.ts';
import { checkOptions, type DistillationOptions, objectiveOf } from './distillation_loss.ts';

const NAME = 'linearDistillationLoss';

/** The options of {@link linearDistillationLoss}: those of {@link DistillationOptions}, and two of its own. */
export interface LinearDistillationOptions extends DistillationOptions {
  /**
   * How many rows have logits in memory at a time, a whole number of at least 1. Default: the largest power of two for which a chunk of logits has at most 2^21 numbers (8 MB), and at
   * least 32.
   */
  chunkRows?: number;
  /**
   * false: the kernel is a constant, and nothing is spent on its gradient, neither time nor memory. Default true; false where the kernel is a tf.Variable that is not trainable. The
   * bias is trained all the same.
   */
  trainKernel?: boolean;
}

/**
 * {@link distillationLoss} of logits that are the output of a linear layer, hidden · kernel + bias, without ever holding them whole: they are computed a few rows at a time, and their
 * gradient with them. For vocabularies: 1,024 tokens of 32,000 classes take 131 MB for each of the logits, their gradient, and the teacher's logits; here 8 MB.
 *
 * ```js
 * import { linearDistillationLoss } from 'tfjs-distill';
 *
 * const head = {hidden: x, kernel: tf.randomNormal([4, 10]), bias: tf.zeros([10])};
 * const loss = linearDistillationLoss(teacherLogits, head, {temperature: 4, labels, alpha: 0.1});
 * ```
 *
 * Value and gradients are those of the whole logits. Beyond its inputs and the gradients themselves a call holds up to 3 chunks of logits. The gradient of the kernel is one more kernel
 * on 'wasm', two while it is added up on 'cpu', three elsewhere; that of hidden twice its size. With `reduction: tf.Reduction.NONE` the logits are computed once more for each gradient that is asked for;
 * a gradient of a gradient is right too, and takes the memory of the whole logits.
 *
 * @param teacher v: logits `[..., C]` in memory (or probabilities, see `targets`), or {@link LinearLogits} with the same rows and classes as the student. A constant for gradients.
 * @param student z as {@link LinearLogits}. Gradients flow to hidden, kernel and bias.
 * @param options those of distillationLoss, `chunkRows` and `trainKernel`. `teacherGradient: true` is an error.
 * @returns float32: a scalar, or `[...]` with `reduction: tf.Reduction.NONE`; rows that are not finite as for distillationLoss. A row of weight 0, or ignored, counts for exactly 0 in every gradient,
 *     whatever its hidden values are.
 * @throws TypeError if an argument or option is of the wrong kind, or the kernel or the bias is not float32.
 * @throws RangeError if a number is out of range, or a word is none of those that an option knows.
 * @throws Error if shapes do not fit, an option is unknown, or it needs another option that is not given.
 */
export function linearDistillationLoss<O extends Tensor = Scalar>(
  teacher: TensorArgument | LinearLogits,
  student: LinearLogits,
  options: LinearDistillationOptions = {},
): O {
  const { chunkRows, trainKernel, ...lossOptions } = checkedOptionsObject(options);
  const checked = checkOptions(lossOptions, NAME);
  if (checked.teacherGradient) {
    throw new Error(
      `${NAME}: the teacher is a constant; teacherGradient must be false or left out; got true.`,
    );
  }
  return tidy(() => {
    const head = linearHead(student, 'student', NAME);
    const { tensors, attrs } = objectiveOf(lossOptions, checked, head.shape, NAME);
    const trains = checkBoolean(trainKernel ?? !isFrozen(student.kernel), 'trainKernel', NAME);
    const rows = head.hidden.shape[0];
    const classes = head.shape[head.shape.length - 1];
    const loss: ChunkedLoss = {
      teacher: withoutTape(() => teacherRows(teacher, head)),
      student: head,
      tensors: mapBeside(tensors, (tensor, name) =>
        name === 'labels'
          ? withoutTape(() => inShape(tensor, attrs.labels === 'distribution' ? [rows, classes] : [rows]))
          : inShape(tensor, [rows]),
      ),
      attrs,
      chunkRows: checkedChunkRows(chunkRows) ?? defaultChunkRows(classes),
    };
    const value = calledBy(NAME, () =>
      lossOnTape(loss, { hidden: true, kernel: trains, bias: head.bias !== null }),
    );
    return (attrs.reduction === 'none' ? reshape(value, head.shape.slice(0, -1)) : value) as O;
  });
}

function checkedOptionsObject(options: LinearDistillationOptions): LinearDistillationOptions {
  // What is no object, distillationLoss says in the same words.
  if (typeof options !== 'object' || options === null || Array.isArray(options)) checkOptions(options, NAME);
  return options;
}

function checkedChunkRows(chunkRows: number | undefined): number | undefined {
  if (chunkRows === undefined || (Number.isInteger(chunkRows) && chunkRows >= 1)) return chunkRows;
  throw new RangeError(`${NAME}: chunkRows must be a whole number of at least 1; got ${chunkRows}.`);
}

/** In that shape, but one value for all stays a scalar. What has the shape is left as it is: the tape need not hold on to it. */
function inShape(tensor: Tensor, shape: number[]): Tensor {
  return tensor.rank === 0 || tensor.rank === shape.length ? tensor : reshape(tensor, shape);
}

function teacherRows(teacher: TensorArgument | LinearLogits, student: LinearHead): TeacherRows {
  const text = (shape: readonly number[]) => `[${shape.join(',')}]`;
  const rows = student.hidden.shape[0];
  if (isLinearLogits(teacher)) {
    const head = linearHead(teacher, 'teacher', NAME);
    if (text(head.shape) === text(student.shape)) return { kind: 'linear', head };
    throw new Error(
      `${NAME}: teacher and student must have logits of the same shape; got ${text(head.shape)} and ${text(student.shape)}.`,
    );
  }
  const logits = numericTensor(teacher, 'teacher', NAME);
  if (text(logits.shape) !== text(student.shape)) {
    throw new Error(
      `${NAME}: teacher and student must have logits of the same shape; got ${text(logits.shape)} and ${text(student.shape)}.`,
    );
  }
  return { kind: 'dense', logits: reshape(float32(logits), [rows, student.shape[student.shape.length - 1]]) };
}

/** The loss, and on the tape what its gradients are made from. */
function lossOnTape(loss: ChunkedLoss, wanted: WantedGradients): Tensor {
  if (!engine().isTapeOn()) return chunkedLoss(loss);
  // A gradient of a gradient differentiates what computes the first one.
  const { student, tensors, attrs } = loss;
  if (engine().state.gradientDepth > 1) {
    const kernel = wanted.kernel ? student.kernel : share(student.kernel);
    return differentiableChunkedLoss({ ...loss, student: { ...student, kernel } });
  }
  const made = attrs.reduction === 'sum' ? withoutTape(() => chunkedGradients(loss, wanted)) : null;
  const value = made?.loss ?? withoutTape(() => chunkedLoss(loss));
  const names = (['hidden', 'kernel', 'bias'] as const).filter((name) => wanted[name]);
  const terms = names.map((name) => {
    const input = student[name];
    if (input === null) throw new Error(`${NAME}: a gradient to ${name} is wanted, which is not there.`);
    const stored = made?.[name] ?? null;
    return stored === null
      ? term(input, name === 'hidden' ? value : zerosLike(value), kept(loss), (dy, loss) =>
          headGradient(loss, name, dy),
        )
      : term(input, name === 'hidden' ? value : zerosLike(value), keptTensor(stored), scaled);
  });
  if (tensors.weights)
    terms.push(term(tensors.weights, zerosLike(value), kept(loss), (dy, loss) => weightsGradient(loss, dy)));
  for (const name of ['temperature', 'teacherTemperature'] as const) {
    const temperatures = tensors[name];
    if (temperatures === null) continue;
    terms.push(
      term(temperatures, zerosLike(value), kept(loss), (dy, loss) => temperatureGradient(loss, name, dy)),
    );
  }
  return terms.reduce((a, b) => add(a, b));
}

/** What a backward pass is given, and the tensors of it that tfjs disposes when the tape ends. */
interface Kept<T> {
  value: T;
  tensors: Tensor[];
}

/** The loss, with tensors of its own that share the data. */
function kept(loss: ChunkedLoss): Kept<ChunkedLoss> {
  const tensors: Tensor[] = [];
  const copy = <T extends Tensor | null>(tensor: T): T => {
    if (tensor === null) return tensor;
    tensors.push(keep(share(tensor)));
    return tensors[tensors.length - 1] as T;
  };
  const copyHead = (head: LinearHead): LinearHead => ({
    ...head,
    hidden: copy(head.hidden),
    kernel: copy(head.kernel),
    bias: copy(head.bias),
  });
  const { teacher, student } = loss;
  const value: ChunkedLoss = {
    ...loss,
    teacher:
      teacher.kind === 'dense'
        ? { kind: 'dense', logits: copy(teacher.logits) }
        : { kind: 'linear', head: copyHead(teacher.head) },
    student: copyHead(student),
    tensors: mapBeside(loss.tensors, copy),
  };
  return { value, tensors };
}

function keptTensor(tensor: Tensor): Kept<Tensor> {
  const value = keep(share(tensor));
  return { value, tensors: [value] };
}

/**
 * `value`, whose gradient to `input` is what `gradient` makes of dy. One such term for each input, and not one op with all of them: so tfjs asks only for the gradients that are wanted. What is kept goes to the
 * tape as it is, where customGrad's own `save` would clone, which on 'wasm' copies.
 */
function term<T>(
  input: Tensor,
  value: Tensor,
  { value: ofForwardPass, tensors }: Kept<T>,
  gradient: (dy: Tensor, ofForwardPass: T) => Tensor,
): Tensor {
  const result = customGrad((_: Tensor | GradSaveFunc) => ({
    value,
    gradFunc: (dy: Tensor) => gradient(dy, ofForwardPass),
  }))(input);
  engine()
    .state.activeTape?.at(-1)
    ?.saved?.push(...tensors);
  return result;
}

/** A stored gradient times dy; itself where dy is known to be 1. */
function scaled(dy: Tensor, stored: Tensor): Tensor {
  return knownConstant(dy) === 1 ? share(stored) : mul(stored, dy);
}
