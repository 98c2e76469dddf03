/** What NVIDIA's cuobjdump and nvdisasm say of a kernel. */
import { countInstructions, SASS, sweepsOf, widestLoad } from './assembly.ts';
import type { PipelineReport } from './pipeline_report.ts';

/** What a streaming multiprocessor has, by NVIDIA's tuning guide for Hopper. */
const MULTIPROCESSORS = {
  sm_90: { registers: 65_536, threads: 2048, workgroups: 32, memoryBytes: 228 * 1024 },
} as const;
export type NvidiaChip = keyof typeof MULTIPROCESSORS;

const WARP = 32;

/** Registers are given to a warp in steps of eight to a thread. */
const REGISTER_STEP = 8;

/** What the system takes of a workgroup's memory. */
const RESERVED_BYTES = 1024;

/**
 * @param usage What `cuobjdump -res-usage` writes.
 * @param listing What `nvdisasm -c` writes.
 */
export function readSassReport(
  chip: NvidiaChip,
  workgroup: number,
  usage: string,
  listing: string,
): PipelineReport {
  const resource = (name: string) => {
    const value = new RegExp(`\\b${name}:(\\d+)`).exec(usage)?.[1];
    if (value === undefined) throw new Error(`readSassReport: cuobjdump tells no '${name}'.`);
    return Number(value);
  };
  const vectorRegisters = resource('REG');
  const workgroupMemory = resource('SHARED');
  return {
    subgroup: WARP,
    vectorRegisters,
    scalarRegisters: null,
    spilled: [],
    workgroupMemory,
    scratch: resource('STACK') + resource('LOCAL'),
    occupancy: warpsOf(chip, workgroup, vectorRegisters, workgroupMemory),
    codeBytes: 16 * countInstructions(SASS, listing),
    instructions: countInstructions(SASS, listing),
    widestLoad: widestLoad(SASS, listing),
    sweeps: sweepsOf(SASS, listing),
  };
}

/** Warps that a multiprocessor holds at once, in whole workgroups. */
function warpsOf(chip: NvidiaChip, workgroup: number, registers: number, memory: number): number {
  const has = MULTIPROCESSORS[chip];
  const warps = Math.ceil(workgroup / WARP);
  const ofWarp = WARP * REGISTER_STEP * Math.ceil(registers / REGISTER_STEP);
  const workgroups = Math.min(
    has.workgroups,
    Math.floor(has.threads / (WARP * warps)),
    Math.floor(has.registers / ofWarp / warps),
    Math.floor(has.memoryBytes / (memory + RESERVED_BYTES)),
  );
  return warps * workgroups;
}
