import { type KernelBackend, type Tensor, type TensorInfo, tidy } from '@tensorflow/tfjs-core';
import { rowPass as composedRowPass } from '../composed.ts';
import { rowPassOverArrays } from '../cpu/arrays.ts';
import { type StagedRowPass, stagedKernel, stagedRowPass } from '../cpu/staging.ts';
import type { RowPass, RowPassRequest, RowPassResult } from '../row_pass.ts';
import { valuesOnCpu } from '../values_on_cpu.ts';
import { isCarried } from '../wasm/kernel.ts';
import {
  canShareMemory,
  RowsWritten,
  reshaped,
  rowsOf,
  type TensorFlowBackendParts,
  tensorInfo,
  valuesOf,
} from './tensors.ts';

/** From here on, in numbers, rows cross between TensorFlow's memory and ours in blocks; what is smaller is read and written whole. */
const LARGE = 1 << 16;

/** Larger than for arrays, because a block costs seven ops of TensorFlow: at [64, 32000] 5.3 ms with 2 MB, 5.6 with 1, 8 with 1/4. */
const BLOCK_BYTES = 1 << 21;

/**
 * The SIMD kernel over TensorFlow's tensors. TensorFlow's own SoftmaxCrossEntropyWithLogits takes longer for its part alone, 5.6 ms at [64, 32000] on two cores, than the
 * kernel for all of it, 5.3; with the softmax of the teacher, the shift that large logits need, and the scaling, it is 14.3. It has no answer to near
 * and masked rows either. On a GPU stock ops serve: there the logits lie too far from the kernel.
 */
export const rowPass: RowPass<TensorFlowBackendParts> = (request) => {
  const { backend, rows, classes, objective, outputs } = request;
  if (backend.isGPUPackage) return composedRowPass(request);
  const inBlocks =
    rows * classes >= LARGE &&
    isCarried(objective, outputs) &&
    stagedKernel() !== null &&
    canShareMemory(backend);
  return inBlocks ? rowPassInBlocks(request) : rowPassWhole(request);
};

function rowPassWhole(request: RowPassRequest<TensorFlowBackendParts>): RowPassResult {
  const { backend, rows, classes, outputs, student } = request;
  const gradient = outputs === 'loss' ? null : new Float32Array(rows * classes);
  const perRow = perRowPart(request);
  const sum = rowPassOverArrays({
    ...perRow,
    teacher: valuesOf(backend, request.teacher),
    student: valuesOf(backend, student),
    gradient,
  });
  return {
    loss: lossTensor(request, perRow.loss, sum),
    gradient: gradient && tensorInfo(backend, gradient, student.shape, 'float32'),
  };
}

function rowPassInBlocks(request: RowPassRequest<TensorFlowBackendParts>): RowPassResult {
  const { backend, rows, classes, outputs, student } = request;
  let result: RowPassResult = { loss: null, gradient: null };
  tidy(() => {
    const source = (info: TensorInfo) =>
      (valuesOnCpu(info) as Float32Array | null) ?? rowsOf(backend, reshaped(backend, info, [rows, classes]));
    const gradient = outputs === 'loss' ? null : new RowsWritten(backend, rows, classes);
    const perRow = perRowPart(request);
    const sum = stagedRowPass({
      ...perRow,
      teacher: source(request.teacher),
      student: source(student),
      gradient: gradient && ((memory, n, count) => gradient.write(memory, n, count)),
      blockBytes: BLOCK_BYTES,
    });
    result = {
      loss: lossTensor(request, perRow.loss, sum ?? Number.NaN),
      gradient: gradient && detached(backend, reshaped(backend, gradient.finish(), student.shape)),
    };
  });
  return result;
}

/** What has one value a row, or one for all. */
function perRowPart(
  request: RowPassRequest<TensorFlowBackendParts>,
): Omit<StagedRowPass, 'teacher' | 'student' | 'gradient'> {
  const { backend, rows, classes, temperature, labels, weights, objective, outputs, reduction } = request;
  const wantsLoss = outputs === 'loss' || outputs === 'lossAndStudentGradient';
  return {
    rows,
    classes,
    temperature: typeof temperature === 'number' ? [temperature] : valuesOf(backend, temperature),
    labels: labels && valuesOf(backend, labels),
    weights: weights && valuesOf(backend, weights),
    objective,
    outputs,
    loss: wantsLoss && reduction === 'none' ? new Float32Array(rows) : null,
  };
}

function lossTensor(
  { backend, outputs, student }: RowPassRequest<TensorFlowBackendParts>,
  loss: Float32Array | null,
  sum: number,
): TensorInfo | null {
  if (loss) return tensorInfo(backend, loss, student.shape.slice(0, -1), 'float32');
  const wantsLoss = outputs === 'loss' || outputs === 'lossAndStudentGradient';
  return wantsLoss ? tensorInfo(backend, Float32Array.of(sum), [], 'float32') : null;
}

/** What outlives the tidy that its tensor was made in. */
function detached(backend: KernelBackend, { dataId, shape, dtype }: Tensor): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}
