/** Runs in the process or page of one backend: checks, then times, and reports rows as they come. */
import * as tf from '@tensorflow/tfjs-core';
import { backend, describeBackend } from '../test/backends/current.ts';
import type { Counts, Device } from './devices/device.ts';
import { processor } from './devices/processor.ts';
import { registerWebGPUWithSubgroups } from './devices/subgroups.ts';
import { webgl } from './devices/webgl.ts';
import { webgpu } from './devices/webgpu.ts';
import { IMPLEMENTATIONS, type Implementation, isLoss } from './implementation_names.ts';
import { computeFloor, computeLoss, type Outcome } from './implementations.ts';
import { makeProblem, type Problem } from './problem.ts';
import { type Clock, modelBytes, PHASES, type Phase, type Row } from './row.ts';
import { summarise } from './statistics.ts';
import { chooseWorkloads, type Workload, type WorkloadChoice } from './workloads.ts';

/** What the command line asks for; lists are empty for "all". */
export interface SessionOptions {
  shapes: string[];
  implementations: Implementation[];
  phases: Phase[];
  clocks: Clock[];
  quick: boolean;
  /** Give WebGPU a device with 'subgroups'. */
  subgroups: boolean;
}

/** What a session can know of a row. */
export type SessionRow = Omit<Row, 'host' | 'version' | 'commit' | 'date'>;

export type SessionReport =
  | { kind: 'started'; description: string; cells: number; leftOut: string[] }
  | { kind: 'cell'; label: string }
  | { kind: 'rows'; rows: SessionRow[] }
  | { kind: 'failed'; label: string; error: string };

interface Effort {
  /** ms that one cell may take, as far as the least number of rounds allows. */
  cellMs: number;
  /** ms of calls in one sample, so that clock and wait weigh little. */
  sampleMs: number;
  leastRounds: number;
  mostRounds: number;
  /** An implementation whose call takes longer sits out after three rounds. */
  slowMs: number;
}

const SLOW_ROUNDS = 3;

const FULL: Effort = { cellMs: 1500, sampleMs: 15, leastRounds: 5, mostRounds: 41, slowMs: 250 };
const QUICK: Effort = { cellMs: 500, sampleMs: 5, leastRounds: 3, mostRounds: 15, slowMs: 100 };

/** What a batch of calls may leave to be freed, before the device is given time to do so. */
const MOST_PENDING_BYTES = { cpu: Number.POSITIVE_INFINITY, software: 2 ** 28, gpu: 2 ** 32 };

/** Temporaries of stock tfjs, in tensors of [rows, classes]. */
const MOST_TEMPORARIES = 14;

/**
 * tfjs computes the smallest tensors on the processor whatever the backend; its floor on a GPU needs a size
 * that goes there.
 */
const FLOOR_SIZE = { cpu: 1, software: 1024, gpu: 1024 };

/** Below this many elements the floor is timed too; beyond it, it does not matter. */
const FLOOR_ELEMENTS = 300_000;

export async function runSession(
  options: SessionOptions,
  report: (report: SessionReport) => Promise<void> | void,
): Promise<void> {
  if (options.subgroups && backend.backendName === 'webgpu') await registerWebGPUWithSubgroups();
  const description = await describeBackend();
  const device = deviceOf();
  const choice = { ...options, machine: device.machine };
  const workloads = chooseWorkloads({ ...choice, maxBytes: device.maxBytes });
  const leftOut = options.shapes.length > 0 ? [] : tooLarge(choice, device);
  const phases = PHASES.filter((phase) => options.phases.length === 0 || options.phases.includes(phase));
  const effort = options.quick ? QUICK : FULL;
  await report({ kind: 'started', description, cells: workloads.length * phases.length, leftOut });
  const clocks = options.clocks.length > 0 ? options.clocks : device.clocks;
  const largeCopy = await timeLargeCopy(device, clocks, effort);
  for (const workload of workloads) {
    for (const phase of phases) {
      const label = `[${workload.rows}, ${workload.classes}] ${phase}`;
      await report({ kind: 'cell', label });
      const cell: Cell = { device, clocks, workload, phase, effort, largeCopy };
      await runCell(cell, implementationsOf(options)).then(
        (rows) => report({ kind: 'rows', rows }),
        ({ message }: Error) => {
          const error = [message, ...device.takeFaults()].join('; the device reported: ');
          return report({ kind: 'failed', label, error });
        },
      );
    }
  }
}

