import {
  rowMetrics as javaScriptRowMetrics,
  type RowMetricsArguments,
} from '../../../kernels/js/row_metrics.ts';
import { rowPass as javaScriptRowPass } from '../../../kernels/js/row_pass.ts';
import { isCarried } from './objective.ts';
import { type StagedRowPass, stagedRowMetrics, stagedRowPass } from './staging.ts';

export interface ArrayRowPass extends StagedRowPass {
  teacher: Float32Array;
  student: Float32Array;
  gradient: Float32Array | null;
}

/** SIMD where that kernel computes what is asked and is compiled, else plain JavaScript. Returns the sum of the losses. */
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
