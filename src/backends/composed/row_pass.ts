import { add, cast, reshape, type Tensor, type TensorInfo, tidy, zerosLike } from '@tensorflow/tfjs-core';
import type { RowPass, RowPassResult } from '../row_pass.ts';
import { hardGradient, hardValue } from './hard_term.ts';
import { type Rows, readRows, weighted } from './rows.ts';
import { softGradient, softTeacherGradient, softValue } from './soft_term.ts';
import { timesWeight } from './tensors.ts';

/**
 * The row pass as a composition of stock ops, for backends that have no kernel of ours: MATH (1)-(27),
 * (33)-(37), edge rows included. Right on any backend that has the stock element-wise ops and sums, but slow:
 * about a hundred kernels and a dozen [rows, classes] temporaries.
 */
export const rowPass: RowPass = (request) => {
  const { backend, outputs, student } = request;
  const result: RowPassResult = { loss: null, gradient: null };
  // In the caller's shapes: TensorFlow keeps a shape with the data, and a TensorInfo that says another is not
  // believed.
  // What the caller owns must outlive the tidy that ends the tensor.
  const detach = (tensor: Tensor): TensorInfo => {
    backend.incRef(tensor.dataId);
    return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
  };
  tidy(() => {
    const row = readRows(request);
    if (outputs === 'loss' || outputs === 'lossAndStudentGradient') {
      result.loss = detach(reshape(weighted(row, loss(row)), student.shape.slice(0, -1)));
    }
    if (outputs !== 'loss') {
      const gradient = outputs === 'teacherGradient' ? teacherGradient(row) : studentGradient(row);
      result.gradient = detach(reshape(weighted(row, gradient), student.shape));
    }
  });
  return result;
};

/** MATH (1) without w. */
function loss(row: Rows): Tensor {
  const { softWeight, hardWeight } = row;
  const terms: Tensor[] = [];
  if (softWeight !== 0) terms.push(softValue(row));
  if (row.labels && hardWeight !== 0) terms.push(timesWeight(hardWeight, hardValue(row, row.labels)));
  return terms.length === 0 ? zerosLike(cast(row.invalid, 'float32')) : terms.reduce((a, b) => add(a, b));
}

function studentGradient(row: Rows): Tensor {
  const { softWeight, hardWeight } = row;
  const terms: Tensor[] = [];
  if (softWeight !== 0) terms.push(softGradient(row));
  if (row.labels && hardWeight !== 0) terms.push(timesWeight(hardWeight, hardGradient(row, row.labels)));
  return terms.length === 0 ? zerosLike(row.belowMaximum) : terms.reduce((a, b) => add(a, b));
}

function teacherGradient(row: Rows): Tensor {
  return row.softWeight === 0 ? zerosLike(row.belowMaximum) : softTeacherGradient(row);
}