/** What this kind of machine would run, were its tensors allowed to be larger. */
function tooLarge(choice: Omit<WorkloadChoice, 'maxBytes'>, { maxBytes }: Device): string[] {
  return chooseWorkloads({ ...choice, maxBytes: Number.POSITIVE_INFINITY })
    .filter(({ rows, classes }) => rows * classes * 4 > maxBytes)
    .map(({ rows, classes }) => `[${rows}, ${classes}]: a tensor has at most ${maxBytes} bytes here`);
}

function deviceOf(): Device {
  switch (backend.backendName) {
    case 'webgpu':
      return webgpu();
    case 'webgl':
      return webgl();
    default:
      return processor();
  }
}

/** Bytes a millisecond, by clock. */
type Bandwidth = Map<Clock, number>;

interface Cell {
  device: Device;
  clocks: readonly Clock[];
  workload: Workload;
  phase: Phase;
  effort: Effort;
  largeCopy: Bandwidth;
}

/** One implementation, ready to be called in turn. */
interface Contestant {
  implementation: Implementation;
  /** Call i, with the inputs whose turn it is. */
  call(i: number): void;
  calls: number;
  singleMs: number;
  counts: Counts | null;
  samples: Map<Clock, number[]>;
}

async function timeLargeCopy(device: Device, clocks: readonly Clock[], effort: Effort): Promise<Bandwidth> {
  const bytes = device.machine === 'gpu' ? Math.min(2 ** 30, 2 * device.maxBytes) : 2 ** 26;
  const copy = device.makeCopy(bytes, 2);
  const bandwidth: Bandwidth = new Map();
  for (const clock of clocks) {
    const samples: number[] = [];
    for (let round = 0; round < effort.leastRounds + 2; round++) {
      samples.push((await device.time(clock, () => repeat(4, copy.run))) / 4);
    }
    bandwidth.set(clock, bytes / summarise(samples.slice(2)).median);
  }
  copy.dispose();
  return bandwidth;
}

function repeat(count: number, action: (i: number) => void): void {
  for (let i = 0; i < count; i++) action(i);
}

/** All, or for a quick look all but what few would write. */
function implementationsOf({ implementations, quick }: SessionOptions): readonly Implementation[] {
  if (implementations.length > 0) return implementations;
  return quick ? IMPLEMENTATIONS.filter((name) => name !== 'composed') : IMPLEMENTATIONS;
}

async function runCell(cell: Cell, wanted: readonly Implementation[]): Promise<SessionRow[]> {
  const { device, workload, phase } = cell;
  const pairBytes = 2 * workload.rows * workload.classes * 4;
  const pairs = Math.min(
    64,
    Math.max(pairBytes < device.cacheBytes ? 2 : 1, Math.ceil(device.cacheBytes / pairBytes)),
  );
  const problem = makeProblem(workload, pairs);
  const copy = device.makeCopy(modelBytes(workload.rows, workload.classes, phase), pairs);
  const few = tf.ones([FLOOR_SIZE[device.machine]]);
  try {
    const contestants: Contestant[] = [];
    for (const implementation of IMPLEMENTATIONS) {
      const isAskedFor = wanted.includes(implementation) || implementation === 'copy';
      const isFloorOfLarge = implementation === 'floor' && pairBytes > 8 * FLOOR_ELEMENTS;
      if (!isAskedFor || isFloorOfLarge) continue;
      contestants.push(await prepare(cell, implementation, problem, { copy: copy.run, floor: few }));
    }
    await runRounds(cell, contestants);
    const faults = device.takeFaults();
    if (faults.length > 0) throw new Error(`the device reported: ${faults.join('; ')}`);
    return rowsOf(cell, contestants);
  } finally {
    tf.dispose(few);
    copy.dispose();
    problem.dispose();
  }
}

function dispose({ loss, dStudent }: Outcome): void {
  loss.dispose();
  dStudent?.dispose();
}

