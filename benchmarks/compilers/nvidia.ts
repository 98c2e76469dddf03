/**
 * Compiles for NVIDIA GPUs that are not there: WGSL to HLSL by naga, to CUDA C++ by Slang, to machine code by
 * NVRTC. No browser goes this way, but its end is the one that drivers have: NVIDIA's code generator with its
 * registers. Only kernels whose teams agree in workgroup memory: Slang writes loops for each exchange within
 * a subgroup.
 */
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { ENGINES, naga, onPath, whyNoNaga } from '../../scripts/engines.ts';
import { textForNaga } from '../../scripts/naga.ts';
import { CUOBJDUMP, LIBNVRTC, LIBSLANG, NVDISASM, whyNoNvidia } from '../../scripts/nvidia_packages.ts';
import type { CompiledPipeline } from './pipeline_report.ts';
import { type NvidiaChip, readSassReport } from './sass_report.ts';
import { type Chip, everyPipeline, type NamedVariant, variantsOf } from './variants.ts';

export const NVIDIA_CHIPS: readonly NvidiaChip[] = ['sm_90'];

const FOLDER = join(ENGINES, 'nvidia');
const COMPILERS = join(FOLDER, 'nvidia_compilers');
const SOURCE = resolve('benchmarks', 'compilers', 'nvidia_compilers.c');

const DEVICE: Chip = { hasSubgroups: false, smallestSubgroup: 4, mostThreads: 1024 };

/** Why nothing can be compiled here, or null. */
export function whyNoNvrtc(): string | null {
  const absent = whyNoNvidia() ?? whyNoNaga();
  if (absent !== null) return absent;
  return onPath('cc') ? null : 'there is no C compiler, `cc`, for nvidia_compilers.c';
}

/** @param step Every so many of all pipelines that there are; null for those of the table. */
export async function compileForNvidia(chip: NvidiaChip, step: number | null): Promise<CompiledPipeline[]> {
  buildCommandLine();
  const waiting = [...(step === null ? variantsOf(DEVICE) : everyPipeline(DEVICE, step)).entries()];
  const compiled: CompiledPipeline[] = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
      compiled[next[0]] = await compile(chip, next[1]);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return compiled;
}

/** Where nvidia_compilers.c is newer than what was built of it. */
function buildCommandLine(): void {
  if (existsSync(COMPILERS) && statSync(COMPILERS).mtimeMs > statSync(SOURCE).mtimeMs) return;
  mkdirSync(FOLDER, { recursive: true });
  execFileSync('cc', ['-O1', '-Wall', SOURCE, '-o', COMPILERS, '-ldl']);
}

const run = promisify(execFile);

async function compile(chip: NvidiaChip, { name, variant }: NamedVariant): Promise<CompiledPipeline> {
  const folder = mkdtempSync(join(FOLDER, 'rows.'));
  const path = (extension: string) => join(folder, `rows.${extension}`);
  const edit = (extension: string, change: (text: string) => string) =>
    writeFileSync(path(extension), change(readFileSync(path(extension), 'utf8')));
  try {
    writeFileSync(path('wgsl'), textForNaga(variant));
    await run(naga() ?? '', ['--shader-model', '60', path('wgsl'), path('hlsl')]);
    edit('hlsl', withoutZeroing);
    if (variant.modules.inputs === 'vec4') edit('hlsl', withVectors);
    const toCuda = ['-lang', 'hlsl', '-entry', 'rows', '-stage', 'compute', '-target', 'cuda'];
    await run(COMPILERS, ['slang', LIBSLANG, path('hlsl'), ...toCuda, '-o', path('cu')]);
    edit('cu', (text) => withWorkgroup(text, variant.constants.WORKGROUP));
    await run(COMPILERS, ['nvrtc', LIBNVRTC, chip, path('cu'), path('cubin')]);
    const usage = await run(CUOBJDUMP, ['-res-usage', path('cubin')]);
    const listing = await run(NVDISASM, ['-c', path('cubin')], { maxBuffer: 2 ** 26 });
    const report = readSassReport(chip, variant.constants.WORKGROUP, usage.stdout, listing.stdout);
    return { chip, name, variant, ...report };
  } catch (cause) {
    throw new Error(`compileForNvidia: ${chip} ${name}: ${(cause as Error).message}`, { cause });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Chromium has all threads set workgroup memory to zero; naga has one thread do it, which is code of another
 * kind.
 */
export function withoutZeroing(hlsl: string): string {
  const zeroing =
    / {4}if \(localIndex == 0\) \{\n(?: {8}\w+ = \([^\n]*\n)+ {4}\}\n {4}GroupMemoryBarrierWithGroupSync\(\);\n/;
  return replaced(hlsl, zeroing, '', 1);
}

/**
 * A vec4 at a time, as in WGSL: Slang makes four loads of one from a buffer of bytes, because it cannot know
 * that it lies at a multiple of 16.
 */
export function withVectors(hlsl: string): string {
  const typed = replacedBy(
    hlsl,
    /^ByteAddressBuffer (?=(?:student|teacher) )/gm,
    'StructuredBuffer<uint4> ',
    2,
  );
  const loaded = replacedBy(typed, /(student|teacher)\.Load4\(\((.*)\)\*16\)/g, '$1[$2]', 2);
  const picked = replacedBy(loaded, /student\.Load\((.*)\*4\+\((.*)\)\*16\)/g, 'student[$2][$1]', 1);
  const writable = replaced(picked, 'RWByteAddressBuffer result', 'RWStructuredBuffer<float4> result', 1);
  return replacedBy(writable, /result\.Store4\(\((.*)\)\*16, asuint\((\w+)\)\)/g, 'result[$1] = $2', 1);
}

/** As a driver knows it, which sees the size of a workgroup beside the text. */
export const withWorkgroup = (cuda: string, workgroup: number) =>
  replaced(
    cuda,
    'extern "C" __global__ void rows()',
    `extern "C" __global__ void __launch_bounds__(${workgroup}) rows()`,
    1,
  );

/** With every one of `count` occurrences replaced; a text of another version of naga or Slang is refused. */
function replaced(text: string, find: string | RegExp, by: string, count: number): string {
  const parts = text.split(find);
  if (parts.length === count + 1) return parts.join(by);
  throw new Error(`expected ${count} of '${find}' in what was translated; got ${parts.length - 1}`);
}

/** The same with a pattern for all of them, and its groups in `by`. */
function replacedBy(text: string, find: RegExp, by: string, count: number): string {
  const found = text.match(find)?.length ?? 0;
  if (found === count) return text.replace(find, by);
  throw new Error(`expected ${count} of '${find}' in what was translated; got ${found}`);
}
