import { MOST_SPLIT_GROUPS } from './plan.ts';

/** Words of kernels/wgsl/reduce.wgsl: a counter and a slot for each workgroup. */
export const MOST_GROUPS = 8191;

/** Words of kernels/wgsl/split.wgsl: where the partial statistics begin, and how many there are of each workgroup. */
const PARTIALS = 8192;
const PARTIAL_WORDS = 28;

interface Scratch {
  /** Zeros between dispatches where reduce.wgsl keeps its counter and slots: each dispatch that uses them puts them back. */
  words: GPUBuffer;
  /** Stands in for the output that is not asked for. */
  unused: GPUBuffer;
}

const ofDevice = new WeakMap<GPUDevice, Scratch>();

// GPUBufferUsage.STORAGE, which is a global only where WebGPU is.
const STORAGE = 128;

/** The buffers that all dispatches on a device share: they follow each other on its one queue. */
export function scratchOf(device: GPUDevice): Scratch {
  const known = ofDevice.get(device);
  if (known) return known;
  const size = (PARTIALS + MOST_SPLIT_GROUPS * PARTIAL_WORDS) * 4;
  const scratch = {
    words: device.createBuffer({ size, usage: STORAGE, label: 'tfjs-distill scratch' }),
    unused: device.createBuffer({ size: 16, usage: STORAGE, label: 'tfjs-distill unused output' }),
  };
  ofDevice.set(device, scratch);
  return scratch;
}
