/** How one timing is written down. benchmarks/peers/peers.py writes the same rows. */

export const PHASES = ['value', 'value+gradient'] as const;
export type Phase = (typeof PHASES)[number];

/**
 * `timestamp`: the device's own clock, around all its work. `wall`: from the first call until the device is
 * done.
 */
export const CLOCKS = ['timestamp', 'wall'] as const;
export type Clock = (typeof CLOCKS)[number];

export interface Row {
  /** As tf.setBackend takes it; 'cuda' for the peers, 'native' for the C program. */
  backend: string;
  /** What the backend ran in: node, chromium, python, ... */
  host: string;
  /** GPU, or the processor where there is none. */
  adapter: string;
  /** A processor stands in for the GPU: the row says nothing of GPUs. */
  software: boolean;
  workload: string;
  rows: number;
  classes: number;
  phase: Phase;
  implementation: string;
  clock: Clock;
  /** Of one call. */
  medianMs: number;
  p20Ms: number;
  p80Ms: number;
  /** Samples behind the median, and calls in each. */
  samples: number;
  callsPerSample: number;
  /**
   * Bytes of the traffic model over the median, 1e9 a second: 3 * rows * classes * 4 for value+gradient, 2 *
   * for the value; null for the floor.
   */
  gigabytesPerSecond: number | null;
  /** Of the bandwidth of a copy that moves the same bytes, timed in the same rounds. */
  shareOfCopy: number | null;
  /** Of the bandwidth of the device's large copy in the same run. */
  shareOfLargeCopy: number | null;
  /** Dispatches or draws of a GPU, kernels of a processor; null where that cannot be seen. */
  kernels: number | null;
  /** The most memory beyond the inputs that a call holds at once; null where that cannot be seen. */
  peakExtraBytes: number | null;
  /** Of tfjs-distill; of PyTorch, and of Triton in place of the commit, in the rows of the peers. */
  version: string;
  commit: string;
  /** ISO 8601. */
  date: string;
}

type Kind = 'text' | 'count' | 'size' | 'ms' | 'share' | 'flag';

const FIELDS: Record<keyof Row, Kind> = {
  backend: 'text',
  host: 'text',
  adapter: 'text',
  software: 'flag',
  workload: 'text',
  rows: 'count',
  classes: 'count',
  phase: 'text',
  implementation: 'text',
  clock: 'text',
  medianMs: 'ms',
  p20Ms: 'ms',
  p80Ms: 'ms',
  samples: 'count',
  callsPerSample: 'count',
  gigabytesPerSecond: 'share',
  shareOfCopy: 'share',
  shareOfLargeCopy: 'share',
  kernels: 'size',
  peakExtraBytes: 'size',
  version: 'text',
  commit: 'text',
  date: 'text',
};

const isNumberFrom = (low: number, value: unknown) =>
  typeof value === 'number' && Number.isFinite(value) && value >= low;

const FITS: Record<Kind, (value: unknown) => boolean> = {
  text: (value) => typeof value === 'string' && value.length > 0,
  count: (value) => Number.isInteger(value) && isNumberFrom(1, value),
  size: (value) => value === null || isNumberFrom(0, value),
  ms: (value) => isNumberFrom(0, value) && value !== 0,
  share: (value) => value === null || (isNumberFrom(0, value) && value !== 0),
  flag: (value) => typeof value === 'boolean',
};

/**
 * Checks rows that come from a file. @throws {Error} that names the row, the field and what is wrong with it.
 */
export function checkRows(rows: unknown, file: string): Row[] {
  if (!Array.isArray(rows)) throw new Error(`${file}: expected an array of rows; got ${typeof rows}.`);
  rows.forEach((row: Record<string, unknown>, n) => {
    for (const [field, kind] of Object.entries(FIELDS)) {
      if (!FITS[kind](row[field])) {
        throw new Error(
          `${file}: row ${n} has ${field} ${JSON.stringify(row[field])}; expected a ${kind}, see benchmarks/row.ts.`,
        );
      }
    }
    const isPhase = PHASES.some((phase) => phase === row.phase);
    if (!isPhase || !CLOCKS.some((clock) => clock === row.clock)) {
      throw new Error(
        `${file}: row ${n} has phase '${row.phase}' and clock '${row.clock}'; expected one of ${PHASES.join(', ')} and of ${CLOCKS.join(', ')}.`,
      );
    }
  });
  return rows as Row[];
}

/** What the least possible loss moves: v and z are read once; with the gradient, dz is written once. */
export function modelBytes(rows: number, classes: number, phase: Phase): number {
  return (phase === 'value' ? 2 : 3) * rows * classes * 4;
}
