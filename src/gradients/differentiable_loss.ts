import {
  add,
  cast,
  concat,
  customGrad,
  div,
  engine,
  equal,
  type GradSaveFunc,
  greaterEqual,
  log,
  logSumExp,
  maximum,
  mul,
  neg,
  onesLike,
  range,
  reshape,
  slice,
  square,
  stack,
  sub,
  sum,
  type Tensor,
  exp as tfExp,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { OF_ITS_ROW, OF_STUDENT, SMALLEST_PROBABILITY, teacherReadingOf } from '../../kernels/objective.ts';
import { unknownWord } from '../../kernels/words.ts';
import { atClasses, coarseClasses, spreadEvenly } from '../backends/composed/coarse_classes.ts';
import { hasHalfTextures } from '../backends/half_textures.ts';
import type { ObjectiveAttrs } from '../kernel_names.ts';
import { isGiven, type ObjectiveInputs } from '../objective_inputs.ts';
import { withoutTape } from '../run_objective.ts';

/** Not backend.floatPrecision(), which says 16 on 'webgl' where float32 can be rendered to. */
const holdsHalfNumbers = () => engine().backendName === 'webgl' && hasHalfTextures();

/**
 * Stands for -Infinity: far enough that its probability is 0, finite in the backend's textures so that 0
 * times it is 0 in every derivative.
 */
const masked = () => (holdsHalfNumbers() ? -3e4 : -1e30);

/** Keeps log and its first two derivatives finite where a given probability is 0. */
const tiny = () => (holdsHalfNumbers() ? 4e-3 : 1e-18);

/** What a probability that is softened must be to count, as the backend's textures hold it. */
export const smallestProbability = () => (holdsHalfNumbers() ? 2 ** -24 : SMALLEST_PROBABILITY);

// tfjs 4.22 loses the second derivative of an op whose gradient uses its saved output (exp, softmax,
// logSoftmax): the clone that is saved goes on the tape before the op that made its original. These save
// their input instead, and their gradients call themselves.
const exp: (x: Tensor) => Tensor = customGrad((input: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
  const x = input as Tensor;
  (save as GradSaveFunc)([x]);
  return { value: tfExp(x), gradFunc: (dy: Tensor, [x]: Tensor[]) => mul(dy, exp(x)) };
});

const logSumExpRows: (x: Tensor) => Tensor = customGrad(
  (input: Tensor | GradSaveFunc, save: Tensor | GradSaveFunc) => {
    const x = input as Tensor;
    (save as GradSaveFunc)([x]);
    return {
      value: logSumExp(x, 1, true),
      gradFunc: (dy: Tensor, [x]: Tensor[]) => mul(dy, exp(logSoftmax(x))),
    };
  },
);

/** log(exp(a) + exp(b)), without overflow at any order. */
function logAddExp(a: Tensor, b: Tensor): Tensor {
  const pairs = stack([reshape(a, [a.size]), reshape(b, [b.size])], 1);
  return reshape(logSumExpRows(pairs), a.shape);
}

const logSoftmax = (x: Tensor): Tensor => sub(x, logSumExpRows(x));

/** MATH (1) summed over rows, in stock ops that tfjs can differentiate to any order. */
export function differentiableLoss(inputs: ObjectiveInputs<Tensor>, attrs: ObjectiveAttrs): Tensor {
  const { student, alpha, temperature, weights, labels } = inputs;
  const classes = student.shape[student.rank - 1];
  const rows = student.size / classes;
  const z = maximum(reshape(student, [rows, classes]), masked());
  const t = isGiven(temperature) ? ofRows(temperature) : attrs.temperature;
  let loss: Tensor | null = null;
  if (attrs.softWeight !== 0) {
    const soft = mul(
      divergence(inputs, attrs, z, t),
      isGiven(alpha) ? sub(1, ofRows(alpha)) : attrs.softWeight,
    );
    loss = attrs.scaleByTemperatureSquared ? mul(soft, typeof t === 'number' ? t * t : square(t)) : soft;
  }
  if (attrs.hardWeight !== 0) {
    const hard = mul(hardTerm(labels, attrs, z), isGiven(alpha) ? ofRows(alpha) : attrs.hardWeight);
    loss = loss === null ? hard : add(loss, hard);
  }
  if (loss === null) return mul(sum(z), 0);
  const weighted = isGiven(weights) ? mul(loss, ofRows(weights)) : loss;
  return mul(sum(weighted), attrs.scale);
}

/** One value, or one per row, in one axis. */
const ofRows = (tensor: Tensor): Tensor => reshape(tensor, [tensor.size]);

/** log softmax(logits / t). */
const soften = (logits: Tensor, t: Tensor | number): Tensor =>
  logSoftmax(typeof t === 'number' ? mul(logits, 1 / t) : div(logits, reshape(t, [t.size, 1])));

/** p and its logarithm: MATH (33). `t` is the teacher's. */
function teacherShares(v: Tensor, attrs: ObjectiveAttrs, t: Tensor | number): { p: Tensor; logP: Tensor } {
  const reading = teacherReadingOf(attrs);
  switch (reading) {
    case 'logits': {
      const logP = soften(maximum(v, masked()), t);
      return { p: exp(logP), logP };
    }
    case 'probabilities':
      return { p: v, logP: log(maximum(v, tiny())) };
    case 'softenedProbabilities': {
      // tfjs knows no gradient of comparisons
      const isPresent = withoutTape(() => greaterEqual(v, smallestProbability()));
      const mass = sum(where(isPresent, v, zerosLike(v)), 1, true);
      const logarithm = log(maximum(v, smallestProbability()));
      const logShare = soften(where(isPresent, logarithm, mul(onesLike(v), masked())), t);
      return { p: mul(exp(logShare), mass), logP: add(logShare, log(maximum(mass, smallestProbability()))) };
    }
    default:
      return unknownWord('reading', reading satisfies never);
  }
}

interface Shares {
  p: Tensor;
  logP: Tensor;
  logQ: Tensor;
}

function denseShares(
  { teacher, teacherTemperature }: ObjectiveInputs<Tensor>,
  attrs: ObjectiveAttrs,
  z: Tensor,
  t: Tensor | number,
): Shares {
  const shares = teacherShares(
    reshape(teacher, z.shape),
    attrs,
    attrs.teacherTemperature === OF_STUDENT
      ? t
      : attrs.teacherTemperature === OF_ITS_ROW
        ? ofRows(teacherTemperature)
        : attrs.teacherTemperature,
  );
  return { ...shares, logQ: soften(z, t) };
}

/**
 * MATH (38), (39): of every class that is listed, and of one more for those that are not. The teacher is a
 * constant.
 */
function sparseShares(
  { teacher, indices, tail }: ObjectiveInputs<Tensor>,
  attrs: ObjectiveAttrs,
  z: Tensor,
  t: Tensor | number,
): Shares {
  const [rows, classes = 1] = z.shape;
  const sparse = {
    student: z,
    indices: reshape(indices, [rows, -1]),
    probabilities: reshape(teacher, [rows, -1]),
    tail: isGiven(tail) ? reshape(tail, [tail.size, 1]) : attrs.tail === 'none' ? 0 : null,
    temperature: typeof t === 'number' ? t : reshape(t, [t.size, 1]),
  };
  const logOf = (p: Tensor) => log(maximum(p, tiny()));
  if (attrs.tail === 'uniform') {
    const p = withoutTape(() => spreadEvenly(sparse));
    return { p, logP: withoutTape(() => logOf(p)), logQ: soften(z, t) };
  }
  const { p, logP, isListed } = withoutTape(() => {
    const { entries, teacher } = coarseClasses(sparse);
    const k = (teacher.shape[1] ?? 1) - 1;
    const listed = atClasses(entries, slice(teacher, [0, 0], [rows, k]), classes);
    const p = concat([listed, slice(teacher, [0, k], [rows, 1])], 1);
    return { p, logP: logOf(p), isListed: entries.isListed };
  });
  const logQ = soften(z, t);
  const ofRest = logSumExpRows(where(isListed, mul(onesLike(z), masked()), logQ));
  const ofListed = where(isListed, logQ, mul(onesLike(z), masked()));
  return { p, logP, logQ: concat([ofListed, ofRest], 1) };
}

/** D of MATH (3)-(6), one value a row. */
function divergence(
  inputs: ObjectiveInputs<Tensor>,
  attrs: ObjectiveAttrs,
  z: Tensor,
  t: Tensor | number,
): Tensor {
  const { p, logP, logQ } = isGiven(inputs.indices)
    ? sparseShares(inputs, attrs, z, t)
    : denseShares(inputs, attrs, z, t);
  const q = exp(logQ);
  switch (attrs.divergence) {
    case 'crossEntropy':
      return neg(sum(mul(p, logQ), 1));
    case 'kl':
      return sum(mul(p, sub(logP, logQ)), 1);
    case 'reverseKl':
      return sum(mul(q, sub(logQ, logP)), 1);
    case 'jsd': {
      const { beta } = attrs;
      const logM = logAddExp(add(logP, Math.log(beta)), add(logQ, Math.log1p(-beta)));
      return add(mul(sum(mul(p, sub(logP, logM)), 1), beta), mul(sum(mul(q, sub(logQ, logM)), 1), 1 - beta));
    }
    default:
      return unknownWord('divergence', attrs.divergence satisfies never);
  }
}

/** H of MATH (2), one value a row. */
function hardTerm(labels: Tensor, attrs: ObjectiveAttrs, z: Tensor): Tensor {
  const [rows, classes] = z.shape;
  const given =
    attrs.labels === 'classIds'
      ? // tf.oneHot wants two classes
        cast(equal(reshape(labels, [rows, 1]), range(0, classes, 1, 'int32')), 'float32')
      : reshape(labels, [rows, classes]);
  const eps = attrs.labelSmoothing;
  const smoothed = eps === 0 ? given : add(mul(given, 1 - eps), eps / classes);
  return neg(sum(mul(smoothed, logSoftmax(z)), 1));
}
