import { type DataType, env, type KernelBackend, type TensorInfo } from '@tensorflow/tfjs-core';
import { lostBackendError } from '../lost_backend.ts';
import { numberFlag } from '../number_flag.ts';
import { isSoftwareAdapter } from '../software_adapters.ts';

/** What tfjs asks of a program. Its source and what tfjs generates for its inputs are its identity. */
export interface GPGPUProgram {
  variableNames: string[];
  outputShape: number[];
  userCode: string;
  /** An RGBA texel is a block of two by two values; else a texel is a value. */
  packedOutput: boolean;
  /** Shapes come as uniforms, so that another shape does not need another program. */
  enableShapeUniforms: true;
  customUniforms: { name: string; type: 'int' | 'float' }[];
}

/** Where and how the values of a tensor lie on the GPU. */
export interface TextureData {
  /** The shape that a packed layout is of: a view of the tensor may have another. */
  shape: number[];
  /** Missing before the values are uploaded. */
  texture?: object | null;
  /** [height, width] in values: twice as many as texels each way if packed. */
  texShape?: [number, number] | null;
  isPacked?: boolean;
  /** Where a slice that shares the texture of another tensor begins in it. */
  slice?: { flatOffset: number } | null;
}

/** The parts of tfjs's 'webgl' backend that are used here. */
export interface WebGLBackend extends KernelBackend {
  gpgpu: { gl: WebGLRenderingContext };
  texData: { get(dataId: object): TextureData };
  uploadToGPU(dataId: object): void;
  makeTensorInfo(shape: number[], dtype: DataType): TensorInfo;
  disposeIntermediateTensorInfo(info: TensorInfo): void;
  unpackTensor(input: TensorInfo): TensorInfo;
  packTensor(input: TensorInfo): TensorInfo;
  runWebGLProgram(
    program: GPGPUProgram,
    inputs: TensorInfo[],
    outputDtype: DataType,
    customUniformValues?: number[][],
    preventEagerUnpackingOfOutput?: boolean,
  ): TensorInfo;
}

/** Whether the row pass can run: its shaders are GLSL ES 3.00, which WebGL 1 does not have. */
export function supportsRowPass(): boolean {
  return env().getNumber('WEBGL_VERSION') === 2;
}

/** Throws if the context is lost. */
export function checkContext({ gpgpu }: WebGLBackend): void {
  if (gpgpu.gl.isContextLost()) throw lostBackendError('webgl', 'the WebGL context');
}

/**
 * 1 packs unpacked logits before a row pass with a gradient, 0 does not; -1, the default, lets `packsFirst`
 * choose. For tuning and tests.
 */
export const PACK_FLAG = 'TFJS_DISTILL_WEBGL_PACK_FIRST';
env().registerFlag(PACK_FLAG, () => -1);

/**
 * Whether a row pass with a gradient packs unpacked logits first. Four classes to a fragment instead of one:
 * a software renderer pays for fragments and fetches, and gains more than the packing costs it. A GPU pays
 * for the bytes that packing moves.
 */
export function packsFirst(backend: WebGLBackend, values: number): boolean {
  const flag = numberFlag(PACK_FLAG, { least: -1, most: 1 });
  return flag === -1 ? values >= WORTH_PACKING && isSoftware(backend.gpgpu.gl) : flag === 1;
}

/** Values of a tensor below which two more programs cost more than packing gains. */
const WORTH_PACKING = 4096;

const softwareContexts = new WeakMap<WebGLRenderingContext, boolean>();

function isSoftware(gl: WebGLRenderingContext): boolean {
  const known = softwareContexts.get(gl);
  if (known !== undefined) return known;
  const debugInfo = gl.getExtension('WEBGL_debug_renderer_info');
  const renderer = String(gl.getParameter(debugInfo ? debugInfo.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  const found = isSoftwareAdapter(renderer);
  softwareContexts.set(gl, found);
  return found;
}
