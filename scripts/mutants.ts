/**
 * Plants single faults in the kernels and the op, each in a copy of the tree, and shows that the suite
 * notices every one: `npm run test:mutants`.
 * Results are kept in .cache until the mutant, its file or its suite changes, so that a run that was cut off
 * goes on where it was.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { BACKEND_PROJECTS } from '../test/backends/projects.ts';
import { MUTANTS } from '../test/mutants/index.ts';
import { type Mutant, type Suite, staleAmong, titleOf } from '../test/mutants/mutant.ts';
import type { CaseReport } from '../test/runner/blocks.ts';
import { casesOf } from '../test/runner/cases_of.ts';
import { MODULES } from './embed_kernels.ts';

const root = resolve('.');
const KEPT = join(root, '.cache', 'mutants.json');

interface Outcome {
  /** `broken`: the fault is not a program, so that nothing was shown. */
  kind: 'killed' | 'survived' | 'broken';
  /** The case that failed, or why the mutant is broken. */
  by: string;
  seconds: number;
}

interface Options {
  only?: string;
  list?: true;
  fresh?: true;
}

async function main({ only = '', list, fresh }: Options): Promise<void> {
  checkTables();
  const chosen = MUTANTS.filter(({ file, name }) => `${file}: ${name}`.includes(only));
  if (chosen.length === 0) throw new Error(`No mutant's file or name contains '${only}'.`);
  if (list) {
    for (const mutant of chosen) console.log(titleOf(mutant));
    return;
  }
  const kept = fresh ? {} : readKept();
  const outcomes: Outcome[] = [];
  const tree = copyOfTree();
  try {
    const pending = chosen.filter((mutant) => kept[keyOf(mutant)] === undefined);
    for (const suite of suitesOf(pending)) await expectGreen(tree, suite);
    for (const [k, mutant] of chosen.entries()) {
      const key = keyOf(mutant);
      const outcome = kept[key] ?? (await plant(tree, mutant));
      keep(key, outcome);
      outcomes.push(outcome);
      const { kind, by, seconds } = outcome;
      const count = `${k + 1}/${chosen.length}`.padStart(7);
      console.log(`${count}  ${kind.padEnd(8)}  ${titleOf(mutant)}\n${' '.repeat(19)}${by} (${seconds} s)`);
    }
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
  summarise(outcomes);
}

/** Throws where a table says what is no longer in its file. */
function checkTables(): void {
  const stale = staleAmong(MUTANTS, root);
  if (stale.length === 0) return;
  const lines = stale.map((mutant) => `  ${titleOf(mutant)}\n    ${JSON.stringify(mutant.find)}`);
  throw new Error(`What these mutants replace must occur exactly once in their files:\n${lines.join('\n')}`);
}

const readSource = (file: string) => readFileSync(join(root, file), 'utf8');

/** Outcomes by `keyOf` their mutant. */
type Kept = Record<string, Outcome>;

/** The mutant, and what its outcome was seen on. */
function keyOf(mutant: Mutant): string {
  const seen = [JSON.stringify(mutant), readSource(mutant.file), readSource(mutant.killedBy.path)];
  return createHash('sha256').update(seen.join('\0')).digest('hex');
}

const readKept = (): Kept => (existsSync(KEPT) ? JSON.parse(readFileSync(KEPT, 'utf8')) : {});

/** Beside what other runs have kept meanwhile. */
function keep(key: string, outcome: Outcome): void {
  mkdirSync(dirname(KEPT), { recursive: true });
  writeFileSync(KEPT, JSON.stringify({ ...readKept(), [key]: outcome }, null, 2));
}

/** Every file that git knows or would know, with the dependencies and the browser of this checkout. */
function copyOfTree(): string {
  const tree = mkdtempSync(join(tmpdir(), 'tfjs-distill-mutants-'));
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { encoding: 'utf8' });
  for (const file of files.split('\0').filter((file) => file !== '' && existsSync(file)))
    cpSync(join(root, file), join(tree, file), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  mkdirSync(join(tree, '.cache'));
  const cached = existsSync('.cache') ? readdirSync('.cache') : [];
  for (const name of cached.filter((name) => name.startsWith('chromium-')))
    symlinkSync(join(root, '.cache', name), join(tree, '.cache', name));
  return tree;
}

/** One for each suite and project, with all the cases of it that mutants name. */
function suitesOf(chosen: Mutant[]): Suite[] {
  const byName = new Map<string, Suite>();
  for (const { killedBy } of chosen) {
    const { path, project, cases } = killedBy;
    const before = byName.get(nameOf(killedBy));
    const all = !before ? cases : before.cases === '' || cases === '' ? '' : `${before.cases}|${cases}`;
    byName.set(nameOf(killedBy), { path, project, cases: all });
  }
  return [...byName.values()];
}

const nameOf = ({ path, project }: Suite) => `${path} on ${project}`;

/** A suite that fails by itself would kill everything. */
async function expectGreen(tree: string, suite: Suite): Promise<void> {
  const { failed } = await runSuite(tree, suite);
  if (failed) throw new Error(`${nameOf(suite)} fails without a mutant: ${failed.title}\n${failed.message}`);
  console.log(`  green  ${nameOf(suite)}`);
}

async function plant(tree: string, { file, find, replace, killedBy }: Mutant): Promise<Outcome> {
  const start = performance.now();
  const outcome = (kind: Outcome['kind'], by: string): Outcome => ({
    kind,
    by,
    seconds: Math.round((performance.now() - start) / 1000),
  });
  const path = join(tree, file);
  const generated = generatedFrom(file);
  const before = [path, ...generated.map(({ file }) => join(tree, file))].map(
    (path) => [path, readFileSync(path, 'utf8')] as const,
  );
  try {
    writeFileSync(
      path,
      before[0][1].replace(find, () => replace),
    );
    for (const { file, make } of generated) writeFileSync(join(tree, file), make(tree));
    const { failed } = await runSuite(tree, killedBy);
    if (failed === null) return outcome('survived', `${nameOf(killedBy)} passes`);
    return isBroken(failed.message)
      ? outcome('broken', failed.message)
      : outcome('killed', `by '${failed.title}'`);
  } catch (error) {
    return outcome('broken', error instanceof Error ? error.message : String(error));
  } finally {
    for (const [path, text] of before) writeFileSync(path, text);
  }
}

/**
 * The modules that kernels of another language are embedded in; those of AssemblyScript in one for each file
 * that is compiled.
 */
function generatedFrom(file: string): { file: string; make: (root: string) => string }[] {
  return Object.entries(MODULES)
    .filter(([name]) => file.startsWith(`kernels/${name.split('_')[0]}/`))
    .map(([name, make]) => ({ file: `src/generated/${name}.ts`, make }));
}

/** A shader that does not compile, a bundle that cannot be built: faults that no user would ever run. */
function isBroken(message: string): boolean {
  return /Build failed|Transform failed|Failed to (compile|link)|shader module|ShaderModule|SyntaxError|failed to load the script/i.test(
    message,
  );
}

interface SuiteResult {
  failed: { title: string; message: string } | null;
}

/** Runs cases of a suite up to the first that fails. */
async function runSuite(tree: string, { project, path, cases }: Suite): Promise<SuiteResult> {
  const backend = BACKEND_PROJECTS.find(({ name }) => name === project);
  const options = { stopsAtFailure: true, titlePattern: cases };
  const reports = backend
    ? (await casesOf(tree, backend, join(tree, path), options)).filter(({ isSkipped }) => !isSkipped)
    : await casesOfJest(tree, { project, path, cases });
  if (reports.length < 2) {
    const [start] = reports;
    throw new Error(`No case '${cases}' of ${path} ran on ${project}: ${start?.error ?? 'none matches'}`);
  }
  const failed = reports.find(({ error }) => error !== null);
  return { failed: failed ? { title: failed.titles.join(' '), message: failed.error ?? '' } : null };
}

/** What jest writes with --json, as far as it is used here. */
interface JestReport {
  testResults: { assertionResults: { status: string; fullName: string; failureMessages: string[] }[] }[];
}

/** Projects that are no backend run in jest's own process. */
async function casesOfJest(tree: string, { project, path, cases }: Suite): Promise<CaseReport[]> {
  const output = join(tree, '.cache', 'jest.json');
  rmSync(output, { force: true });
  const jest = join(tree, 'node_modules', 'jest', 'bin', 'jest.js');
  const args = ['--bail=1', '--forceExit', '--json', `--outputFile=${output}`, '--selectProjects', project];
  if (cases !== '') args.push('-t', cases);
  const child = spawn(process.execPath, [jest, ...args, '--', path], { cwd: tree, stdio: 'ignore' });
  await new Promise((done) => child.once('exit', done));
  const { testResults } = JSON.parse(readFileSync(output, 'utf8')) as JestReport;
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === 'passed' || status === 'failed')
    .map(({ status, fullName, failureMessages }) => ({
      titles: [fullName],
      duration: 0,
      error: status === 'failed' ? failureMessages.join('\n') : null,
    }));
}

function summarise(outcomes: Outcome[]): void {
  const count = (kind: Outcome['kind']) => outcomes.filter((outcome) => outcome.kind === kind).length;
  const [killed, survived, broken] = [count('killed'), count('survived'), count('broken')];
  console.log(`\n${outcomes.length} planted: ${killed} killed, ${survived} survived, ${broken} broken.`);
  if (killed < outcomes.length) process.exitCode = 1;
}

await main(
  new Command()
    .name('npm run test:mutants --')
    .description('Plants one fault at a time in a copy of the tree, and fails if the tests do not notice it.')
    .option('--only <text>', 'the mutants whose file or name contains the text')
    .option('--list', 'say what would be planted, and stop')
    .option('--fresh', 'forget the results of earlier runs')
    .parse()
    .opts<Options>(),
);
