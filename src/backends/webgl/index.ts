import type { TensorInfo } from '@tensorflow/tfjs-core';
import { DIVERGENCES } from '../../../kernels/divergences.ts';
import type { Objective } from '../../../kernels/objective.ts';
import { PER_ROW_NAMES, type PerRowName } from '../../objective_inputs.ts';
import { hasHalfTextures } from '../half_textures.ts';
import type { RowPass, RowPassRequest, RowPassResult } from '../row_pass.ts';
import { checkContext, packsFirst, type WebGLBackend } from './backend.ts';
import { LANES_PER_MERGE, lanesFor } from './lanes.ts';
import {
  type InputLayout,
  isSoftened,
  needsLabelSums,
  SoftmaxCrossEntropyWithTemperatureProgram,
  type Specialisation,
  type Stage,
  type StageOutput,
  type StatisticsSource,
  sourceOf,
  strideOf,
  texelsShiftOf,
  UNIFORMS,
  type UniformName,
} from './program.ts';
import { type InputMatrix, Textures } from './textures.ts';

export { supportsRowPass, type WebGLBackend } from './backend.ts';

/**
 * MATH.md by kernels/glsl. A program of tfjs has one output, so a row pass is several:
 * - short rows: the loss in one pass; or statistics of each row, the loss out of them, and the gradient;
 * - long rows: the maxima of each lane, merged; the sums of each lane, merged; for jsd its two sums likewise;
 *   then as above.
 */
export const rowPass: RowPass<WebGLBackend> = (request) => {
  checkContext(request.backend);
  const textures = new Textures(request.backend);
  try {
    return new RowPassRun(request, textures).run();
  } finally {
    textures.dispose();
  }
};

/** The hard term does not reach the teacher; class ids are checked all the same. */
function objectiveOf({ objective, outputs }: RowPassRequest<WebGLBackend>): Objective {
  return outputs === 'teacherGradient' ? { ...objective, hardWeight: 0 } : objective;
}

/** Half-precision numbers hold every integer up to this one. */
const LARGEST_HALF_INTEGER = 2048;

/** A class id is uploaded as the textures are, so a larger one would silently be that of a neighbour. */
function checkClassIds({ objective: { labels }, classes }: RowPassRequest<WebGLBackend>): void {
  if (labels === 'classIds' && classes - 1 > LARGEST_HALF_INTEGER && hasHalfTextures()) {
    throw new RangeError(
      `softmaxCrossEntropyWithTemperature: labels as class ids need classes - 1 <= ${LARGEST_HALF_INTEGER} on this WebGL device, whose ` +
        `half-precision textures hold no larger integers; got ${classes} classes. Give labels as a distribution, or use another backend.`,
    );
  }
}

function stridesOf(ofRows: Partial<Record<PerRowName, TensorInfo>>) {
  const strides = PER_ROW_NAMES.map((name) => [strideOf(name), (ofRows[name]?.shape[0] ?? 1) === 1 ? 0 : 1]);
  return Object.fromEntries(strides) as Partial<Record<UniformName, number>>;
}

/** The stages of a row pass, in the order in which one needs the other. */
export class RowPassRun {
  protected readonly specialisation: Specialisation;
  protected readonly inputs: [string, TensorInfo][];
  protected readonly uniforms: Partial<Record<UniformName, number>>;
  /** The student's layout, which its gradient takes over. */
  private readonly gradientIsPacked: boolean;
  private readonly gradientShape: number[];

