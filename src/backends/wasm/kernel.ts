import { env } from '@tensorflow/tfjs-core';
import {
  type Divergence,
  hasOneTemperature,
  type Objective,
  type RowPassOutputs,
  type Targets,
} from '../../../kernels/objective.ts';
import { rowPass as rowPassBase64 } from '../../generated/wasm.ts';

/**
 * Flag of tf.env(): whether the SIMD kernel may serve the 'cpu' and 'wasm' backends. By default it is whether the engine can compile it; set to false,
 * the kernel in plain JavaScript serves.
 */
export const SIMD_FLAG = 'TFJS_DISTILL_WASM_SIMD';

/**
 * Flag of tf.env(): whether that kernel fuses multiplications with additions (relaxed SIMD), which is faster and rounds less. By default it is whether the engine can
 * compile it so.
 */
export const FUSED_FLAG = 'TFJS_DISTILL_WASM_RELAXED_SIMD';

env().registerFlag(SIMD_FLAG, () => canCompile({ sharedMemory: false, fused: false }));
env().registerFlag(FUSED_FLAG, canFuse);

/** The exports of kernels/wasm/row_pass.ts. Pointers are byte offsets into the memory it was instantiated on; 0 is none. */
export interface Kernel {
  setObjective(
    mode: number,
    temperature: number,
    scale: number,
    softWeight: number,
    hardWeight: number,
    labelSmoothing: number,
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
    weights: number,
    loss: number,
    gradient: number,
  ): number;
}

/** Bytes of `pads`. */
export const PADS_BYTES = 26416;

/** null: not compiled yet, or never to be. */
type KernelOfMemory = WeakMap<WebAssembly.Memory, Kernel | null>;

/** A memory may have both, one after the other: the flag can be changed at any time. */
const kernels: Record<'fused' | 'unfused', KernelOfMemory> = { fused: new WeakMap(), unfused: new WeakMap() };

/**
 * The SIMD kernel on this memory, compiled at the first call; null where the engine has no SIMD, or the flag says no, or it is not compiled yet: browsers
 * may refuse to compile synchronously, then it comes later.
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

/** The import of `env.memory`: of any size, and the same of shared memory of up to 4 GiB. Each is preceded by the byte length of its section. */
export const IMPORT = '\x0f\x01\x03env\x06memory\x02\x00\x00';
export const IMPORT_SHARED = '\x12\x01\x03env\x06memory\x02\x03\x00\x80\x80\x04';

/**
 * f32x4.mul, then a constant or a local, then f32x4.add. In its place three times nop, the same operand, f32x4.relaxed_madd: as long, so that no length in the binary changes.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a binary is searched.
const MULTIPLY_ADD = /\xfd\xe6\x01(\xfd\x0c[\s\S]{16}|\x20[\0-\x7f])\xfd\xe4\x01/g;
const FUSED_MULTIPLY_ADD = '\x01\x01\x01$1\xfd\x85\x02';

interface Variant {
  sharedMemory: boolean;
  fused: boolean;
}

function binary({ sharedMemory, fused }: Variant): Uint8Array<ArrayBuffer> {
  let bytes = atob(rowPassBase64);
  if (sharedMemory) bytes = bytes.replace(IMPORT, IMPORT_SHARED);
  if (fused) bytes = bytes.replace(MULTIPLY_ADD, FUSED_MULTIPLY_ADD);
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

const ALL = ['loss', 'lossAndStudentGradient', 'studentGradient', 'teacherGradient'] as const;
const OF_STUDENT = ['loss', 'lossAndStudentGradient', 'studentGradient'] as const;
const NONE = [] as const;

/** What the SIMD kernel computes of each divergence; kernels/js computes everything. */
const CARRIED: Readonly<Record<Divergence, Record<Targets, readonly RowPassOutputs[]>>> = {
  crossEntropy: { logits: ALL, probabilities: OF_STUDENT },
  kl: { logits: ALL, probabilities: OF_STUDENT },
  reverseKl: { logits: ALL, probabilities: NONE },
  jsd: { logits: NONE, probabilities: NONE },
};

/** Whether the SIMD kernel computes this. */
export function isCarried(objective: Objective, outputs: RowPassOutputs): boolean {
  const { targets, divergence } = objective;
  return hasOneTemperature(objective) && CARRIED[divergence][targets].includes(outputs);
}

/** Bits of `mode` in kernels/wasm/row_pass.ts. */
const PROBABILITIES = 1;
const KL = 2;
const EXCHANGED = 4;
const TO_FIRST = 8;
const SCALE_BY_T_SQUARED = 16;
const CLASS_IDS = 32;
const DISTRIBUTION = 64;
const HARD = 128;

/** The bits of a divergence; null: there are none. */
const DIVERGENCE_BITS: Readonly<Record<Divergence, number | null>> = {
  crossEntropy: 0,
  kl: KL,
  reverseKl: KL | EXCHANGED,
  jsd: null,
};

/** reverseKl is kl with teacher and student exchanged, so then it is the student that is the first argument. */
export function modeOf(objective: Objective, outputs: RowPassOutputs): number {
  const { targets, divergence, labels, hardWeight, scaleByTemperatureSquared } = objective;
  const ofDivergence = DIVERGENCE_BITS[divergence];
  if (ofDivergence === null) throw new Error(`modeOf: the SIMD kernel does not compute '${divergence}'.`);
  const exchanged = (ofDivergence & EXCHANGED) !== 0;
  const toTeacher = outputs === 'teacherGradient';
  let mode = ofDivergence;
  if (targets === 'probabilities') mode |= PROBABILITIES;
  if (outputs !== 'loss' && exchanged !== toTeacher) mode |= TO_FIRST;
  if (scaleByTemperatureSquared) mode |= SCALE_BY_T_SQUARED;
  if (labels === 'classIds') mode |= CLASS_IDS;
  if (labels === 'distribution' && hardWeight !== 0 && !toTeacher) mode |= DISTRIBUTION;
  if (labels !== 'none' && hardWeight !== 0 && !toTeacher) mode |= HARD;
  return mode;
}

/** Whether the labels are read at all. */
export function readsLabels(mode: number): boolean {
  return (mode & (CLASS_IDS | DISTRIBUTION)) !== 0;
}
