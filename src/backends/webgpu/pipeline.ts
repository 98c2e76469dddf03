import { env } from '@tensorflow/tfjs-core';
import { lossIsResult, rowPass, uniforms6Bindings, uniforms7Bindings } from '../../generated/wgsl.ts';

/** The constants that specialise kernels/wgsl/row_pass.wgsl, by their names there. */
export type RowPassVariant = Record<
  'LANES' | 'WORKGROUP' | 'TARGETS' | 'DIVERGENCE' | 'LABELS' | 'WRITES_LOSS' | 'GRADIENT',
  number
>;

/** The identity of a pipeline in tfjs's cache: all that specialises it. */
export function variantKey(variant: RowPassVariant): string {
  const constants = Object.entries(variant).map(([name, value]) => `${name}=${value}`);
  return `tfjs-distill rowPass ${constants.join(' ')}`;
}

/** A pass that writes loss and gradient binds the losses as a second output. */
function hasTwoOutputs({ WRITES_LOSS, GRADIENT }: RowPassVariant): boolean {
  return WRITES_LOSS !== 0 && GRADIENT !== 0;
}

const modules = new WeakMap<GPUDevice, Map<boolean, GPUShaderModule>>();

/** Two modules a device; every variant is made of one of them by constants. */
function shaderModule(device: GPUDevice, twoOutputs: boolean): GPUShaderModule {
  const ofDevice = modules.get(device) ?? new Map<boolean, GPUShaderModule>();
  modules.set(device, ofDevice);
  const known = ofDevice.get(twoOutputs);
  if (known) return known;
  const parts = twoOutputs ? [rowPass, uniforms7Bindings] : [rowPass, uniforms6Bindings, lossIsResult];
  const module = device.createShaderModule({ code: parts.join('\n'), label: 'tfjs-distill rowPass' });
  ofDevice.set(twoOutputs, module);
  return module;
}

// GPUShaderStage.COMPUTE, which is a global only where WebGPU is.
const COMPUTE = 4;

/** Compiles a variant; a promise under tfjs's compile-only warm-up, as tfjs itself keeps it then. */
export function rowPassPipeline(
  device: GPUDevice,
  variant: RowPassVariant,
): GPUComputePipeline | Promise<GPUComputePipeline> {
  const twoOutputs = hasTwoOutputs(variant);
  const types: GPUBufferBindingType[] = [
    'storage',
    ...Array.from({ length: 5 }, () => 'read-only-storage' as const),
    ...(twoOutputs ? (['storage'] as const) : []),
    'uniform',
  ];
  const layout = device.createBindGroupLayout({
    entries: types.map((type, binding) => ({ binding, visibility: COMPUTE, buffer: { type } })),
  });
  const descriptor: GPUComputePipelineDescriptor = {
    label: variantKey(variant),
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: shaderModule(device, twoOutputs), entryPoint: 'rowPass', constants: variant },
  };
  return env().getBool('WEBGPU_ENGINE_COMPILE_ONLY')
    ? device.createComputePipelineAsync(descriptor)
    : device.createComputePipeline(descriptor);
}
