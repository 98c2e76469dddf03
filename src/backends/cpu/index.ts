import type { DataType, KernelBackend, TensorInfo, TypedArray } from '@tensorflow/tfjs-core';
import type { RowPass } from '../row_pass.ts';
import { arraysOf, rowPassOverArrays } from '../simd/arrays.ts';
import { unwritten } from '../simd/unwritten.ts';

/** The parts of tfjs's 'cpu' backend that are used here. */
export interface CpuBackendParts extends KernelBackend {
  data: { get(dataId: object): { values: TypedArray } };
  makeTensorInfo(shape: number[], dtype: DataType, values: TypedArray): TensorInfo;
}

/** The kernel over the backend's arrays. */
export const rowPass: RowPass<CpuBackendParts> = (request) => {
  const { backend, rows, classes, objective, outputs, reduction } = request;
  const values = (info: TensorInfo) => backend.data.get(info.dataId).values;
  const wantsLoss = outputs === 'loss' || outputs === 'lossAndStudentGradient';
  const loss = wantsLoss && reduction === 'none' ? new Float32Array(rows) : null;
  const gradient = outputs === 'loss' ? null : unwritten(rows * classes);
  const sum = rowPassOverArrays({
    rows,
    classes,
    ...arraysOf(request, values),
    objective,
    outputs,
    loss,
    gradient,
  });
  return {
    loss: loss
      ? backend.makeTensorInfo([rows], 'float32', loss)
      : wantsLoss
        ? backend.makeTensorInfo([], 'float32', Float32Array.of(sum))
        : null,
    gradient: gradient && backend.makeTensorInfo([rows, classes], 'float32', gradient),
  };
};
rowPass.takesSparseTeachers = true;
