import type { RowPass, RowPassResult } from '../row_pass.ts';
import type { WebGPUBackend } from './backend.ts';
import { dispatchRows, PipelineProgram, prepare } from './dispatch.ts';
import { phasesOf, writesLoss } from './variant.ts';

class SoftmaxCrossEntropyWithTemperatureProgram extends PipelineProgram {}

/**
 * MATH.md by kernels/wgsl/row_pass.wgsl: one dispatch for whatever is asked for, if the rows are not split.
 */
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
    phases: phasesOf({ ...request, ...prepared }),
    perRow: result.loss,
    gradient: result.gradient,
    Program: SoftmaxCrossEntropyWithTemperatureProgram,
  });
  return result;
};
