import { env } from '@tensorflow/tfjs-core';

/** In float32 numbers: 128 KiB. From there on glibc takes memory from the system for every array and gives it back after. */
const LARGE = 1 << 15;

/** The largest block that glibc learns from is 32 MiB with what it adds itself. */
const MOST_LEARNT_BYTES = 2 ** 25 - 2 ** 16;

/** The part of Node's Buffer that is used here. */
interface BufferOfNode {
  allocUnsafeSlow(bytes: number): { buffer: ArrayBuffer };
}

let keepsFreedMemory = false;

/**
 * An array for a result of which every number will be written. In Node they are whatever was there before, elsewhere 0: zeros take time, and new pages of
 * memory as much as the kernel (1,024 page faults for 4 MB, 1 ms).
 */
export function unwritten(size: number): Float32Array {
  const { Buffer } = globalThis as { Buffer?: BufferOfNode };
  if (size < LARGE || Buffer === undefined || !env().getBool('IS_NODE')) return new Float32Array(size);
  if (!keepsFreedMemory) keepFreedMemory();
  return new Float32Array(Buffer.allocUnsafeSlow(4 * size).buffer);
}

/**
 * glibc keeps, of memory that is freed, up to twice the largest block that was ever mapped and freed; the rest goes back to the system and is faulted in again, page
 * by page, for the next result. One block of 32 MiB, no page of which is ever touched, makes that 64 MiB. Other allocators take no notice.
 */
function keepFreedMemory(): void {
  keepsFreedMemory = true;
  void new ArrayBuffer(MOST_LEARNT_BYTES); // for the garbage collector
}
