import {
  add,
  argMax,
  cast,
  concat,
  equal,
  expandDims,
  mul,
  neg,
  onesLike,
  reshape,
  sub,
  type Tensor,
  type TensorInfo,
  tidy,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { type RowMetrics, rowPassOf } from '../row_metrics.ts';
import { type Distribution, mean } from './distribution.ts';
import { hardValue } from './hard_term.ts';
import { type Rows, readRows, weighted } from './rows.ts';
import { divergenceOf } from './soft_term.ts';
import { asTensor } from './tensors.ts';

/**
 * The metrics as a composition of stock ops, for backends that have no kernel of ours: MATH (28)-(32), edge
 * rows included.
 */
export const rowMetrics: RowMetrics = (request) => {
  const { backend, rows, classes, measure } = request;
  const metrics = tidy(() => {
    const row = readRows(rowPassOf(request));
    const crossEntropy = divergenceOf(row, 'crossEntropy');
    const first = (logits: TensorInfo) => argMax(asTensor(logits, [rows, classes]), 1);
    const choice = first(request.student);
    const agrees = (other: Tensor) => expandDims(cast(equal(choice, other), 'float32'), 1);
    const none = zerosLike(crossEntropy);
    const isCorrect = () => {
      if (request.labels === null) return none;
      return agrees(measure.labels === 'classIds' ? asTensor(request.labels, [rows]) : first(request.labels));
    };
    const values = [
      crossEntropy,
      divergenceOf(row),
      teacherEntropy(row),
      entropy(row.student),
      agrees(first(request.teacher)),
      row.labels === null ? none : hardValue(row, row.labels),
      isCorrect(),
      onesLike(none),
    ];
    return concat(
      values.map((value) => weighted(row, reshape(value, [rows, 1]))),
      1,
    );
  });
  const { dataId, shape, dtype } = metrics;
  backend.incRef(dataId);
  metrics.dispose();
  return { dataId, shape, dtype };
};

/** MATH (16). */
function entropy(distribution: Distribution): Tensor {
  return add(distribution.logSum, mean(distribution, neg(distribution.scaled)));
}

/** -sum p log p, whatever p sums to. */
function teacherEntropy({ teacher, softened }: Rows): Tensor {
  const ofDistribution = entropy(teacher);
  return softened === null ? ofDistribution : mul(softened.sum, sub(ofDistribution, softened.logSum));
}
