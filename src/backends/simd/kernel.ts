import { env } from '@tensorflow/tfjs-core';
import { builds } from '../../generated/wasm.ts';

/**
 * Flag of tf.env(): whether the SIMD kernel may serve the 'cpu' and 'wasm' backends. By default it is whether
 * the engine can compile it; set to false, the kernel in plain JavaScript serves.
 */
export const SIMD_FLAG = 'TFJS_DISTILL_WASM_SIMD';

/**
 * Flag of tf.env(): whether that kernel fuses multiplications with additions (relaxed SIMD), which is faster
 * and rounds less. By default it is whether the engine can compile it so.
 */
export const FUSED_FLAG = 'TFJS_DISTILL_WASM_RELAXED_SIMD';

env().registerFlag(SIMD_FLAG, () => canCompile({ sharedMemory: false, fused: false }));
env().registerFlag(FUSED_FLAG, canFuse);

/**
 * The exports of kernels/wasm/kernel.ts. Pointers are byte offsets into the memory it was instantiated on;
 * 0 is none.
 */
export interface Kernel extends StudentSweeps {
  /**
   * `reading` and the four after it are numbers of kernels/wasm/objective.ts: see objective.ts beside this
   * file.
   */
  setObjective(
    reading: number,
    divergence: number,
    gradient: number,
    labels: number,
    scaleByTemperatureSquared: number,
    temperature: number,
    teacherTemperature: number,
    beta: number,
    alpha: number,
    scale: number,
    softWeight: number,
    hardWeight: number,
    labelSmoothing: number,
  ): void;
  /** In the place of `setObjective`, for `rowMetrics`. */
  setMeasure(
    reading: number,
    labels: number,
    temperature: number,
    teacherTemperature: number,
    weight: number,
  ): void;
  setRoom(u: number, uStep: number, w: number, wStep: number, r: number, pads: number): void;
  /** Returns the sum of the losses. */
  rowPass(
    rows: number,
    classes: number,
    teacher: number,
    student: number,
    labels: number,
    temperatures: number,
    teacherTemperatures: number,
    alphas: number,
    weights: number,
    loss: number,
    gradient: number,
  ): number;
  /** Writes METRICS of every row. */
  rowMetrics(
    rows: number,
    classes: number,
    teacher: number,
    student: number,
    labels: number,
    temperatures: number,
    teacherTemperatures: number,
    weights: number,
    metrics: number,
  ): void;
}

/** Sweeps over one row of the student alone, of 16 classes or more: kernels/wasm/student_rows.ts. */
export interface StudentSweeps {
  maxOfRow(student: number, classes: number): number;
  writeExponentials(student: number, u: number, classes: number, max: number, toLog2: number): void;
  sumOfRow(u: number, classes: number): number;
  writeScaled(u: number, gradient: number, classes: number, factor: number, adds: number): void;
}

/** Rows of a call, and where in memory they have what they are given; 0 where they have nothing. */
export interface RowsAt {
  rows: number;
  classes: number;
  teacher: number;
  student: number;
  labels?: number;
  temperatures?: number;
  teacherTemperatures?: number;
  alphas?: number;
  weights?: number;
}

/** By names in place of the order; returns the sum of the losses. */
export function rowPassAt(kernel: Kernel, at: RowsAt, results: { loss?: number; gradient?: number }): number {
  return kernel.rowPass(
    at.rows,
    at.classes,
    at.teacher,
    at.student,
    at.labels ?? 0,
    at.temperatures ?? 0,
    at.teacherTemperatures ?? 0,
    at.alphas ?? 0,
    at.weights ?? 0,
    results.loss ?? 0,
    results.gradient ?? 0,
  );
}

/** Likewise; writes METRICS of every row. */
export function rowMetricsAt(kernel: Kernel, at: RowsAt, metrics: number): void {
  kernel.rowMetrics(
    at.rows,
    at.classes,
    at.teacher,
    at.student,
    at.labels ?? 0,
    at.temperatures ?? 0,
    at.teacherTemperatures ?? 0,
    at.weights ?? 0,
    metrics,
  );
}

/** Bytes of `pads`. */
export const PADS_BYTES = 27152;

/** null: not compiled yet, or never to be. */
type KernelOfMemory = WeakMap<WebAssembly.Memory, Kernel | null>;

/** A memory may have both, one after the other: the flag can be changed at any time. */
const kernels: Record<'fused' | 'unfused', KernelOfMemory> = { fused: new WeakMap(), unfused: new WeakMap() };

/**
 * The SIMD kernel on this memory, compiled at the first call; null where the engine has no SIMD, or the flag
 * says no, or it is not compiled yet: browsers may refuse to compile synchronously, then it comes later.
 */
export function kernelOn(memory: WebAssembly.Memory): Kernel | null {
  if (!env().getBool(SIMD_FLAG)) return null;
  const fused = env().getBool(FUSED_FLAG) && canFuse();
  const ofMemory = kernels[fused ? 'fused' : 'unfused'];
  const known = ofMemory.get(memory);
  if (known !== undefined) return known;
  ofMemory.set(memory, null);
  const keep = ({ exports }: WebAssembly.Instance) =>
    ofMemory.set(memory, exports as WebAssembly.Exports & Kernel);
  const bytes = binary({ sharedMemory: isShared(memory), fused });
  const imports = { env: { memory } };
  try {
    keep(new WebAssembly.Instance(new WebAssembly.Module(bytes), imports));
  } catch {
    WebAssembly.instantiate(bytes, imports).then(
      ({ instance }) => keep(instance),
      () => {},
    );
  }
  return ofMemory.get(memory) ?? null;
}

export function isShared(memory: WebAssembly.Memory): boolean {
  return typeof SharedArrayBuffer === 'function' && memory.buffer instanceof SharedArrayBuffer;
}

/**
 * The import of `env.memory`: of any size, and the same of shared memory of up to 4 GiB. Each is preceded by
 * the byte length of its section.
 */
export const IMPORT = '\x0f\x01\x03env\x06memory\x02\x00\x00';
export const IMPORT_SHARED = '\x12\x01\x03env\x06memory\x02\x03\x00\x80\x80\x04';

interface Variant {
  sharedMemory: boolean;
  fused: boolean;
}

function binary({ sharedMemory, fused }: Variant): Uint8Array<ArrayBuffer> {
  let bytes = atob(builds.map(([simd, relaxedSimd]) => (fused ? relaxedSimd : simd)).join(''));
  if (sharedMemory) bytes = bytes.replace(IMPORT, IMPORT_SHARED);
  return Uint8Array.from(bytes, (byte) => byte.charCodeAt(0));
}

let fuses: boolean | null = null;

/** Whether the engine has relaxed SIMD. */
function canFuse(): boolean {
  fuses ??= canCompile({ sharedMemory: false, fused: true });
  return fuses;
}

function canCompile(variant: Variant): boolean {
  return typeof WebAssembly === 'object' && WebAssembly.validate(binary(variant));
}
