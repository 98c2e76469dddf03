import type { Variant } from '../../src/backends/webgpu/pipeline.ts';
import type { Loop } from './assembly.ts';

/** What a compiler made of a pipeline. */
export interface PipelineReport {
  /** Threads that run in lockstep. */
  subgroup: number;
  vectorRegisters: number;
  /** Of a subgroup as a whole; null where the compiler counts none. */
  scalarRegisters: number | null;
  /** Vector registers, then scalar ones; empty where the compiler tells bytes alone. */
  spilled: number[];
  /** Bytes of a workgroup's memory. */
  workgroupMemory: number;
  /** Bytes of memory that a thread has for what is spilled. */
  scratch: number;
  /**
   * Subgroups that a SIMD unit (AMD) or a streaming multiprocessor (NVIDIA) holds at once. RADV counts those
   * of RDNA in halves of 64 threads.
   */
  occupancy: number;
  codeBytes: number;
  instructions: number;
  /** Bytes of the widest load of a thread. */
  widestLoad: number;
  sweeps: Loop[];
}

export interface CompiledPipeline extends PipelineReport {
  chip: string;
  name: string;
  variant: Variant;
}

export const spills = ({ spilled, scratch }: Pick<PipelineReport, 'spilled' | 'scratch'>) =>
  scratch > 0 || (spilled[0] ?? 0) > 0;
