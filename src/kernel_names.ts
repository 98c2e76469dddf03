import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Measure } from '../kernels/metrics.ts';
import type { Objective, RowPassOutputs } from '../kernels/objective.ts';

/**
 * The name of the loss kernel in tfjs's registry and profiler. It gives the student's gradient too while
 * gradients are recorded.
 */
export const SoftmaxCrossEntropyWithTemperature = 'SoftmaxCrossEntropyWithTemperature';

/**
 * One gradient of the loss, to the student or to the teacher, for an incoming gradient that only the backward
 * pass knows.
 */
export const SoftmaxCrossEntropyWithTemperatureGrad = 'SoftmaxCrossEntropyWithTemperatureGrad';

/**
 * The name of the metrics kernel in tfjs's registry and profiler. It gives the metrics of every row, [rows,
 * 8], in the order of kernels/metrics.ts.
 */
export const DistillationMetrics = 'DistillationMetrics';

/**
 * The product of two matrices, each transposed or not, added to `sum` in its place; `sum` may be left out.
 * For gradients of linear heads, on the backends that can.
 */
export const AccumulatedMatMul = 'TfjsDistillAccumulatedMatMul';

/**
 * What a forward pass off the tape has computed, for the call that goes on the tape: see run_objective.ts.
 */
export type ComputedInputs<T extends TensorInfo = TensorInfo> = {
  /** The result itself; or not given. */
  loss: T;
  /** Its gradient to the student, float32 [..., C]; or not given. */
  dStudent: T;
};

/**
 * How rows become the result: `none` keeps `[...]`, `sum` gives a scalar (a mean is a sum whose scale is
 * 1/rows).
 */
export type RowReduction = 'none' | 'sum';

export type ObjectiveAttrs = Objective & {
  /** T of every row; 0 if the input `temperature` gives it. */
  temperature: number;
  reduction: RowReduction;
  outputs: RowPassOutputs;
};

export type MetricsAttrs = Measure & {
  /** T of every row; 0 if the input `temperature` gives it. */
  temperature: number;
};
