import {
  add,
  div,
  equal,
  log,
  logicalAnd,
  logicalNot,
  mul,
  neg,
  sub,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import type { Objective } from '../../../kernels/objective.ts';
import type { Rows } from './rows.ts';
import { anyClass, expOrZero, productOrZero, sumClasses } from './tensors.ts';

/** H of MATH (18). */
export function hardValue({ objective, belowMaximum, student }: Rows, labels: Tensor): Tensor {
  const target = smoothed(labels, objective);
  const logSum = log(sumClasses(expOrZero(belowMaximum)));
  const value = add(mul(sumClasses(target), logSum), sumClasses(productOrZero(target, neg(belowMaximum))));
  const lacking = anyClass(logicalAnd(student.masked, logicalNot(equal(target, 0))));
  return where(lacking, Number.POSITIVE_INFINITY, value);
}

/** dH/dz of MATH (2). */
export function hardGradient({ objective, belowMaximum }: Rows, labels: Tensor): Tensor {
  const target = smoothed(labels, objective);
  const exponentials = expOrZero(belowMaximum);
  const r = div(exponentials, sumClasses(exponentials));
  return sub(mul(r, sumClasses(target)), target);
}

/** y' of MATH (2). */
function smoothed(labels: Tensor, { labelSmoothing }: Objective): Tensor {
  return labelSmoothing === 0
    ? labels
    : add(mul(labels, 1 - labelSmoothing), labelSmoothing / (labels.shape[1] ?? 1));
}