  constructor(
    protected readonly request: RowPassRequest<WebGLBackend>,
    private readonly textures: Textures,
  ) {
    checkClassIds(request);
    const { rows, classes, outputs, temperature, labels } = request;
    const objective = objectiveOf(request);
    const isPackedFirst = outputs !== 'loss' && packsFirst(request.backend, rows * classes);
    const student = textures.matrix(request.student, rows, classes, isPackedFirst ? [rows, classes] : null);
    this.gradientIsPacked = student.isPacked;
    this.gradientShape = student.isPacked
      ? [rows / student.matrixRows, student.matrixRows, classes]
      : [rows, classes];
    const packAs = isPackedFirst ? this.gradientShape : null;
    const teacher = textures.matrix(request.teacher, rows, classes, packAs);
    const distribution =
      labels && objective.labels === 'distribution' ? textures.matrix(labels, rows, classes, packAs) : null;
    const isHalf = hasHalfTextures();
    const ofRows = this.tensorsOfRows();
    const layoutOf = ({ isPacked, matrixRows, offset }: InputMatrix): InputLayout => ({
      isPacked,
      isAligned: isPacked === student.isPacked && matrixRows === student.matrixRows && offset === 0,
    });
    this.specialisation = {
      rows,
      objective,
      outputs,
      tensorsOfRows: Object.keys(ofRows) as PerRowName[],
      teacher: layoutOf(teacher),
      student: layoutOf(student),
      labels: layoutOf(distribution ?? teacher),
      hasHalfTextures: isHalf,
      statisticsTexels: isHalf ? 3 : 2,
      isDirect: [teacher, student, distribution].every((matrix) => matrix === null || matrix.isDirect),
      hasEvenClasses: classes % 2 === 0,
    };
    this.inputs = [
      ['teacher', teacher.info],
      ['student', student.info],
    ];
    if (labels) this.inputs.push(['labels', distribution?.info ?? textures.vector(labels)]);
    this.inputs.push(...Object.entries(ofRows));
    const t = typeof temperature === 'number' ? temperature : 1;
    this.uniforms = {
      rows,
      classes,
      teacherRows: teacher.matrixRows,
      studentRows: student.matrixRows,
      labelRows: distribution?.matrixRows ?? 1,
      outRows: student.matrixRows,
      ...stridesOf(ofRows),
      temperatureOfAll: t,
      inverseTemperature: Math.min(1 / t, 3e38),
      inverseTeacherTemperature:
        objective.teacherTemperature > 0 ? Math.min(1 / objective.teacherTemperature, 3e38) : 0,
      softWeight: objective.softWeight,
      hardWeight: objective.hardWeight,
      labelSmoothing: objective.labelSmoothing,
      smoothingShare: objective.labelSmoothing / classes,
      beta: objective.beta,
      scale: objective.scale,
    };
  }

  /** Those that are given, as textures. */
  private tensorsOfRows(): Partial<Record<PerRowName, TensorInfo>> {
    const given = PER_ROW_NAMES.flatMap((name) => {
      const input = this.request[name];
      return input === null || typeof input === 'number' ? [] : [[name, this.textures.vector(input)]];
    });
    return Object.fromEntries(given);
  }

  run(): RowPassResult {
    const { rows, classes, outputs } = this.request;
    const { objective } = this.specialisation;
    const lanes = lanesFor(rows, classes, this.specialisation.hasHalfTextures ? 'float16' : 'float32');
    let source: StatisticsSource = 'SWEEP';
    this.sumGiven(lanes);
    if (lanes > 1) {
      source = 'CELLS';
      this.sweepByLanes(lanes, objective.softWeight !== 0 && DIVERGENCES[objective.divergence].hasMixture);
    }
    if (outputs === 'loss') return { loss: this.stage('writeLoss', source, [rows]), gradient: null };
    const { statisticsTexels } = this.specialisation;
    this.keep('statistics', this.texelStage('writeStatistics', source, rows * statisticsTexels));
    const loss = outputs === 'lossAndStudentGradient' ? this.stage('writeLoss', 'STATISTICS', [rows]) : null;
    const gradient = this.stage(
      'writeGradient',
      'STATISTICS',
      this.gradientShape,
      {},
      this.gradientIsPacked ? 'packed' : 'unpacked',
    );
    return { loss, gradient: { ...gradient, shape: [rows, classes] } };
  }

  /** Leaves massTexels, one a row, among the inputs where probabilities are softened. */
  protected sumGiven(lanes: number): void {
    if (!isSoftened(this.specialisation.objective)) return;
    const { rows } = this.request;
    const masses = this.texelStage('writeMasses', 'SWEEP', rows * lanes, { lanes });
    this.keep('massTexels', this.merge('mergeSums', masses, rows, lanes, 1).texels);
  }

