/** The rows of the committed table, and what must not become worse in them. */
import type { CompiledPipeline } from './pipeline_report.ts';

export interface CompilerRow {
  chip: string;
  team: string;
  /** Divergence or metrics, shape and phase. */
  variant: string;
  inputs: string;
  lanes: number;
  workgroup: number;
  /** vec4s of each input that a lane holds at a time. */
  vectors: number;
  subgroup: number;
  vectorRegisters: number;
  /** null where the compiler counts none. */
  scalarRegisters: number | null;
  /** Vector registers, then scalar ones; empty where the compiler tells bytes alone. */
  spilled: number[];
  scratchBytes: number;
  workgroupMemoryBytes: number;
  occupancy: number;
  instructions: number;
  codeBytes: number;
  /** Bytes of the widest load. */
  load: number;
  /**
   * Of each sweep over memory, in the order of the code: first the sums, then those of near rows, then the
   * gradient of near rows, then of others. Blocks that raise a maximum are counted, which a plain row seldom
   * executes. Empty where a row stays in registers or in a tile.
   */
  sweeps: { instructionsPerClass: number; writes: boolean }[];
}

/** A sweep reads a float32 of the teacher and one of the student. */
const BYTES_PER_CLASS = 8;

export function rowOf(pipeline: CompiledPipeline): CompilerRow {
  const { modules, constants } = pipeline.variant;
  const isStreamed = modules.inputs !== 'tile' && constants.RESIDENT === 0;
  const sweeps = pipeline.sweeps.map(({ instructions, bytesLoaded, bytesStored }) => ({
    instructionsPerClass: Math.round((10 * instructions) / (bytesLoaded / BYTES_PER_CLASS)) / 10,
    writes: bytesStored > 0,
  }));
  return {
    chip: pipeline.chip,
    team: modules.team,
    variant: pipeline.name,
    inputs: modules.inputs,
    lanes: constants.LANES,
    workgroup: constants.WORKGROUP,
    vectors: constants.VECTORS,
    subgroup: pipeline.subgroup,
    vectorRegisters: pipeline.vectorRegisters,
    scalarRegisters: pipeline.scalarRegisters,
    spilled: pipeline.spilled,
    scratchBytes: pipeline.scratch,
    workgroupMemoryBytes: pipeline.workgroupMemory,
    occupancy: pipeline.occupancy,
    instructions: pipeline.instructions,
    codeBytes: pipeline.codeBytes,
    load: pipeline.widestLoad,
    sweeps: isStreamed ? sweeps : [],
  };
}

/**
 * What is worse than it may be: a variant that spills more than it did, or of which a SIMD unit holds fewer;
 * one that is new and spills; and a table that does not name what is compiled now. Others may move as they
 * like.
 */
export function complaintsOf(before: readonly CompilerRow[], now: readonly CompilerRow[]): string[] {
  const known = new Map(before.map((row) => [keyOf(row), row]));
  const complaints = now.flatMap((row) => {
    const old = known.get(keyOf(row));
    const worse = old === undefined ? complaintsOfNew(row) : complaintsOfKnown(old, row);
    return worse.map((complaint) => `${keyOf(row)}: ${complaint}`);
  });
  const compiled = before.filter(({ chip }) => now.some((row) => row.chip === chip));
  const chosen = new Set(now.map(keyOf));
  const gone = compiled.map(keyOf).filter((key) => !chosen.has(key));
  return [...complaints, ...gone.map((key) => `${key}: in the table, but no longer chosen`)];
}

function complaintsOfKnown(old: CompilerRow, row: CompilerRow): string[] {
  const complaints: string[] = [];
  if (row.spilled.some((count, k) => count > old.spilled[k]) || row.scratchBytes > old.scratchBytes)
    complaints.push(`${spillsOf(row)}; before ${spillsOf(old)}`);
  if (row.occupancy < old.occupancy) complaints.push(`occupancy ${row.occupancy}; before ${old.occupancy}`);
  return complaints;
}

function complaintsOfNew(row: CompilerRow): string[] {
  const spills = row.spilled.some((count) => count > 0) || row.scratchBytes > 0;
  return ['not in the table', ...(spills ? [spillsOf(row)] : [])];
}

const spillsOf = ({ spilled, scratchBytes }: CompilerRow) =>
  `spills ${[...spilled.map((count) => `${count} registers`), `${scratchBytes} bytes`].join(' + ')}`;

/** A table with the rows of a new one for the chips that this has, and its own for the others. */
export function merged(before: readonly CompilerRow[], now: readonly CompilerRow[]): CompilerRow[] {
  const chips = [...new Set([...before, ...now].map(({ chip }) => chip))];
  return chips.flatMap((chip) => {
    const rows = now.filter((row) => row.chip === chip);
    return rows.length > 0 ? rows : before.filter((row) => row.chip === chip);
  });
}

const keyOf = ({ chip, team, variant }: CompilerRow) => `${chip} ${team} ${variant}`;

const COLUMNS: { title: string; of(row: CompilerRow): string | number | null }[] = [
  { title: 'variant', of: ({ variant }) => variant },
  { title: 'inputs', of: ({ inputs, vectors }) => `${inputs}, ${vectors}` },
  { title: 'lanes of workgroup', of: ({ lanes, workgroup }) => `${lanes} of ${workgroup}` },
  { title: 'registers', of: ({ vectorRegisters }) => vectorRegisters },
  { title: 'scalar registers', of: ({ scalarRegisters }) => scalarRegisters },
  { title: 'spilled', of: ({ spilled }) => spilled.join(' + ') || null },
  { title: 'spilled, bytes', of: ({ scratchBytes }) => scratchBytes },
  { title: 'workgroup memory', of: ({ workgroupMemoryBytes }) => workgroupMemoryBytes },
  { title: 'occupancy', of: ({ occupancy }) => occupancy },
  { title: 'instructions', of: ({ instructions }) => instructions },
  { title: 'load, bytes', of: ({ load }) => load },
  {
    title: 'instructions a class, by sweep (w: writes the gradient)',
    of: ({ sweeps }) =>
      sweeps.map((sweep) => `${sweep.instructionsPerClass}${sweep.writes ? ' w' : ''}`).join(', ') || '-',
  },
];

/** A table in Markdown for each chip and team, of the columns that its compiler fills. */
export function tablesOf(rows: readonly CompilerRow[]): string {
  const titles = [...new Set(rows.map(({ chip, team }) => `${chip}, team ${team}`))];
  return titles
    .map((title) => {
      const own = rows.filter(({ chip, team }) => `${chip}, team ${team}` === title);
      const columns = COLUMNS.filter(({ of }) => own.some((row) => of(row) !== null));
      const lines = own.map((row) => `| ${columns.map(({ of }) => of(row) ?? '-').join(' | ')} |`);
      const head = `| ${columns.map((column) => column.title).join(' | ')} |`;
      return `## ${title}\n\n${head}\n|${columns.map(() => '---|').join('')}\n${lines.join('\n')}\n`;
    })
    .join('\n');
}
