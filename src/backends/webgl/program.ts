import { DIVERGENCES } from '../../../kernels/divergences.ts';
import {
  type Divergence,
  type LabelKind,
  type Objective,
  OF_STUDENT,
  type RowPassOutputs,
  type TeacherReading,
  teacherReadingOf,
} from '../../../kernels/objective.ts';
import { unknownWord } from '../../../kernels/words.ts';
import * as glsl from '../../generated/glsl.ts';
import { PER_ROW_NAMES, type PerRowName } from '../../objective_inputs.ts';
import type { GPGPUProgram } from './backend.ts';

/** One program of the row pass: the file of kernels/glsl that holds its `main`. */
export type Stage =
  | 'writeMasses'
  | 'writeMaxima'
  | 'mergeMaxima'
  | 'writeSums'
  | 'mergeSums'
  | 'writeMixture'
  | 'writeStatistics'
  | 'writeLoss'
  | 'writeGradient'
  | 'writeTops'
  | 'mergeTops'
  | 'writeMetricSums'
  | 'writeMetrics';

export interface InputLayout {
  isPacked: boolean;
  /** Texel n of the gradient is of the same rows and classes as texel n of this input. */
  isAligned: boolean;
}

/** What specialises the source; each is a line of its header. Everything else is a uniform. */
export interface Specialisation {
  rows: number;
  objective: Objective;
  outputs: RowPassOutputs;
  /** Which inputs of one value per row are tensors. */
  tensorsOfRows: readonly PerRowName[];
  teacher: InputLayout;
  student: InputLayout;
  labels: InputLayout;
  hasHalfTextures: boolean;
  statisticsTexels: number;
  /**
   * All matrices lie in textures line by line, or line of texels by line of texels: kernels/glsl/inputs.glsl.
   */
  isDirect: boolean;
  hasEvenClasses: boolean;
}

/** Where a stage finds the statistics of a row: kernels/glsl/constants.glsl. */
export type StatisticsSource = 'SWEEP' | 'CELLS' | 'STATISTICS';

/** `teacherTemperature` becomes `TEACHER_TEMPERATURE`. */
const inCapitals = (name: PerRowName) => name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

/** The uniform that says how far apart the values of two rows are: 0 if one value is that of all rows. */
export const strideOf = <Name extends PerRowName>(name: Name): `${Name}Stride` => `${name}Stride`;

/** int up to temperatureOfAll, then float. */
export const UNIFORMS = [
  'rows',
  'lines',
  'classes',
  'lanes',
  'lanesBefore',
  'sumLanes',
  'mixtureLanes',
  'teacherRows',
  'studentRows',
  'labelRows',
  'outRows',
  ...PER_ROW_NAMES.map((name) => strideOf(name)),
  'temperatureOfAll',
  'inverseTemperature',
  'inverseTeacherTemperature',
  'softWeight',
  'hardWeight',
  'labelSmoothing',
  'smoothingShare',
  'beta',
  'scale',
] as const;
export type UniformName = (typeof UNIFORMS)[number];

const FIRST_FLOAT = UNIFORMS.indexOf('temperatureOfAll');
const CUSTOM_UNIFORMS = UNIFORMS.map((name, k) => ({
  name,
  type: k < FIRST_FLOAT ? ('int' as const) : ('float' as const),
}));

/** tfjs names a kernel in tf.time and tf.profile after the class of its program. */
export class SoftmaxCrossEntropyWithTemperatureProgram implements GPGPUProgram {
  readonly enableShapeUniforms = true;
  readonly customUniforms = CUSTOM_UNIFORMS;

  constructor(
    readonly variableNames: string[],
    readonly outputShape: number[],
    readonly userCode: string,
    readonly packedOutput: boolean,
  ) {}
}

/** As above, in the name of the metrics. */
export class DistillationMetricsProgram extends SoftmaxCrossEntropyWithTemperatureProgram {}

/**
 * Whether the hard term needs sums over the classes besides s1: `LabelSums` of kernels/glsl/sums_sweep.glsl.
 */
