/** What a compiler's listing says: which loops there are, and of which instructions. */

export interface Loop {
  /** Waits and hints among them. */
  instructions: number;
  /** v_exp, v_log, v_rcp: a quarter of the rate of the others. */
  transcendental: number;
  /** Bytes of memory that one lane reads in one pass of the loop. */
  bytesLoaded: number;
  bytesStored: number;
}

/** How an assembler writes. */
export interface Dialect {
  /** Of a line that begins a block: its label. */
  label: RegExp;
  /** Of an instruction that jumps: the label it jumps to. */
  branch: RegExp;
  /** Whether instructions after a branch need no label. */
  goesOnAfterBranch: boolean;
  /** A quarter of the rate of the others. */
  transcendental: RegExp;
  /** Of an instruction by which each lane reads, or writes, memory of the device: its width. */
  load: RegExp;
  store: RegExp;
  bytesOf(width: string): number;
  /** The instruction of a line, without its place and its code; empty if there is none. */
  instructionOf(line: string): string;
}

/** Of ACO, the compiler of RADV. */
export const ACO: Dialect = {
  label: /^(BB\d+):/,
  branch: /^s_c?branch\S*\s+(BB\d+)/,
  goesOnAfterBranch: false,
  transcendental: /^v_(exp|log|rcp|rsq|sqrt)/,
  load: /^(?:buffer|global|flat)_load_(\w+)/,
  store: /^(?:buffer|global|flat)_store_(\w+)/,
  /** Either generation's name of a width: `b128` or `dwordx4`. */
  bytesOf(width) {
    const bits = /^[bui](\d+)/.exec(width);
    if (bits) return Number(bits[1]) / 8;
    const words = /^dword(?:x(\d))?/.exec(width);
    return words ? 4 * Number(words[1] ?? 1) : 0;
  },
  instructionOf: (line) => line.trim().split(';')[0].trim(),
};

/** Of NVIDIA's nvdisasm. A uniform is read by a load like any other there, of four bytes. */
export const SASS: Dialect = {
  label: /^(\.L_x_\d+|\.text\.\w+):/,
  branch: /^BRA\S*\s.*`\((\.L_x_\d+)\)/,
  goesOnAfterBranch: true,
  transcendental: /^MUFU\./,
  load: /^LDG\.E(\S*)/,
  store: /^STG\.E(\S*)/,
  bytesOf: (width) => Number(/\.(\d+)/.exec(width)?.[1] ?? 32) / 8,
  instructionOf: (line) => /^\/\*[0-9a-f]+\*\/\s+(?:@!?\w+\s+)?(.*);/.exec(line.trim())?.[1].trim() ?? '',
};

/** A label and the instructions after it; an empty label for those after a branch. */
type Block = readonly [label: string, instructions: string[]];

/** Blocks of the listing, in its order. */
function blocksOf(dialect: Dialect, listing: string): Block[] {
  const blocks: Block[] = [];
  for (const line of listing.split('\n')) {
    const label = dialect.label.exec(line);
    const instruction = dialect.instructionOf(line);
    if (label) blocks.push([label[1], []]);
    else if (blocks.length > 0 && instruction !== '') {
      blocks[blocks.length - 1][1].push(instruction);
      if (dialect.goesOnAfterBranch && dialect.branch.test(instruction)) blocks.push(['', []]);
    }
  }
  return blocks;
}

/** A loop by the places of its first and last block. */
type Span = readonly [start: number, end: number];

/** From a block that a later one jumps back to, up to the last that does. */
function spansOf({ branch }: Dialect, blocks: readonly Block[]): Span[] {
  const place = new Map(blocks.map(([label], i) => [label, i]));
  const ends = new Map<number, number>();
  blocks.forEach(([, instructions], i) => {
    for (const instruction of instructions) {
      const target = branch.exec(instruction);
      const start = (target && place.get(target[1])) ?? Number.POSITIVE_INFINITY;
      if (start <= i) ends.set(start, Math.max(i, ends.get(start) ?? 0));
    }
  });
  return [...ends].sort(([a], [b]) => a - b);
}

/**
 * The loops that read memory and take exponentials, and have no such loop in them: the sweeps over the
 * classes of a row. What loops within them execute is not counted: they are for rows that are not finite.
 */
export function sweepsOf(dialect: Dialect, listing: string): Loop[] {
  const blocks = blocksOf(dialect, listing);
  const spans = spansOf(dialect, blocks);
  const within = ([start, end]: Span) =>
    spans.filter(([a, b]) => (a > start && b <= end) || (a === start && b < end));
  const loopOf = (span: Span): Loop => {
    const inner = within(span);
    const own = blocks.filter(
      (_, i) => i >= span[0] && i <= span[1] && !inner.some(([a, b]) => i >= a && i <= b),
    );
    return countOf(
      dialect,
      own.flatMap(([, instructions]) => instructions),
    );
  };
  const isSweep = (span: Span) => {
    const { transcendental, bytesLoaded } = loopOf(span);
    return transcendental > 0 && bytesLoaded > 0;
  };
  return spans.filter((span) => isSweep(span) && !within(span).some(isSweep)).map(loopOf);
}

function countOf(dialect: Dialect, instructions: readonly string[]): Loop {
  const loop: Loop = { instructions: 0, transcendental: 0, bytesLoaded: 0, bytesStored: 0 };
  for (const instruction of instructions) {
    loop.instructions++;
    if (dialect.transcendental.test(instruction)) loop.transcendental++;
    loop.bytesLoaded += bytesBy(dialect, dialect.load, instruction);
    loop.bytesStored += bytesBy(dialect, dialect.store, instruction);
  }
  return loop;
}

function bytesBy({ bytesOf }: Dialect, access: RegExp, instruction: string): number {
  const width = access.exec(instruction)?.[1];
  return width === undefined ? 0 : bytesOf(width);
}

/** Bytes of the widest load from memory. */
export function widestLoad(dialect: Dialect, listing: string): number {
  const instructions = blocksOf(dialect, listing).flatMap(([, own]) => own);
  return Math.max(0, ...instructions.map((text) => bytesBy(dialect, dialect.load, text)));
}

export const countInstructions = (dialect: Dialect, listing: string) =>
  blocksOf(dialect, listing).flatMap(([, own]) => own).length;
