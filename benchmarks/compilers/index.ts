/**
 * `npm run bench:compilers`: what GPUs' compilers make of the WGSL kernels, without a GPU. Prints tables, and
 * fails if a variant spills more registers than in the committed ones, if fewer of its subgroups fit a unit
 * of the chip, or if the committed ones do not name the variants that are chosen now.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { mesaVersion } from '../../scripts/engines.ts';
import { NVIDIA_COMPILERS } from '../../scripts/nvidia_packages.ts';
import { compileForNvidia, NVIDIA_CHIPS, whyNoNvrtc } from './nvidia.ts';
import { type CompiledPipeline, spills } from './pipeline_report.ts';
import { AMD_CHIPS, compileForAmd, whyNoRadv } from './radv.ts';
import type { NvidiaChip } from './sass_report.ts';
import { type CompilerRow, complaintsOf, merged, rowOf, tablesOf } from './table.ts';

const RESULTS = join('benchmarks', 'results', 'compilers');

/** Those who make chips, each with a table of its own. */
interface Vendor<Chip extends string> {
  name: string;
  /** Of its table: NAME.json and NAME.md. */
  file: string;
  chips: readonly Chip[];
  whyAbsent(): string | null;
  /** The compilers, with their versions. */
  compilers(): string;
  /** In the table: what is compiled, and how. */
  way: string;
  /** @param step Every so many of all pipelines that there are; null for those of the table. */
  compile(chip: Chip, step: number | null): Promise<CompiledPipeline[]>;
}

/** What its table says of it. */
type Described = Omit<Vendor<string>, 'chips' | 'compile'>;

const AMD: Vendor<(typeof AMD_CHIPS)[number]> = {
  name: 'AMD',
  file: 'amd',
  chips: AMD_CHIPS,
  whyAbsent: whyNoRadv,
  compilers: () => `RADV of Mesa ${mesaVersion()}`,
  way: 'each pipeline through Dawn as in Chromium, for chips that are not there',
  compile: async (chip, step) => [
    ...(await compileForAmd(chip, { subgroups: false, step })),
    ...(await compileForAmd(chip, { subgroups: true, step })),
  ],
};

const NVIDIA: Vendor<NvidiaChip> = {
  name: 'NVIDIA',
  file: 'nvidia',
  chips: NVIDIA_CHIPS,
  whyAbsent: whyNoNvrtc,
  compilers: () => NVIDIA_COMPILERS,
  way:
    'by way of HLSL and CUDA C++, which no browser goes: registers, spills and occupancy are near to what a driver has, instructions less so. ' +
    'Occupancy is in warps to a multiprocessor, of 64',
  compile: compileForNvidia,
};

interface Options {
  chip?: string;
  every?: string;
  write?: true;
}

interface Table {
  compilers: string;
  rows: CompilerRow[];
}

async function main(options: Options): Promise<void> {
  const ran = [await ofVendor(AMD, options), await ofVendor(NVIDIA, options)];
  if (!ran.includes(true)) process.exitCode = 1;
}

/** Whether anything was compiled. */
async function ofVendor<Chip extends string>(
  vendor: Vendor<Chip>,
  { chip, every, write }: Options,
): Promise<boolean> {
  const chips = vendor.chips.filter((one) => chip === undefined || one === chip);
  if (chips.length === 0) return false;
  const absent = vendor.whyAbsent();
  if (absent !== null) {
    console.log(`Nothing was compiled for ${vendor.name}: ${absent}.`);
    return false;
  }
  if (every !== undefined) await compileEvery(vendor, chips, Number(every));
  else {
    const rows = (await compileAll(vendor, chips, null)).map(rowOf);
    console.log(tablesOf(rows));
    if (write) keep(vendor, rows);
    else compare(vendor, rows);
  }
  return true;
}

async function compileAll<Chip extends string>(
  { compile }: Vendor<Chip>,
  chips: readonly Chip[],
  step: number | null,
): Promise<CompiledPipeline[]> {
  const pipelines: CompiledPipeline[] = [];
  for (const chip of chips) {
    console.error(`${chip} ...`);
    pipelines.push(...(await compile(chip, step)));
  }
  return pipelines;
}

/** Spills of pipelines that the table does not show. */
async function compileEvery<Chip extends string>(
  vendor: Vendor<Chip>,
  chips: readonly Chip[],
  step: number,
): Promise<void> {
  const pipelines = await compileAll(vendor, chips, step);
  const spilled = pipelines.filter(spills);
  for (const { chip, name, spilled: registers, scratch } of spilled)
    console.log(`${chip}: ${[...registers.slice(0, 1), `${scratch} bytes`].join(', ')} spilled: ${name}`);
  console.log(`${vendor.name}: ${pipelines.length} pipelines compiled, ${spilled.length} of them spill`);
}

const pathOf = ({ file }: Pick<Vendor<string>, 'file'>, extension: string) =>
  join(RESULTS, `${file}.${extension}`);

function committed(vendor: Pick<Vendor<string>, 'file'>): Table | null {
  const path = pathOf(vendor, 'json');
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Table) : null;
}

function keep(vendor: Described, rows: CompilerRow[]): void {
  const compilers = vendor.compilers();
  const before = committed(vendor);
  const isOfSame = before?.compilers === compilers;
  const table: Table = { compilers, rows: isOfSame ? merged(before.rows, rows) : rows };
  const lines = table.rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
  mkdirSync(RESULTS, { recursive: true });
  writeFileSync(
    pathOf(vendor, 'json'),
    `{\n  "compilers": ${JSON.stringify(compilers)},\n  "rows": [\n${lines}\n  ]\n}\n`,
  );
  writeFileSync(pathOf(vendor, 'md'), pageOf(vendor, table));
}

const pageOf = (
  { name, way }: Described,
  { compilers, rows }: Table,
) => `# What ${name}'s compiler makes of the kernels

Written by \`npm run bench:compilers -- --write\`: ${compilers}; ${way}.
Nothing ran. Columns: [benchmarks/compilers/table.ts](../../compilers/table.ts).

${tablesOf(rows)}`;

function compare(vendor: Described, rows: CompilerRow[]): void {
  const path = pathOf(vendor, 'json');
  const before = committed(vendor);
  if (before === null) throw new Error(`bench:compilers: there is no ${path} yet; -- --write makes it.`);
  const compilers = vendor.compilers();
  if (before.compilers !== compilers)
    console.log(`The committed table is of ${before.compilers}; this is ${compilers}.`);
  const complaints = complaintsOf(before.rows, rows);
  for (const complaint of complaints) console.log(`WORSE  ${complaint}`);
  if (complaints.length > 0) process.exitCode = 1;
  else console.log(`No variant spills more or has a lower occupancy than in ${path}.`);
}

const options = new Command('npm run bench:compilers --')
  .description(
    "Compiles the WGSL kernels by GPUs' compilers, without a GPU, and compares with the committed tables.",
  )
  .addOption(
    new Option('-c, --chip <name>', 'compile for this chip alone').choices([...AMD_CHIPS, ...NVIDIA_CHIPS]),
  )
  .option('-e, --every <n>', 'compile every n-th of all pipelines that there are, and name those that spill')
  .option('-w, --write', `write the tables to ${RESULTS}`)
  .parse()
  .opts<Options>();

main(options).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
