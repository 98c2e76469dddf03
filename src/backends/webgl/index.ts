import type { DataType, KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { Objective, RowPassOutputs } from '../../../kernels/objective.ts';
import { lossOfStatistics, rowPass as rowPassSource } from '../../generated/glsl.ts';
import type { RowPass, RowPassRequest } from '../row_pass.ts';

/** What tfjs asks of a program; its source and shapes are its identity. */
interface GPGPUProgram {
  variableNames: string[];
  outputShape: number[];
  userCode: string;
  packedOutput?: boolean;
  customUniforms?: { name: string; type: 'int' | 'float' }[];
}

/** The parts of tfjs's 'webgl' backend that are used here. */
export interface WebGLBackend extends KernelBackend {
  runWebGLProgram(
    program: GPGPUProgram,
    inputs: TensorInfo[],
    outputDtype: DataType,
    customUniformValues?: number[][],
  ): TensorInfo;
  disposeIntermediateTensorInfo(info: TensorInfo): void;
}

type Pass = 'LOSS' | 'STATISTICS' | 'GRADIENT';

/** tfjs names a kernel in tf.time and tf.profile after the class of its program. */
class SoftmaxCrossEntropyWithTemperatureProgram implements GPGPUProgram {
  constructor(
    readonly variableNames: string[],
    readonly outputShape: number[],
    readonly userCode: string,
    readonly packedOutput: boolean,
    readonly customUniforms: { name: string; type: 'int' | 'float' }[],
  ) {}
}

/** Loss alone is one pass; loss and gradient are statistics, loss out of statistics, gradient: MATH.md by kernels/glsl/row_pass.glsl. */
export const rowPass: RowPass<WebGLBackend> = (request) => {
  const { backend, rows, classes, outputs } = request;
  if (outputs === 'loss') return { loss: runPass(request, 'LOSS', [rows]), gradient: null };
  const statistics = runPass(request, 'STATISTICS', [2 * rows, 2 * texelsOf(request.objective, outputs)]);
  const loss = outputs === 'lossAndStudentGradient' ? pickLoss(backend, rows, statistics) : null;
  const gradient = runPass(request, 'GRADIENT', [rows, classes], statistics);
  backend.disposeIntermediateTensorInfo(statistics);
  return { loss, gradient };
};

/** Texels of four statistics a row: see PASS_STATISTICS. */
function texelsOf({ labels, divergence }: Objective, outputs: RowPassOutputs): number {
  return outputs === 'teacherGradient' || labels !== 'none' || divergence === 'jsd' ? 3 : 2;
}

function pickLoss(backend: WebGLBackend, rows: number, statistics: TensorInfo): TensorInfo {
  const program = new SoftmaxCrossEntropyWithTemperatureProgram(
    ['statistics'],
    [rows],
    lossOfStatistics,
    false,
    [],
  );
  return backend.runWebGLProgram(program, [statistics], 'float32');
}

function runPass(
  request: RowPassRequest<WebGLBackend>,
  pass: Pass,
  outputShape: number[],
  statistics?: TensorInfo,
): TensorInfo {
  const inputs: [string, TensorInfo][] = inputsOf(request);
  if (statistics) inputs.push(['statistics', statistics]);
  const uniforms = uniformsOf(request);
  const program = new SoftmaxCrossEntropyWithTemperatureProgram(
    inputs.map(([name]) => name),
    outputShape,
    `${definitions(request, pass)}\n${rowPassSource}`,
    pass === 'STATISTICS',
    uniforms.map(([name, type]) => ({ name, type })),
  );
  const tensors = inputs.map(([, info]) => info);
  const values = uniforms.map(([, , value]) => [value]);
  return request.backend.runWebGLProgram(program, tensors, 'float32', values);
}

const DIVERGENCE = { crossEntropy: 0, kl: 1, reverseKl: 2, jsd: 3 } as const;
const LABELS = { none: 0, classIds: 1, distribution: 2 } as const;

/** The header that row_pass.glsl expects; the only source that varies. */
function definitions(
  { objective, outputs, temperature, weights }: RowPassRequest<WebGLBackend>,
  pass: Pass,
): string {
  const flags: string[] = [`PASS_${pass}`, objective.targets === 'logits' ? 'LOGITS' : 'PROBABILITIES'];
  if (outputs === 'teacherGradient') flags.push('TO_TEACHER');
  if (typeof temperature !== 'number') flags.push('TEMPERATURE_TENSOR');
  if (weights) flags.push('WEIGHTS_TENSOR');
  flags.push(`DIVERGENCE ${DIVERGENCE[objective.divergence]}`, `LABELS ${LABELS[objective.labels]}`);
  return flags.map((flag) => `#define ${flag}`).join('\n');
}

function inputsOf(request: RowPassRequest<WebGLBackend>): [string, TensorInfo][] {
  const { rows, classes, teacher, student, temperature, labels, weights, objective } = request;
  const view = ({ dataId, dtype }: TensorInfo, shape: number[]): TensorInfo => ({ dataId, shape, dtype });
  const inputs: [string, TensorInfo][] = [
    ['teacher', view(teacher, [rows, classes])],
    ['student', view(student, [rows, classes])],
  ];
  if (typeof temperature !== 'number') inputs.push(['temperature', view(temperature, [sizeOf(temperature)])]);
  if (labels)
    inputs.push(['labels', view(labels, objective.labels === 'classIds' ? [rows] : [rows, classes])]);
  if (weights) inputs.push(['weights', view(weights, [sizeOf(weights)])]);
  return inputs;
}

function sizeOf({ shape }: TensorInfo): number {
  return shape.reduce((product, size) => product * size, 1);
}

function uniformsOf(request: RowPassRequest<WebGLBackend>): [string, 'int' | 'float', number][] {
  const { classes, temperature, weights, objective } = request;
  const isNumber = typeof temperature === 'number';
  return [
    ['classes', 'int', classes],
    ['temperatures', 'int', isNumber ? 0 : sizeOf(temperature)],
    ['weightCount', 'int', weights ? sizeOf(weights) : 0],
    ['temperatureOfAll', 'float', isNumber ? temperature : 1],
    ['inverseTemperature', 'float', isNumber ? Math.min(1 / temperature, 3e38) : 1],
    ['softWeight', 'float', objective.softWeight],
    ['hardWeight', 'float', objective.hardWeight],
    ['labelSmoothing', 'float', objective.labelSmoothing],
    ['beta', 'float', objective.beta],
    ['scale', 'float', objective.scale],
    ['temperatureSquared', 'int', objective.scaleByTemperatureSquared ? 1 : 0],
  ];
}
