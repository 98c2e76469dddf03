import {
  add,
  cast,
  engine,
  equal,
  exp,
  greater,
  less,
  logicalNot,
  max,
  mul,
  reshape,
  slice,
  sum,
  Tensor,
  type TensorInfo,
  where,
} from '@tensorflow/tfjs-core';

/** A kernel may be handed either; a TensorInfo becomes a tensor that shares its data. */
export function asTensor(info: TensorInfo, shape: number[]): Tensor {
  if (info instanceof Tensor) return shaped(info, shape);
  engine().backend.incRef(info.dataId);
  return reshape(engine().makeTensorFromTensorInfo(info), shape);
}

/** On some backends a reshape that changes nothing is an op like another. */
export const shaped = (tensor: Tensor, shape: number[]): Tensor =>
  tensor.shape.join() === shape.join() ? tensor : reshape(tensor, shape);

export const anyClass = (condition: Tensor) => greater(max(cast(condition, 'float32'), 1, true), 0);
export const everyClass = (condition: Tensor) => logicalNot(anyClass(logicalNot(condition)));

const CHUNK = 256;

/**
 * Sums in two levels where classes are many: stock sums add one by one, which costs digits in float32. [rows,
 * 1].
 */
export function sumClasses(x: Tensor): Tensor {
  const [rows, classes = 1] = x.shape;
  const whole = Math.floor(classes / CHUNK) * CHUNK;
  if (classes < 4 * CHUNK) return sum(x, 1, true);
  const chunks = sum(reshape(slice(x, [0, 0], [rows, whole]), [rows, whole / CHUNK, CHUNK]), 2);
  const head = sum(chunks, 1, true);
  return whole === classes ? head : add(head, sum(slice(x, [0, whole], [rows, classes - whole]), 1, true));
}

/** x y, and 0 where x is 0, whatever y is. */
export const productOrZero = (x: Tensor, y: Tensor) => where(equal(x, 0), 0, mul(x, y));

/**
 * `x` times the weight of its term, which may be that of each row, [rows, 1]: a term of weight 0 is 0,
 * infinite or not.
 */
export const timesWeight = (weight: Tensor | number, x: Tensor): Tensor =>
  typeof weight === 'number' ? mul(x, weight) : productOrZero(weight, x);

/** Below this exp(x) counts as 0: see "Rows that are not finite" in MATH.md. */
const EXP_FLOOR = -87;

/** exp(x) with the floor that decides whether a class has any mass. */
export const expOrZero = (x: Tensor) => where(less(x, EXP_FLOOR), 0, exp(x));
