import type { InputsKind, TeamKind } from './pipeline.ts';

/**
 * How a dispatch cuts the rows. A team of `lanes` threads owns a row, or, where `parts` is above 1, a part of
 * it; `workgroup / lanes` teams make a workgroup. A lane holds a block of `vectors` vec4s of each input at a
 * time; `isResident` says that one block of the team is the whole row.
 */
export interface Plan {
  inputs: InputsKind;
  team: TeamKind;
  lanes: number;
  workgroup: number;
  vectors: number;
  isResident: boolean;
  parts: number;
  /** The most workgroups that a dispatch starts; each goes on to further rows. */
  mostGroups: number;
  /** inputs 'tile' only: values of each input that a workgroup holds in its memory, else 1. */
  tile: number;
}

/** What the choice depends on. */
export interface PlanProblem {
  rows: number;
  classes: number;
  device: PlanDevice;
  /** Overrules of a choice, for tuning and tests; 0 or null leaves it open. */
  asked: { lanes: number; parts: number; inputs: InputsKind | null };
}

export interface PlanDevice {
  /**
   * True if a CPU stands in for the GPU: there a barrier costs as much as hundreds of classes, and a handful
   * of threads fill the machine.
   */
  isSoftware: boolean;
  hasSubgroups: boolean;
  /** GPUSupportedLimits.maxComputeInvocationsPerWorkgroup. */
  mostThreads: number;
}

const WARP = 32;
const MOST_VECTORS = 4;

/** More workgroups than a GPU runs at once, few enough that their sums are added up in no time. */
const GPU_GROUPS = 4096;

/** On a CPU a workgroup costs more than a row: a few for each of its threads. */
const SOFTWARE_GROUPS = 64;

/** SwiftShader works on four threads at a time, in one vector register. */
const SOFTWARE_SUBGROUP = 4;

/** Workgroup memory that every device has, less what a team and the sum of the losses need. */
const TILE_BYTES = 12 * 1024;

/**
 * Rows whose split parts fit kernels/wgsl/split.wgsl's place in the scratch buffer, and a workgroup's lanes.
 */
export const MOST_SPLIT_GROUPS = 512;
const MOST_PARTS = 64;

/** Streaming multiprocessors of the largest GPUs, in round numbers: an H200 has 132, an RTX 5090 170. */
const GPU_UNITS = 192;

/**
 * The one place that chooses; every figure is a count of threads, classes or bytes, explained where it
 * stands.
 */
export function plan(problem: PlanProblem): Plan {
  const { rows, classes, device, asked } = problem;
  const inputs = asked.inputs ?? (classes % 4 === 0 ? 'vec4' : 'scalar');
  const team = device.hasSubgroups ? 'subgroup' : 'workgroup';
  if (asked.lanes !== 0) checkLanes(asked.lanes, device);
  if (asked.inputs === 'tile') checkTile(classes);
  if (asked.inputs === 'tile' || (asked.inputs === null && prefersTile(problem)))
    return tilePlan(classes, team);
  const lanes = asked.lanes || (device.isSoftware ? softwareLanes(problem) : gpuLanes(classes, device));
  const vectors = vectorsOf(classes, lanes, device);
  const isResident = classes <= 4 * lanes * vectors;
  const workgroup = Math.max(device.isSoftware ? SOFTWARE_SUBGROUP : 2 * WARP, lanes);
  const mostGroups = device.isSoftware ? SOFTWARE_GROUPS : GPU_GROUPS;
  const whole: Plan = { inputs, team, lanes, workgroup, vectors, isResident, parts: 1, mostGroups, tile: 1 };
  const wanted = asked.parts || (device.isSoftware ? softwareParts(problem) : gpuParts(problem));
  const parts = Math.max(1, Math.min(wanted, workgroup, Math.floor(MOST_SPLIT_GROUPS / rows)));
  if (parts === 1) return whole;
  return { ...whole, lanes: workgroup, isResident: false, parts };
}

/**
 * On a GPU a thread to a row is best as long as the rows of a workgroup fit its memory, because every thread
 * then works all the time and nobody waits for a team: up to 23 classes, of 64 rows. Beyond, and on a CPU,
 * whose threads read rows one after another anyway, a tile would only cost barriers.
 */
function prefersTile({ classes, device, asked }: PlanProblem): boolean {
  return !device.isSoftware && asked.lanes === 0 && asked.parts === 0 && tileRows(classes) >= 2 * WARP;
}

