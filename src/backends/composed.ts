import {
  abs,
  add,
  cast,
  div,
  engine,
  equal,
  exp,
  greater,
  greaterEqual,
  type KernelBackend,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  max,
  maximum,
  mul,
  neg,
  onesLike,
  range,
  reshape,
  slice,
  square,
  sub,
  sum,
  Tensor,
  type TensorInfo,
  tidy,
  util,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import {
  type Objective,
  ROUNDING_OF_SUM,
  SMALLEST_PROBABILITY,
  type TeacherReading,
  teacherReadingOf,
} from '../../kernels/objective.ts';
import { unknownWord } from '../../kernels/words.ts';
import type { RowPass, RowPassRequest, RowPassResult } from './row_pass.ts';

/**
 * The row pass as a composition of stock ops, for backends that have no kernel of ours: MATH (1)-(27), (33)-(37), edge rows included. Right on any backend that
 * has the stock element-wise ops and sums, but slow: about a hundred kernels and a dozen [rows, classes] temporaries.
 */
export const rowPass: RowPass = (request) => {
  const { backend, outputs, student } = request;
  const result: RowPassResult = { loss: null, gradient: null };
  // In the caller's shapes: TensorFlow keeps a shape with the data, and a TensorInfo that says another is not believed.
  // What the caller owns must outlive the tidy that ends the tensor.
  const detach = (tensor: Tensor): TensorInfo => {
    backend.incRef(tensor.dataId);
    return { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
  };
  tidy(() => {
    const row = readRows(request);
    if (outputs === 'loss' || outputs === 'lossAndStudentGradient') {
      result.loss = detach(reshape(finish(row, loss(row)), student.shape.slice(0, -1)));
    }
    if (outputs !== 'loss') {
      const gradient = outputs === 'teacherGradient' ? teacherGradient(row) : studentGradient(row);
      result.gradient = detach(reshape(finish(row, gradient), student.shape));
    }
  });
  return result;
};

/** Largest finite float32, just below it: comparisons against it find what is not finite. */
const FINITE = 3.4e38;
/** Stands for -Infinity in differences: exp gives 0, and 0 times it is 0. */
const FAR_BELOW = -1e30;
/** Below this exp(x) counts as 0: see "Rows that are not finite" in MATH.md. */
const EXP_FLOOR = -87;
/** MATH (20). */
const NEAR = 1 / 8;
/** Smallest normal float32: TensorFlow takes what is smaller for 0, whose logarithm is infinite. */
const TINY = 2 ** -126;

/** A softened distribution over classes, and the differences and sums it came from: MATH (12), (14). */
export interface Softened {
  masked: Tensor;
  /** mz or mv. */
  maximum: Tensor | number;
  /** a or b; FAR_BELOW where masked. */
  scaled: Tensor;
  logSum: Tensor | number;
  probability: Tensor;
  logProbability: Tensor;
}

/** All [rows, classes] or [rows, 1]. */
export interface Rows {
  objective: Objective;
  temperature: Tensor | number;
  /** The teacher's. */
  teacherTemperature: Tensor | number;
  reading: TeacherReading;
  weight: Tensor | number;
  invalid: Tensor;
  student: Softened;
  /** Of probabilities that are softened the distribution, whatever they sum to. */
  teacher: Softened;
  /** S of probabilities that are used as they are, else 1. */
  teacherSum: Tensor | number;
  /** Of probabilities that are softened. */
  softened: SoftenedMass | null;
  /** Of `jsd`. */
  beta: Tensor | number;
  near: Agreement;
  labels: Tensor | null;
  /** z - mz, FAR_BELOW where masked. */
  belowMaximum: Tensor;
}

/** What makes of a divergence from a distribution that from S times it: MATH (34), (35). All [rows, 1]. */
interface SoftenedMass {
  /** p as they were given. */
  given: Tensor;
  absent: Tensor;
  /** S. */
  mass: Tensor;
  /** log S; 0 where S is 0. */
  logMass: Tensor;
}

/** MATH (20)-(24). In rows that are not near, all numbers are those of v = z. */
interface Agreement {
  isNear: Tensor;
  rho: Tensor;
  s: Tensor;
  /** y - lambda = log q - log p. */
  x: Tensor;
  y: Tensor;
}

export function readRows(request: RowPassRequest<KernelBackend>): Rows {
  const { rows, classes, objective } = request;
  const student = asTensor(request.student, [rows, classes]);
  const teacher = asTensor(request.teacher, [rows, classes]);
  const perRow = (info: TensorInfo) => asTensor(info, [util.sizeFromShape(info.shape), 1]);
  const temperature =
    typeof request.temperature === 'number' ? request.temperature : perRow(request.temperature);
  const reading = teacherReadingOf(objective);
  const teacherTemperature = objective.teacherTemperature === 0 ? temperature : objective.teacherTemperature;
  const softenedMass = reading === 'softenedProbabilities' ? massOf(teacher) : null;
  const softenedStudent = soften(student, temperature);
  const teacherLogits = softenedMass === null ? teacher : logarithm(softenedMass);
  const softenedTeacher =
    reading === 'probabilities' ? given(teacher) : soften(teacherLogits, teacherTemperature);
  const maskedStudent = softenedStudent.masked;
  const labels = request.labels && labelsOf(request.labels, request);
  let invalid = logicalOr(anyClass(notBelowInfinity(student)), anyClass(notBelowInfinity(teacher)));
  invalid = logicalOr(invalid, everyClass(maskedStudent));
  if (reading === 'logits') invalid = logicalOr(invalid, everyClass(softenedTeacher.masked));
  if (reading === 'softenedProbabilities') invalid = logicalOr(invalid, anyClass(less(teacher, 0)));
  if (labels) invalid = logicalOr(invalid, labels.invalid);
  if (typeof temperature !== 'number') {
    invalid = logicalOr(
      invalid,
      logicalNot(logicalAnd(greater(temperature, 0), lessEqual(temperature, FINITE))),
    );
  }
  return {
    objective,
    temperature,
    teacherTemperature,
    reading,
    weight: request.weights ? mul(perRow(request.weights), objective.scale) : objective.scale,
    invalid,
    student: softenedStudent,
    teacher: softenedTeacher,
    teacherSum: reading === 'probabilities' ? sumClasses(teacher) : 1,
    softened: softenedMass,
    beta: softenedMass === null ? objective.beta : betaOf(objective, softenedMass),
    near: agreement(student, teacherLogits, softenedStudent, softenedTeacher, {
      temperature,
      mayBeNear: mayBeNear(reading, temperature, teacherTemperature),
    }),
    labels: labels?.distribution ?? null,
    belowMaximum: where(maskedStudent, FAR_BELOW, sub(student, softenedStudent.maximum)),
  };
}

/** Whether the centred form of near rows holds: for logits, or their like, of one temperature. [rows, 1], or for all rows. */
function mayBeNear(
  reading: TeacherReading,
  temperature: Tensor | number,
  teacherTemperature: Tensor | number,
): Tensor | boolean {
  if (reading === 'probabilities') return false;
  if (temperature === teacherTemperature) return true;
  return typeof temperature === 'number' ? false : equal(temperature, teacherTemperature);
}

/** S of probabilities that are to be softened; 1 where their rounding alone keeps them from it, which would be a divergence. */
function massOf(given: Tensor): SoftenedMass {
  const absent = less(given, SMALLEST_PROBABILITY);
  const sum = sumClasses(where(absent, 0, given));
  const mass = where(lessEqual(abs(sub(sum, 1)), ROUNDING_OF_SUM), 1, sum);
  return { given, absent, mass, logMass: log(where(equal(mass, 0), 1, mass)) };
}

/** log p, which stands for v; -Infinity where p is 0. */
const logarithm = ({ given, absent }: SoftenedMass): Tensor =>
  where(absent, Number.NEGATIVE_INFINITY, log(maximum(given, SMALLEST_PROBABILITY)));

/** c of MATH (35): what m sums to. */
const mixtureMass = ({ beta }: Objective, { mass }: SoftenedMass): Tensor => add(mul(mass, beta), 1 - beta);

/** beta' of MATH (35). */
const betaOf = (objective: Objective, softened: SoftenedMass): Tensor =>
  div(mul(softened.mass, objective.beta), mixtureMass(objective, softened));

/** A kernel may be handed either; a TensorInfo becomes a tensor that shares its data. */
export function asTensor(info: TensorInfo, shape: number[]): Tensor {
  if (info instanceof Tensor) return shaped(info, shape);
  engine().backend.incRef(info.dataId);
  return reshape(engine().makeTensorFromTensorInfo(info), shape);
}

/** On some backends a reshape that changes nothing is an op like another. */
export const shaped = (tensor: Tensor, shape: number[]): Tensor =>
  tensor.shape.join() === shape.join() ? tensor : reshape(tensor, shape);

const notBelowInfinity = (x: Tensor) => logicalNot(lessEqual(x, FINITE));
export const anyClass = (condition: Tensor) => greater(max(cast(condition, 'float32'), 1, true), 0);
export const everyClass = (condition: Tensor) => logicalNot(anyClass(logicalNot(condition)));

/** Sums in two levels where classes are many: stock sums add one by one, which costs digits in float32. [rows, 1]. */
export function sumClasses(x: Tensor): Tensor {
  const [rows, classes = 1] = x.shape;
  const whole = Math.floor(classes / CHUNK) * CHUNK;
  if (classes < 4 * CHUNK) return sum(x, 1, true);
  const chunks = sum(reshape(slice(x, [0, 0], [rows, whole]), [rows, whole / CHUNK, CHUNK]), 2);
  const head = sum(chunks, 1, true);
  return whole === classes ? head : add(head, sum(slice(x, [0, whole], [rows, classes - whole]), 1, true));
}

const CHUNK = 256;

/** exp(x) with the floor that decides whether a class has any mass. */
const mass = (x: Tensor) => where(less(x, EXP_FLOOR), 0, exp(x));

function soften(logits: Tensor, temperature: Tensor | number): Softened {
  const masked = less(logits, -FINITE);
  const maximum = max(where(masked, -FINITE, logits), 1, true);
  const difference = sub(logits, maximum);
  const quotient =
    typeof temperature === 'number' ? mul(difference, 1 / temperature) : div(difference, temperature);
  const scaled = where(masked, FAR_BELOW, quotient);
  const exponentials = mass(scaled);
  const sum = sumClasses(exponentials);
  const total = where(equal(sum, 0), 1, sum); // without a class
  const logSum = log(total);
  return {
    masked,
    maximum,
    scaled,
    logSum,
    probability: div(exponentials, total),
    logProbability: sub(scaled, logSum),
  };
}

function given(probability: Tensor): Softened {
  const masked = equal(probability, 0);
  const logProbability = where(masked, FAR_BELOW, log(maximum(probability, TINY)));
  return {
    masked: zerosLike(masked),
    maximum: 0,
    scaled: logProbability,
    logSum: 0,
    probability,
    logProbability,
  };
}

function labelsOf(
  info: TensorInfo,
  { rows, classes, objective }: RowPassRequest<KernelBackend>,
): { distribution: Tensor; invalid: Tensor } {
  if (objective.labels === 'classIds') {
    const ids = asTensor(info, [rows]);
    const outside = logicalOr(less(ids, 0), greaterEqual(ids, classes));
    // Not tf.oneHot, which wants two classes.
    const isLabel = equal(reshape(ids, [rows, 1]), range(0, classes, 1, 'int32'));
    return { distribution: cast(isLabel, 'float32'), invalid: reshape(outside, [rows, 1]) };
  }
  const distribution = asTensor(info, [rows, classes]);
  return { distribution, invalid: anyClass(notBelowInfinity(abs(distribution))) };
}

/** (d, e) with d + e = z - v exactly: Knuth's TwoSum. */
function difference(z: Tensor | number, v: Tensor | number): [Tensor, Tensor] {
  const d: Tensor = sub(z, v);
  const c = sub(d, z);
  return [d, sub(sub(z, sub(d, c)), add(v, c))];
}

function agreement(
  student: Tensor,
  teacher: Tensor,
  { masked: maskedStudent, maximum: mz }: Softened,
  { masked: maskedTeacher, maximum: mv, probability }: Softened,
  { temperature, mayBeNear }: { temperature: Tensor | number; mayBeNear: Tensor | boolean },
): Agreement {
  const [d, error] = difference(where(maskedStudent, 0, student), where(maskedTeacher, 0, teacher));
  const [reference, referenceError] = difference(mz, mv); // within the range of d
  const distance = add(sub(d, reference), sub(error, referenceError));
  const scaled =
    typeof temperature === 'number' ? mul(distance, 1 / temperature) : div(distance, temperature);
  const spread = where(logicalXor(maskedStudent, maskedTeacher), 1, where(maskedStudent, 0, abs(scaled)));
  const isClose = lessEqual(max(spread, 1, true), mayBeNear === false ? -1 : NEAR);
  const isNear = typeof mayBeNear === 'boolean' ? isClose : logicalAnd(isClose, mayBeNear);
  const y = where(logicalAnd(isNear, logicalNot(maskedStudent)), scaled, 0);
  const mean = (x: Tensor) => sumClasses(mul(probability, x));
  const rho = mean(expm1MinusX(y));
  const s = add(mean(y), rho);
  return { isNear, rho, s, x: sub(y, sub(s, xMinusLog1p(s))), y };
}

/** a[0] + x (a[1] + x (a[2] + ...)). */
function polynomial(x: Tensor, coefficients: readonly number[]): Tensor {
  const [last, ...rest] = [...coefficients].reverse();
  return rest.reduce((value, coefficient) => add(mul(value, x), coefficient), add(zerosLike(x), last));
}

const TERMS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

// Power series, each good to float32 for |x| <= 0.3.
const expm1MinusX = (x: Tensor) =>
  mul(
    square(x),
    polynomial(
      x,
      TERMS.map((k) => 1 / factorial(k)),
    ),
  );
const expm1 = (x: Tensor) => add(x, expm1MinusX(x));
const xMinusLog1p = (x: Tensor) =>
  mul(
    square(x),
    polynomial(
      x,
      TERMS.map((k) => (-1) ** k / k),
    ),
  );
/** h of MATH (26). */
const h = (x: Tensor) =>
  mul(
    square(x),
    polynomial(
      x,
      TERMS.map((k) => (-1) ** k / (k * (k - 1))),
    ),
  );

/** MATH (1) without w. */
function loss(row: Rows): Tensor {
  const { objective } = row;
  const terms: Tensor[] = [];
  if (objective.softWeight !== 0) terms.push(mul(divergence(row), softFactor(row)));
  if (row.labels && objective.hardWeight !== 0)
    terms.push(mul(hardTerm(row, row.labels), objective.hardWeight));
  return terms.length === 0 ? zerosLike(cast(row.invalid, 'float32')) : terms.reduce((a, b) => add(a, b));
}

function studentGradient(row: Rows): Tensor {
  const { objective } = row;
  const terms: Tensor[] = [];
  if (objective.softWeight !== 0) {
    const slope = mul(softGradient(row), div(softFactor(row), row.temperature));
    terms.push(row.softened === null ? slope : mul(slope, slopeFactor(row.objective, row.softened)));
  }
  if (row.labels && objective.hardWeight !== 0)
    terms.push(mul(hardGradient(row, row.labels), objective.hardWeight));
  return terms.length === 0 ? zerosLike(row.belowMaximum) : terms.reduce((a, b) => add(a, b));
}

function teacherGradient(row: Rows): Tensor {
  if (row.objective.softWeight === 0) return zerosLike(row.belowMaximum);
  const factor = softFactor(row);
  switch (row.reading) {
    case 'logits':
      return mul(toLogits(row), div(factor, row.teacherTemperature));
    case 'probabilities':
      return mul(toProbabilities(row), factor);
    case 'softenedProbabilities':
      return mul(throughSoftening(row), factor);
    default:
      return unknownWord('reading', row.reading satisfies never);
  }
}

/** softWeight t of MATH (1), [rows, 1] or a number. */
function softFactor({ objective, temperature }: Rows): Tensor | number {
  if (!objective.scaleByTemperatureSquared) return objective.softWeight;
  if (typeof temperature === 'number') return objective.softWeight * temperature * temperature;
  return mul(square(temperature), objective.softWeight);
}

/** w, and NaN in rows that MATH.md calls invalid. A row of weight 0 is 0 whatever it holds. */
export function finish({ invalid, weight }: Rows, value: Tensor): Tensor {
  if (weight === 0) return zerosLike(where(invalid, 0, value));
  const result = mul(where(invalid, Number.NaN, value), weight);
  return typeof weight === 'number' ? result : where(equal(weight, 0), 0, result);
}

/** log q - log p; where a class is masked, what multiplies it is 0. */
const logQuotient = ({ near, student, teacher }: Rows) =>
  where(near.isNear, near.x, sub(student.logProbability, teacher.logProbability));

/** x y, and 0 where x is 0. */
const share = (x: Tensor, y: Tensor) => where(equal(x, 0), 0, mul(x, y));

/** E_p[x] or E_q[x]; of probabilities sum p x. */
export const mean = (of: Softened, x: Tensor) => sumClasses(share(of.probability, x));

/** Whether p > 0 meets a masked student, which makes CE and KL infinite. */
const studentLacksClass = ({ student, teacher }: Rows) =>
  anyClass(logicalAnd(student.masked, greater(teacher.probability, 0)));

/** Whether q > 0 meets p = 0, which makes RKL infinite. */
const teacherLacksClass = ({ student, teacher }: Rows) =>
  anyClass(logicalAnd(less(teacher.scaled, FAR_BELOW / 2), greater(student.probability, 0)));

/** D of MATH (15)-(17), (25)-(27), (34), (35). */
export function divergence(row: Rows): Tensor {
  const value = ofDistributions(row);
  if (row.softened === null) return value;
  const { objective, softened } = row;
  const { mass, logMass } = softened;
  const scaled = share(slopeFactor(objective, softened), value);
  switch (objective.divergence) {
    case 'crossEntropy':
      return scaled;
    case 'kl':
      return add(scaled, mul(mass, logMass));
    case 'reverseKl':
      return sub(scaled, logMass);
    case 'jsd': {
      const c = mixtureMass(objective, softened);
      return add(scaled, sub(mul(mul(mass, logMass), objective.beta), mul(c, log(c))));
    }
    default:
      return unknownWord('divergence', objective.divergence satisfies never);
  }
}

/** What a slope of D is, of the slope with S = 1: MATH (34), (35). */
function slopeFactor(objective: Objective, softened: SoftenedMass): Tensor {
  switch (objective.divergence) {
    case 'crossEntropy':
    case 'kl':
      return softened.mass;
    case 'reverseKl':
      return onesLike(softened.mass);
    case 'jsd':
      return mixtureMass(objective, softened);
    default:
      return unknownWord('divergence', objective.divergence satisfies never);
  }
}

/** D, with S = 1 where probabilities are softened. */
function ofDistributions(row: Rows): Tensor {
  const { objective, student, teacher, teacherSum, near, beta } = row;
  // Of two distributions no divergence is negative; rounding may say otherwise.
  const cut = (x: Tensor) => (row.reading === 'probabilities' ? x : maximum(x, 0));
  switch (objective.divergence) {
    case 'crossEntropy': {
      const value = add(mul(student.logSum, teacherSum), mean(teacher, neg(student.scaled)));
      return where(studentLacksClass(row), Number.POSITIVE_INFINITY, value);
    }
    case 'kl': {
      const plain = sub(
        mul(student.logSum, teacherSum),
        add(teacher.logSum, mean(teacher, sub(student.scaled, teacher.scaled))),
      );
      const value = where(near.isNear, sub(near.rho, xMinusLog1p(near.s)), plain);
      return where(studentLacksClass(row), Number.POSITIVE_INFINITY, cut(value));
    }
    case 'reverseKl': {
      const plain = sub(
        add(teacher.logSum, mean(student, sub(student.scaled, teacher.scaled))),
        student.logSum,
      );
      const q = mean(teacher, mul(expm1(near.y), near.y));
      const close = div(sub(sub(q, near.rho), h(near.s)), add(near.s, 1));
      const value = where(near.isNear, close, plain);
      return where(teacherLacksClass(row), Number.POSITIVE_INFINITY, cut(value));
    }
    case 'jsd': {
      const u = expm1(near.x);
      const close = mean(teacher, sub(mul(h(u), sub(1, beta)), h(mul(u, sub(1, beta)))));
      const { ofTeacher, ofStudent } = mixtureShares(row);
      const plain = add(mul(mean(teacher, ofTeacher), beta), mul(mean(student, ofStudent), sub(1, beta)));
      return cut(where(near.isNear, close, plain));
    }
    default:
      return unknownWord('divergence', objective.divergence satisfies never);
  }
}

/** log(p/m) and log(q/m) of MATH (6), (27). */
function mixtureShares({ beta, student, teacher, near }: Rows): {
  ofTeacher: Tensor;
  ofStudent: Tensor;
} {
  const mixture = add(mul(teacher.probability, beta), mul(student.probability, sub(1, beta)));
  const logMixture = log(maximum(mixture, TINY));
  const u = mul(expm1(near.x), sub(1, beta));
  const log1pU = sub(u, xMinusLog1p(u));
  return {
    ofTeacher: where(near.isNear, neg(log1pU), sub(teacher.logProbability, logMixture)),
    ofStudent: where(near.isNear, sub(near.x, log1pU), sub(student.logProbability, logMixture)),
  };
}

/** MATH (3)-(6), (23) without 1/T. */
function softGradient(row: Rows): Tensor {
  const { objective, student, teacher, teacherSum, near } = row;
  const q = student.probability;
  switch (objective.divergence) {
    case 'crossEntropy':
    case 'kl':
      return where(
        near.isNear,
        mul(teacher.probability, expm1(near.x)),
        sub(mul(q, teacherSum), teacher.probability),
      );
    case 'reverseKl': {
      const none = teacherLacksClass(row);
      const value = where(none, 0, ofDistributions(row));
      return where(none, Number.NaN, share(q, sub(logQuotient(row), value)));
    }
    case 'jsd': {
      const { ofStudent } = mixtureShares(row);
      const kq = sumClasses(share(q, ofStudent));
      return mul(share(q, sub(ofStudent, kq)), sub(1, row.beta));
    }
    default:
      return unknownWord('divergence', objective.divergence satisfies never);
  }
}

/** MATH (7)-(10) without 1/T. */
function toLogits(row: Rows): Tensor {
  const { objective, student, teacher, near } = row;
  const p = teacher.probability;
  const lacking = studentLacksClass(row);
  switch (objective.divergence) {
    case 'crossEntropy': {
      const slope = neg(student.scaled);
      return where(lacking, Number.NaN, share(p, sub(slope, sumClasses(share(p, slope)))));
    }
    case 'kl': {
      const value = where(lacking, 0, ofDistributions(row));
      return where(lacking, Number.NaN, neg(share(p, add(logQuotient(row), value))));
    }
    case 'reverseKl':
      return neg(where(near.isNear, mul(p, expm1(near.x)), sub(student.probability, p)));
    case 'jsd': {
      const { ofTeacher } = mixtureShares(row);
      return mul(share(p, sub(ofTeacher, sumClasses(share(p, ofTeacher)))), row.beta);
    }
    default:
      return unknownWord('divergence', objective.divergence satisfies never);
  }
}

/** MATH (36): to probabilities that are softened. There is no finite slope where D is infinite; a class that they lack stays without. */
function throughSoftening(row: Rows): Tensor {
  const { objective, softened, teacherTemperature } = row;
  if (softened === null) throw new Error('composed: these probabilities are not softened.');
  const { given, absent } = softened;
  const own = mul(toLogits(row), slopeFactor(objective, softened));
  const perGiven = div(div(own, teacherTemperature), maximum(given, SMALLEST_PROBABILITY));
  const slope = where(absent, 0, add(perGiven, slopeToMass(row, softened)));
  switch (objective.divergence) {
    case 'crossEntropy':
    case 'kl':
      return where(studentLacksClass(row), Number.NaN, slope);
    case 'reverseKl':
      return where(teacherLacksClass(row), Number.NaN, slope);
    case 'jsd':
      return slope;
    default:
      return unknownWord('divergence', objective.divergence satisfies never);
  }
}

/** dD/dS of MATH (36), [rows, 1]. */
function slopeToMass(row: Rows, softened: SoftenedMass): Tensor {
  const { objective, teacher } = row;
  const { mass, logMass } = softened;
  switch (objective.divergence) {
    case 'crossEntropy':
      return ofDistributions(row);
    case 'kl':
      return add(add(ofDistributions(row), logMass), 1);
    case 'reverseKl':
      return div(-1, mass);
    case 'jsd': {
      const logMixture = log(mixtureMass(objective, softened));
      return mul(add(mean(teacher, mixtureShares(row).ofTeacher), sub(logMass, logMixture)), objective.beta);
    }
    default:
      return unknownWord('divergence', objective.divergence satisfies never);
  }
}

/** MATH (11). A class that neither side has does not exist; one that a side has to itself has an infinite slope where the formula has. */
function toProbabilities(row: Rows): Tensor {
  const { objective, student, teacher } = row;
  const p = teacher.probability;
  const none = equal(p, 0);
  const infinite = (condition: Tensor, sign: 1 | -1, otherwise: Tensor) =>
    where(condition, sign * Number.POSITIVE_INFINITY, otherwise);
  let slope: Tensor;
  switch (objective.divergence) {
    case 'crossEntropy':
      slope = infinite(student.masked, 1, neg(student.logProbability));
      break;
    case 'kl':
      slope = infinite(student.masked, 1, infinite(none, -1, sub(1, logQuotient(row))));
      break;
    case 'reverseKl':
      slope = where(equal(student.probability, 0), 0, infinite(none, -1, neg(div(student.probability, p))));
      break;
    case 'jsd':
      slope = infinite(none, -1, mul(mixtureShares(row).ofTeacher, objective.beta));
      break;
    default:
      return unknownWord('divergence', objective.divergence satisfies never);
  }
  return where(logicalAnd(none, student.masked), 0, slope);
}

/** y' of MATH (2). */
function smoothed(labels: Tensor, { labelSmoothing }: Objective): Tensor {
  return labelSmoothing === 0
    ? labels
    : add(mul(labels, 1 - labelSmoothing), labelSmoothing / (labels.shape[1] ?? 1));
}

/** H of MATH (18). */
export function hardTerm({ objective, belowMaximum, student }: Rows, labels: Tensor): Tensor {
  const target = smoothed(labels, objective);
  const logSum = log(sumClasses(mass(belowMaximum)));
  const value = add(mul(sumClasses(target), logSum), sumClasses(share(target, neg(belowMaximum))));
  const lacking = anyClass(logicalAnd(student.masked, logicalNot(equal(target, 0))));
  return where(lacking, Number.POSITIVE_INFINITY, value);
}

/** MATH (2). */
function hardGradient({ objective, belowMaximum }: Rows, labels: Tensor): Tensor {
  const target = smoothed(labels, objective);
  const exponentials = mass(belowMaximum);
  const r = div(exponentials, sumClasses(exponentials));
  return sub(mul(r, sumClasses(target)), target);
}