/** Checks an implementation, counts what it does, and finds how many calls make a sample. */
async function prepare(
  { device, workload, phase, effort, clocks }: Cell,
  implementation: Implementation,
  problem: Problem,
  other: { copy: (i: number) => void; floor: tf.Tensor },
): Promise<Contestant> {
  const compute = (i: number): Outcome => {
    if (!isLoss(implementation)) return computeFloor(phase, other.floor);
    const { teacherLogits, studentLogits } = problem.pairs[i % problem.pairs.length];
    return computeLoss(implementation, phase, teacherLogits, studentLogits);
  };
  const call = implementation === 'copy' ? other.copy : (i: number) => dispose(compute(i));
  let counts: Counts | null = null;
  const clock = clocks[clocks.length - 1];
  let singleMs = 0;
  if (implementation !== 'copy') {
    const outcomes: Outcome[] = [];
    singleMs = await device.time(clock, () => outcomes.push(compute(0)));
    if (isLoss(implementation)) await problem.check(implementation, outcomes[0]);
    outcomes.forEach(dispose);
    counts = await device.count(() => call(0));
  }
  if (singleMs < 4 * effort.slowMs) singleMs = await warmUp(device, clock, call, effort);
  return {
    implementation,
    call,
    calls: callsPerSample(device, workload, implementation, singleMs, effort),
    singleMs,
    counts,
    samples: new Map(clocks.map((clock) => [clock, []])),
  };
}

/** Calls until engines have compiled what they compile after a while; ms a call at the end. */
async function warmUp(
  device: Device,
  clock: Clock,
  call: (i: number) => void,
  { sampleMs }: Effort,
): Promise<number> {
  let singleMs = Number.POSITIVE_INFINITY;
  let calls = 1;
  for (let spent = 0; spent < 4 * sampleMs; calls = Math.min(2 * calls, 256)) {
    const ms = await device.time(clock, () => repeat(calls, call));
    singleMs = Math.max(ms / calls, 1e-5);
    spent += ms;
  }
  return singleMs;
}

function callsPerSample(
  device: Device,
  { rows, classes }: Workload,
  implementation: Implementation,
  singleMs: number,
  { sampleMs }: Effort,
): number {
  const pendingBytes = isLoss(implementation) ? MOST_TEMPORARIES * rows * classes * 4 : 4;
  const mostCalls = Math.min(10_000, MOST_PENDING_BYTES[device.machine] / pendingBytes);
  return Math.max(1, Math.floor(Math.min(sampleMs / singleMs, mostCalls)));
}

/** Interleaved: every implementation once in each round, so that what disturbs the machine disturbs all. */
async function runRounds({ device, clocks, effort }: Cell, contestants: Contestant[]): Promise<void> {
  const { cellMs, leastRounds, mostRounds, slowMs } = effort;
  let turn = 0;
  const start = performance.now();
  for (let round = 0; round < mostRounds; round++) {
    if (round >= leastRounds && performance.now() - start > cellMs) break;
    for (const { implementation, call, calls, singleMs, samples } of contestants) {
      if (round >= SLOW_ROUNDS && singleMs > slowMs) continue;
      for (const clock of clocks) {
        const ms = await device.time(clock, () => repeat(calls, () => call(turn++)));
        if (!(ms > 0))
          throw new Error(`${implementation}: the ${clock} clock gave ${ms} ms for ${calls} calls.`);
        samples.get(clock)?.push(ms / calls);
      }
    }
  }
}

function rowsOf(cell: Cell, contestants: Contestant[]): SessionRow[] {
  const { device, clocks, workload, phase, largeCopy } = cell;
  const { rows, classes } = workload;
  const bytes = modelBytes(rows, classes, phase);
  const copy = contestants.find(({ implementation }) => implementation === 'copy');
  const sessionRows: SessionRow[] = [];
  for (const clock of clocks) {
    const copyMs = copy && summarise(copy.samples.get(clock) ?? []).median;
    for (const { implementation, calls, counts, samples } of contestants) {
      const ofClock = samples.get(clock) ?? [];
      const { median, p20, p80 } = summarise(ofClock);
      const isFloor = implementation === 'floor';
      sessionRows.push({
        backend: backend.backendName,
        adapter: device.adapter,
        software: device.machine === 'software',
        workload: workload.name,
        rows,
        classes,
        phase,
        implementation,
        clock,
        medianMs: round(median),
        p20Ms: round(p20),
        p80Ms: round(p80),
        samples: ofClock.length,
        callsPerSample: calls,
        gigabytesPerSecond: isFloor ? null : round(bytes / median / 1e6),
        shareOfCopy: isFloor || copyMs === undefined ? null : round(copyMs / median),
        shareOfLargeCopy: isFloor ? null : round(bytes / median / (largeCopy.get(clock) ?? Number.NaN)),
        kernels: counts?.kernels ?? null,
        peakExtraBytes: counts?.peakExtraBytes ?? null,
      });
    }
  }
  return sessionRows;
}

/** Five digits are more than any timing has. */
function round(x: number): number {
  return Number(x.toPrecision(5));
}
