import type { Clock } from '../row.ts';
import type { Machine } from '../workloads.ts';

/**
 * Several copies of the same bytes, from memory to memory of the device, one after another over several
 * buffers.
 */
export interface Copy {
  /** Starts copy i. */
  run(i: number): void;
  dispose(): void;
}

/** What the benchmark needs to know of a backend beyond tfjs: its clocks, its copy, its counters. */
export interface Device {
  machine: Machine;
  /**
   * GPU, or the processor; empty where the page cannot know, then the process that started it fills it in.
   */
  adapter: string;
  clocks: readonly Clock[];
  /** The largest tensor that the device holds. */
  maxBytes: number;
  /** Enough for inputs that are used in turn to be out of every cache when their turn comes. */
  cacheBytes: number;
  /** ms from the start of `calls` until the device has done all that they asked for. */
  time(clock: Clock, calls: () => void): Promise<number>;
  /** A copy of `bytes / 2` bytes, which reads them and writes them: `bytes` of traffic. */
  makeCopy(bytes: number, buffers: number): Copy;
  /** What one call makes the device do and hold. */
  count(call: () => void): Promise<Counts>;
  /** What the device has complained of since the last time. */
  takeFaults(): string[];
}

export interface Counts {
  kernels: number;
  peakExtraBytes: number | null;
}
