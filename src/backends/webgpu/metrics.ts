import { env, type TensorInfo } from '@tensorflow/tfjs-core';
import { METRICS } from '../../../kernels/metrics.ts';
import { rowMetrics as source } from '../../generated/wgsl.ts';
import type { RowMetrics, RowMetricsRequest } from '../row_metrics.ts';
import type { WebGPUBackend, WebGPUProgram } from './backend.ts';
import { LANES_FLAG, planDevice } from './index.ts';
import { metricsPlan } from './plan.ts';

/** The constants that specialise kernels/wgsl/row_metrics.wgsl, by their names there. */
type Variant = Record<'LANES' | 'WORKGROUP' | 'TARGETS' | 'LABELS', number>;

/** tfjs names a kernel in tf.time and tf.profile after the class of its program. */
class DistillationMetricsProgram implements WebGPUProgram {
  dispatchLayout = { x: [0] };
  variableNames = ['teacher', 'student', 'temperature', 'labels', 'weights'];
  workgroupSize: [number, number, number];
  dispatch: [number, number, number];
  outputShape: number[];

  constructor(
    private readonly key: string,
    rows: number,
    { WORKGROUP, LANES }: Variant,
  ) {
    this.outputShape = [rows * METRICS.length];
    this.workgroupSize = [WORKGROUP, 1, 1];
    this.dispatch = [Math.ceil(rows / (WORKGROUP / LANES)), 1, 1];
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

/** One dispatch: MATH (28)-(32) by kernels/wgsl/row_metrics.wgsl. */
export const rowMetrics: RowMetrics<WebGPUBackend> = (request) => {
  const { backend, rows, classes, measure, teacher, student, temperature, labels, weights } = request;
  const { lanes, workgroup } = metricsPlan({
    rows,
    classes,
    device: planDevice(backend),
    lanes: env().getNumber(LANES_FLAG),
  });
  const variant: Variant = {
    LANES: lanes,
    WORKGROUP: workgroup,
    TARGETS: { logits: 0, probabilities: 1 }[measure.targets],
    LABELS: { none: 0, classIds: 1, distribution: 2 }[measure.labels],
  };
  const key = `tfjs-distill rowMetrics ${JSON.stringify(variant)}`;
  backend.pipelineCache[key] ??= pipeline(backend.device, key, variant);
  // What is not given is the student again, which the shader does not read there.
  const given = typeof temperature === 'number' ? student : temperature;
  const inputs = [teacher, student, given, labels ?? student, weights ?? student].map(asVector);
  const program = new DistillationMetricsProgram(key, rows, variant);
  const metrics = backend.runWebGPUProgram(program, inputs, 'float32', uniformsOf(request));
  return { ...metrics, shape: [rows, METRICS.length] };
};

/** All tensors go in with rank 1, so that the uniforms that tfjs puts in front of ours have one layout. */
function asVector({ dataId, shape, dtype }: TensorInfo): TensorInfo {
  return { dataId, shape: [sizeOf(shape)], dtype };
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** In the order of Uniforms in kernels/wgsl/row_metrics.wgsl. */
function uniformsOf({ rows, classes, temperature, weights }: RowMetricsRequest<WebGPUBackend>) {
  const isNumber = typeof temperature === 'number';
  const counts = [
    rows,
    classes,
    isNumber ? 0 : sizeOf(temperature.shape),
    weights ? sizeOf(weights.shape) : 0,
  ];
  return [
    ...counts.map((count) => ({ type: 'uint32' as const, data: [count] })),
    { type: 'float32' as const, data: [isNumber ? Math.min(1 / temperature, 3e38) : 1] },
    { type: 'uint32' as const, data: [0] },
  ];
}

// GPUShaderStage.COMPUTE, which is a global only where WebGPU is.
const COMPUTE = 4;

/** Compiles a variant; a promise under tfjs's compile-only warm-up, as tfjs itself keeps it then. */
function pipeline(device: GPUDevice, label: string, constants: Variant) {
  const types: GPUBufferBindingType[] = [
    'storage',
    ...Array.from({ length: 5 }, () => 'read-only-storage' as const),
    'uniform',
  ];
  const layout = device.createBindGroupLayout({
    entries: types.map((type, binding) => ({ binding, visibility: COMPUTE, buffer: { type } })),
  });
  const descriptor: GPUComputePipelineDescriptor = {
    label,
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: {
      module: device.createShaderModule({ code: source, label }),
      entryPoint: 'rowMetrics',
      constants,
    },
  };
  return env().getBool('WEBGPU_ENGINE_COMPILE_ONLY')
    ? device.createComputePipelineAsync(descriptor)
    : device.createComputePipeline(descriptor);
}
