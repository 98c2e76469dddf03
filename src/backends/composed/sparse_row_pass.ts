import {
  add,
  engine,
  type KernelBackend,
  reshape,
  slice,
  type Tensor,
  type TensorInfo,
  tidy,
  util,
} from '@tensorflow/tfjs-core';
import { hardTermAlone } from '../../../kernels/objective.ts';
import type { RowPass, RowPassRequest, RowPassResult } from '../row_pass.ts';
import { atClasses, coarseClasses, type SparseRows, spreadEvenly } from './coarse_classes.ts';
import { asTensor, productOrZero } from './tensors.ts';

type Request<Backend extends KernelBackend> = RowPassRequest<Backend>;

/**
 * The row pass of a sparse teacher by that of a dense one, MATH (38)-(40): the classes that the teacher does
 * not list are one more class beside its entries, whose logit and shares stock ops find. Spread evenly they
 * are what a dense teacher has there.
 */
export function sparseRowPass<Backend extends KernelBackend>(
  request: Request<Backend>,
  rowPass: RowPass<Backend>,
): RowPassResult {
  const { backend, objective } = request;
  const result: RowPassResult = { loss: null, gradient: null };
  tidy(() => {
    const { loss, gradient } =
      objective.tail === 'uniform' ? overClasses(request, rowPass) : overCoarseClasses(request, rowPass);
    result.loss = loss && detached(backend, reshape(loss, [request.rows]));
    result.gradient = gradient && detached(backend, gradient);
  });
  return result;
}

interface Tensors {
  loss: Tensor | null;
  gradient: Tensor | null;
}

const detached = (backend: KernelBackend, { dataId, shape, dtype }: Tensor): TensorInfo => {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
};

const asTensors = ({ loss, gradient }: RowPassResult): Tensors => ({
  loss: loss && engine().makeTensorFromTensorInfo(loss),
  gradient: gradient && engine().makeTensorFromTensorInfo(gradient),
});

function sparseRowsOf(request: Request<KernelBackend>): SparseRows {
  const { rows, classes, student, teacher, indices, tail, temperature } = request;
  if (indices === null) throw new Error('sparseRowsOf: the teacher is dense.');
  const k = util.sizeFromShape(indices.shape) / rows;
  const perRow = (info: TensorInfo) => asTensor(info, [util.sizeFromShape(info.shape), 1]);
  const none = request.objective.tail === 'none' ? 0 : null;
  return {
    student: asTensor(student, [rows, classes]),
    indices: asTensor(indices, [rows, k]),
    probabilities: asTensor(teacher, [rows, k]),
    tail: tail === null ? none : perRow(tail),
    temperature: typeof temperature === 'number' ? temperature : perRow(temperature),
  };
}

const DENSE = { indices: null, tail: null } as const;

function overClasses<Backend extends KernelBackend>(
  request: Request<Backend>,
  rowPass: RowPass<Backend>,
): Tensors {
  return asTensors(
    rowPass({ ...request, ...DENSE, teacher: spreadEvenly(sparseRowsOf(request)), reduction: 'none' }),
  );
}

function overCoarseClasses<Backend extends KernelBackend>(
  request: Request<Backend>,
  rowPass: RowPass<Backend>,
): Tensors {
  const { rows, classes, objective } = request;
  const { entries, teacher, student, shareOfRest } = coarseClasses(sparseRowsOf(request));
  const k = teacher.shape[1] ? teacher.shape[1] - 1 : 0;
  const soft = asTensors(
    rowPass({
      ...request,
      ...DENSE,
      classes: k + 1,
      teacher,
      student,
      labels: null,
      objective: { ...objective, labels: 'none', hardWeight: 0 },
      reduction: 'none',
    }),
  );
  const gradient =
    soft.gradient &&
    add(
      atClasses(entries, slice(soft.gradient, [0, 0], [rows, k]), classes),
      productOrZero(slice(soft.gradient, [0, k], [rows, 1]), shareOfRest),
    );
  if (objective.labels === 'none') return { loss: soft.loss, gradient };
  const hard = asTensors(rowPass(hardRequest(request)));
  return {
    loss: soft.loss && hard.loss && add(soft.loss, hard.loss),
    gradient: gradient && hard.gradient && add(gradient, hard.gradient),
  };
}

/** The hard term alone, and whether labels are right. */
function hardRequest<Backend extends KernelBackend>(request: Request<Backend>): Request<Backend> {
  const { objective, student } = request;
  return {
    ...request,
    ...DENSE,
    teacher: student,
    teacherTemperature: null,
    objective: hardTermAlone(objective),
    reduction: 'none',
  };
}
