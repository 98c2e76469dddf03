import { rowPass as javaScriptRowPass } from '../../../kernels/js/row_pass.ts';
import { isCarried } from '../wasm/kernel.ts';
import { type StagedRowPass, stagedRowPass } from './staging.ts';

export interface ArrayRowPass extends StagedRowPass {
  teacher: Float32Array;
  student: Float32Array;
  gradient: Float32Array | null;
}

/** SIMD where there is a kernel for what is asked and it is compiled, else plain JavaScript. Returns the sum of the losses. */
export function rowPassOverArrays(pass: ArrayRowPass): number {
  return (isCarried(pass.objective, pass.outputs) ? stagedRowPass(pass) : null) ?? plainRowPass(pass);
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
