import {
  add,
  all,
  any,
  dispose,
  div,
  equal,
  greater,
  less,
  logicalAnd,
  logicalOr,
  max,
  maximum,
  min,
  minimum,
  mul,
  notEqual,
  oneHot,
  reshape,
  scalar,
  softmax,
  sub,
  sum,
  type Tensor,
  type TensorInfo,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import {
  type Divergence,
  hasOneTemperature,
  type Objective,
  type RowPassOutputs,
  type Targets,
} from '../../../kernels/objective.ts';
import { rowPass as composedRowPass } from '../composed/row_pass.ts';
import { asTensor, shaped } from '../composed/tensors.ts';
import type { RowPass, RowPassRequest, RowPassResult } from '../row_pass.ts';
import { replaceRows } from './replace_rows.ts';
import { detached, type TensorFlowBackendParts, typeAttribute } from './tensors.ts';

/**
 * What TensorFlow's SoftmaxCrossEntropyWithLogits can compute. It gives the cross entropy of its labels and logits, and the gradient to the logits, q - p: so it serves for CE and,
 * with the entropy of p, for KL, and for the student's gradient of both; with the roles exchanged for RKL, and its gradient to the teacher. It cannot compute `jsd`, the student's
 * gradient of `reverseKl`, the teacher's gradient of the others, `reverseKl` of probabilities, a teacher with a temperature of its own, probabilities that are softened, and rows of one class, whose gradient is exactly 0.
 */
export function fitsFusedOp(objective: Objective, outputs: RowPassOutputs, classes: number): boolean {
  const { targets, divergence } = objective;
  return classes > 1 && hasOneTemperature(objective) && FITTING[divergence][targets].includes(outputs);
}

const OF_STUDENT = ['loss', 'lossAndStudentGradient', 'studentGradient'] as const;
const OF_TEACHER = ['loss', 'teacherGradient'] as const;
const NONE = [] as const;

const FITTING: Readonly<Record<Divergence, Record<Targets, readonly RowPassOutputs[]>>> = {
  crossEntropy: { logits: OF_STUDENT, probabilities: OF_STUDENT },
  kl: { logits: OF_STUDENT, probabilities: OF_STUDENT },
  reverseKl: { logits: OF_TEACHER, probabilities: NONE },
  jsd: { logits: NONE, probabilities: NONE },
};

/** Of what the op computes: whether the roles are exchanged, and whether the entropy of the first argument is taken off. null: nothing. */
const BY_CROSS_ENTROPY: Readonly<
  Record<Divergence, { isExchanged: boolean; isLessEntropy: boolean } | null>
> = {
  crossEntropy: { isExchanged: false, isLessEntropy: false },
  kl: { isExchanged: false, isLessEntropy: true },
  reverseKl: { isExchanged: true, isLessEntropy: true },
  jsd: null,
};

/**
 * The row pass by that op, loss and gradient at once. The op is correct for ordinary rows; one bool that is read back says whether there are others. If the loss of any row is
 * NaN, the op runs once more, this time minding classes without mass that the logits mask: a padded vocabulary has some in every row, and calls without them need not pay for
 * that. The composition computes the rows that are left. Beside the result at most two tensors [rows, classes] are held, three with a hard term, and one more with masks.
 */
export const rowPassByFusedOp: RowPass<TensorFlowBackendParts> = (request) => {
  const { backend, rows, classes, outputs, student } = request;
  let result: RowPassResult = { loss: null, gradient: null };
  tidy(() => {
    const withMasks = expectsMasks.has(classes);
    let { others, ...computed } = rowsOfOp(request, withMasks);
    const mayHaveMasks = withMasks || (others.length > 0 && computed.loss.dataSync().some(Number.isNaN));
    if (mayHaveMasks && !hasMasks(student)) expectsMasks.delete(classes);
    else if (mayHaveMasks && !withMasks) {
      expectsMasks.add(classes);
      dispose(computed);
      ({ others, ...computed } = rowsOfOp(request, true));
    }
    if (others.length === rows) {
      dispose(computed);
      result = composedRowPass(request);
      return;
    }
    const { loss, gradient } = others.length === 0 ? computed : replaceRows(request, computed, others);
    const wantsLoss = outputs === 'loss' || outputs === 'lossAndStudentGradient';
    result = {
      loss: wantsLoss ? detached(backend, shaped(loss, student.shape.slice(0, -1))) : null,
      gradient: gradient ? detached(backend, shaped(gradient, student.shape)) : null,
    };
  });
  return result;
};

/**
 * Numbers of classes whose last call had masks: the next looks for them at once. That saves an attempt and changes no bit of a result, because an attempt computes all rows, and
 * those without masks alike.
 */
const expectsMasks = new Set<number>();

const MASK = Number.NEGATIVE_INFINITY;

const hasMasks = (logits: TensorInfo): boolean =>
  tidy(() => any(equal(asTensor(logits, logits.shape), MASK)).dataSync()[0] !== 0);

/** `others`: the rows that are not ordinary. */
function rowsOfOp(request: Request, withMasks: boolean): LossOfRows & { others: number[] } {
  const { isOrdinary, ...computed } = ordinaryRows(request, withMasks);
  const others = all(isOrdinary).dataSync()[0] ? [] : indicesOfFalse(isOrdinary.dataSync());
  return { ...computed, others };
}

function indicesOfFalse(values: ArrayLike<number>): number[] {
  const indices: number[] = [];
  for (let n = 0; n < values.length; n++) if (!values[n]) indices.push(n);
  return indices;
}

type Request = RowPassRequest<TensorFlowBackendParts>;

/** A number for all rows, or a tensor of one value or of one per row. */
type PerRow = number | Tensor;

/** MATH (1), or a term of it: the loss [rows], and its gradient [rows, classes] if that is wanted. */
export type LossOfRows = {
  loss: Tensor;
  gradient: Tensor | undefined;
};

/** Right where `isOrdinary`, bool [rows]: the loss is a number, T and the class id are valid, and by MATH (20) the row is not near. */
function ordinaryRows(request: Request, withMasks: boolean): LossOfRows & { isOrdinary: Tensor } {
  const { rows, classes, objective, outputs, labels } = request;
  const teacher = asTensor(request.teacher, [rows, classes]);
  const student = asTensor(request.student, [rows, classes]);
  const temperature = perRow(request.temperature);
  const weight = request.weights ? perRow(request.weights) : 1;
  const conditions: Tensor[] = [];
  if (typeof temperature !== 'number')
    conditions.push(greater(temperature, 0), less(temperature, Number.POSITIVE_INFINITY));

  if (objective.targets === 'logits') {
    const range = rangeOfDifferences(request, teacher, student, withMasks);
    const isFar = greater(range, times(temperature, 1 / 4));
    conditions.push(typeof weight === 'number' ? isFar : logicalOr(isFar, equal(weight, 0)));
  } else if (withMasks) {
    conditions.push(greater(max(student, 1), MASK)); // of logits the range is no number where all are masked
  }
  if (labels !== null && objective.labels === 'classIds') {
    const classIds = asTensor(labels, [rows]);
    conditions.push(equal(classIds, nearestClass(classIds, classes)));
  }

  const factor = times(weight, objective.scale);
  let { loss, gradient } = softTerm(request, teacher, student, temperature, factor, withMasks);
  if (labels !== null && outputs !== 'teacherGradient') {
    const hard = hardTerm(request, labels, student, factor, withMasks);
    loss = add(loss, hard.loss);
    gradient = gradient && hard.gradient && add(gradient, hard.gradient);
  }

  // NaN and +Infinity in a row make its loss NaN; so does, as 0 times Infinity, a masked class without mass that was not looked for. For a masked class with mass the op is correct.
  const isNumber = equal(loss, loss);
  return { loss, gradient, isOrdinary: conditions.reduce((a, b) => logicalAnd(a, b), isNumber) };
}

const perRow = (given: number | TensorInfo): PerRow =>
  typeof given === 'number' ? given : asTensor(given, [given.shape.reduce((product, n) => product * n, 1)]);

function times(a: Tensor, b: PerRow): Tensor;
function times(a: PerRow, b: PerRow): PerRow;
function times(a: PerRow, b: PerRow): PerRow {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  return a === 1 ? b : b === 1 ? a : mul(a, b);
}

const over = (a: PerRow, b: PerRow): PerRow =>
  typeof a === 'number' && typeof b === 'number' ? a / b : div(a, b);

/** A factor of each row as it multiplies [rows, classes]. */
const column = (x: PerRow): PerRow => (typeof x === 'number' ? x : reshape(x, [x.size, 1]));

/** max d - min d of d = z - v, [rows]: MATH (20) calls a row near where that is at most T/4. With masks, d of a class that both mask does not count. */
const rangeOfDifferences = (
  { backend }: Request,
  teacher: Tensor,
  student: Tensor,
  withMasks: boolean,
): Tensor =>
  tidy(() => {
    const d = sub(student, teacher);
    if (!withMasks) return sub(max(d, 1), min(d, 1));
    const isMaskedInBoth = notEqual(d, d); // or the row is NaN, which its loss tells
    const without = (limit: number) => select(backend, isMaskedInBoth, limit, d);
    const most = tidy(() => max(without(Number.NEGATIVE_INFINITY), 1));
    return sub(most, min(without(Number.POSITIVE_INFINITY), 1));
  });

/** `value` where the condition holds, else x; tfjs's `where` would write a tensor of as many values first. */
const select = (backend: TensorFlowBackendParts, condition: Tensor, value: number, x: Tensor): Tensor =>
  tidy(() =>
    backend.executeSingleOutput(
      'SelectV2',
      [typeAttribute(backend, 'T', backend.binding.TF_FLOAT)],
      [condition, scalar(value), x],
    ),
  );

/** `factor` softWeight t D, and its gradient to the student; of reverseKl to the teacher. */
function softTerm(
  { backend, objective, outputs }: Request,
  teacher: Tensor,
  student: Tensor,
  temperature: PerRow,
  factor: PerRow,
  withMasks: boolean,
): LossOfRows {
  const { targets, divergence, softWeight, scaleByTemperatureSquared } = objective;
  const by = BY_CROSS_ENTROPY[divergence];
  if (by === null) throw new Error(`softTerm: '${divergence}' is no cross entropy.`);
  const [first, second] = by.isExchanged ? [student, teacher] : [teacher, student];
  const soft = times(factor, softWeight);
  const ofLoss = scaleByTemperatureSquared ? times(soft, times(temperature, temperature)) : soft;
  const ofGradient = scaleByTemperatureSquared ? times(soft, temperature) : over(soft, temperature);
  return tidy(() => {
    const mass = targets === 'logits' ? 1 : sum(first, 1);
    const { loss, gradient } = tidy(() => {
      const p = targets === 'logits' ? tidy(() => softmax(softened(first, temperature))) : first;
      const negativeEntropy = by.isLessEntropy ? sumOfXLogX(backend, p) : null;
      const { loss, gradient } = crossEntropy(backend, softened(second, temperature), p, { mass, withMasks });
      return {
        loss: negativeEntropy ? add(loss, negativeEntropy) : loss,
        gradient: outputs === 'loss' ? undefined : gradient,
      };
    });
    // Of two distributions no divergence is negative; rounding may say otherwise. NaN must stay.
    const isDivergence = by.isLessEntropy && targets === 'logits';
    const cut = isDivergence ? where(less(loss, 0), zerosLike(loss), loss) : loss;
    return {
      loss: times(cut, ofLoss),
      gradient: gradient && times(gradient, column(times(mass, ofGradient))),
    };
  });
}

/** `factor` hardWeight H, and its gradient to the student. */
function hardTerm(
  { backend, objective, outputs, rows, classes }: Request,
  given: TensorInfo,
  student: Tensor,
  factor: PerRow,
  withMasks: boolean,
): LossOfRows {
  const { labelSmoothing: eps, hardWeight } = objective;
  const hard = times(factor, hardWeight);
  return tidy(() => {
    let labels: Tensor;
    let mass: PerRow = 1;
    if (objective.labels === 'classIds') {
      const classIds = nearestClass(asTensor(given, [rows]), classes);
      const smoothed = [1 - eps + eps / classes, eps / classes] as const;
      labels = eps === 0 ? classIds : oneHot(classIds, classes, ...smoothed, 'float32');
    } else {
      const distribution = asTensor(given, [rows, classes]);
      labels = eps === 0 ? distribution : tidy(() => add(mul(distribution, 1 - eps), eps / classes));
      mass = sum(labels, 1);
    }
    const { loss, gradient } = crossEntropy(backend, student, labels, { mass, withMasks });
    return {
      loss: times(loss, hard),
      gradient: outputs === 'loss' ? undefined : times(gradient, column(times(mass, hard))),
    };
  });
}

/** The ids, but those that are no class, at which the op throws on a processor. */
const nearestClass = (ids: Tensor, classes: number): Tensor =>
  minimum(maximum(ids, scalar(0, 'int32')), scalar(classes - 1, 'int32'));

/** x/T, but for a shift of the row. Large logits are shifted first: times 1/T they would lose the digits of their differences, unless that is a power of two. */
function softened(logits: Tensor, temperature: PerRow): Tensor {
  if (typeof temperature === 'number' && Number.isInteger(Math.log2(temperature)))
    return times(logits, 1 / temperature);
  return tidy(() => {
    const belowMaximum = sub(logits, max(logits, 1, true));
    return typeof temperature === 'number'
      ? mul(belowMaximum, 1 / temperature)
      : div(belowMaximum, column(temperature));
  });
}

/**
 * By one op -sum labels log q, q = softmax(logits), [rows], and q - labels/mass, [rows, classes]: its gradient to the logits over `mass`, the sum of the labels. Labels that are
 * class ids have no sum to be given, and no mass where the logits may be masked: those the op leaves out by itself.
 */
function crossEntropy(
  backend: TensorFlowBackendParts,
  logits: Tensor,
  labels: Tensor,
  { mass, withMasks }: { mass: PerRow; withMasks: boolean },
): { loss: Tensor; gradient: Tensor } {
  const { TF_FLOAT, TF_INT32 } = backend.binding;
  return tidy(() => {
    const type = typeAttribute(backend, 'T', TF_FLOAT);
    const [loss, gradient] =
      labels.dtype === 'int32'
        ? backend.executeMultipleOutputs(
            'SparseSoftmaxCrossEntropyWithLogits',
            [type, typeAttribute(backend, 'Tlabels', TF_INT32)],
            [logits, labels],
            2,
          )
        : backend.executeMultipleOutputs(
            'SoftmaxCrossEntropyWithLogits',
            [type],
            [
              withMasks ? withoutMasksOfNoMass(backend, logits, labels) : logits,
              mass === 1 ? labels : div(labels, column(mass)),
            ],
            2,
          );
    return { loss: times(loss, mass), gradient };
  });
}

/** The lowest number, near enough: below all logits, and however far, 0 times it is 0 and its exponential too. */
const LOWEST = -3.4e38;

/** The logits, LOWEST for -Infinity where the labels are 0. */
const withoutMasksOfNoMass = (backend: TensorFlowBackendParts, logits: Tensor, labels: Tensor): Tensor =>
  tidy(() => select(backend, logicalAnd(equal(labels, 0), equal(logits, MASK)), LOWEST, logits));

/** sum x log x, [rows], 0 where x is 0. */
const sumOfXLogX = (backend: TensorFlowBackendParts, x: Tensor): Tensor =>
  tidy(() =>
    sum(
      backend.executeSingleOutput('Xlogy', [typeAttribute(backend, 'T', backend.binding.TF_FLOAT)], [x, x]),
      1,
    ),
  );
