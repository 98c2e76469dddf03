import { env, type TensorInfo } from '@tensorflow/tfjs-core';
import type { RowPass, RowPassRequest, RowPassResult } from '../row_pass.ts';
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
import { type InputsKind, type RowPassVariant, rowPassPipeline, variantKey } from './pipeline.ts';
import { MOST_SPLIT_GROUPS, type Plan, type PlanDevice, plan } from './plan.ts';
import { MOST_GROUPS, scratchOf } from './scratch.ts';

export { isSoftware, type WebGPUBackend, type WebGPUProgram } from './backend.ts';

/** tfjs names a kernel in tf.time and tf.profile after the class of its program. */
class SoftmaxCrossEntropyWithTemperatureProgram implements WebGPUProgram {
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
const INPUTS: readonly (InputsKind | null)[] = [null, 'vec4', 'scalar', 'tile'];

type Request = RowPassRequest<WebGPUBackend>;

/** One dispatch for whatever is asked for, or one per phase of a split row and per cut of a tensor that a device cannot bind whole. */
export const rowPass: RowPass<WebGPUBackend> = (request) => {
  const { backend, rows, classes, outputs, reduction } = request;
  checkDevice(backend.device);
  const chosen = planOf(request);
  const cuts = cutRows(rows, classes, backend.device.limits);
  const result: RowPassResult = {
    loss: writesLoss(request) ? backend.makeTensorInfo(reduction === 'sum' ? [] : [rows], 'float32') : null,
    gradient: outputs === 'loss' ? null : backend.makeTensorInfo([rows, classes], 'float32'),
  };
  const most = Math.min(
    Math.floor(MOST_GROUPS / cuts.length),
    chosen.mostGroups,
    backend.device.limits.maxComputeWorkgroupsPerDimension,
  );
  const groups = cuts.map((cut) => Math.min(most, workOf(cut.rows, chosen)));
  const allGroups = groups.reduce((sum, n) => sum + n, 0);
  let firstGroup = 0;
  cuts.forEach((cut, i) => {
    for (const phase of phasesOf(request, chosen)) {
      dispatch(request, result, chosen, { cut, phase, groups: groups[i], firstGroup, allGroups });
    }
    firstGroup += groups[i];
  });
  return result;
};

/** What the choice of a plan depends on. */
export function planDevice(backend: WebGPUBackend): PlanDevice {
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
      lanes: env().getNumber(LANES_FLAG),
      parts: env().getNumber(PARTS_FLAG),
      inputs: INPUTS[env().getNumber(INPUTS_FLAG)],
    },
  });
}

/** Pieces of work, each for a workgroup: WORKGROUP / LANES rows, or a part of a row. */
function workOf(rows: number, { lanes, workgroup, parts }: Plan): number {
  return Math.ceil(rows / (workgroup / lanes)) * parts;
}

const PHASE = { whole: 0, statistics: 1, nearSums: 2, mixtureSums: 3, finish: 4 } as const;
type Phase = keyof typeof PHASE;

function phasesOf({ objective: { targets, divergence }, outputs }: Request, { parts }: Plan): Phase[] {
  if (parts === 1) return ['whole'];
  const phases: Phase[] = ['statistics'];
  // NEEDS_RANGE and NEEDS_MIXTURE of kernels/wgsl.
  if (targets === 'logits' && (divergence !== 'crossEntropy' || outputs !== 'loss')) phases.push('nearSums');
  if (divergence === 'jsd') phases.push('mixtureSums');
  return [...phases, 'finish'];
}

interface Dispatch {
  cut: Cut;
  phase: Phase;
  groups: number;
  firstGroup: number;
  allGroups: number;
}

