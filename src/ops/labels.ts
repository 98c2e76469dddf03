import { cast, equal, fill, reshape, Tensor, tensor, where } from '@tensorflow/tfjs-core';
import type { LabelKind } from '../../kernels/objective.ts';
import { float32, numbersOf, numericTensor, type TensorArgument } from '../arguments.ts';
import { valuesOnCpu } from '../backends/values_on_cpu.ts';
import { withoutTape } from '../run_objective.ts';
import { share } from '../share.ts';

export interface Labels {
  kind: LabelKind;
  tensor: Tensor | null;
}

/** Class ids have the shape of the rows, a distribution that of the logits. */
export function labelsArgument(
  value: TensorArgument | undefined,
  student: { shape: readonly number[] },
  ignoreIndex: number | undefined,
  functionName: string,
): Labels {
  if (value === undefined) return { kind: 'none', tensor: null };
  const labels = numericTensor(value, 'labels', functionName);
  const shape = labels.shape.join(',');
  if (shape === student.shape.join(',')) {
    return { kind: 'distribution', tensor: share(withoutTape(() => float32(labels))) };
  }
  const rowShape = student.shape.slice(0, -1);
  if (shape === rowShape.join(',') && labels.rank === rowShape.length) {
    return { kind: 'classIds', tensor: classIdsArgument(value, labels, ignoreIndex) };
  }
  throw new Error(
    `${functionName}: labels must be class ids of shape [${rowShape}] or a distribution of shape [${student.shape}]; got shape [${shape}].`,
  );
}

/** The argument, of which `ids` is the tensor, as int32. */
export function classIdsArgument(
  value: TensorArgument,
  ids: Tensor,
  ignoreIndex: number | undefined,
): Tensor {
  // Of an array the array itself is read: a float32 tensor would round large ids.
  return value instanceof Tensor || ids.dtype !== 'float32'
    ? withoutTape(() => classIds(ids, ignoreIndex))
    : idTensor(numbersOf(value), ids.shape, ignoreIndex);
}

/**
 * Class ids as int32. Of float32 ids those that are no whole numbers become one outside of the classes: a cast would make a class of them, 0 of NaN where the
 * processor casts.
 */
export function classIds(labels: Tensor, ignoreIndex: number | undefined): Tensor {
  if (labels.dtype === 'int32') return share(labels);
  if (labels.dtype === 'bool') return cast(labels, 'int32');
  const values = valuesOnCpu(labels);
  if (values !== null) return idTensor(values, labels.shape, ignoreIndex);
  const outside = outsideOfClasses(ignoreIndex);
  const flat = reshape(labels, [labels.size]); // tfjs's GPU backends select up to rank 4
  const ids = cast(flat, 'int32');
  const isWhole = equal(cast(ids, 'float32'), flat);
  return reshape(where(isWhole, ids, fill(ids.shape, outside, 'int32')), labels.shape);
}

/** Class ids that are at hand. */
function idTensor(values: Iterable<number>, shape: number[], ignoreIndex: number | undefined): Tensor {
  const outside = outsideOfClasses(ignoreIndex);
  return tensor(
    Int32Array.from(values, (id) => (id === (id | 0) ? id : outside)),
    shape,
    'int32',
  );
}

/** An id that is no class, and is not ignored either. */
const outsideOfClasses = (ignoreIndex: number | undefined) => (ignoreIndex === -1 ? -2 : -1);
