import {
  abs,
  add,
  customGrad,
  div,
  engine,
  equal,
  exp,
  type GradSaveFunc,
  greater,
  less,
  log,
  log1p,
  maximum,
  minimum,
  mul,
  neg,
  relu,
  sigmoid,
  sign,
  sub,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import { largestFinite } from '../backends/half_textures.ts';
import { withoutTape } from '../run_objective.ts';

/** Of each class of each row what a loss of independent labels needs; `[rows, C]` where nothing else is said. */
export interface SigmoidTerms {
  /** v; a constant. */
  teacher: Tensor;
  /** T: one number, or `[rows, 1]`; a constant. */
  temperature: number | Tensor;
  /** Of the soft term, which is multiplied by T^2. */
  softWeight: number;
  /** Labels in [0, 1], or null, and the weight of their term: one number, or `[C]`. Constants. */
  labels: Tensor | null;
  hardWeight: number | Tensor;
}

/** log(p / (1 - p)), NaN outside of [0, 1]. For 0 and 1 it is the largest number that there is, of which the sigmoid is just them: infinities would make NaN of one another. */
export function logitOf(p: Tensor): Tensor {
  const most = largestFinite();
  const logit = sub(log(p), log1p(neg(p)));
  return where(equal(p, 0), -most, where(equal(p, 1), most, logit));
}

/**
 * softWeight T^2 H(s(v / T), s(z / T)) + hardWeight H(labels, s(z)) of each class, where s is the sigmoid and
 *
 *     H(y, s(a)) = y softplus(-a) + (1 - y) softplus(a)
 *
 * is the binary cross entropy. Its gradient to z is softWeight T (s(z / T) - s(v / T)) + hardWeight (s(z) - labels).
 */
export function sigmoidCrossEntropies(student: Tensor, terms: SigmoidTerms): Tensor {
  const { softWeight } = terms;
  const constants = [terms.teacher, terms.temperature, terms.labels, terms.hardWeight];
  const tensors = constants.filter((constant) => constant !== null && typeof constant !== 'number');
  const evaluate = customGrad((given: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    const z = given as Tensor;
    (save as GradSaveFunc)([z, ...tensors]);
    const gradFunc = (dy: Tensor, [z, ...saved]: Tensor[]) => {
      let next = 0;
      const restored = <T>(constant: T) => (tensors.includes(constant as Tensor) ? saved[next++] : constant);
      const [teacher, temperature, labels, hardWeight] = constants.map(restored) as [
        Tensor,
        number | Tensor,
        Tensor | null,
        number | Tensor,
      ];
      return mul(dy, gradient(z, { teacher, temperature, softWeight, labels, hardWeight }));
    };
    return { value: value(z, terms), gradFunc };
  });
  return evaluate(student);
}

function value(z: Tensor, { teacher, temperature, softWeight, labels, hardWeight }: SigmoidTerms): Tensor {
  const b = bounded(div(teacher, temperature));
  const soft = crossEntropy(sigmoid(b), sigmoid(neg(b)), div(z, temperature));
  const scaled = mul(soft, mul(mul(temperature, temperature), softWeight));
  if (labels === null) return scaled;
  return add(scaled, mul(crossEntropy(labels, sub(1, labels), z), hardWeight));
}

/** y softplus(-a) + (1 - y) softplus(a), in which what has no part is 0 though its logarithm be infinite. Not by relu: that of 'webgl' makes NaN of -Infinity. */
function crossEntropy(y: Tensor, rest: Tensor, a: Tensor): Tensor {
  const small = log1p(exp(neg(abs(bounded(a)))));
  const term = (weight: Tensor, x: Tensor) =>
    where(equal(weight, 0), 0, mul(weight, add(maximum(x, 0), small)));
  return add(term(y, neg(a)), term(rest, a));
}

function gradient(z: Tensor, { teacher, temperature, softWeight, labels, hardWeight }: SigmoidTerms): Tensor {
  const soft = mul(difference(z, teacher, temperature), mul(temperature, softWeight));
  if (labels === null) return soft;
  const ofLabels = bounded(z);
  const hard = sub(mul(sub(1, labels), sigmoid(ofLabels)), mul(labels, sigmoid(neg(ofLabels))));
  return add(soft, mul(hard, hardWeight));
}

/**
 * s(z / T) - s(v / T). With the larger of the two arguments m and the smaller n it is, but for its sign, s(m) s(-n) (1 - e^(n - m)), which keeps the digits of logits that nearly agree. That has no
 * derivative where they are equal, so a gradient of higher order takes the plain difference.
 */
function difference(z: Tensor, v: Tensor, temperature: number | Tensor): Tensor {
  const [a, b] = [div(z, temperature), div(v, temperature)].map(bounded);
  if (engine().isTapeOn()) return sub(sigmoid(a), sigmoid(b));
  const d = bounded(div(sub(z, v), temperature));
  const both = mul(sigmoid(maximum(a, b)), sigmoid(neg(minimum(a, b))));
  const signed = mul(mul(both, oneMinusExp(abs(d))), sign(d));
  return where(equal(z, v), 0, signed); // infinities that are the same too
}

/** Where the exponential of a float32 is 0 or infinite all the same. Some drivers make NaN of that of an infinity. */
const MOST = 200;

/** NaN stays NaN. */
function bounded(x: Tensor): Tensor {
  const [isAbove, isBelow] = withoutTape(() => [greater(x, MOST), less(x, -MOST)]); // tfjs knows no gradient of them
  return where(isAbove, MOST, where(isBelow, -MOST, x));
}

/** 1 - e^-x for x >= 0; by its series where the subtraction would cancel. */
function oneMinusExp(x: Tensor): Tensor {
  let series: Tensor | number = 1;
  for (let k = 7; k >= 2; k--) series = sub(1, mul(div(x, k), series));
  return where(less(x, 0.25), mul(x, series), sub(1, exp(neg(x))));
}

/** KL of the two Bernoulli distributions of each class, s(v / T) against s(z / T), at least 0. Near rows by the series of the softplus, whose value would cancel. */
export function sigmoidDivergences(z: Tensor, v: Tensor, temperature: number | Tensor): Tensor {
  const [a, b] = [div(z, temperature), bounded(div(v, temperature))];
  const [p, rest] = [sigmoid(b), sigmoid(neg(b))];
  const far = sub(crossEntropy(p, rest, a), crossEntropy(p, rest, b));
  const d = bounded(div(sub(z, v), temperature));
  // f'' / 2 + f''' d / 6 + f'''' d^2 / 24 of f = softplus at b.
  const variance = mul(p, rest);
  const third = div(mul(d, sub(rest, p)), 6);
  const fourth = mul(div(mul(d, d), 24), sub(1, mul(variance, 6)));
  const near = mul(mul(mul(d, d), variance), add(add(0.5, third), fourth));
  return where(less(abs(d), 0.1), near, where(equal(z, v), 0, relu(far)));
}