function dispatch(request: Request, result: RowPassResult, chosen: Plan, step: Dispatch): void {
  const { backend, rows, classes, temperature, labels, weights } = request;
  const { cut, groups } = step;
  const { words, unused } = scratchOf(backend.device, MOST_SPLIT_GROUPS);
  const variant = variantOf(request, chosen, step.phase);
  const key = variantKey(variant);
  backend.pipelineCache[key] ??= rowPassPipeline(backend.device, variant);

  const lent: TensorInfo[] = [];
  const lendBuffer = (buffer: GPUBuffer, { offset, size }: Pick<Binding, 'offset' | 'size'>) => {
    const info = lend(backend, size / 4, { buffer, offset, size });
    lent.push(info);
    return info;
  };
  // The part of a tensor that this dispatch works on; tensors that are bound whole go in as they are.
  const part = (tensor: TensorInfo): TensorInfo => {
    const size = tensor.shape.reduce((product, n) => product * n, 1);
    const binding = size === rows * classes ? cut.perClass : cut.perRow;
    const isWhole = cut.rows === rows || size === 1;
    return isWhole ? { ...tensor, shape: [size] } : lendBuffer(bufferOf(backend, tensor), binding);
  };
  const unusedOutput = () => lendBuffer(unused, { offset: 0, size: unused.size });
  const student = part(request.student);
  const inputs = [
    part(request.teacher),
    student,
    typeof temperature === 'number' ? student : part(temperature),
    labels ? part(labels) : student,
    weights ? part(weights) : student,
    result.loss ? part(result.loss) : unusedOutput(),
    lendBuffer(words, { offset: 0, size: words.size }),
  ];
  const output = result.gradient ? part(result.gradient) : unusedOutput();
  const program = new SoftmaxCrossEntropyWithTemperatureProgram(key, output.shape, chosen.workgroup, groups);
  backend.runWebGPUProgram(program, inputs, 'float32', uniformsOf(request, chosen, step), output);
  for (const { dataId } of lent) backend.disposeData(dataId);
}

const GRADIENT = { loss: 0, lossAndStudentGradient: 1, studentGradient: 1, teacherGradient: 2 } as const;
const LOWEST_BITS = 0xff7fc99e; // of kernels/wgsl/numbers.wgsl

function writesLoss({ outputs }: Request): boolean {
  return outputs === 'loss' || outputs === 'lossAndStudentGradient';
}

function variantOf(request: Request, chosen: Plan, phase: Phase): RowPassVariant {
  const { objective, outputs, reduction, backend } = request;
  const { targets, divergence, labels } = objective;
  const reverse = divergence === 'reverseKl';
  const isFlag = (value: boolean) => (value ? 1 : 0);
  return {
    modules: { inputs: chosen.inputs, team: chosen.team, divergence, labels },
    constants: {
      LANES: chosen.lanes,
      WORKGROUP: chosen.workgroup,
      VECTORS: chosen.vectors,
      RESIDENT: isFlag(chosen.isResident),
      TARGETS: isFlag(targets === 'probabilities'),
      ABSENT_TEACHER_BITS: targets === 'probabilities' ? 0 : LOWEST_BITS,
      WRITES_LOSS: isFlag(writesLoss(request)),
      LACKS_GRADIENT_AT_INFINITY: isFlag(
        outputs === 'teacherGradient' ? !reverse && targets === 'logits' : reverse,
      ),
      GRADIENT: GRADIENT[outputs],
      REDUCES: isFlag(reduction === 'sum'),
      PHASE: PHASE[phase],
      TILE: chosen.tile,
      MIN_SUBGROUP: smallestSubgroup(backend),
    },
  };
}

/** 4 is the least that WebGPU allows. */
function smallestSubgroup({ device }: WebGPUBackend): number {
  const { adapterInfo } = device as GPUDevice & { adapterInfo?: { subgroupMinSize?: number } };
  return adapterInfo?.subgroupMinSize ?? 4;
}

/** In the order of Uniforms in kernels/wgsl/bindings.wgsl. */
function uniformsOf(request: Request, chosen: Plan, { cut, firstGroup, allGroups }: Dispatch): Uniform[] {
  const { classes, temperature, weights, objective } = request;
  const uint32 = (value: number): Uniform => ({ type: 'uint32', data: [value] });
  const float32 = (value: number): Uniform => ({ type: 'float32', data: [value] });
  const sizeOf = ({ shape }: TensorInfo) => shape.reduce((product, size) => product * size, 1);
  const isNumber = typeof temperature === 'number';
  const start = chosen.inputs === 'vec4' ? cut.perClass.start / 4 : cut.perClass.start;
  return [
    uint32(cut.rows),
    uint32(classes),
    uint32(isNumber ? 0 : sizeOf(temperature)),
    uint32(weights ? sizeOf(weights) : 0),
    float32(isNumber ? temperature : 1),
    float32(isNumber ? Math.min(1 / temperature, 2e38) : 1),
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
