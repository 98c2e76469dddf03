import {
  engine,
  gather,
  type Tensor,
  type TensorInfo,
  tensor2d,
  tensorScatterUpdate,
  util,
} from '@tensorflow/tfjs-core';
import { mapGiven } from '../../objective_inputs.ts';
import { rowPass as composedRowPass } from '../composed/row_pass.ts';
import { asTensor } from '../composed/tensors.ts';
import type { RowPassRequest } from '../row_pass.ts';
import type { TensorFlowBackendParts } from './tensors.ts';

type Request = RowPassRequest<TensorFlowBackendParts>;

/** MATH (1), or a term of it: the loss [rows], and its gradient [rows, classes] if that is wanted. */
export interface LossOfRows {
  loss: Tensor;
  gradient: Tensor | undefined;
}

/**
 * `computed`, with some of its rows by the composition of stock ops, which is handed these alone. Within a
 * tidy of the caller's.
 */
export function replaceRows(request: Request, computed: LossOfRows, rows: number[]): LossOfRows {
  const { loss, gradient } = composedRowPass(requestOfRows(request, rows));
  const indices = tensor2d(rows, [rows.length, 1], 'int32');
  const replaced = (tensor: Tensor, info: TensorInfo) =>
    tensorScatterUpdate(tensor, indices, engine().makeTensorFromTensorInfo(info));
  return {
    loss: loss ? replaced(computed.loss, loss) : computed.loss,
    gradient: computed.gradient && gradient ? replaced(computed.gradient, gradient) : undefined,
  };
}

function requestOfRows(request: Request, indices: number[]): Request {
  const { rows, classes, temperature, ...others } = request;
  const chosen = (info: TensorInfo): TensorInfo => {
    const size = util.sizeFromShape(info.shape);
    if (size === 1) return info;
    return gather(asTensor(info, size === rows ? [rows] : [rows, classes]), indices);
  };
  return {
    ...request,
    ...mapGiven({ ...others, temperature: null }, chosen),
    rows: indices.length,
    temperature: typeof temperature === 'number' ? temperature : chosen(temperature),
  };
}
