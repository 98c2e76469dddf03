import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { isSoftwareAdapter } from '../software_adapters.ts';

export interface Uniform {
  type: 'int32' | 'uint32' | 'float32';
  data: number[];
}

/**
 * What tfjs asks of a program. `shaderKey` is its whole identity: here it names the pipeline that we have put
 * into the cache.
 */
export interface WebGPUProgram {
  outputShape: number[];
  dispatchLayout: { x: number[] };
  dispatch: [number, number, number];
  variableNames: string[];
  workgroupSize: [number, number, number];
  shaderKey: string;
  getUserCode(): string;
}

interface TensorData {
  /** Of the values in the buffer, which a tensor's own may differ from. */
  dtype: DataType;
  /**
   * tfjs binds what is neither a GPUBuffer nor a GPUTexture as it stands, so a part of a buffer can be given.
   */
  resource?: GPUBuffer | GPUBufferBinding | null;
  /** The resource is not tfjs's to release. */
  external?: boolean;
}

/** The parts of tfjs's 'webgpu' backend that are used here. */
export interface WebGPUBackend extends KernelBackend {
  device: GPUDevice;
  adapterInfo?: { vendor?: string; architecture?: string; description?: string };
  pipelineCache: Record<string, GPUComputePipeline | Promise<GPUComputePipeline>>;
  tensorMap: { get(dataId: object): TensorData };
  /** Data that waits for a command not yet submitted, and is not released before. */
  commandQueueOwnedIds: WeakSet<object>;
  makeTensorInfo(shape: number[], dtype: DataType, values?: Int32Array): TensorInfo;
  uploadToGPU(dataId: object): void;
  runWebGPUProgram(
    program: WebGPUProgram,
    inputs: TensorInfo[],
    outputDtype: DataType,
    uniforms: Uniform[],
    output?: TensorInfo,
  ): TensorInfo;
}

/**
 * A tensor that lends its buffer from elsewhere; to be disposed of with `backend.disposeData` after the
 * dispatch that binds it.
 */
export function lend(backend: WebGPUBackend, values: number, resource: GPUBufferBinding): TensorInfo {
  const info = backend.makeTensorInfo([values], 'float32');
  Object.assign(backend.tensorMap.get(info.dataId), {
    resource,
    external: true,
  } satisfies Partial<TensorData>);
  return info;
}

/**
 * The buffer of a tensor, uploaded if its values lay on the CPU, and kept until the commands that are being
 * recorded are submitted.
 */
export function bufferOf(backend: WebGPUBackend, { dataId }: TensorInfo): GPUBuffer {
  backend.uploadToGPU(dataId);
  backend.commandQueueOwnedIds.add(dataId);
  const { resource } = backend.tensorMap.get(dataId);
  if (!resource || !('usage' in resource)) {
    throw new Error(
      'softmaxCrossEntropyWithTemperature: expected a tensor in a GPUBuffer; got another resource.',
    );
  }
  return resource;
}

const softwareDevices = new WeakMap<GPUDevice, boolean>();

/**
 * tfjs keeps two words of the adapter. The device may know more: Firefox names nothing, Deno no architecture,
 * but both say what is a fallback.
 */
export function isSoftware({ device, adapterInfo }: WebGPUBackend): boolean {
  const known = softwareDevices.get(device);
  if (known !== undefined) return known;
  const told: Partial<GPUAdapterInfo> = device.adapterInfo ?? {};
  const words = [adapterInfo, told].flatMap((info) => [info?.vendor, info?.architecture, info?.description]);
  const found = told.isFallbackAdapter === true || isSoftwareAdapter(words.filter(Boolean).join(' '));
  softwareDevices.set(device, found);
  return found;
}
