import { env } from '@tensorflow/tfjs-core';

/** In float32 numbers: 128 KiB. */
const LARGE = 1 << 15;

/** The part of Node's Buffer that is used here. */
interface BufferOfNode {
  allocUnsafeSlow(bytes: number): { buffer: ArrayBuffer };
}

/**
 * An array for a result of which every number will be written. In Node they are whatever was there before,
 * elsewhere 0: zeros take time, and new pages of memory as much as the kernel (1,024 page faults for 4 MB, 1
 * ms).
 */
export function unwritten(size: number): Float32Array {
  const { Buffer } = globalThis as { Buffer?: BufferOfNode };
  if (size < LARGE || Buffer === undefined || !env().getBool('IS_NODE')) return new Float32Array(size);
  return new Float32Array(Buffer.allocUnsafeSlow(4 * size).buffer);
}
