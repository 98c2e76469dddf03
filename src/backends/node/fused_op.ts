import {
  add,
  all,
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
} from '../../../kernels/objective.ts';
import { rowPass as composedRowPass } from '../composed/row_pass.ts';
import { asTensor, shaped } from '../composed/tensors.ts';
import type { RowPass, RowPassRequest, RowPassResult } from '../row_pass.ts';
import { type LossOfRows, replaceRows } from './replace_rows.ts';
import { detached, type TensorFlowBackendParts, typeAttribute } from './tensors.ts';

/**
 * What TensorFlow's SoftmaxCrossEntropyWithLogits gives for each divergence: the cross entropy of its labels
 * and logits with the gradient to the logits, q - p, so all of CE, and all of KL but the entropy of p.
 */
const GIVES: Readonly<Record<Divergence, 'all' | 'allButEntropy' | 'nothing'>> = {
  crossEntropy: 'all',
  kl: 'allButEntropy',
  reverseKl: 'nothing',
  jsd: 'nothing',
};

/**
 * Whether the op serves. It knows one temperature and no gradient to its labels, and of a row of one class
 * the gradient is exactly 0.
 */
export function fitsFusedOp(objective: Objective, outputs: RowPassOutputs, classes: number): boolean {
  return (
    classes > 1 &&
    outputs !== 'teacherGradient' &&
    hasOneTemperature(objective) &&
    GIVES[objective.divergence] !== 'nothing'
  );
}

type Request = RowPassRequest<TensorFlowBackendParts>;

/**
 * The row pass by that op, loss and gradient at once. The op is correct for ordinary rows; one bool that is
 * read back says whether there are others, which the composition computes: rows that are near, not finite, or
 * mask a class without mass, as a padded vocabulary does. Beside the result at most two tensors [rows,
 * classes] are held, three with a hard term, four if it smooths a distribution.
 */
export const rowPassByFusedOp: RowPass<TensorFlowBackendParts> = (request) => {
  const { backend, rows, outputs, student } = request;
  let result: RowPassResult = { loss: null, gradient: null };
  tidy(() => {
    const { isOrdinary, ...computed } = ordinaryRows(request);
    const others = all(isOrdinary).dataSync()[0] ? [] : indicesOfFalse(isOrdinary.dataSync());
    if (others.length === rows) {
      dispose(computed);
      result = composedRowPass(request);
      return;
    }
    const { loss, gradient } = others.length === 0 ? computed : replaceRows(request, computed, others);
    result = {
      loss:
        outputs === 'studentGradient' ? null : detached(backend, shaped(loss, student.shape.slice(0, -1))),
      gradient: gradient ? detached(backend, shaped(gradient, student.shape)) : null,
    };
  });
  return result;
};

function indicesOfFalse(values: ArrayLike<number>): number[] {
  const indices: number[] = [];
  for (let n = 0; n < values.length; n++) if (!values[n]) indices.push(n);
  return indices;
}

/** A number for all rows, or a tensor of one value or of one per row. */
type PerRow = number | Tensor;

/**
 * Right where `isOrdinary`, bool [rows]: the loss is a number, T and the class id are valid, and by MATH (20)
 * the row is not near.
 */
function ordinaryRows(request: Request): LossOfRows & { isOrdinary: Tensor } {
  const { rows, classes, objective, labels } = request;
  const teacher = asTensor(request.teacher, [rows, classes]);
  const student = asTensor(request.student, [rows, classes]);
  const temperature = perRow(request.temperature);
  const weight = request.weights ? perRow(request.weights) : 1;
  const conditions: Tensor[] = [];
  if (typeof temperature !== 'number')
    conditions.push(greater(temperature, 0), less(temperature, Number.POSITIVE_INFINITY));
  if (objective.targets === 'logits') {
    const isFar = greater(rangeOfDifferences(teacher, student), product(temperature, 1 / 4));
    conditions.push(typeof weight === 'number' ? isFar : logicalOr(isFar, equal(weight, 0)));
  }
  if (labels !== null && objective.labels === 'classIds') {
    const classIds = asTensor(labels, [rows]);
    conditions.push(equal(classIds, nearestClass(classIds, classes)));
  }

  const factor = product(weight, objective.scale);
  let { loss, gradient } = softTerm(request, teacher, student, temperature, factor);
  if (labels !== null) {
    const hard = hardTerm(request, labels, student, factor);
    loss = add(loss, hard.loss);
    gradient = gradient && hard.gradient && add(gradient, hard.gradient);
  }

  // NaN and +Infinity in a row make its loss NaN; so does, as 0 times Infinity, a masked class without mass.
  // For a masked class with mass the op is correct.
  const isNumber = equal(loss, loss);
  return { loss, gradient, isOrdinary: conditions.reduce((a, b) => logicalAnd(a, b), isNumber) };
}

const perRow = (given: number | TensorInfo): PerRow =>
  typeof given === 'number' ? given : asTensor(given, [given.shape.reduce((size, n) => size * n, 1)]);

function product(a: Tensor, b: PerRow): Tensor;
function product(a: PerRow, b: PerRow): PerRow;
function product(a: PerRow, b: PerRow): PerRow {
  if (typeof a === 'number' && typeof b === 'number') return a * b;
  return a === 1 ? b : b === 1 ? a : mul(a, b);
}

const quotient = (a: PerRow, b: PerRow): PerRow =>
  typeof a === 'number' && typeof b === 'number' ? a / b : div(a, b);

/** A factor of each row as it multiplies [rows, classes]. */
const column = (x: PerRow): PerRow => (typeof x === 'number' ? x : reshape(x, [x.size, 1]));

