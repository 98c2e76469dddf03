import { env } from '@tensorflow/tfjs-core';
import type { Divergence, LabelKind } from '../../../kernels/objective.ts';
import * as wgsl from '../../generated/wgsl.ts';

/** How a variant reads and writes its rows: kernels/wgsl/inputs_*.wgsl. */
export type InputsKind = 'vec4' | 'scalar' | 'tile';

/** What the lanes of a team exchange values by: kernels/wgsl/team_*.wgsl. */
export type TeamKind = 'workgroup' | 'subgroup';

/** The files of kernels/wgsl that a variant is put together from. */
export interface Modules {
  inputs: InputsKind;
  team: TeamKind;
  /** What is summed: a divergence for a row pass, the entropies for metrics. */
  sums: Divergence | 'entropies';
  labels: LabelKind;
}

/** The constants that specialise them, by their names in kernels/wgsl/bindings.wgsl. */
export type Constants = Record<
  | 'LANES'
  | 'WORKGROUP'
  | 'VECTORS'
  | 'RESIDENT'
  | 'TARGETS'
  | 'SOFTENED'
  | 'HAS_TEACHER_TEMPERATURE'
  | 'ABSENT_TEACHER_BITS'
  | 'WRITES_LOSS'
  | 'LACKS_GRADIENT_AT_INFINITY'
  | 'GRADIENT'
  | 'REDUCES'
  | 'PHASE'
  | 'TILE'
  | 'MIN_SUBGROUP',
  number
>;

export interface Variant {
  modules: Modules;
  constants: Constants;
}

/** The identity of a pipeline in tfjs's cache: all that specialises it. */
export function variantKey({ modules, constants }: Variant): string {
  const entries = Object.entries({ ...modules, ...constants });
  return `tfjs-distill rows ${entries.map(([name, value]) => `${name}=${value}`).join(' ')}`;
}

const INPUTS = { vec4: wgsl.inputsVec4, scalar: wgsl.inputsScalar, tile: wgsl.inputsTile };
const TEAM = { workgroup: wgsl.teamWorkgroup, subgroup: wgsl.teamSubgroup };
const ROW_PASS = [wgsl.split, wgsl.reduce, wgsl.rowPass];
const SUMS: Readonly<Record<Modules['sums'], readonly string[]>> = {
  crossEntropy: [wgsl.crossEntropy, wgsl.mixtureNone, ...ROW_PASS],
  kl: [wgsl.kl, wgsl.mixtureNone, ...ROW_PASS],
  reverseKl: [wgsl.reverseKl, wgsl.mixtureNone, ...ROW_PASS],
  jsd: [wgsl.jsd, ...ROW_PASS],
  entropies: [wgsl.entropies, wgsl.rowMetrics],
};
const LABELS: Readonly<Record<LabelKind, readonly string[]>> = {
  none: [wgsl.hardNone],
  classIds: [wgsl.hardTerm, wgsl.labelsClassIds],
  distribution: [wgsl.hardTerm, wgsl.labelsDistribution],
};

/** The text of a variant; what a device must enable comes first, with the team. */
export function shaderSource({ inputs, team, sums, labels }: Modules): string {
  return [
    TEAM[team],
    wgsl.bindings,
    wgsl.numbers,
    INPUTS[inputs],
    wgsl.softened,
    wgsl.statistics,
    ...LABELS[labels],
    wgsl.merge,
    wgsl.near,
    wgsl.shares,
    ...SUMS[sums],
    wgsl.rows,
  ].join('\n');
}

interface DeviceParts {
  modules: Map<string, GPUShaderModule>;
  layout: GPUPipelineLayout;
}

const ofDevice = new WeakMap<GPUDevice, DeviceParts>();

// GPUShaderStage.COMPUTE, which is a global only where WebGPU is.
const COMPUTE = 4;

/** Every variant binds alike: the gradient, five inputs, the losses, the scratch buffer, the uniforms. */
const BINDINGS: GPUBufferBindingType[] = [
  'storage',
  ...Array.from({ length: 5 }, () => 'read-only-storage' as const),
  'storage',
  'storage',
  'uniform',
];

function partsOf(device: GPUDevice): DeviceParts {
  const known = ofDevice.get(device);
  if (known) return known;
  const bindGroupLayout = device.createBindGroupLayout({
    entries: BINDINGS.map((type, binding) => ({ binding, visibility: COMPUTE, buffer: { type } })),
  });
  const parts = {
    modules: new Map<string, GPUShaderModule>(),
    layout: device.createPipelineLayout({ bindGroupLayouts: [bindGroupLayout] }),
  };
  ofDevice.set(device, parts);
  return parts;
}

function shaderModule(device: GPUDevice, modules: Modules): GPUShaderModule {
  const known = partsOf(device).modules;
  const key = Object.values(modules).join(' ');
  const module =
    known.get(key) ??
    device.createShaderModule({ code: shaderSource(modules), label: `tfjs-distill rows ${key}` });
  known.set(key, module);
  return module;
}

/** Compiles a variant; a promise under tfjs's compile-only warm-up, as tfjs itself keeps it then. */
export function pipelineOf(
  device: GPUDevice,
  variant: Variant,
): GPUComputePipeline | Promise<GPUComputePipeline> {
  const descriptor: GPUComputePipelineDescriptor = {
    label: variantKey(variant),
    layout: partsOf(device).layout,
    compute: {
      module: shaderModule(device, variant.modules),
      entryPoint: 'rows',
      constants: variant.constants,
    },
  };
  return env().getBool('WEBGPU_ENGINE_COMPILE_ONLY')
    ? device.createComputePipelineAsync(descriptor)
    : device.createComputePipeline(descriptor);
}
