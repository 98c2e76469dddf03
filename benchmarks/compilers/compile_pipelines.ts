/**
 * A process of `npm run bench:compilers`: compiles pipelines one after another by the Vulkan driver of its
 * environment. Its standard input is a Job.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { env } from '@tensorflow/tfjs-core';
import { create, globals } from 'webgpu';
import { pipelineOf, type Variant } from '../../src/backends/webgpu/pipeline.ts';
import { type Chip, everyPipeline, variantsOf } from './variants.ts';

export interface Job {
  /** On a device with subgroups. */
  subgroups: boolean;
  /** Those of the table; or every so many of all there are. */
  step: number | null;
}

/** What it writes: the pipelines that it compiled, in their order. */
export interface Compiled {
  names: string[];
  variants: Variant[];
}

Object.assign(globalThis, globals);
env().registerFlag('WEBGPU_ENGINE_COMPILE_ONLY', () => true); // of tfjs's backend, which is not here: pipelines come as promises

const job = JSON.parse(readFileSync(0, 'utf8')) as Job;
const gpu = create([]);
const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' });
if (adapter === null) throw new Error('compile_pipelines: the driver gave no adapter.');
const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX, maxComputeWorkgroupStorageSize } =
  adapter.limits;
const device = await adapter.requestDevice({
  requiredFeatures: job.subgroups ? ['subgroups'] : [],
  requiredLimits: {
    maxComputeInvocationsPerWorkgroup,
    maxComputeWorkgroupSizeX,
    maxComputeWorkgroupStorageSize,
  },
});
const { subgroupMinSize = 4 } = adapter.info as GPUAdapterInfo & { subgroupMinSize?: number };
const chip: Chip = {
  hasSubgroups: job.subgroups,
  smallestSubgroup: job.subgroups ? subgroupMinSize : 4,
  mostThreads: Math.min(maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupSizeX),
};
const variants = job.step === null ? variantsOf(chip) : everyPipeline(chip, job.step);
device.pushErrorScope('validation');
for (const { variant } of variants) await pipelineOf(device, variant);
const error = await device.popErrorScope();
if (error) throw new Error(`compile_pipelines: ${error.message}`);
const compiled: Compiled = {
  names: variants.map(({ name }) => name),
  variants: variants.map(({ variant }) => variant),
};
writeFileSync(1, JSON.stringify(compiled));
process.exit(0); // Dawn keeps a process alive
