import { type DataType, env, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import type { Objective, RowPassOutputs } from '../../../kernels/objective.ts';
import type { RowPass, RowPassRequest } from '../row_pass.ts';
import { checkDevice } from './device_loss.ts';
import { type RowPassVariant, rowPassPipeline, variantKey } from './pipeline.ts';
import { plan } from './plan.ts';

interface Uniform {
  type: 'int32' | 'uint32' | 'float32';
  data: number[];
}

/** What tfjs asks of a program. `shaderKey` is its whole identity: here it names the pipeline that we have put into the cache. */
export interface WebGPUProgram {
  outputShape: number[];
  dispatchLayout: { x: number[] };
  dispatch: [number, number, number];
  variableNames: string[];
  workgroupSize: [number, number, number];
  shaderKey: string;
  getUserCode(): string;
}

/** The parts of tfjs's 'webgpu' backend that are used here. */
export interface WebGPUBackend extends KernelBackend {
  device: GPUDevice;
  adapterInfo?: { vendor?: string; architecture?: string; description?: string; isIntel?: () => boolean };
  /** The dtype is of the values in the buffer, which a tensor's own may differ from. */
  tensorMap: { get(dataId: object): { dtype: DataType } };
  pipelineCache: Record<string, GPUComputePipeline | Promise<GPUComputePipeline>>;
  makeTensorInfo(shape: number[], dtype: DataType): TensorInfo;
  runWebGPUProgram(
    program: WebGPUProgram,
    inputs: TensorInfo[],
    outputDtype: DataType,
    uniforms: Uniform[],
    output?: TensorInfo,
  ): TensorInfo;
}

/** tfjs names a kernel in tf.time and tf.profile after the class of its program. */
class SoftmaxCrossEntropyWithTemperatureProgram implements WebGPUProgram {
  dispatchLayout = { x: [0] };
  variableNames: string[];
  workgroupSize: [number, number, number];
  dispatch: [number, number, number];

  constructor(
    private readonly key: string,
    readonly outputShape: number[],
    inputs: number,
    { workgroups, workgroup }: { workgroups: number; workgroup: number },
  ) {
    this.variableNames = Array.from({ length: inputs }, (_, i) => `input${i}`);
    this.workgroupSize = [workgroup, 1, 1];
    this.dispatch = [workgroups, 1, 1];
  }

  get shaderKey(): string {
    return this.key;
  }

  /** tfjs would add shapes and dtypes to the key, which our shader does not depend on. */
  set shaderKey(_key: string) {}

  getUserCode(): string {
    throw new Error(`The pipeline '${this.key}' should have been in the cache.`);
  }
}

const TARGETS = { logits: 0, probabilities: 1 } as const;
const DIVERGENCE = { crossEntropy: 0, kl: 1, reverseKl: 2, jsd: 3 } as const;
const LABELS = { none: 0, classIds: 1, distribution: 2 } as const;
const GRADIENT = { loss: 0, lossAndStudentGradient: 1, studentGradient: 1, teacherGradient: 2 } as const;

/** Threads that share a row, a power of two up to 256; 0, the default, lets plan.ts choose. For tuning and tests. */
export const LANES_FLAG = 'TFJS_DISTILL_WEBGPU_LANES';
env().registerFlag(LANES_FLAG, () => 0);

/** One dispatch for whatever is asked for: MATH.md by kernels/wgsl/row_pass.wgsl. */
export const rowPass: RowPass<WebGPUBackend> = (request) => {
  const { backend, rows, classes, objective, outputs } = request;
  checkDevice(backend.device);
  checkLimits(request);
  const { lanes, workgroup } = plan({
    rows,
    classes,
    isSoftware: isSoftware(backend),
    lanes: env().getNumber(LANES_FLAG),
  });
  const variant = variantOf(objective, outputs, lanes, workgroup);
  const key = variantKey(variant);
  backend.pipelineCache[key] ??= rowPassPipeline(backend.device, variant);

  const inputs = inputsOf(request);
  const losses = outputs === 'lossAndStudentGradient' ? backend.makeTensorInfo([rows], 'float32') : null;
  if (losses) inputs.push(losses);
  const outputShape = outputs === 'loss' ? [rows] : [rows * classes];
  const program = new SoftmaxCrossEntropyWithTemperatureProgram(key, outputShape, inputs.length, {
    workgroups: Math.ceil(rows / (workgroup / lanes)),
    workgroup,
  });
  const result = backend.runWebGPUProgram(program, inputs, 'float32', uniformsOf(request, losses !== null));
  if (outputs === 'loss') return { loss: result, gradient: null };
  return { loss: losses, gradient: { ...result, shape: [rows, classes] } };
};

function variantOf(
  objective: Objective,
  outputs: RowPassOutputs,
  lanes: number,
  workgroup: number,
): RowPassVariant {
  return {
    LANES: lanes,
    WORKGROUP: workgroup,
    TARGETS: TARGETS[objective.targets],
    DIVERGENCE: DIVERGENCE[objective.divergence],
    LABELS: LABELS[objective.labels],
    WRITES_LOSS: outputs === 'loss' || outputs === 'lossAndStudentGradient' ? 1 : 0,
    GRADIENT: GRADIENT[outputs],
  };
}

/** Teacher, student, temperature, labels, weights; what is not given is the student again, which the shader does not read there. */
function inputsOf({
  teacher,
  student,
  temperature,
  labels,
  weights,
}: RowPassRequest<WebGPUBackend>): TensorInfo[] {
  const given = typeof temperature === 'number' ? student : temperature;
  return [teacher, student, given, labels ?? student, weights ?? student].map(asVector);
}

/** All tensors go in with rank 1, so that the uniforms that tfjs puts in front of ours have one layout. */
function asVector({ dataId, shape, dtype }: TensorInfo): TensorInfo {
  return { dataId, shape: [sizeOf(shape)], dtype };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** In the order of RowUniforms in kernels/wgsl/row_pass.wgsl. */
function uniformsOf(request: RowPassRequest<WebGPUBackend>, hasSevenBindings: boolean): Uniform[] {
  const { rows, classes, temperature, weights, objective } = request;
  const uint32 = (value: number): Uniform => ({ type: 'uint32', data: [value] });
  const float32 = (value: number): Uniform => ({ type: 'float32', data: [value] });
  const isNumber = typeof temperature === 'number';
  const padding: Uniform[] = hasSevenBindings ? [] : [{ type: 'int32', data: [0, 0] }];
  return [
    ...padding,
    uint32(rows),
    uint32(classes),
    uint32(isNumber ? 0 : sizeOf(temperature.shape)),
    uint32(weights ? sizeOf(weights.shape) : 0),
    float32(isNumber ? temperature : 1),
    float32(isNumber ? Math.min(1 / temperature, 3e38) : 1),
    float32(objective.softWeight),
    float32(objective.hardWeight),
    float32(objective.labelSmoothing),
    float32(objective.beta),
    float32(objective.scale),
    uint32(objective.scaleByTemperatureSquared ? 1 : 0),
  ];
}

export function isSoftware({ adapterInfo }: WebGPUBackend): boolean {
  const { vendor = '', architecture = '', description = '' } = adapterInfo ?? {};
  return /swiftshader|llvmpipe|\bcpu\b/i.test(`${vendor} ${architecture} ${description}`);
}

function checkLimits({ backend, rows, classes }: RowPassRequest<WebGPUBackend>): void {
  const bytes = rows * classes * 4;
  const { maxStorageBufferBindingSize } = backend.device.limits;
  if (bytes > maxStorageBufferBindingSize) {
    throw new Error(
      `softmaxCrossEntropyWithTemperature: logits of shape [${rows},${classes}] take ${bytes} bytes; this device binds at most ` +
        `${maxStorageBufferBindingSize} (maxStorageBufferBindingSize). Split the batch.`,
    );
  }
}
