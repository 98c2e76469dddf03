import {
  engine,
  getKernel,
  type KernelBackend,
  type KernelConfig,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  registerKernel,
  sum,
  type Tensor,
  type TensorInfo,
  tidy,
  unregisterKernel,
  util,
} from '@tensorflow/tfjs-core';
import { METRICS } from '../../kernels/metrics.ts';
import { checkAttributes } from '../../kernels/words.ts';
import {
  type ComputedInputs,
  DistillationMetrics,
  type MetricsAttrs,
  type ObjectiveAttrs,
  SoftmaxCrossEntropyWithTemperature,
  SoftmaxCrossEntropyWithTemperatureGrad,
} from '../kernel_names.ts';
import { givenInputs, type ObjectiveInputs } from '../objective_inputs.ts';
import { rowMetrics as composedRowMetrics } from './composed/row_metrics.ts';
import { rowPass as composedRowPass } from './composed/row_pass.ts';
import { sparseRowPass } from './composed/sparse_row_pass.ts';
import type { RowMetrics } from './row_metrics.ts';
import type { RowPass, RowPassResult } from './row_pass.ts';

/** Backends with an entry of their own, and its name. */
const ENTRIES: Readonly<Record<string, string>> = {
  webgpu: 'webgpu',
  webgl: 'webgl',
  wasm: 'wasm',
  cpu: 'cpu',
  tensorflow: 'node',
};

/** In tfjs's registry, where another copy of this module (CommonJS beside ESM) finds it too. */
type OurKernelConfig = KernelConfig & { isComposed?: true };

/** Gives a backend the composition of stock ops if it has no kernels of ours, so that no backend is ever an error. */
export function ensureBackend(backendName: string): void {
  if (getKernel(SoftmaxCrossEntropyWithTemperature, backendName)) return;
  const kernels = kernelsOf(backendName, composedRowPass, composedRowMetrics);
  registerKernels(kernels.map((kernel) => ({ ...kernel, isComposed: true })));
  const entry = ENTRIES[backendName];
  if (entry === undefined) return;
  console.warn(
    `tfjs-distill: stock ops compute the loss on backend '${backendName}', which is many times slower than its kernel: import 'tfjs-distill/${entry}'.`,
  );
}

/** Registers what a backend implements, in place of the composition if that is registered. Called again it does nothing. */
export function registerBackend<Backend extends KernelBackend>(
  backendName: string,
  rowPass: RowPass<Backend>,
  rowMetrics: RowMetrics<Backend> = composedRowMetrics,
): void {
  registerKernels(kernelsOf(backendName, rowPass, rowMetrics));
}

/** Registers a kernel that only some backends have. Called again it does nothing. */
export function registerOnce(kernel: KernelConfig): void {
  if (!getKernel(kernel.kernelName, kernel.backendName)) registerKernel(kernel);
}

function registerKernels(kernels: readonly OurKernelConfig[]): void {
  for (const kernel of kernels) {
    const registered: OurKernelConfig | undefined = getKernel(kernel.kernelName, kernel.backendName);
    if (registered && !registered.isComposed) continue;
    if (registered) unregisterKernel(kernel.kernelName, kernel.backendName);
    registerKernel(kernel);
  }
}

function kernelsOf<Backend extends KernelBackend>(
  backendName: string,
  rowPass: RowPass<Backend>,
  rowMetrics: RowMetrics<Backend>,
): KernelConfig[] {
  return [
    kernelConfig<Backend, MetricsAttrs, RowMetrics<Backend>>(
      DistillationMetrics,
      backendName,
      rowMetrics,
      metricsKernel,
    ),
    kernelConfig<Backend, ObjectiveAttrs, RowPass<Backend>>(
      SoftmaxCrossEntropyWithTemperature,
      backendName,
      rowPass,
      lossKernel,
    ),
    kernelConfig<Backend, ObjectiveAttrs, RowPass<Backend>>(
      SoftmaxCrossEntropyWithTemperatureGrad,
      backendName,
      rowPass,
      gradKernel,
    ),
  ];
}

/** `pass` is what the backend implements: its RowPass or its RowMetrics. */
type Kernel<Backend extends KernelBackend, Attrs, Pass> = (
  inputs: ObjectiveInputs & Partial<ComputedInputs>,
  attrs: Attrs,
  backend: Backend,
  pass: Pass,
) => TensorInfo | TensorInfo[];

