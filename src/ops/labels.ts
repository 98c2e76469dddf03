import { cast, type Tensor } from '@tensorflow/tfjs-core';
import type { LabelKind } from '../../kernels/objective.ts';
import { float32, numericTensor, type TensorArgument } from '../arguments.ts';
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
    const ids = labels.dtype === 'int32' ? share(labels) : withoutTape(() => cast(labels, 'int32'));
    return { kind: 'classIds', tensor: ids };
  }
  throw new Error(
    `${functionName}: labels must be class ids of shape [${rowShape}] or a distribution of shape [${student.shape}]; got shape [${shape}].`,
  );
}
