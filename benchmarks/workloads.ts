import workloads from './workloads.json' with { type: 'json' };

/** What is timed: shapes that people distil with, and the shapes that the package's claims are about. */
export interface Workload {
  name: string;
  /** Where the shape comes from. */
  source: string;
  rows: number;
  classes: number;
}

/**
 * From few classes to many; a short and a large batch of each. benchmarks/peers/peers.py reads the same file.
 */
export const WORKLOADS: readonly Workload[] = workloads;

/** What computes: a processor, a processor that stands in for a GPU, or a GPU. */
export type Machine = 'cpu' | 'software' | 'gpu';

interface Cap {
  rows: number;
  elements: number;
}

/** So that the whole run takes minutes where stock tfjs takes seconds for a call; `--shape` goes beyond. */
const CAPS: Record<Machine, Cap> = {
  cpu: { rows: 65536, elements: 2_200_000 },
  software: { rows: 4096, elements: 2_200_000 },
  gpu: { rows: Number.POSITIVE_INFINITY, elements: Number.POSITIVE_INFINITY },
};

/** One small, one middle, and the shapes that tell most of long rows. */
const QUICK: Record<Machine, readonly string[]> = {
  cpu: ['1x2', '128x10', '256x1000', '64x32000'],
  software: ['128x10', '256x1000', '64x32000'],
  gpu: ['1x2', '65536x10', '32768x1000', '8192x32000', '64x262144'],
};

export interface WorkloadChoice {
  machine: Machine;
  /** A few of the workloads. */
  quick: boolean;
  /** As `--shape` gives them, whatever the machine; empty for all that the machine should run. */
  shapes: readonly string[];
  /** The largest tensor that the device holds. */
  maxBytes: number;
}

/**
 * The workloads of a run. Shapes that were asked for are taken as they are, those of the table only if the
 * machine is up to them.
 */
export function chooseWorkloads({ machine, quick, shapes, maxBytes }: WorkloadChoice): Workload[] {
  if (shapes.length > 0) return shapes.map(workloadOfShape);
  const cap = CAPS[machine];
  return WORKLOADS.filter(
    (workload) =>
      workload.rows <= cap.rows &&
      workload.rows * workload.classes <= cap.elements &&
      workload.rows * workload.classes * 4 <= maxBytes &&
      (!quick || QUICK[machine].includes(`${workload.rows}x${workload.classes}`)),
  );
}

/** `rowsxclasses` or `rows,classes`. @throws {RangeError} for anything else. */
export function workloadOfShape(shape: string): Workload {
  const numbers = /^\s*\[?(\d+)\s*[x,]\s*(\d+)\]?\s*$/.exec(shape)?.slice(1).map(Number);
  if (!numbers || numbers.some((n) => n < 1)) {
    throw new RangeError(`--shape: expected rows x classes, such as 64x32000; got '${shape}'.`);
  }
  const [rows, classes] = numbers;
  const known = WORKLOADS.find((workload) => workload.rows === rows && workload.classes === classes);
  return known ?? { name: `${rows} x ${classes}`, source: 'asked for by --shape', rows, classes };
}