  /** Leaves maximaTexels, one a row, and sumTexels, mixtureTexels, a few a row, among the inputs. */
  private sweepByLanes(lanes: number, hasMixture: boolean): void {
    const { rows } = this.request;
    const { objective } = this.specialisation;
    this.sweepMaxima(lanes);
    const lines = needsLabelSums(objective) ? 2 * rows : rows;
    const laneSums = this.texelStage('writeSums', 'CELLS', lines * lanes, { lanes });
    // Every lane of the mixture wants the sums of its row, so for it they are merged to the end.
    const sums = this.merge('mergeSums', laneSums, lines, lanes, hasMixture ? 1 : LANES_PER_MERGE);
    this.keep('sumTexels', sums.texels);
    this.uniforms.sumLanes = sums.lanes;
    if (!hasMixture) return;
    const laneMixtures = this.texelStage('writeMixture', 'CELLS', rows * lanes, { lanes });
    const mixtures = this.merge('mergeSums', laneMixtures, rows, lanes, LANES_PER_MERGE);
    this.keep('mixtureTexels', mixtures.texels);
    this.uniforms.mixtureLanes = mixtures.lanes;
  }

  protected sweepMaxima(lanes: number): void {
    const { rows } = this.request;
    const maxima = this.texelStage('writeMaxima', 'SWEEP', rows * lanes, { lanes });
    this.keep('maximaTexels', this.merge('mergeMaxima', maxima, rows, lanes, 1).texels);
  }

  /** Merges in steps until at most `enough` lanes to a line are left. */
  protected merge(
    stage: 'mergeMaxima' | 'mergeSums' | 'mergeTops',
    texels: TensorInfo,
    lines: number,
    lanes: number,
    enough: number,
  ): { texels: TensorInfo; lanes: number } {
    let merged = texels;
    let lanesBefore = lanes;
    while (lanesBefore > enough) {
      const left = Math.ceil(lanesBefore / LANES_PER_MERGE);
      const before = this.textures.texels(merged);
      const program = this.program(stage, 'SWEEP', ['texels'], this.shapeOfTexels(lines * left), 'texels');
      merged = this.launch(program, [before], { rows: lines, lines, lanes: left, lanesBefore });
      this.textures.temporary(merged);
      lanesBefore = left;
    }
    return { texels: merged, lanes: lanesBefore };
  }

  /** Gives what a stage wrote to those that follow. */
  protected keep(name: string, texels: TensorInfo): void {
    this.inputs.push([name, this.textures.texels(texels)]);
  }

  /** To tfjs texels are blocks of two by two of a packed matrix. */
  private shapeOfTexels(count: number): number[] {
    const width = 2 ** texelsShiftOf(this.request.rows);
    return [2 * Math.ceil(count / width), 2 * width];
  }

  /** A stage that writes `count` RGBA texels. */
  protected texelStage(
    stage: Stage,
    source: StatisticsSource,
    count: number,
    uniforms: Partial<Record<UniformName, number>> = {},
  ): TensorInfo {
    return this.textures.temporary(this.stage(stage, source, this.shapeOfTexels(count), uniforms, 'texels'));
  }

  protected stage(
    stage: Stage,
    source: StatisticsSource,
    shape: number[],
    uniforms: Partial<Record<UniformName, number>> = {},
    output: StageOutput = 'unpacked',
  ): TensorInfo {
    const names = this.inputs.map(([name]) => name);
    const program = this.program(stage, source, names, shape, output);
    return this.launch(
      program,
      this.inputs.map(([, info]) => info),
      uniforms,
    );
  }

  protected program(
    stage: Stage,
    source: StatisticsSource,
    names: string[],
    shape: number[],
    output: StageOutput,
  ): SoftmaxCrossEntropyWithTemperatureProgram {
    const code = sourceOf(stage, this.specialisation, source, output);
    return new SoftmaxCrossEntropyWithTemperatureProgram(names, shape, code, output !== 'unpacked');
  }

  protected launch(
    program: SoftmaxCrossEntropyWithTemperatureProgram,
    inputs: TensorInfo[],
    uniforms: Partial<Record<UniformName, number>>,
  ): TensorInfo {
    const all = { ...this.uniforms, ...uniforms };
    const values = UNIFORMS.map((name) => [all[name] ?? 0]);
    return this.request.backend.runWebGLProgram(program, inputs, 'float32', values, program.packedOutput);
  }
}
