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
import { knownConstant } from '../backends/values_on_cpu.ts';
import {
  isGiven,
  type ObjectiveAttrs,
  type ObjectiveInputs,
  SoftmaxCrossEntropyWithTemperature,
  SoftmaxCrossEntropyWithTemperatureGrad,
} from '../kernel_names.ts';
import { runObjective, savedTensors, withoutTape } from '../run_objective.ts';
import { share } from '../share.ts';
import { smallestProbability } from './differentiable_loss.ts';

/**
 * Each gradient is computed only when tfjs asks for it. The student's was stored by the forward pass, and is final when the incoming gradient is
 * known to be 1; under a higher-order gradient it is computed anew, by a kernel that has a gradient itself.
 */
export const softmaxCrossEntropyWithTemperatureGradConfig: GradConfig = {
  kernelName: SoftmaxCrossEntropyWithTemperature,
  gradFunc: (dLoss, saved, savedAttrs): { [input: string]: () => Tensor } => {
    const dy = dLoss as Tensor;
    const attrs = savedAttrs as ObjectiveAttrs;
    const { teacher, student, temperature, labels, weights, dStudent } = savedTensors(saved);
    const inputs = { teacher, student, temperature, labels, weights };
    return {
      student: () =>
        isGiven(dStudent) && !engine().isTapeOn()
          ? scaleRows(dStudent, dy)
          : runGrad(inputs, attrs, 'studentGradient', dy),
      teacher: () => runGrad(inputs, attrs, 'teacherGradient', dy),
      weights: () => weightsGradient(inputs, attrs, dy),
      temperature: () => temperatureGradient(inputs, attrs, dy),
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
      runObjective({ ...givenTensors(inputs), weights: null }, { ...attrs, reduction: 'none' }),
      dy,
    );
    return sumTo(rows, inputs.weights);
  });
}

/**
 * D does not change when z, v and T are scaled together, so T dD/dT = -sum z dD/dz - sum v dD/dv; the factor T^2 adds 2 D T. A teacher with a temperature of its own has no
 * part in it; log p stands for v of probabilities that are softened at T. Logits are taken
 * relative to their row's maximum, which the zero sum of a row's gradient allows, and a class without gradient is left out, masked or not.
 */
function temperatureGradient(inputs: ObjectiveInputs<Tensor>, attrs: ObjectiveAttrs, dy: Tensor): Tensor {
  const { teacher, student, temperature } = inputs;
  const soft = { ...attrs, hardWeight: 0 };
  const [classes] = student.shape.slice(-1);
  const rowShape = student.shape.slice(0, -1);
  // By rows: tfjs's GPU backends select up to rank 4.
  const rowDot = (givenLogits: Tensor, givenGradient: Tensor) => {
    const [logits, gradient] = [givenLogits, givenGradient].map((x) => reshape(x, [-1, classes]));
    const none = withoutTape(() => equal(gradient, 0)); // tfjs knows no gradient of comparisons
    const products = mul(sub(logits, max(logits, 1, true)), gradient);
    return reshape(sum(where(none, zerosLike(gradient), products), 1), rowShape);
  };
  return tidy(() => {
    let rows = neg(rowDot(student, runGrad(inputs, soft, 'studentGradient', dy)));
    if (attrs.teacherTemperature === 0) {
      const slope = runGrad(inputs, soft, 'teacherGradient', dy);
      const [logits, dLogits] = attrs.targets === 'logits' ? [teacher, slope] : asLogits(teacher, slope);
      rows = sub(rows, rowDot(logits, dLogits));
    }
    if (attrs.scaleByTemperatureSquared) {
      const value = runObjective(givenTensors(inputs), { ...soft, reduction: 'none' });
      rows = add(rows, mul(2, mul(value, dy)));
    }
    return sumTo(
      div(rows, temperature.rank === rows.rank ? temperature : reshape(temperature, [])),
      temperature,
    );
  });
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

function givenTensors(inputs: ObjectiveInputs<Tensor>) {
  const given = (tensor: Tensor) => (isGiven(tensor) ? tensor : null);
  const { teacher, student, temperature, labels, weights } = inputs;
  return {
    teacher,
    student,
    temperature: given(temperature),
    labels: given(labels),
    weights: given(weights),
  };
}
