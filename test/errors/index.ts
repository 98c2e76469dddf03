/**
 * `npm run test:errors`: the worst errors that every backend makes here, as Markdown tables. `-- --write`
 * puts them into README.md; `-- --projects cpu,wasm` measures these alone.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { bundleForBackend } from '../../scripts/bundle_for_backend.ts';
import { runOnBackend, whyAbsent } from '../../scripts/run_on_backend.ts';
import { BACKEND_PROJECTS, type BackendProject, isPage } from '../backends/projects.ts';
import type { ErrorReport, WorstErrors } from './measure.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const ENTRY = "import { measureErrors } from './test/errors/measure.ts';\nglobalThis.start = measureErrors;";
const BEGIN = '<!-- npm run test:errors -- --write -->';
const END = '<!-- end of test:errors -->';

interface Measured {
  project: string;
  /** Backend and adapter, as the backend itself says. */
  description: string;
  errors: WorstErrors[];
}

async function measure(project: BackendProject): Promise<Measured> {
  const outfile = join(root, '.cache', 'errors', `${project.name}.${isPage(project) ? 'js' : 'cjs'}`);
  await bundleForBackend(root, project, ENTRY, outfile);
  const measured: Measured = { project: project.name, description: '', errors: [] };
  await runOnBackend<ErrorReport>(project, outfile, (report) => {
    if ('description' in report) measured.description = report.description;
    else measured.errors.push(report);
  });
  return measured;
}

const TABLES: { title: string; number: keyof Omit<WorstErrors, 'divergence'> }[] = [
  { title: 'Value, relative to max(1, truth)', number: 'value' },
  { title: 'Gradient to the student times T', number: 'gradient' },
  { title: 'T = 1000 and 10000: value, relative to itself', number: 'valueAtHighT' },
  { title: 'T = 1000 and 10000: gradient, relative to its largest element', number: 'gradientAtHighT' },
];

function tablesOf(measured: readonly Measured[]): string {
  const divergences = measured[0].errors.map(({ divergence }) => divergence);
  const tables = TABLES.map(({ title, number }) => {
    const rows = measured.map(({ project, errors }) => [
      project,
      ...errors.map((worst) => worst[number].toExponential(1)),
    ]);
    const lines = [[title, ...divergences], ['---', ...divergences.map(() => '---:')], ...rows];
    return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  });
  const adapters = measured
    .filter(({ description }) => description.includes(' '))
    .map(({ project, description }) => `\`${project}\` is ${description}.`);
  return [...tables, adapters.join(' ')].join('\n\n');
}

function writeIntoReadme(tables: string): void {
  const path = join(root, 'README.md');
  const readme = readFileSync(path, 'utf8');
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin)
    throw new Error(`README.md has no place for the tables, from ${BEGIN} to ${END}.`);
  writeFileSync(path, `${readme.slice(0, begin + BEGIN.length)}\n\n${tables}\n\n${readme.slice(end)}`);
}

/**
 * Half-precision textures hold three digits, whatever the kernel: their bound is 1e-2. Other engines run the
 * same kernels as Node and Chromium.
 */
function isMeasured({ precision, host, driver }: BackendProject): boolean {
  return precision === 'f32' && (host === 'node' || host === 'chromium') && driver === undefined;
}

async function main(): Promise<void> {
  const { write, projects } = new Command('test:errors')
    .description('Measures the worst errors of every backend against float64.')
    .option('--write', 'put the tables into README.md')
    .option('--projects <names>', 'comma-separated', (names: string) => names.split(','))
    .parse()
    .opts<{ write?: boolean; projects?: string[] }>();
  const measured: Measured[] = [];
  for (const project of BACKEND_PROJECTS) {
    if (projects ? !projects.includes(project.name) : !isMeasured(project)) continue;
    const absent = whyAbsent(project);
    process.stderr.write(`${project.name}${absent ? `: absent, ${absent}` : ' ...'}\n`);
    if (absent === null) measured.push(await measure(project));
  }
  const tables = tablesOf(measured);
  console.log(tables);
  if (write) writeIntoReadme(tables);
}

await main();
