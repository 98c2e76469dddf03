/** What compile_only_driver.c writes of a pipeline. */
import { type Loop, sweepsOf, widestLoad } from './assembly.ts';

export interface PipelineReport {
  /** Threads that run in lockstep. */
  subgroup: number;
  vectorRegisters: number;
  scalarRegisters: number;
  spilledVectorRegisters: number;
  spilledScalarRegisters: number;
  /** Bytes of a workgroup's memory. */
  workgroupMemory: number;
  /** Bytes of memory that a thread has spilled to. */
  scratch: number;
  /** Subgroups that a SIMD unit holds at once, as the driver counts them: in halves of 64 threads on RDNA. */
  occupancy: number;
  codeBytes: number;
  instructions: number;
  widestLoad: number;
  sweeps: Loop[];
}

/** A line of statistics under their names in RADV, then the listing. */
export function readReport(text: string): PipelineReport {
  const end = text.indexOf('\n');
  const entries = text
    .slice(0, end)
    .split('; ')
    .map((entry) => entry.split('='));
  const values = new Map(entries.map(([name, value]) => [name, Number(value)]));
  const statistic = (name: string) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`readReport: the driver gives no statistic '${name}'.`);
    return value;
  };
  const listing = text.slice(end);
  return {
    subgroup: statistic('subgroup'),
    vectorRegisters: statistic('VGPRs'),
    scalarRegisters: statistic('SGPRs'),
    spilledVectorRegisters: statistic('Spilled VGPRs'),
    spilledScalarRegisters: statistic('Spilled SGPRs'),
    workgroupMemory: statistic('LDS size'),
    scratch: statistic('Scratch size'),
    occupancy: statistic('Subgroups per SIMD'),
    codeBytes: statistic('Code size'),
    instructions: statistic('Instructions'),
    widestLoad: widestLoad(listing),
    sweeps: sweepsOf(listing),
  };
}
