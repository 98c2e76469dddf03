/** What compile_only_driver.c writes of a pipeline. */
import { ACO, sweepsOf, widestLoad } from './assembly.ts';
import type { PipelineReport } from './pipeline_report.ts';

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
    spilled: [statistic('Spilled VGPRs'), statistic('Spilled SGPRs')],
    workgroupMemory: statistic('LDS size'),
    scratch: statistic('Scratch size'),
    occupancy: statistic('Subgroups per SIMD'),
    codeBytes: statistic('Code size'),
    instructions: statistic('Instructions'),
    widestLoad: widestLoad(ACO, listing),
    sweeps: sweepsOf(ACO, listing),
  };
}
