import type { TensorInfo, TypedArray } from '@tensorflow/tfjs-core';
import {
  rowMetrics as javaScriptRowMetrics,
  type RowMetricsArguments,
} from '../../../kernels/js/row_metrics.ts';
import type { ValuesOfRows } from '../../../kernels/js/temperatures.ts';
import { type InputName, mapBeside } from '../../objective_inputs.ts';
import type { RowsRequest } from '../row_pass.ts';
import { type DenseArrayRowPass, denseRowPassOverArrays } from './dense_rows.ts';
import { sparseRowPassOverArrays } from './sparse_rows.ts';
import { stagedRowMetrics } from './staging.ts';

type ValuesOf = (tensor: TensorInfo) => TypedArray;

/** The inputs of a request as arrays, a number as an array of one. */
export function arraysOf(request: Inputs, valuesOf: ValuesOf): Pick<ArrayRowPass, InputName> {
  return {
    ...arraysBesideLogits(request, valuesOf),
    teacher: valuesOf(request.teacher) as Float32Array,
    student: valuesOf(request.student) as Float32Array,
  };
}

type Inputs = Pick<RowsRequest<never>, InputName>;

export function arraysBesideLogits(
  { temperature, ...others }: Inputs,
  valuesOf: ValuesOf,
): Pick<ArrayRowPass, Exclude<InputName, 'teacher' | 'student'>> {
  const isNumber = typeof temperature === 'number';
  const values = mapBeside({ ...others, temperature: null }, valuesOf);
  return { ...values, temperature: isNumber ? [temperature] : valuesOf(temperature) };
}

export interface ArrayRowPass extends DenseArrayRowPass {
  /**
   * Class ids of a sparse teacher's entries, [rows, k], of which `teacher` is p then; null: the teacher is
   * dense.
   */
  indices: ArrayLike<number> | null;
  /** t of a sparse teacher; null: as the objective's tail says. */
  tail: ValuesOfRows | null;
}

/** Returns the sum of the losses. */
export function rowPassOverArrays({ indices, tail, ...pass }: ArrayRowPass): number {
  return indices === null
    ? denseRowPassOverArrays(pass)
    : sparseRowPassOverArrays({ ...pass, indices, tail });
}

/** Writes the metrics: by SIMD where that kernel is compiled, else in plain JavaScript. */
export function rowMetricsOverArrays(pass: RowMetricsArguments): void {
  if (!stagedRowMetrics(pass)) javaScriptRowMetrics(pass);
}
