/** What a listing of ACO, the compiler of RADV, says: which loops there are, and of which instructions. */

export interface Loop {
  /** Waits and hints among them. */
  instructions: number;
  /** v_exp, v_log, v_rcp: a quarter of the rate of the others. */
  transcendental: number;
  /** Bytes of memory that one lane reads in one pass of the loop. */
  bytesLoaded: number;
  bytesStored: number;
}

const TRANSCENDENTAL = /^v_(exp|log|rcp|rsq|sqrt)/;
const LOAD = /^(?:buffer|global|flat)_load_(\w+)/;
const STORE = /^(?:buffer|global|flat)_store_(\w+)/;

/** Either generation's name of a width: `b128` or `dwordx4`. */
function bytesOf(width: string): number {
  const bits = /^[bui](\d+)/.exec(width);
  if (bits) return Number(bits[1]) / 8;
  const words = /^dword(?:x(\d))?/.exec(width);
  return words ? 4 * Number(words[1] ?? 1) : 0;
}

/** Blocks of the listing, `BB7:` before the instructions of each, in its order. */
function blocksOf(listing: string): Map<number, string[]> {
  const blocks = new Map<number, string[]>();
  let block: string[] | null = null;
  for (const line of listing.split('\n')) {
    const label = /^BB(\d+):/.exec(line);
    if (label) {
      block = [];
      blocks.set(Number(label[1]), block);
    } else {
      const [text] = line.trim().split(';');
      if (block !== null && text.trim() !== '') block.push(text.trim());
    }
  }
  return blocks;
}

/** A loop by the places of its first and last block. */
type Span = readonly [start: number, end: number];

/** From a block that a later one jumps back to, up to the last that does. */
function spansOf(blocks: readonly (readonly [number, string[]])[]): Span[] {
  const place = new Map(blocks.map(([label], i) => [label, i]));
  const ends = new Map<number, number>();
  blocks.forEach(([, instructions], i) => {
    for (const instruction of instructions) {
      const target = /^s_c?branch\S*\s+BB(\d+)/.exec(instruction);
      const start = target
        ? (place.get(Number(target[1])) ?? Number.POSITIVE_INFINITY)
        : Number.POSITIVE_INFINITY;
      if (start <= i) ends.set(start, Math.max(i, ends.get(start) ?? 0));
    }
  });
  return [...ends].sort(([a], [b]) => a - b);
}

/**
 * The loops that read memory and take exponentials, and have no such loop in them: the sweeps over the
 * classes of a row. What loops within them execute is not counted: they are for rows that are not finite.
 */
export function sweepsOf(listing: string): Loop[] {
  const blocks = [...blocksOf(listing)];
  const spans = spansOf(blocks);
  const within = ([start, end]: Span) =>
    spans.filter(([a, b]) => (a > start && b <= end) || (a === start && b < end));
  const loopOf = (span: Span): Loop => {
    const inner = within(span);
    const own = blocks.filter(
      (_, i) => i >= span[0] && i <= span[1] && !inner.some(([a, b]) => i >= a && i <= b),
    );
    return countOf(own.flatMap(([, instructions]) => instructions));
  };
  const isSweep = (span: Span) => {
    const { transcendental, bytesLoaded } = loopOf(span);
    return transcendental > 0 && bytesLoaded > 0;
  };
  return spans.filter((span) => isSweep(span) && !within(span).some(isSweep)).map(loopOf);
}

function countOf(instructions: readonly string[]): Loop {
  const loop: Loop = { instructions: 0, transcendental: 0, bytesLoaded: 0, bytesStored: 0 };
  for (const instruction of instructions) {
    loop.instructions++;
    if (TRANSCENDENTAL.test(instruction)) loop.transcendental++;
    loop.bytesLoaded += bytesOf(LOAD.exec(instruction)?.[1] ?? '');
    loop.bytesStored += bytesOf(STORE.exec(instruction)?.[1] ?? '');
  }
  return loop;
}

/** Bytes of the widest load from memory. */
export function widestLoad(listing: string): number {
  const widths = [...blocksOf(listing).values()].flat().map((text) => bytesOf(LOAD.exec(text)?.[1] ?? ''));
  return Math.max(0, ...widths);
}
