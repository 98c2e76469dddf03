import type { DataType, KernelBackend, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';
import { rowPass as javaScriptRowPass } from '../../../kernels/js/row_pass.ts';
import type { RowPass } from '../row_pass.ts';
import { isCarried } from '../wasm/kernel.ts';
import { stagedRowPass } from './staging.ts';

/** The parts of tfjs's 'cpu' backend that are used here. */
export interface CpuBackendParts extends KernelBackend {
  data: { get(dataId: object): { values: TypedArray } };
  makeTensorInfo(shape: number[], dtype: DataType, values: TypedArray): TensorInfo;
}

/** SIMD where there is a kernel for what is asked and it is compiled, else plain JavaScript. */
export const rowPass: RowPass<CpuBackendParts> = (request) => {
  const { backend, rows, classes, objective, outputs, reduction } = request;
  const values = (info: TensorInfo) => backend.data.get(info.dataId).values;
  const { temperature, labels, weights } = request;
  const wantsLoss = outputs === 'loss' || outputs === 'lossAndStudentGradient';
  const loss = wantsLoss && reduction === 'none' ? new Float32Array(rows) : null;
  const gradient = outputs === 'loss' ? null : new Float32Array(rows * classes);
  const pass = {
    rows,
    classes,
    teacher: values(request.teacher) as Float32Array,
    student: values(request.student) as Float32Array,
    temperature: typeof temperature === 'number' ? [temperature] : values(temperature),
    labels: labels && values(labels),
    weights: weights && values(weights),
    objective,
    outputs,
    loss,
    gradient,
  };
  const sum = (isCarried(objective, outputs) ? stagedRowPass(pass) : null) ?? plainRowPass(pass);
  return {
    loss: loss
      ? backend.makeTensorInfo([rows], 'float32', loss)
      : wantsLoss
        ? backend.makeTensorInfo([], 'float32', Float32Array.of(sum))
        : null,
    gradient: gradient && backend.makeTensorInfo([rows, classes], 'float32', gradient),
  };
};

/** kernels/js; returns the sum of the losses. */
function plainRowPass({ outputs, loss, gradient, ...pass }: Parameters<typeof stagedRowPass>[0]): number {
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
