/**
 * `npm run bench`, apart from where the scripts of the backends come from: see bench.ts, and pack/main.ts for
 * the archive.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Presets, SingleBar } from 'cli-progress';
import { Command, InvalidArgumentError, Option } from 'commander';
import { endOnInterrupt } from '../scripts/interrupt.ts';
import { BACKEND_PROJECTS, type BackendProject } from '../test/backends/projects.ts';
import { IMPLEMENTATIONS, type Implementation } from './implementation_names.ts';
import { CLOCKS, type Clock, PHASES, type Phase, type Row } from './row.ts';
import type { SessionOptions, SessionReport } from './session.ts';
import { tablesOf } from './table.ts';
import { workloadOfShape } from './workloads.ts';

/** What a run is of, and how it comes by the script of a backend. */
export interface Bench {
  version: string;
  commit: string;
  /** Path of a script that sets `globalThis.start` to run a session. */
  bundle(project: BackendProject): Promise<string>;
  /** Why a backend cannot run here, or null. */
  whyAbsent(project: BackendProject): string | null;
}

interface Options {
  backend: string[];
  shape: string[];
  impl: Implementation[];
  phase: Phase[];
  clock: Clock[];
  json?: string;
  quick?: true;
  subgroups?: true;
}

/** Backends as users have them; the conformance suite knows variants of them besides. */
const NAMES = ['cpu', 'wasm', 'tensorflow', 'webgpu-dawn', 'webgpu-chromium', 'webgl-chromium'];
const PROJECTS = BACKEND_PROJECTS.filter(({ name }) => NAMES.includes(name));

const collect = <T>(value: T, values: T[]): T[] => [...values, value];

