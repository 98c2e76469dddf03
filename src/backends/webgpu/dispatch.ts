import { env, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { numberFlag } from '../number_flag.ts';
import type { RowPassRequest } from '../row_pass.ts';
import {
  bufferOf,
  isSoftware,
  lend,
  type Uniform,
  type WebGPUBackend,
  type WebGPUProgram,
} from './backend.ts';
import { type Binding, type Cut, cutRows } from './cut.ts';
import { checkDevice } from './device_loss.ts';
import { type InputsKind, type Modules, pipelineOf, variantKey } from './pipeline.ts';
import { type Plan, type PlanDevice, plan } from './plan.ts';
import { MOST_GROUPS, ownWords, scratchOf } from './scratch.ts';
import { type Phase, variantOf } from './variant.ts';

/**
 * A program whose pipeline we have put into tfjs's cache. tfjs names a kernel in tf.time and tf.profile after
 * the class of its program.
 */
export class PipelineProgram implements WebGPUProgram {
  dispatchLayout = { x: [0] };
  variableNames = ['teacher', 'student', 'temperature', 'labels', 'weights', 'losses', 'scratch'];
  workgroupSize: [number, number, number];
  dispatch: [number, number, number];

  constructor(
    private readonly key: string,
    readonly outputShape: number[],
    workgroup: number,
    groups: number,
  ) {
    this.workgroupSize = [workgroup, 1, 1];
    this.dispatch = [groups, 1, 1];
  }

  get shaderKey(): string {
    return this.key;
  }

  /** tfjs would add shapes and dtypes to the key, which our shader does not depend on. */
  set shaderKey(_key: string) {}

  getUserCode(): string {
    throw new Error(`The pipeline '${this.key}' should have been in the cache.`);
  }
}

/** Threads that share a row, a power of two; 0, the default, lets plan.ts choose. For tuning and tests. */
export const LANES_FLAG = 'TFJS_DISTILL_WEBGPU_LANES';
/** Workgroups that share a row; 0, the default, lets plan.ts choose. For tuning and tests. */
export const PARTS_FLAG = 'TFJS_DISTILL_WEBGPU_PARTS';
/** How rows are read, 0: plan.ts chooses, 1: vec4, 2: scalar, 3: tile. For tuning and tests. */
export const INPUTS_FLAG = 'TFJS_DISTILL_WEBGPU_INPUTS';
for (const flag of [LANES_FLAG, PARTS_FLAG, INPUTS_FLAG]) env().registerFlag(flag, () => 0);
/** WebGPU lets no device have more threads in a workgroup. */
const MOST_LANES = 1024;
const INPUTS: readonly (InputsKind | null)[] = [null, 'vec4', 'scalar', 'tile'];

export type Request = RowPassRequest<WebGPUBackend>;

/** What a run over the rows is asked with: its plan and cuts, and what it writes. */
export interface Run {
  request: Request;
  sums: Modules['sums'];
  plan: Plan;
  cuts: readonly Cut[];
  phases: readonly Phase[];
  /** `losses` of kernels/wgsl: one value, or as many as there are of each row. */
  perRow: TensorInfo | null;
  gradient: TensorInfo | null;
  Program: typeof PipelineProgram;
}

/**
 * How the rows are cut, before anything is allocated; `perRow` is how many values of a row are written beside
 * a gradient. Throws if the device is lost or cannot bind a row.
 */
export function prepare(request: Request, perRow: number): Pick<Run, 'request' | 'plan' | 'cuts'> {
  const { backend, rows, classes } = request;
  checkDevice(backend.device);
  const cuts = cutRows(rows, classes, backend.device.limits, Math.max(classes, perRow));
  return { request, plan: planOf(request), cuts };
}

/** One dispatch, or one per phase of a split row and per cut of a tensor that a device cannot bind whole. */
export function dispatchRows(run: Run): void {
  const { cuts, phases, plan: chosen } = run;
  const { limits } = run.request.backend.device;
  const most = Math.min(
    Math.floor(MOST_GROUPS / cuts.length),
    chosen.mostGroups,
    limits.maxComputeWorkgroupsPerDimension,
  );
  const groups = cuts.map((cut) => Math.min(most, workOf(cut.rows, chosen)));
  const allGroups = groups.reduce((sum, n) => sum + n, 0);
  const { backend, reduction } = run.request;
  const words = reduction === 'sum' && cuts.length > 1 ? ownWords(backend) : null;
  let firstGroup = 0;
  cuts.forEach((cut, i) => {
    for (const phase of phases)
      dispatch(run, { cut, phase, groups: groups[i], firstGroup, allGroups, words });
    firstGroup += groups[i];
  });
  if (words !== null) backend.disposeData(words.dataId);
}

function planDevice(backend: WebGPUBackend): PlanDevice {
  const { features, limits } = backend.device;
  return {
    isSoftware: isSoftware(backend),
    hasSubgroups: features.has('subgroups'),
    mostThreads: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
  };
}

function planOf({ backend, rows, classes }: Request): Plan {
  return plan({
    rows,
    classes,
    device: planDevice(backend),
    asked: {
      lanes: numberFlag(LANES_FLAG, { least: 0, most: MOST_LANES }),
      parts: numberFlag(PARTS_FLAG, { least: 0, most: MOST_LANES }),
      inputs: INPUTS[numberFlag(INPUTS_FLAG, { least: 0, most: INPUTS.length - 1 })],
    },
  });
}

/** Pieces of work, each for a workgroup: WORKGROUP / LANES rows, or a part of a row. */
function workOf(rows: number, { lanes, workgroup, parts }: Plan): number {
  return Math.ceil(rows / (workgroup / lanes)) * parts;
}

interface Dispatch {
  cut: Cut;
  phase: Phase;
  groups: number;
  firstGroup: number;
  allGroups: number;
  /** `scratch` of kernels/wgsl; null for the device's. */
  words: TensorInfo | null;
}

function dispatch(run: Run, step: Dispatch): void {
  const { request, perRow, gradient, Program } = run;
  const { backend, rows, classes, temperature, labels, weights } = request;
  const { cut, groups } = step;
  const { words, unused } = scratchOf(backend.device);
  const variant = variantOf({ ...request, ...run, smallestSubgroup: smallestSubgroup(backend) }, step.phase);
  const key = variantKey(variant);
  // Under compile-only tfjs keeps promises, of which some may be left when it is over.
  const cached = backend.pipelineCache[key];
  if (cached === undefined || (cached instanceof Promise && !env().getBool('WEBGPU_ENGINE_COMPILE_ONLY')))
    backend.pipelineCache[key] = pipelineOf(backend.device, variant);

  const lent: TensorInfo[] = [];
  const lendBuffer = (buffer: GPUBuffer, { offset, size }: Range) => {
    const info = lend(backend, size / 4, { buffer, offset, size });
    lent.push(info);
    return info;
  };
  // The part of a tensor that this dispatch works on; tensors that are bound whole go in as they are.
  const part = (tensor: TensorInfo, binding: Range): TensorInfo => {
    const size = sizeOf(tensor);
    const isWhole = cut.rows === rows || size === 1;
    return isWhole ? { ...tensor, shape: [size] } : lendBuffer(bufferOf(backend, tensor), binding);
  };
  const unusedOutput = () => lendBuffer(unused, { offset: 0, size: unused.size });
  const student = part(request.student, cut.perClass);
  const inputs = [
    part(request.teacher, cut.perClass),
    student,
    typeof temperature === 'number' ? student : part(temperature, cut.perRow),
    labels ? part(labels, sizeOf(labels) === rows * classes ? cut.perClass : cut.perRow) : student,
    weights ? part(weights, cut.perRow) : student,
    perRow ? part(perRow, times(cut.perRow, sizeOf(perRow) / rows)) : unusedOutput(),
    step.words ?? lendBuffer(words, { offset: 0, size: words.size }),
  ];
  const output = gradient ? part(gradient, cut.perClass) : unusedOutput();
  const program = new Program(key, output.shape, run.plan.workgroup, groups);
  backend.runWebGPUProgram(program, inputs, 'float32', uniformsOf(run, step), output);
  for (const { dataId } of lent) backend.disposeData(dataId);
}

type Range = Pick<Binding, 'offset' | 'size'>;

/** Of a tensor with n values where another has one. */
function times({ offset, size }: Range, n: number): Range {
  return { offset: offset * n, size: size * n };
}

function sizeOf({ shape }: TensorInfo): number {
  return util.sizeFromShape(shape);
}

/** 4 is the least that WebGPU allows. */
function smallestSubgroup({ device }: WebGPUBackend): number {
  const { adapterInfo } = device as GPUDevice & { adapterInfo?: { subgroupMinSize?: number } };
  return adapterInfo?.subgroupMinSize ?? 4;
}

/** Finite, also of a temperature below the normal numbers. */
const inverse = (temperature: number) => Math.min(1 / temperature, 2e38);

/**
 * In the order of Uniforms in kernels/wgsl/bindings.wgsl. An even number of words, or the buffer that tfjs
 * makes is smaller than the struct.
 */
function uniformsOf({ request, plan: chosen }: Run, { cut, firstGroup, allGroups }: Dispatch): Uniform[] {
  const { classes, temperature, weights, objective } = request;
  const uint32 = (value: number): Uniform => ({ type: 'uint32', data: [value] });
  const float32 = (value: number): Uniform => ({ type: 'float32', data: [value] });
  const isNumber = typeof temperature === 'number';
  const inverseOfTeacher = objective.teacherTemperature === 0 ? 1 : inverse(objective.teacherTemperature);
  const start = chosen.inputs === 'vec4' ? cut.perClass.start / 4 : cut.perClass.start;
  return [
    uint32(cut.rows),
    uint32(classes),
    uint32(isNumber ? 0 : sizeOf(temperature)),
    uint32(weights ? sizeOf(weights) : 0),
    float32(isNumber ? temperature : 1),
    float32(isNumber ? inverse(temperature) : 1),
    float32(inverseOfTeacher),
    float32(inverseOfTeacher * Math.LOG2E),
    float32(objective.softWeight),
    float32(objective.hardWeight),
    float32(objective.labelSmoothing),
    float32(objective.beta),
    float32(objective.scale),
    uint32(objective.scaleByTemperatureSquared ? 1 : 0),
    uint32(cut.perRow.start),
    uint32(firstGroup),
    uint32(allGroups),
    uint32(chosen.parts),
    uint32(start),
    uint32(cut.perClass.start),
  ];
}
