import { DIVERGENCES } from '../../../kernels/divergences.ts';
import type { RowPass, RowPassResult } from '../row_pass.ts';
import type { WebGPUBackend } from './backend.ts';
import { dispatchRows, type Phase, PipelineProgram, prepare, type Request, writesLoss } from './dispatch.ts';
import type { Plan } from './plan.ts';

class SoftmaxCrossEntropyWithTemperatureProgram extends PipelineProgram {}

/** MATH.md by kernels/wgsl/row_pass.wgsl: one dispatch for whatever is asked for, if the rows are not split. */
export const rowPass: RowPass<WebGPUBackend> = (request) => {
  const { backend, rows, classes, objective, outputs, reduction } = request;
  const prepared = prepare(request, 1);
  const result: RowPassResult = {
    loss: writesLoss(request) ? backend.makeTensorInfo(reduction === 'sum' ? [] : [rows], 'float32') : null,
    gradient: outputs === 'loss' ? null : backend.makeTensorInfo([rows, classes], 'float32'),
  };
  dispatchRows({
    ...prepared,
    sums: objective.divergence,
    phases: phasesOf(request, prepared.plan),
    perRow: result.loss,
    gradient: result.gradient,
    Program: SoftmaxCrossEntropyWithTemperatureProgram,
  });
  return result;
};

function phasesOf({ objective: { targets, divergence }, outputs }: Request, { parts }: Plan): Phase[] {
  if (parts === 1) return ['whole'];
  const phases: Phase[] = ['statistics'];
  // NEEDS_RANGE and NEEDS_MIXTURE of kernels/wgsl.
  const { isSmallWhenNear, hasMixture } = DIVERGENCES[divergence];
  if (targets === 'logits' && (isSmallWhenNear || outputs !== 'loss')) phases.push('nearSums');
  if (hasMixture) phases.push('mixtureSums');
  return [...phases, 'finish'];
}