export function needsLabelSums({ labels, hardWeight, labelSmoothing }: Objective): boolean {
  return labels !== 'none' && hardWeight !== 0 && (labels === 'distribution' || labelSmoothing !== 0);
}

/** Whether the gradient is measured from a mean over the row: `levelOf` of the divergence. */
function needsLevel({ divergence, softWeight }: Objective, outputs: RowPassOutputs): boolean {
  if (softWeight === 0) return false;
  return GRADIENT_TO[outputs] === 'TO_TEACHER' || DIVERGENCES[divergence].hasStudentLevel;
}

/** Whether a row whose divergence is infinite has no gradient. */
function lacksGradientAtInfinity(objective: Objective, outputs: RowPassOutputs): boolean {
  const { student, teacher } = DIVERGENCES[objective.divergence].lacksGradientAtInfinity;
  if (GRADIENT_TO[outputs] === 'TO_STUDENT') return student;
  const reading = teacherReadingOf(objective);
  switch (reading) {
    case 'logits':
      return teacher;
    case 'probabilities':
      return false;
    case 'softenedProbabilities':
      return true;
    default:
      return unknownWord('reading', reading satisfies never);
  }
}

/** Whether the shaders take the logarithm of what they read, and need the sum of it. */
export const isSoftened = (objective: Objective): boolean =>
  teacherReadingOf(objective) === 'softenedProbabilities';

/** Whether the teacher's temperature is not that of the row. */
const hasOwnTemperature = (objective: Objective): boolean =>
  teacherReadingOf(objective) !== 'probabilities' && objective.teacherTemperature !== OF_STUDENT;

const SOURCES: Readonly<Record<Divergence, string>> = {
  crossEntropy: glsl.crossEntropy,
  kl: glsl.kl,
  reverseKl: glsl.reverseKl,
  jsd: glsl.jsd,
};

// Names of kernels/glsl/constants.glsl.
const TARGETS: Readonly<Record<TeacherReading, string>> = {
  logits: 'LOGITS',
  probabilities: 'PROBABILITIES',
  softenedProbabilities: 'LOGITS', // their logarithms: softened.glsl
};
const LABELS: Readonly<Record<LabelKind, string>> = {
  none: 'NO_LABELS',
  classIds: 'CLASS_IDS',
  distribution: 'DISTRIBUTION',
};
const GRADIENT_TO: Readonly<Record<RowPassOutputs, 'TO_STUDENT' | 'TO_TEACHER'>> = {
  loss: 'TO_STUDENT',
  lossAndStudentGradient: 'TO_STUDENT',
  studentGradient: 'TO_STUDENT',
  teacherGradient: 'TO_TEACHER',
};

/** From here on `quotient` of kernels/glsl/texels.glsl takes the long way. */
const MANY_ROWS = 2 ** 18;

/** How a stage writes: numbers in one of tfjs's layouts, or texels of its own by their number. */
export type StageOutput = 'unpacked' | 'packed' | 'texels';

/**
 * A texture of texels is 2^this wide: so narrow that it has many lines, because GPUs draw by blocks of
 * fragments, and wide enough for all rows.
 */
export function texelsShiftOf(rows: number): number {
  return rows < 2 ** 16 ? 7 : 11;
}

