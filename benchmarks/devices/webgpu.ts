import * as tf from '@tensorflow/tfjs-core';
import { isSoftwareAdapter } from '../../src/backends/software_adapters.ts';
import { validationErrors } from '../../test/backends/current.ts';
import type { Copy, Counts, Device } from './device.ts';

/** The parts of tfjs's 'webgpu' backend that are used here. */
type WebGPUBackend = tf.KernelBackend & {
  device: GPUDevice;
  adapterInfo?: { vendor?: string; architecture?: string; device?: string; description?: string };
  bufferManager: { numBytesUsed: number; acquireBuffer(...args: unknown[]): GPUBuffer };
  commandEncoder: GPUCommandEncoder | null;
  ensureCommandEncoderReady(): void;
  endComputePassEncoder(): void;
  submitQueue(): void;
};

const BATCH_SIZE = 'WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE';

export function webgpu(): Device {
  const backend = tf.backend() as WebGPUBackend;
  const { device, adapterInfo = {} } = backend;
  const { vendor, architecture, device: id, description } = adapterInfo;
  const subgroups = device.features.has('subgroups') ? 'with subgroups' : '';
  const adapter = [vendor, architecture, id, description, subgroups].filter(Boolean).join(' ');
  const isSoftware = device.adapterInfo?.isFallbackAdapter === true || isSoftwareAdapter(adapter);
  const timestamps = device.features.has('timestamp-query') ? timestampClock(backend) : null;
  return {
    machine: isSoftware ? 'software' : 'gpu',
    adapter,
    // A software adapter computes on the processor that also runs tfjs, so that one clock says it all.
    clocks: timestamps === null ? ['wall'] : isSoftware ? ['wall'] : ['timestamp', 'wall'],
    maxBytes: Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize),
    cacheBytes: isSoftware ? 2 ** 26 : 2 ** 28,
    time: async (clock, calls) => {
      await idle(backend);
      if (clock === 'timestamp') {
        if (timestamps === null) throw new Error("This device has no 'timestamp-query'.");
        return timestamps(calls);
      }
      const start = performance.now();
      calls();
      await idle(backend);
      return performance.now() - start;
    },
    makeCopy: (bytes, buffers) => makeCopy(backend, bytes, buffers),
    count: (call) => count(backend, call),
    takeFaults: () => validationErrors.splice(0),
  };
}

/** The open command encoder of the backend, outside of any pass. */
function encoderOf(backend: WebGPUBackend): GPUCommandEncoder {
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  if (backend.commandEncoder === null) throw new Error("tfjs's 'webgpu' backend has no command encoder.");
  return backend.commandEncoder;
}

async function idle(backend: WebGPUBackend): Promise<void> {
  encoderOf(backend);
  backend.submitQueue();
  await backend.device.queue.onSubmittedWorkDone();
}

/**
 * All calls go into one command buffer between two timestamps, so that what is timed is the device and not
 * how fast tfjs can feed it; that is what the wall clock is for.
 */
function timestampClock(backend: WebGPUBackend): (calls: () => void) => Promise<number> {
  const { device } = backend;
  const querySet = device.createQuerySet({ type: 'timestamp', count: 2 });
  const resolved = device.createBuffer({
    size: 16,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const readable = device.createBuffer({
    size: 16,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  const mark = (timestampWrites: Omit<GPUComputePassTimestampWrites, 'querySet'>) =>
    encoderOf(backend)
      .beginComputePass({ timestampWrites: { querySet, ...timestampWrites } })
      .end();
  return async (calls) => {
    const batchSize = tf.env().getNumber(BATCH_SIZE);
    tf.env().set(BATCH_SIZE, Number.MAX_SAFE_INTEGER);
    mark({ beginningOfPassWriteIndex: 0 });
    calls();
    // The end of a pass: its beginning may be stamped while what came before still runs.
    mark({ endOfPassWriteIndex: 1 });
    const encoder = encoderOf(backend);
    encoder.resolveQuerySet(querySet, 0, 2, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, readable, 0, 16);
    backend.submitQueue();
    tf.env().set(BATCH_SIZE, batchSize);
    await readable.mapAsync(GPUMapMode.READ);
    const [begin, end] = new BigUint64Array(readable.getMappedRange().slice(0));
    readable.unmap();
    return Number(end - begin) / 1e6;
  };
}

/** copyBufferToBuffer, which is the driver's own way. */
function makeCopy(backend: WebGPUBackend, bytes: number, buffers: number): Copy {
  const size = Math.max(4, Math.round(bytes / 8) * 4);
  const make = () =>
    Array.from({ length: buffers }, () =>
      backend.device.createBuffer({ size, usage: GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST }),
    );
  const sources = make();
  const targets = make();
  return {
    run: (i) => encoderOf(backend).copyBufferToBuffer(sources[i % buffers], 0, targets[i % buffers], 0, size),
    dispose: () => {
      for (const buffer of [...sources, ...targets]) buffer.destroy();
    },
  };
}

/** Of the passes that this device makes: in Node it is not that of the global GPUComputePassEncoder. */
function passPrototype(backend: WebGPUBackend): GPUComputePassEncoder {
  const pass = encoderOf(backend).beginComputePass();
  pass.end();
  return Object.getPrototypeOf(pass) as GPUComputePassEncoder;
}

/** Dispatches, and the bytes of the buffers that are in use at once, whoever asked for them. */
async function count(backend: WebGPUBackend, call: () => void): Promise<Counts> {
  await idle(backend);
  const prototype = passPrototype(backend);
  const { dispatchWorkgroups } = prototype;
  const { bufferManager } = backend;
  const acquireBuffer = bufferManager.acquireBuffer.bind(bufferManager);
  const before = bufferManager.numBytesUsed;
  let peak = before;
  let kernels = 0;
  prototype.dispatchWorkgroups = function (...counts) {
    kernels++;
    return dispatchWorkgroups.apply(this, counts);
  };
  bufferManager.acquireBuffer = (...args) => {
    const buffer = acquireBuffer(...args);
    peak = Math.max(peak, bufferManager.numBytesUsed);
    return buffer;
  };
  try {
    call();
  } finally {
    prototype.dispatchWorkgroups = dispatchWorkgroups;
    bufferManager.acquireBuffer = acquireBuffer;
  }
  await idle(backend);
  return { kernels, peakExtraBytes: peak - before };
}
