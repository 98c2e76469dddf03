import { rowPass as javaScriptRowPass } from '../../../kernels/js/row_pass.ts';
import { isCarried } from './objective.ts';
import { type StagedRowPass, stagedRowPass } from './staging.ts';

export interface DenseArrayRowPass extends StagedRowPass {
  teacher: Float32Array;
  student: Float32Array;
  gradient: Float32Array | null;
}

/**
 * SIMD where that kernel computes what is asked and is compiled, else plain JavaScript. Returns the sum of
 * the losses.
 */
export function denseRowPassOverArrays(pass: DenseArrayRowPass): number {
  const sum = isCarried(pass.objective, pass.outputs) ? stagedRowPass(pass) : null;
  return sum ?? plainRowPass(pass);
}

/** kernels/js; returns the sum of the losses. */
export function plainRowPass({ outputs, loss, gradient, ...pass }: DenseArrayRowPass): number {
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