/** tfjs types every kernel with open maps of tensors and attributes; this is the one place that says what ours are. */
function kernelConfig<Backend extends KernelBackend, Attrs, Pass>(
  kernelName: string,
  backendName: string,
  pass: Pass,
  kernel: Kernel<Backend, Attrs, Pass>,
): KernelConfig {
  return {
    kernelName,
    backendName,
    kernelFunc: ({
      inputs,
      attrs,
      backend,
    }: {
      inputs: NamedTensorInfoMap;
      attrs?: NamedAttrMap;
      backend: object;
    }) =>
      kernel(inputs as ObjectiveInputs & Partial<ComputedInputs>, attrs as Attrs, backend as Backend, pass),
  };
}

const lossKernel = <Backend extends KernelBackend>(
  inputs: ObjectiveInputs & Partial<ComputedInputs>,
  attrs: ObjectiveAttrs,
  backend: Backend,
  rowPass: RowPass<Backend>,
): TensorInfo | TensorInfo[] => {
  const { student, loss: computed } = inputs;
  if (computed) return alias(computed, backend);
  checkAttributes(attrs, attrs.outputs, SoftmaxCrossEntropyWithTemperature);
  const rowShape = student.shape.slice(0, -1);
  if (rowShape.includes(0)) {
    const loss = zeroTensor(attrs.reduction === 'sum' ? [] : rowShape);
    return attrs.outputs === 'loss' ? loss : [loss, zeroTensor(student.shape)];
  }
  const { loss, gradient } = runRowPass(inputs, attrs, backend, rowPass);
  if (loss === null)
    throw new Error(`${SoftmaxCrossEntropyWithTemperature}: outputs '${attrs.outputs}' hold no loss.`);
  const result =
    attrs.reduction === 'none'
      ? { ...loss, shape: rowShape }
      : loss.shape.length === 0
        ? loss
        : sumRows(loss, backend);
  return gradient === null ? result : [result, { ...gradient, shape: student.shape }];
};

const gradKernel = <Backend extends KernelBackend>(
  inputs: ObjectiveInputs,
  attrs: ObjectiveAttrs,
  backend: Backend,
  rowPass: RowPass<Backend>,
): TensorInfo => {
  checkAttributes(attrs, attrs.outputs, SoftmaxCrossEntropyWithTemperatureGrad);
  if (inputs.student.shape.includes(0)) return zeroTensor(inputs.student.shape);
  const { gradient } = runRowPass(inputs, attrs, backend, rowPass);
  if (gradient === null) {
    throw new Error(
      `${SoftmaxCrossEntropyWithTemperatureGrad}: outputs '${attrs.outputs}' hold no gradient.`,
    );
  }
  return { ...gradient, shape: inputs.student.shape };
};

const metricsKernel = <Backend extends KernelBackend>(
  inputs: ObjectiveInputs,
  { temperature, ...measure }: MetricsAttrs,
  backend: Backend,
  rowMetrics: RowMetrics<Backend>,
): TensorInfo => {
  checkAttributes({ temperature, ...measure }, 'loss', DistillationMetrics);
  // One row that counts for nothing: the stock sum over no rows is whatever lay in memory, on 'wasm'.
  if (inputs.student.shape.includes(0)) return zeroTensor([1, METRICS.length]);
  return rowMetrics({ backend, measure, ...tensorsOf(inputs, temperature) });
};

function runRowPass<Backend extends KernelBackend>(
  inputs: ObjectiveInputs,
  attrs: ObjectiveAttrs,
  backend: Backend,
  rowPass: RowPass<Backend>,
): RowPassResult {
  const request = {
    backend,
    ...tensorsOf(inputs, attrs.temperature),
    objective: attrs,
    outputs: attrs.outputs,
    reduction: attrs.reduction,
  };
  return request.indices === null || rowPass.takesSparseTeachers
    ? rowPass(request)
    : sparseRowPass(request, rowPass);
}

/** The part that all requests have: null for what is not given. */
function tensorsOf(inputs: ObjectiveInputs, temperatureOfAll: number) {
  const given = givenInputs(inputs);
  const { shape } = given.student;
  return {
    ...given,
    rows: util.sizeFromShape(shape.slice(0, -1)),
    classes: shape[shape.length - 1],
    temperature: given.temperature ?? temperatureOfAll,
  };
}

/** No rows: nothing for a kernel to do, and a sum of 0. */
function zeroTensor(shape: number[]): Tensor {
  return engine().makeTensor(new Float32Array(util.sizeFromShape(shape)), shape, 'float32');
}

/** The same data under a second tensor. */
function alias({ dataId, shape, dtype }: TensorInfo, backend: KernelBackend): TensorInfo {
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}

function sumRows(loss: TensorInfo, backend: KernelBackend): TensorInfo {
  let total = loss;
  tidy(() => {
    total = alias(sum(engine().makeTensorFromTensorInfo(loss)), backend);
  });
  return total;
}
