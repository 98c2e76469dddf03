import { env, findBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import { rowPass as composedRowPass } from '../composed/row_pass.ts';
import { sparseRowPass } from '../composed/sparse_row_pass.ts';
import type { RowPass, RowPassRequest, RowPassResult } from '../row_pass.ts';
import { type ArrayRowPass, arraysBesideLogits, rowPassOverArrays } from '../simd/arrays.ts';
import { isCarried } from '../simd/objective.ts';
import { ALIGNMENT, stagedKernel, stagedRowPass } from '../simd/staging.ts';
import { unwritten } from '../simd/unwritten.ts';
import { valuesOnCpu } from '../values_on_cpu.ts';
import { canShareMemory, RowsWritten, rowsOf } from './blocks.ts';
import { fitsFusedOp, rowPassByFusedOp } from './fused_op.ts';
import { Handles } from './handles.ts';
import { type TensorFlowBackendParts, tensorInfo, valuesOf } from './tensors.ts';

/**
 * From this many numbers on, an input is copied between TensorFlow's memory and ours in blocks; smaller ones
 * are read and written whole.
 */
const LARGE = 1 << 16;

/**
 * Larger than for arrays, because a block costs seven ops of TensorFlow: at [64, 32000] 1 MB takes 1.06 times
 * as long as 2, and 2 takes 1.03 times as long as 4. A row takes a few numbers more than its logits: four
 * rows of 2^17 classes are to fit.
 */
const BLOCK_BYTES = (1 << 22) + (1 << 10);

/**
 * Flag of tf.env(): whether TensorFlow's fused op serves backend 'tensorflow'. By default it does on a GPU,
 * in tfjs-node-gpu, where the logits lie too far from the SIMD kernel; in tfjs-node that kernel is faster.
 */
export const FUSED_OP_FLAG = 'TFJS_DISTILL_TENSORFLOW_FUSED_OP';

env().registerFlag(
  FUSED_OP_FLAG,
  () => (findBackend('tensorflow') as TensorFlowBackendParts | null)?.isGPUPackage ?? false,
);

/**
 * The SIMD kernel over TensorFlow's tensors, or TensorFlow's SoftmaxCrossEntropyWithLogits, as the flag says.
 * On two idle cores that op takes 3.4 ms by itself at [64, 32000], and 6.9 with the softmax of the teacher,
 * the test for near rows and the scaling; the kernel takes 5 for all of it, with one core.
 */
export const rowPass: RowPass<TensorFlowBackendParts> = (request) => {
  const { backend, rows, classes, objective, outputs } = request;
  if (env().getBool(FUSED_OP_FLAG)) {
    if (request.indices !== null) return sparseRowPass(request, rowPass);
    return request.alpha === null && fitsFusedOp(objective, outputs, classes)
      ? rowPassByFusedOp(request)
      : composedRowPass(request);
  }
  const inBlocks =
    request.indices === null &&
    rows * classes >= LARGE &&
    isCarried(objective, outputs) &&
    stagedKernel() !== null &&
    canShareMemory(backend);
  return inBlocks ? rowPassInBlocks(request) : rowPassWhole(request);
};
rowPass.takesSparseTeachers = true;

function rowPassWhole(request: RowPassRequest<TensorFlowBackendParts>): RowPassResult {
  const { backend, rows, classes, outputs, student } = request;
  const gradient = outputs === 'loss' ? null : unwritten(rows * classes);
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

/**
 * Blocks of ALIGNMENT rows begin and end aligned for any number of classes, so that TensorFlow slices them
 * without a copy. That is worth a block of up to twice the size.
 */
function blockBytesOf(classes: number): number {
  const alignedBytes = ALIGNMENT * 4 * (2 * classes + 4);
  if (classes % ALIGNMENT === 0 || alignedBytes > 2 * BLOCK_BYTES) return BLOCK_BYTES;
  return Math.max(BLOCK_BYTES, alignedBytes);
}

function rowPassInBlocks(request: RowPassRequest<TensorFlowBackendParts>): RowPassResult {
  const { backend, rows, classes, outputs, student } = request;
  const handles = new Handles(backend);
  try {
    const source = (info: TensorInfo) => (valuesOnCpu(info) as Float32Array | null) ?? rowsOf(handles, info);
    const gradient = outputs === 'loss' ? null : new RowsWritten(handles, rows, classes);
    const perRow = perRowPart(request);
    const sum = stagedRowPass({
      ...perRow,
      teacher: source(request.teacher),
      student: source(student),
      gradient: gradient && ((memory, n, count) => gradient.write(memory, n, count)),
      blockBytes: blockBytesOf(classes),
    });
    const result = gradient?.finish(student.shape) ?? null;
    return { loss: lossTensor(request, perRow.loss, sum ?? Number.NaN), gradient: result };
  } finally {
    handles.free();
  }
}

/** The part of a request that has one value per row, or one for all rows. */
function perRowPart(
  request: RowPassRequest<TensorFlowBackendParts>,
): Omit<ArrayRowPass, 'teacher' | 'student' | 'gradient'> {
  const { backend, rows, classes, objective, outputs, reduction } = request;
  const wantsLoss = outputs === 'loss' || outputs === 'lossAndStudentGradient';
  return {
    rows,
    classes,
    ...arraysBesideLogits(request, (info) => valuesOf(backend, info)),
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