/** Rows of a tile: a power of two, each row with an odd number of places. */
function tileRows(classes: number): number {
  return Math.min(128, 2 ** Math.floor(Math.log2(TILE_BYTES / (8 * oddPlaces(classes)))));
}

const oddPlaces = (classes: number) => (classes % 2 === 0 ? classes + 1 : classes);

function tilePlan(classes: number, team: TeamKind): Plan {
  const mostGroups = GPU_GROUPS;
  const workgroup = Math.max(1, tileRows(classes));
  const vectors = Math.min(MOST_VECTORS, Math.ceil(classes / 4));
  const isResident = classes <= 4 * vectors;
  const tile = workgroup * oddPlaces(classes);
  return { inputs: 'tile', team, lanes: 1, workgroup, vectors, isResident, parts: 1, mostGroups, tile };
}

/**
 * Sixteen classes to a lane, held in registers, up to 4,096 classes: each input is read once and few threads
 * agree. Longer rows stream, by 512 threads from 16,384 classes on: fewer rows under way at a time leave more
 * of each in cache for its second sweep. 1,024 threads would have 64 registers each, too few on some GPUs,
 * whose compilers (for sm_90 and vega10) then put numbers into memory.
 */
function gpuLanes(classes: number, { mostThreads }: PlanDevice): number {
  if (classes <= 4096) return Math.min(256, mostThreads, powerOfTwo(Math.ceil(classes / 16)));
  const most = classes < 16_384 ? 256 : 512;
  return Math.min(most, floorPowerOfTwo(mostThreads));
}

/**
 * A thread to a row as long as rows are short, or there are many; else the four of a vector register, which
 * agree at little cost.
 */
function softwareLanes({ rows, classes }: Pick<PlanProblem, 'rows' | 'classes'>): number {
  return classes <= 1024 || (rows >= 1024 && classes <= 8192) ? 1 : SOFTWARE_SUBGROUP;
}

/** A single long row would leave all cores but one idle. */
function softwareParts({ rows, classes }: PlanProblem): number {
  return classes < 32_768 ? 1 : Math.max(1, Math.floor(SOFTWARE_SUBGROUP / rows));
}

/**
 * Workgroups to a row where whole rows, a workgroup each, would leave units of a GPU idle (the largest have
 * about 190), and rows are long enough to pay for the two further dispatches: 16,384 classes where most of
 * the units would idle, 65,536 where some would. Enough for each unit to have two, with at least 8,192
 * classes to a part.
 */
function gpuParts({ rows, classes }: PlanProblem): number {
  if (rows >= GPU_UNITS || classes < (rows < GPU_UNITS / 3 ? 16_384 : 65_536)) return 1;
  return Math.min(Math.floor(MOST_SPLIT_GROUPS / rows), Math.floor(classes / 8192), MOST_PARTS);
}

/**
 * At most four vectors of each input to a lane: 64 bytes of each under way at a time, so that 512 threads
 * keep 64 KiB in flight, and registers enough for them on every GPU whose compiler was asked (RDNA1 to 4,
 * Vega, sm_90).
 */
function vectorsOf(classes: number, lanes: number, { isSoftware }: PlanDevice): number {
  if (isSoftware && classes < 256) return 1; // no slower there, and half the time to compile
  return Math.min(MOST_VECTORS, Math.ceil(classes / (4 * lanes)));
}

function checkTile(classes: number): void {
  const most = TILE_BYTES / 8 - 1;
  if (classes <= most) return;
  throw new RangeError(
    `softmaxCrossEntropyWithTemperature: rows in a tile must have at most ${most} classes; got ${classes}.`,
  );
}

function checkLanes(lanes: number, { mostThreads }: PlanDevice): void {
  const most = Math.min(1024, mostThreads);
  if (lanes >= 1 && lanes <= most && lanes === powerOfTwo(lanes)) return;
  throw new RangeError(
    `softmaxCrossEntropyWithTemperature: lanes must be a power of two from 1 to ${most}; got ${lanes}.`,
  );
}

/** The smallest power of two that is not below n. */
function powerOfTwo(n: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, n)));
}

/** The largest power of two that is not above n. */
function floorPowerOfTwo(n: number): number {
  return 2 ** Math.floor(Math.log2(n));
}