/**
 * max d - min d of d = z - v, [rows]: MATH (20) calls a row near where that is at most T/4. NaN where both
 * mask a class.
 */
const rangeOfDifferences = (teacher: Tensor, student: Tensor): Tensor =>
  tidy(() => {
    const d = sub(student, teacher);
    return sub(max(d, 1), min(d, 1));
  });

/** `factor` softWeight t D, and its gradient to the student. */
function softTerm(
  { backend, objective, outputs }: Request,
  teacher: Tensor,
  student: Tensor,
  temperature: PerRow,
  factor: PerRow,
): LossOfRows {
  const { targets, divergence, softWeight, scaleByTemperatureSquared } = objective;
  const isLessEntropy = GIVES[divergence] === 'allButEntropy';
  const soft = product(factor, softWeight);
  const ofLoss = scaleByTemperatureSquared ? product(soft, product(temperature, temperature)) : soft;
  const ofGradient = scaleByTemperatureSquared ? product(soft, temperature) : quotient(soft, temperature);
  return tidy(() => {
    const teacherSum = targets === 'logits' ? 1 : sum(teacher, 1);
    const { loss, gradient } = tidy(() => {
      const p = targets === 'logits' ? tidy(() => softmax(scaled(teacher, temperature))) : teacher;
      const negativeEntropy = isLessEntropy ? sumOfXLogX(backend, p) : null;
      const { loss, gradient } = crossEntropy(backend, scaled(student, temperature), p, teacherSum);
      return {
        loss: negativeEntropy ? add(loss, negativeEntropy) : loss,
        gradient: outputs === 'loss' ? undefined : gradient,
      };
    });
    // Of two distributions no divergence is negative; rounding may say otherwise. NaN must stay.
    const isDivergence = isLessEntropy && targets === 'logits';
    const cut = isDivergence ? where(less(loss, 0), zerosLike(loss), loss) : loss;
    return {
      loss: product(cut, ofLoss),
      gradient: gradient && product(gradient, column(product(teacherSum, ofGradient))),
    };
  });
}

/** `factor` hardWeight H, and its gradient to the student. */
function hardTerm(
  { backend, objective, outputs, rows, classes }: Request,
  given: TensorInfo,
  student: Tensor,
  factor: PerRow,
): LossOfRows {
  const { labelSmoothing: eps, hardWeight } = objective;
  const hard = product(factor, hardWeight);
  return tidy(() => {
    let labels: Tensor;
    let labelSum: PerRow = 1;
    if (objective.labels === 'classIds') {
      const classIds = nearestClass(asTensor(given, [rows]), classes);
      const smoothed = [1 - eps + eps / classes, eps / classes] as const;
      labels = eps === 0 ? classIds : oneHot(classIds, classes, ...smoothed, 'float32');
    } else {
      const distribution = asTensor(given, [rows, classes]);
      labels = eps === 0 ? distribution : tidy(() => add(mul(distribution, 1 - eps), eps / classes));
      labelSum = sum(labels, 1);
    }
    const { loss, gradient } = crossEntropy(backend, student, labels, labelSum);
    return {
      loss: product(loss, hard),
      gradient: outputs === 'loss' ? undefined : product(gradient, column(product(labelSum, hard))),
    };
  });
}

/** The ids, but those that are no class, at which the op throws on a processor. */
const nearestClass = (ids: Tensor, classes: number): Tensor =>
  minimum(maximum(ids, scalar(0, 'int32')), scalar(classes - 1, 'int32'));

/**
 * x/T, but for a shift of the row. Large logits are shifted first: times 1/T they would lose the digits of
 * their differences, unless that is a power of two.
 */
function scaled(logits: Tensor, temperature: PerRow): Tensor {
  if (typeof temperature === 'number' && Number.isInteger(Math.log2(temperature)))
    return product(logits, 1 / temperature);
  return tidy(() => {
    const belowMaximum = sub(logits, max(logits, 1, true));
    return typeof temperature === 'number'
      ? mul(belowMaximum, 1 / temperature)
      : div(belowMaximum, column(temperature));
  });
}

/**
 * By one op -sum labels log q, q = softmax(logits), [rows], and q - labels/labelSum, [rows, classes]: its
 * gradient to the logits over the sum of the labels. Labels are class ids, whose sum is 1, or [rows,
 * classes].
 */
function crossEntropy(
  backend: TensorFlowBackendParts,
  logits: Tensor,
  labels: Tensor,
  labelSum: PerRow,
): { loss: Tensor; gradient: Tensor } {
  const type = typeAttribute(backend, 'T', backend.binding.TF_FLOAT);
  return tidy(() => {
    const [loss, gradient] =
      labels.dtype === 'int32'
        ? backend.executeMultipleOutputs(
            'SparseSoftmaxCrossEntropyWithLogits',
            [type, typeAttribute(backend, 'Tlabels', backend.binding.TF_INT32)],
            [logits, labels],
            2,
          )
        : backend.executeMultipleOutputs(
            'SoftmaxCrossEntropyWithLogits',
            [type],
            [logits, labelSum === 1 ? labels : div(labels, column(labelSum))],
            2,
          );
    return { loss: product(loss, labelSum), gradient };
  });
}

/** sum x log x, [rows], 0 where x is 0. */
const sumOfXLogX = (backend: TensorFlowBackendParts, x: Tensor): Tensor =>
  tidy(() =>
    sum(
      backend.executeSingleOutput('Xlogy', [typeAttribute(backend, 'T', backend.binding.TF_FLOAT)], [x, x]),
      1,
    ),
  );
