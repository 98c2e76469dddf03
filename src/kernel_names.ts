import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Measure } from '../kernels/metrics.ts';
import type { Objective, RowPassOutputs } from '../kernels/objective.ts';

/** The name of the loss kernel in tfjs's registry and profiler. It gives the student's gradient too while gradients are recorded. */
export const SoftmaxCrossEntropyWithTemperature = 'SoftmaxCrossEntropyWithTemperature';

/** One gradient of the loss, to the student or to the teacher, for an incoming gradient that only the backward pass knows. */
export const SoftmaxCrossEntropyWithTemperatureGrad = 'SoftmaxCrossEntropyWithTemperatureGrad';

/** The name of the metrics kernel in tfjs's registry and profiler. It gives the metrics of every row, [rows, 8], in the order of kernels/metrics.ts. */
export const DistillationMetrics = 'DistillationMetrics';

/** The product of two matrices, each transposed or not, added to `sum` in its place; `sum` may be left out. For gradients of linear heads, on the backends that can. */
export const AccumulatedMatMul = 'TfjsDistillAccumulatedMatMul';

/**
 * The tensors of all kernels. tfjs saves inputs for the backward pass by name, so every name is always there; a tensor of size 0 says
 * "not given". A type alias, not an interface: tfjs asks for an index signature.
 */
export type ObjectiveInputs<T extends TensorInfo = TensorInfo> = {
  /** v or p, float32 [..., C]. */
  teacher: T;
  /** z, float32 [..., C]. */
  student: T;
  /** T, float32, one value or one per row; or not given, then `attrs.temperature` is T. */
  temperature: T;
  /** Class ids, int32 [...], or a distribution, float32 [..., C]; or not given. */
  labels: T;
  /** float32, one value or one per row; or not given, for 1. */
  weights: T;
};

/** What a forward pass off the tape has computed, for the call that goes on the tape: see run_objective.ts. */
export type ComputedInputs<T extends TensorInfo = TensorInfo> = {
  /** The result itself; or not given. */
  loss: T;
  /** Its gradient to the student, float32 [..., C]; or not given. */
  dStudent: T;
};

/** How rows become the result: `none` keeps `[...]`, `sum` gives a scalar (a mean is a sum whose scale is 1/rows). */
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

/** Whether an optional tensor of a kernel was given. */
export function isGiven(tensor: TensorInfo): boolean {
  return !tensor.shape.includes(0);
}
