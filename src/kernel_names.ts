import type { NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { Objective, RowPassOutputs } from '../kernels/objective.ts';

/** Value of the loss, and the student's gradient with it when asked for. */
export const SoftmaxCrossEntropyWithTemperature = 'SoftmaxCrossEntropyWithTemperature';

/** One gradient of the loss, to the student or to the teacher, for an incoming gradient that only the backward pass knows. */
export const SoftmaxCrossEntropyWithTemperatureGrad = 'SoftmaxCrossEntropyWithTemperatureGrad';

/** Tensors of both kernels. Logits are float32 `[..., C]`; per-row tensors hold one value or one per row. */
export interface ObjectiveInputs extends NamedTensorInfoMap {
  teacher: TensorInfo;
  student: TensorInfo;
}

/** How rows become the result: `none` keeps `[...]`, `sum` gives a scalar (a mean is a sum whose scale is 1/rows). */
export type RowReduction = 'none' | 'sum';

export interface SoftmaxCrossEntropyWithTemperatureAttrs extends Objective {
  /** T of every row; null if the input `temperature` gives it. */
  temperature: number | null;
  reduction: RowReduction;
  outputs: RowPassOutputs;
}
