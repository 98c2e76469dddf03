import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import type { Objective, RowPassOutputs } from '../../kernels/objective.ts';
import type { GivenInputs } from '../objective_inputs.ts';

/** The tensors of a request, everything checked: at least one row and one class. What they are: INPUTS of objective_inputs.ts. */
export interface RowsRequest<Backend extends KernelBackend>
  extends Omit<GivenInputs<TensorInfo>, 'temperature'> {
  backend: Backend;
  rows: number;
  classes: number;
  /** T of every row, or a float32 tensor of one value or one per row. */
  temperature: number | TensorInfo;
}

/** One row pass as a backend is asked for it. */
export interface RowPassRequest<Backend extends KernelBackend> extends RowsRequest<Backend> {
  objective: Objective;
  outputs: RowPassOutputs;
  /** 'sum': a backend that can sums the losses in the same pass and returns a scalar; one that cannot returns [rows] all the same. */
  reduction: 'none' | 'sum';
}

/** What was asked for in `outputs`; null where it was not. New tensors, which the caller owns. */
export interface RowPassResult {
  /** float32 [rows], in any shape; or [] with `reduction: 'sum'`. */
  loss: TensorInfo | null;
  /** float32 [rows, classes], in any shape. */
  gradient: TensorInfo | null;
}

/**
 * The one thing that a backend implements: MATH.md for every row of the request. Inputs are never written to; nothing is left allocated but
 * the result; rows with NaN, infinities or weight 0 come out as MATH.md says.
 */
export interface RowPass<Backend extends KernelBackend = KernelBackend> {
  (request: RowPassRequest<Backend>): RowPassResult;
  /** It computes sparse teachers itself; others are handed dense ones alone. */
  takesSparseTeachers?: true;
}
