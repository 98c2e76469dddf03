import { concat, grad, mul, ones, reshape, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { withOwnTape } from '../gradients/SoftmaxCrossEntropyWithTemperatureGrad_grad.ts';
import { runObjective } from '../run_objective.ts';
import { type ChunkedLoss, chunkedGradients, chunkedLoss, chunksOf, tensorsOfChunk } from './chunks.ts';
import { rowsOf } from './linear_logits.ts';

/**
 * The gradient to one tensor of the head of losses that stay one for each row, for the incoming gradient dy,
 * [rows]. The logits are computed anew.
 */
export function headGradient(loss: ChunkedLoss, name: 'hidden' | 'kernel' | 'bias', dy: Tensor): Tensor {
  return tidy(() => {
    const { weights } = loss.tensors;
    const weighted: ChunkedLoss = {
      ...loss,
      tensors: { ...loss.tensors, weights: weights === null ? dy : mul(weights, dy) },
      attrs: { ...loss.attrs, reduction: 'sum' },
    };
    const wanted = { hidden: false, kernel: false, bias: false, [name]: true };
    const gradient = chunkedGradients(weighted, wanted)[name];
    if (gradient === null) throw new Error(`linearDistillationLoss: there is no gradient to ${name}.`);
    return gradient;
  });
}

/** The loss of each row before its weight, times dy. */
export function weightsGradient(loss: ChunkedLoss, dy: Tensor): Tensor {
  const { tensors, attrs } = loss;
  const target = tensors.weights;
  if (target === null) throw new Error('linearDistillationLoss: there are no weights.');
  return tidy(() => {
    const unweighted = {
      ...loss,
      tensors: { ...tensors, weights: null },
      attrs: { ...attrs, reduction: 'none' as const },
    };
    const rows = mul(chunkedLoss(unweighted), dy);
    return reshape(target.size === rows.size ? rows : sum(rows), target.shape);
  });
}

/** Chunk by chunk the gradient that distillationLoss has to one of its temperatures. */
export function temperatureGradient(
  loss: ChunkedLoss,
  name: 'temperature' | 'teacherTemperature',
  dy: Tensor,
): Tensor {
  const target = loss.tensors[name];
  if (target === null) throw new Error(`linearDistillationLoss: the ${name} is a number.`);
  return tidy(() => {
    const rows = loss.student.hidden.shape[0];
    const dyOfRows = mul(ones([rows]), dy);
    const parts = chunksOf(loss).map((chunk) =>
      tidy(() => {
        const tensors = tensorsOfChunk(loss, chunk);
        const temperature = tensors[name];
        if (temperature === null) throw new Error(`linearDistillationLoss: the ${name} is a number.`);
        const dyOfChunk = rowsOf(dyOfRows, chunk.start, chunk.count);
        const ofTemperature = (t: Tensor) =>
          sum(mul(runObjective({ ...tensors, [name]: t }, { ...loss.attrs, reduction: 'none' }), dyOfChunk));
        return reshape(
          withOwnTape(() => grad(ofTemperature)(temperature)),
          [-1],
        );
      }),
    );
    const gradients = parts.length === 0 ? mul(target, 0) : concat(parts, 0);
    return reshape(gradients.size === target.size ? gradients : sum(gradients), target.shape);
  });
}
