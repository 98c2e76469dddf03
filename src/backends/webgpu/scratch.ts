import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from './backend.ts';
import { MOST_SPLIT_GROUPS } from './plan.ts';

/** Words of kernels/wgsl/reduce.wgsl: a counter and a slot for each workgroup. */
export const MOST_GROUPS = 8191;

/**
 * Words of kernels/wgsl/split.wgsl: where the partial statistics begin, and how many there are of each
 * workgroup.
 */
const PARTIALS = 8192;
const PARTIAL_WORDS = 28;

const WORDS = PARTIALS + MOST_SPLIT_GROUPS * PARTIAL_WORDS;

interface Scratch {
  /**
   * Zeros between dispatches where reduce.wgsl keeps its counter and slots: a sum in one dispatch, which runs
   * whole or not at all, puts them back.
   */
  words: GPUBuffer;
  /** Stands in for the output that is not asked for. */
  unused: GPUBuffer;
}

const ofDevice = new WeakMap<GPUDevice, Scratch>();

// GPUBufferUsage.STORAGE, which is a global only where WebGPU is.
const STORAGE = 128;

/**
 * For a sum in several dispatches: of these some may run and others be dropped, and what they leave must not
 * reach another sum. To be disposed of with `backend.disposeData` after the last.
 */
export function ownWords(backend: WebGPUBackend): TensorInfo {
  return backend.makeTensorInfo([WORDS], 'int32', new Int32Array(WORDS));
}

/** The buffers that all dispatches on a device share: they follow each other on its one queue. */
export function scratchOf(device: GPUDevice): Scratch {
  const known = ofDevice.get(device);
  if (known) return known;
  const scratch = {
    words: device.createBuffer({ size: WORDS * 4, usage: STORAGE, label: 'tfjs-distill scratch' }),
    unused: device.createBuffer({ size: 16, usage: STORAGE, label: 'tfjs-distill unused output' }),
  };
  ofDevice.set(device, scratch);
  return scratch;
}
