import type { DataType, KernelBackend, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';
import { rowPass as fusedRowPass } from '../../kernels/js/row_pass.ts';
import type { RowPass } from './row_pass.ts';

/** The parts of tfjs's 'cpu' backend that are used here. */
interface CpuBackend extends KernelBackend {
  data: { get(dataId: object): { values: TypedArray } };
  makeTensorInfo(shape: number[], dtype: DataType, values: TypedArray): TensorInfo;
}

export const rowPass: RowPass<CpuBackend> = (request) => {
  const { backend, rows, classes, outputs } = request;
  const values = (info: TensorInfo) => backend.data.get(info.dataId).values;
  const { temperature, labels, weights } = request;
  const loss = outputs === 'loss' || outputs === 'lossAndStudentGradient' ? new Float32Array(rows) : null;
  const gradient = outputs === 'loss' ? null : new Float32Array(rows * classes);
  fusedRowPass({
    rows,
    classes,
    teacher: values(request.teacher) as Float32Array,
    student: values(request.student) as Float32Array,
    temperature: typeof temperature === 'number' ? [temperature] : values(temperature),
    labels: labels && values(labels),
    weights: weights && values(weights),
    objective: request.objective,
    loss,
    dStudent: outputs === 'teacherGradient' ? null : gradient,
    dTeacher: outputs === 'teacherGradient' ? gradient : null,
  });
  return {
    loss: loss && backend.makeTensorInfo([rows], 'float32', loss),
    gradient: gradient && backend.makeTensorInfo([rows, classes], 'float32', gradient),
  };
};
