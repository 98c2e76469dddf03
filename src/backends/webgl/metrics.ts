import type { TensorInfo } from '@tensorflow/tfjs-core';
import { METRICS } from '../../../kernels/metrics.ts';
import { hasHalfTextures } from '../half_textures.ts';
import { type RowMetrics, rowPassOf } from '../row_metrics.ts';
import type { WebGLBackend } from './backend.ts';
import { RowPassRun } from './index.ts';
import { LANES_PER_MERGE, lanesFor } from './lanes.ts';
import {
  DistillationMetricsProgram,
  type Stage,
  type StageOutput,
  type StatisticsSource,
  sourceOf,
} from './program.ts';
import { Textures } from './textures.ts';

/** From here on a row is swept once for its sums, and not once for every number that is made of them. */
const LONG_ROW = 256;

/**
 * MATH (28)-(32) by kernels/glsl: short rows in one pass, a fragment for each number; long rows by lanes,
 * which leave maxima, first choices and sums in texels.
 */
export const rowMetrics: RowMetrics<WebGLBackend> = (request) => {
  const textures = new Textures(request.backend);
  try {
    return new RowMetricsRun(rowPassOf(request), textures).metrics();
  } finally {
    textures.dispose();
  }
};

class RowMetricsRun extends RowPassRun {
  metrics(): TensorInfo {
    const { rows, classes } = this.request;
    // Half-precision textures cannot hold what lanes leave behind.
    const isSwept = classes < LONG_ROW || hasHalfTextures();
    const lanes = isSwept ? 1 : lanesFor(rows, classes, 'float32');
    this.sumGiven(lanes);
    if (!isSwept) this.leaveTexels(lanes);
    return this.stage('writeMetrics', isSwept ? 'SWEEP' : 'CELLS', [rows, METRICS.length]);
  }

  /** Leaves maximaTexels, topTexels and sumTexels among the inputs. */
  private leaveTexels(lanes: number): void {
    const { rows, objective } = this.request;
    this.sweepMaxima(lanes);
    const kinds = objective.labels === 'distribution' ? 1 : 0;
    const topLines = rows * (1 + kinds);
    const tops = this.texelStage('writeTops', 'SWEEP', topLines * lanes, { lanes, lines: topLines });
    const sumLines = rows * (2 + kinds);
    const laneSums = this.texelStage('writeMetricSums', 'CELLS', sumLines * lanes, {
      lanes,
      lines: sumLines,
    });
    const sums = this.merge('mergeSums', laneSums, sumLines, lanes, LANES_PER_MERGE);
    this.keep('topTexels', this.merge('mergeTops', tops, topLines, lanes, 1).texels);
    this.keep('sumTexels', sums.texels);
    this.uniforms.sumLanes = sums.lanes;
  }

  protected override program(
    stage: Stage,
    source: StatisticsSource,
    names: string[],
    shape: number[],
    output: StageOutput,
  ): DistillationMetricsProgram {
    const code = sourceOf(stage, this.specialisation, source, output);
    return new DistillationMetricsProgram(names, shape, code, output !== 'unpacked');
  }
}
