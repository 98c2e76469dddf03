import { cast, equal, fill, reshape, type Tensor, tensor, where } from '@tensorflow/tfjs-core';
import type { LabelKind } from '../../kernels/objective.ts';
import { float32, numericTensor, type TensorArgument } from '../arguments.ts';
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
  student: Tensor,
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
    return { kind: 'classIds', tensor: withoutTape(() => classIds(labels, ignoreIndex)) };
  }
  throw new Error(
    `${functionName}: labels must be class ids of shape [${rowShape}] or a distribution of shape [${student.shape}]; got shape [${shape}].`,
  );
}

/**
 * Class ids as int32. Of float32 ids those that are no whole numbers become one outside of the classes: a cast would make a class of them, 0 of NaN where the
 * processor casts.
 */
export function classIds(labels: Tensor, ignoreIndex: number | undefined): Tensor {
  if (labels.dtype === 'int32') return share(labels);
  if (labels.dtype === 'bool') return cast(labels, 'int32');
  const outside = ignoreIndex === -1 ? -2 : -1;
  const values = valuesOnCpu(labels);
  if (values !== null) {
    const ids = Int32Array.from(values, (id) => (id === (id | 0) ? id : outside));
    return tensor(ids, labels.shape, 'int32');
  }
  const flat = reshape(labels, [labels.size]); // tfjs's GPU backends select up to rank 4
  const ids = cast(flat, 'int32');
  const isWhole = equal(cast(ids, 'float32'), flat);
  return reshape(where(isWhole, ids, fill(ids.shape, outside, 'int32')), labels.shape);
}
