import type { TensorInfo, TypedArray } from '@tensorflow/tfjs-core';
import {
  rowMetrics as javaScriptRowMetrics,
  type RowMetricsArguments,
} from '../../../kernels/js/row_metrics.ts';
import { rowPass as javaScriptRowPass } from '../../../kernels/js/row_pass.ts';
import { type InputName, mapBeside } from '../../objective_inputs.ts';
import type { RowsRequest } from '../row_pass.ts';
import { isCarried } from './objective.ts';
import { type StagedRowPass, stagedRowMetrics, stagedRowPass } from './staging.ts';

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

export interface ArrayRowPass extends StagedRowPass {
  teacher: Float32Array;
  student: Float32Array;
  gradient: Float32Array | null;
}

/**
 * SIMD where that kernel computes what is asked and is compiled, else plain JavaScript. Returns the sum of
 * the losses.
 */
export function rowPassOverArrays(pass: ArrayRowPass): number {
  const sum = isCarried(pass.objective, pass.outputs) ? stagedRowPass(pass) : null;
  return sum ?? plainRowPass(pass);
}

/** Writes the metrics: by SIMD where that kernel is compiled, else in plain JavaScript. */
export function rowMetricsOverArrays(pass: RowMetricsArguments): void {
  if (!stagedRowMetrics(pass)) javaScriptRowMetrics(pass);
}

/** kernels/js; returns the sum of the losses. */
function plainRowPass({ outputs, loss, gradient, ...pass }: ArrayRowPass): number {
  const toTeacher = outputs === 'teacherGradient';
  const losses = toTeacher ? null : (loss ?? new Float32Array(pass.rows));
  javaScriptRowPass({
    ...pass,
    loss: losses,
    dStudent: toTeacher ? null : gradient,
    dTeacher: toTeacher ? gradient : null,
  });
  return losses === null ? 0 : losses.reduce((total, value) => total + value, 0);
}