/** The whole source of a stage: its header and the files it is made of. tfjs knows a program by it. */
export function sourceOf(
  stage: Stage,
  specialisation: Specialisation,
  source: StatisticsSource,
  output: StageOutput,
): string {
  const divergence = SOURCES[specialisation.objective.divergence];
  const softened = isSoftened(specialisation.objective);
  const read = [glsl.numbers, glsl.texels, glsl.softened, glsl.inputs, glsl.maxima];
  const sums = [...read, glsl.mass, glsl.sums, divergence, glsl.sumsSweep];
  const sweep = [...sums, glsl.maximaSweep, glsl.collect];
  if (DIVERGENCES[specialisation.objective.divergence].hasMixture) sweep.push(glsl.mixture);
  const files = {
    writeMasses: [...read, glsl.writeMasses],
    writeMaxima: [...read, glsl.maximaSweep, glsl.writeMaxima],
    mergeMaxima: [glsl.numbers, glsl.texels, glsl.maxima, glsl.mergeMaxima],
    writeSums: [...sums, glsl.writeSums],
    mergeSums: [glsl.texels, glsl.sums, glsl.mergeSums],
    writeMixture: [...sweep, glsl.writeMixture],
    writeStatistics: [...sweep, glsl.statistics, glsl.statisticsTexel, glsl.writeStatistics],
    writeLoss: [...(source === 'STATISTICS' ? [glsl.texels] : [...sweep, glsl.statistics]), glsl.writeLoss],
    writeTops: [...sums, glsl.metricsSweep, glsl.writeTops],
    mergeTops: [glsl.texels, glsl.mergeTops],
    writeMetricSums: [...sums, glsl.metricsSweep, glsl.writeMetricSums],
    writeMetrics: [...sweep, glsl.metricsSweep, glsl.writeMetrics],
    writeGradient: [...read, glsl.mass, glsl.sums, divergence, glsl.statisticsTexel, glsl.writeGradient],
  }[stage];
  const isMerge = stage === 'mergeMaxima' || stage === 'mergeSums' || stage === 'mergeTops';
  const definitions: [string, string | number][] = [
    ['PACKED_OUTPUT', output === 'unpacked' ? 0 : 1],
    ['TEXEL_OUTPUT', output === 'texels' ? 1 : 0],
    ['TEXELS_SHIFT', texelsShiftOf(specialisation.rows)],
    ['MANY_ROWS', specialisation.rows >= MANY_ROWS ? 1 : 0],
    ['HALF_TEXTURES', specialisation.hasHalfTextures ? 1 : 0],
    ['SOFTENED', softened ? 1 : 0],
    ['OWN_TEMPERATURE', hasOwnTemperature(specialisation.objective) ? 1 : 0],
  ];
  if (!isMerge) definitions.push(['SOURCE', source], ...definitionsOf(specialisation));
  const header = definitions.map(([name, value]) => `#define ${name} ${value}`);
  return [...header, glsl.constants, ...files].join('\n');
}

function definitionsOf(specialisation: Specialisation): [string, string | number][] {
  const { objective, outputs } = specialisation;
  const flag = (value: boolean) => (value ? 1 : 0);
  return [
    ['TARGETS', TARGETS[teacherReadingOf(objective)]],
    ['HAS_MIXTURE', flag(DIVERGENCES[objective.divergence].hasMixture)],
    ['LABELS', LABELS[objective.labels]],
    ['OUTPUT', GRADIENT_TO[outputs]],
    ['DIRECT', flag(specialisation.isDirect)],
    ['EVEN_CLASSES', String(specialisation.hasEvenClasses)],
    ['HAS_SOFT', flag(objective.softWeight !== 0)],
    ['LACKS_GRADIENT_AT_INFINITY', flag(lacksGradientAtInfinity(objective, outputs))],
    ['HAS_HARD', flag(objective.labels !== 'none' && objective.hardWeight !== 0)],
    ['NEEDS_LEVEL', flag(needsLevel(objective, outputs))],
    ['LABEL_SUMS', flag(needsLabelSums(objective))],
    ['TEMPERATURE_SQUARED', flag(objective.scaleByTemperatureSquared)],
    ...PER_ROW_NAMES.map((name): [string, number] => [
      `${inCapitals(name)}_TENSOR`,
      flag(specialisation.tensorsOfRows.includes(name)),
    ]),
    ['TEACHER_PACKED', flag(specialisation.teacher.isPacked)],
    ['TEACHER_ALIGNED', flag(specialisation.teacher.isAligned)],
    ['STUDENT_PACKED', flag(specialisation.student.isPacked)],
    ['STUDENT_ALIGNED', flag(specialisation.student.isAligned)],
    ['LABELS_PACKED', flag(specialisation.labels.isPacked)],
    ['LABELS_ALIGNED', flag(specialisation.labels.isAligned)],
    ['STATISTICS_TEXELS', specialisation.statisticsTexels],
  ];
}
