import {
  add,
  cast,
  div,
  engine,
  equal,
  type GradConfig,
  greaterEqual,
  log,
  max,
  maximum,
  mul,
  neg,
  reshape,
  sub,
  sum,
  type Tensor,
  tidy,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { OF_ITS_ROW, OF_STUDENT } from '../../kernels/objective.ts';
import { knownConstant } from '../backends/values_on_cpu.ts';
import {
  type ObjectiveAttrs,
  SoftmaxCrossEntropyWithTemperature,
  SoftmaxCrossEntropyWithTemperatureGrad,
} from '../kernel_names.ts';
import { givenInputs, isGiven, type ObjectiveInputs } from '../objective_inputs.ts';
import { runObjective, savedTensors, withoutTape } from '../run_objective.ts';
import { share } from '../share.ts';
import { smallestProbability } from './differentiable_loss.ts';

/**
 * Each gradient is computed only when tfjs asks for it. The student's was stored by the forward pass, and is
 * final when the incoming gradient is known to be 1; under a higher-order gradient it is computed anew, by a
 * kernel that has a gradient itself.
 */
export const softmaxCrossEntropyWithTemperatureGradConfig: GradConfig = {
  kernelName: SoftmaxCrossEntropyWithTemperature,
  gradFunc: (dLoss, saved, savedAttrs): { [input: string]: () => Tensor } => {
    const dy = dLoss as Tensor;
    const attrs = savedAttrs as ObjectiveAttrs;
    const { inputs, dStudent } = savedTensors(saved);
    return {
      student: () =>
        isGiven(dStudent) && !engine().isTapeOn()
          ? scaleRows(dStudent, dy)
          : runGrad(inputs, attrs, 'studentGradient', dy),
      teacher: () => runGrad(inputs, attrs, 'teacherGradient', dy),
      weights: () => weightsGradient(inputs, attrs, dy),
      temperature: () => temperatureGradient(inputs, attrs, dy),
      teacherTemperature: () => teacherTemperatureGradient(inputs, attrs, dy),
    };
  },
};

/** dStudent * dy, row by row; dStudent itself if dy is known to be 1 everywhere. */
function scaleRows(dStudent: Tensor, dy: Tensor): Tensor {
  const constant = knownConstant(dy);
  if (constant === 1) return share(dStudent);
  if (constant !== null) return mul(dStudent, constant);
  return mul(dStudent, dy.rank === 0 ? dy : reshape(dy, [...dy.shape, 1]));
}

function runGrad(
  inputs: ObjectiveInputs<Tensor>,
  attrs: ObjectiveAttrs,
  outputs: 'studentGradient' | 'teacherGradient',
  dy: Tensor,
): Tensor {
  const { weights } = inputs;
  const flat = reshape(dy, [dy.size]);
  const weighted = isGiven(weights) ? mul(reshape(weights, [weights.size]), flat) : flat;
  return engine().runKernel<Tensor>(
    SoftmaxCrossEntropyWithTemperatureGrad,
    { ...inputs, weights: weighted },
    { ...attrs, outputs },
  );
}

/** The loss of each row before its weight, times dy. */
function weightsGradient(inputs: ObjectiveInputs<Tensor>, attrs: ObjectiveAttrs, dy: Tensor): Tensor {
  return tidy(() => {
    const rows = mul(
      runObjective({ ...givenInputs(inputs), weights: null }, { ...attrs, reduction: 'none' }),
      dy,
    );
    return sumTo(rows, inputs.weights);
  });
}

/**
 * D does not change when z, v and T are scaled together, so T dD/dT = -sum z dD/dz - sum v dD/dv; the factor
 * T^2 adds 2 D T. A teacher with a temperature of its own has no part in it.
 */
function temperatureGradient(inputs: ObjectiveInputs<Tensor>, attrs: ObjectiveAttrs, dy: Tensor): Tensor {
  const { student, temperature } = inputs;
  const soft = { ...attrs, hardWeight: 0 };
  return tidy(() => {
    let rows = neg(rowDot(student, runGrad(inputs, soft, 'studentGradient', dy)));
    if (attrs.teacherTemperature === OF_STUDENT) rows = sub(rows, teacherDot(inputs, soft, dy));
    if (attrs.scaleByTemperatureSquared) {
      const value = runObjective(givenInputs(inputs), { ...soft, reduction: 'none' });
      rows = add(rows, mul(2, mul(value, dy)));
    }
    return overTemperature(rows, temperature);
  });
}

/** D does not change either when v and the teacher's T are scaled together: T dD/dT = -sum v dD/dv. */
function teacherTemperatureGradient(
  inputs: ObjectiveInputs<Tensor>,
  attrs: ObjectiveAttrs,
  dy: Tensor,
): Tensor {
  const { teacherTemperature } = inputs;
  if (attrs.teacherTemperature !== OF_ITS_ROW)
    throw new Error(`${SoftmaxCrossEntropyWithTemperature}: the teacher has no temperatures of its own.`);
  return tidy(() =>
    overTemperature(neg(teacherDot(inputs, { ...attrs, hardWeight: 0 }, dy)), teacherTemperature),
  );
}

/** sum v dD/dv of each row; log p stands for v of probabilities that are softened. */
function teacherDot(inputs: ObjectiveInputs<Tensor>, soft: ObjectiveAttrs, dy: Tensor): Tensor {
  const { teacher } = inputs;
  const slope = runGrad(inputs, soft, 'teacherGradient', dy);
  const [logits, dLogits] = soft.targets === 'logits' ? [teacher, slope] : asLogits(teacher, slope);
  return rowDot(logits, dLogits);
}

/**
 * Logits are taken relative to their row's maximum, which the zero sum of a row's gradient allows, and a
 * class without gradient is left out, masked or not.
 */
function rowDot(givenLogits: Tensor, givenGradient: Tensor): Tensor {
  const { shape } = givenLogits;
  // By rows: tfjs's GPU backends select up to rank 4.
  const [logits, gradient] = [givenLogits, givenGradient].map((x) =>
    reshape(x, [-1, shape[shape.length - 1]]),
  );
  const none = withoutTape(() => equal(gradient, 0)); // tfjs knows no gradient of comparisons
  const products = mul(sub(logits, max(logits, 1, true)), gradient);
  return reshape(sum(where(none, zerosLike(gradient), products), 1), shape.slice(0, -1));
}

function overTemperature(rows: Tensor, temperature: Tensor): Tensor {
  const divisor = temperature.rank === rows.rank ? temperature : reshape(temperature, []);
  return sumTo(div(rows, divisor), temperature);
}

/** log p, and the gradient to it with the sum of p held: MATH (37). */
function asLogits(probabilities: Tensor, slope: Tensor): [Tensor, Tensor] {
  const isPresent = withoutTape(() => greaterEqual(probabilities, smallestProbability()));
  const flat = (x: Tensor) => reshape(x, [x.size]); // tfjs's GPU backends select up to rank 4
  const present = where(flat(isPresent), flat(probabilities), flat(zerosLike(probabilities)));
  const p = reshape(present, probabilities.shape);
  const mass = sum(p, -1, true);
  const isEmpty = withoutTape(() => cast(equal(mass, 0), 'float32'));
  const mean = div(sum(mul(p, slope), -1, true), add(mass, isEmpty));
  return [log(maximum(probabilities, smallestProbability())), mul(p, sub(slope, mean))];
}

/** Sums a value per row to the shape of a tensor that holds one value or one per row. */
function sumTo(rows: Tensor, target: Tensor): Tensor {
  return reshape(target.size === rows.size ? rows : sum(rows), target.shape);
}
