/**
 * `npm run bench:compilers`: what GPUs' compilers make of the WGSL kernels, without a GPU. Prints a table,
 * and fails if a variant spills more registers than in the committed one, if fewer of its subgroups fit a
 * SIMD unit, or if the committed one does not name the variants that are chosen now.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command, Option } from 'commander';
import { mesaVersion } from '../../scripts/engines.ts';
import { AMD_CHIPS, type AmdChip, type CompiledPipeline, compileForAmd, whyNoRadv } from './radv.ts';
import { type CompilerRow, complaintsOf, merged, rowOf, tablesOf } from './table.ts';

const RESULTS = join('benchmarks', 'results', 'compilers');
const ROWS = join(RESULTS, 'amd.json');

interface Options {
  chip?: AmdChip;
  every?: string;
  write?: true;
}

interface Table {
  /** The compiler. */
  mesa: string;
  rows: CompilerRow[];
}

async function main({ chip, every, write }: Options): Promise<void> {
  const absent = whyNoRadv();
  if (absent !== null) throw new Error(`bench:compilers: nothing was compiled: ${absent}.`);
  const chips = chip ? [chip] : AMD_CHIPS;
  if (every !== undefined) return compileEvery(chips, Number(every));
  const rows = (await compileAll(chips, null)).map(rowOf);
  const tables = tablesOf(rows);
  console.log(tables);
  if (write) keep(rows);
  else compare(rows);
}

async function compileAll(chips: readonly AmdChip[], step: number | null): Promise<CompiledPipeline[]> {
  const pipelines: CompiledPipeline[] = [];
  for (const chip of chips)
    for (const subgroups of [false, true]) {
      console.error(`${chip}, team ${subgroups ? 'subgroup' : 'workgroup'} ...`);
      pipelines.push(...(await compileForAmd(chip, { subgroups, step })));
    }
  return pipelines;
}

/** Spills of pipelines that the table does not show. */
async function compileEvery(chips: readonly AmdChip[], step: number): Promise<void> {
  const pipelines = await compileAll(chips, step);
  const spilled = pipelines.filter(({ spilledVectorRegisters }) => spilledVectorRegisters > 0);
  for (const { chip, name, spilledVectorRegisters: count } of spilled)
    console.log(`${chip}: ${count} vector registers spilled: ${name}`);
  console.log(`${pipelines.length} pipelines compiled, ${spilled.length} of them spill`);
}

function keep(rows: CompilerRow[]): void {
  const mesa = mesaVersion();
  const before = committed();
  const isOfSameMesa = before === null || before.mesa === mesa;
  const table: Table = { mesa, rows: isOfSameMesa ? merged(before?.rows ?? [], rows) : rows };
  mkdirSync(dirname(ROWS), { recursive: true });
  const lines = table.rows.map((row) => `    ${JSON.stringify(row)}`).join(',\n');
  writeFileSync(ROWS, `{\n  "mesa": ${JSON.stringify(mesa)},\n  "rows": [\n${lines}\n  ]\n}\n`);
  writeFileSync(join(RESULTS, 'amd.md'), pageOf(table));
}

function committed(): Table | null {
  return existsSync(ROWS) ? (JSON.parse(readFileSync(ROWS, 'utf8')) as Table) : null;
}

const pageOf = ({ mesa, rows }: Table) => `# What AMD's compiler makes of the kernels

Written by \`npm run bench:compilers -- --write\`: RADV of Mesa ${mesa}, which compiles for chips that are not there. Nothing ran. Columns: [benchmarks/compilers/table.ts](../../compilers/table.ts).

${tablesOf(rows)}`;

function compare(rows: CompilerRow[]): void {
  const before = committed();
  if (before === null) throw new Error(`bench:compilers: there is no ${ROWS} yet; -- --write makes it.`);
  if (before.mesa !== mesaVersion())
    console.log(`The committed table is of Mesa ${before.mesa}; this is ${mesaVersion()}.`);
  const complaints = complaintsOf(before.rows, rows);
  for (const complaint of complaints) console.log(`WORSE  ${complaint}`);
  if (complaints.length > 0) process.exitCode = 1;
  else console.log(`No variant spills more or has a lower occupancy than in ${ROWS}.`);
}

const options = new Command('npm run bench:compilers --')
  .description(
    "Compiles the WGSL kernels by GPUs' compilers, without a GPU, and compares with the committed table.",
  )
  .addOption(new Option('-c, --chip <name>', 'compile for this chip alone').choices(AMD_CHIPS))
  .option('-e, --every <n>', 'compile every n-th of all pipelines that there are, and name those that spill')
  .option('-w, --write', `write the table to ${RESULTS}`)
  .parse()
  .opts<Options>();

main(options).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