function collectShape(shape: string, shapes: string[]): string[] {
  try {
    workloadOfShape(shape);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
  return collect(shape, shapes);
}

function listOption<T extends string>(flags: string, description: string, choices: readonly T[]): Option {
  return new Option(flags, `${description}; may be repeated; one of ${choices.join(', ')}`)
    .argParser((value: string, values: T[]) => {
      const choice = choices.find((name) => name === value);
      if (choice === undefined) throw new InvalidArgumentError(`Expected one of ${choices.join(', ')}.`);
      return collect(choice, values);
    })
    .default([], 'all');
}

function parse(argv: string[]): Options {
  const names = [...new Set(PROJECTS.flatMap(({ name, backendName }) => [name, backendName]))];
  return new Command('bench')
    .description(
      'Times the distillation loss of tfjs-distill against stock TensorFlow.js and a plain copy, on every backend that this machine has. ' +
        'Every result is checked against float64 before it is timed.',
    )
    .addOption(listOption('-b, --backend <name>', 'time this backend', names))
    .addOption(
      new Option('-s, --shape <rows>x<classes>', 'time this shape, whatever its size; may be repeated')
        .argParser(collectShape)
        .default([], 'those of workloads.json that suit the machine'),
    )
    .addOption(listOption('-i, --impl <name>', 'time this implementation, and the copy', IMPLEMENTATIONS))
    .addOption(listOption('-p, --phase <name>', 'time this phase', PHASES))
    .addOption(
      listOption('-c, --clock <name>', 'time by this clock', CLOCKS).default([], 'what the device has'),
    )
    .option('-j, --json <file>', 'write the rows to this file')
    .option('-q, --quick', 'a few shapes, a few rounds: a minute or two')
    .option('--subgroups', "give WebGPU a device with 'subgroups', for which tfjs does not ask by itself")
    .parse(argv)
    .opts<Options>();
}

/**
 * Runs to the end and returns the exit code: 0 only if every backend that this machine has ran, and gave
 * right results.
 */
export async function runCommandLine(bench: Bench, argv: string[]): Promise<number> {
  const options = parse(argv);
  endOnInterrupt();
  // Loaded after the command line is read, so that --help does not wait for a browser's library.
  const { whyAbsent } = await import('../scripts/run_on_backend.ts');
  const chosen = PROJECTS.filter(
    ({ name, backendName }) =>
      options.backend.length === 0 || options.backend.includes(name) || options.backend.includes(backendName),
  );
  const rows: Row[] = [];
  const failures: string[] = [];
  const present: BackendProject[] = [];
  for (const project of chosen) {
    const reason = whyAbsent(project) ?? bench.whyAbsent(project);
    if (reason !== null) {
      console.log(`${project.name}: absent: ${reason}`);
      continue;
    }
    present.push(project);
    try {
      await runProject(bench, project, options, { rows, failures });
    } catch (error) {
      failures.push(`${project.name}: ${error instanceof Error ? error.message : error}`);
      console.error(failures[failures.length - 1]);
    }
    // after each backend, so that what a crash costs is one backend
    if (options.json) writeRows(options.json, rows);
  }
  for (const asked of options.backend)
    if (!present.some(({ name, backendName }) => name === asked || backendName === asked))
      failures.push(`${asked}: nothing here runs it`);
  for (const table of tablesOf(rows, process.stdout.columns)) console.log(`\n${table}`);
  if (options.json) console.log(`\n${rows.length} rows written to ${options.json}`);
  for (const failure of failures) console.error(`\nFAILED ${failure}`);
  return failures.length > 0 ? 1 : 0;
}

function writeRows(file: string, rows: readonly Row[]): void {
  writeFileSync(file, `[\n${rows.map((row) => `  ${JSON.stringify(row)}`).join(',\n')}\n]\n`);
}

/** How far a run is, cell by cell. */
interface Progress {
  start(cells: number): void;
  next(label: string): void;
  stop(): void;
}

/** On the terminal, and gone afterwards. */
class Bar implements Progress {
  private readonly bar = new SingleBar(
    { format: '{bar} {value}/{total} {label}', hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  private cells = 0;

  start(cells: number): void {
    this.bar.start(cells, 0, { label: '' });
  }

  next(label: string): void {
    this.bar.update(this.cells++, { label });
  }

  stop(): void {
    this.bar.stop();
  }
}

/** In a pipe or a file, which no bar can be drawn on: the first cell, and then one in every ten seconds. */
class Lines implements Progress {
  private cells = 0;
  private total = 0;
  private said = Number.NEGATIVE_INFINITY;

  constructor(private readonly project: string) {}

  start(cells: number): void {
    this.total = cells;
  }

  next(label: string): void {
    this.cells++;
    if (performance.now() - this.said < MS_BETWEEN_LINES) return;
    this.said = performance.now();
    console.log(`${this.project}: ${this.cells} of ${this.total}: ${label}`);
  }

  stop(): void {}
}

const MS_BETWEEN_LINES = 10_000;

async function runProject(
  bench: Bench,
  project: BackendProject,
  options: Options,
  { rows, failures }: { rows: Row[]; failures: string[] },
): Promise<void> {
  const processor = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} threads`;
  const progress = process.stderr.isTTY ? new Bar() : new Lines(project.name);
  const { runOnBackend } = await import('../scripts/run_on_backend.ts');
  const report = (report: SessionReport) => {
    switch (report.kind) {
      case 'started':
        console.log(
          `${project.name}: ${report.description}${report.description === project.backendName ? `, ${processor}` : ''}`,
        );
        for (const workload of report.leftOut) console.log(`${project.name}: left out: ${workload}`);
        progress.start(report.cells);
        break;
      case 'cell':
        progress.next(report.label);
        break;
      case 'rows':
        for (const row of report.rows) {
          rows.push({
            ...row,
            host: project.host,
            adapter: row.adapter || processor,
            version: bench.version,
            commit: bench.commit,
            date: new Date().toISOString(),
          });
        }
        break;
      case 'failed':
        failures.push(`${project.name} ${report.label}: ${report.error}`);
        break;
      default:
        report satisfies never;
    }
  };
  const sessionOptions: SessionOptions = {
    shapes: options.shape,
    implementations: options.impl,
    phases: options.phase,
    clocks: options.clock,
    quick: options.quick ?? false,
    subgroups: options.subgroups ?? false,
  };
  try {
    await runOnBackend(project, await bench.bundle(project), report, sessionOptions);
  } finally {
    progress.stop();
  }
}
