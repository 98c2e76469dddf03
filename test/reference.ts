/**
 * The truth: one row of the objective in float64, written from the definitions (softmax, log, sums) with
 * nothing shared with kernels/. Every rule for rows that are not finite is an explicit line here, after the
 * table of MATH.md.
 */

/**
 * One row and how it is to be costed. Numbers are what the kernel saw: round inputs to float32 before they
 * come here.
 */
export interface ReferenceRow {
  teacher: ArrayLike<number>;
  student: ArrayLike<number>;
  temperature: number;
  /** Default: temperature. */
  teacherTemperature?: number;
  targets?: 'logits' | 'probabilities';
  divergence?: 'crossEntropy' | 'kl' | 'reverseKl' | 'jsd';
  beta?: number;
  softWeight?: number;
  scaleByTemperatureSquared?: boolean;
  /** A class id, or a distribution. */
  label?: number | ArrayLike<number>;
  hardWeight?: number;
  labelSmoothing?: number;
  weight?: number;
}

export interface ReferenceResult {
  loss: number;
  dStudent: Float64Array;
  dTeacher: Float64Array;
}

/**
 * exp below this is taken for 0 when it decides whether a class has mass (the smallest normal float32 is
 * about e^-87.3).
 */
const NO_MASS = Math.exp(-87);

interface Distribution {
  probability: Float64Array;
  log: Float64Array;
  /** Probability relative to the largest one, which decides whether there is any mass. */
  hasMass: boolean[];
}

function softmax(logits: ArrayLike<number>, temperature: number): Distribution {
  const n = logits.length;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) largest = Math.max(largest, logits[i]);
  const scaled = Float64Array.from({ length: n }, (_, i) => (logits[i] - largest) / temperature);
  const total = scaled.reduce((sum, x) => sum + Math.exp(x), 0);
  const log = scaled.map((x) => x - Math.log(total));
  return { probability: log.map(Math.exp), log, hasMass: Array.from(scaled, (x) => Math.exp(x) >= NO_MASS) };
}

function asDistribution(probabilities: ArrayLike<number>): Distribution {
  const probability = Float64Array.from(probabilities);
  return { probability, log: probability.map(Math.log), hasMass: Array.from(probability, (p) => p !== 0) };
}

/**
 * p^(1/T), scaled to the sum of p. A sum that is 1 within rounding is 1; what is below the smallest normal
 * float32 is 0.
 */
function soften(probabilities: ArrayLike<number>, temperature: number): Softened {
  const given = Array.from(probabilities, (p) => (p < 2 ** -126 ? 0 : p));
  const largest = given.reduce((a, b) => Math.max(a, b));
  const powers = given.map((p) => (p === 0 ? 0 : (p / largest) ** (1 / temperature)));
  const sum = given.reduce((a, b) => a + b);
  const mass = Math.abs(sum - 1) <= 1e-6 ? 1 : sum;
  const total = powers.reduce((a, b) => a + b);
  const shares = powers.map((power) => (power === 0 ? 0 : power / total));
  const logTotal = Math.log(total) - Math.log(mass);
  return {
    probability: Float64Array.from(shares, (share) => mass * share),
    log: Float64Array.from(given, (p) =>
      p === 0 ? Number.NEGATIVE_INFINITY : Math.log(p / largest) / temperature - logTotal,
    ),
    hasMass: powers.map((power) => power >= NO_MASS),
    isAbsent: given.map((p) => p === 0),
    isDistribution: mass === 1,
  };
}

interface Softened extends Distribution {
  isAbsent: boolean[];
  isDistribution: boolean;
}

const sumOver = (n: number, term: (i: number) => number): number => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += term(i);
  return sum;
};

const isInvalid = (values: ArrayLike<number>): boolean => {
  for (let i = 0; i < values.length; i++) if (!(values[i] < Number.POSITIVE_INFINITY)) return true;
  return false;
};

const isMaskedThroughout = (values: ArrayLike<number>): boolean => {
  for (let i = 0; i < values.length; i++) if (values[i] !== Number.NEGATIVE_INFINITY) return false;
  return true;
};

function rowIsInvalid(row: ReferenceRow): boolean {
  const { teacher, student, temperature, label } = row;
  if (isInvalid(teacher) || isInvalid(student)) return true;
  const { targets, teacherTemperature = temperature } = row;
  if (targets === 'probabilities' && teacherTemperature !== 1)
    for (let i = 0; i < teacher.length; i++) if (teacher[i] < 0) return true;
  if (isMaskedThroughout(student) || isMaskedThroughout(teacher)) return true;
  if (!(temperature > 0 && temperature < Number.POSITIVE_INFINITY)) return true;
  if (typeof label === 'number') return !(label >= 0 && label < student.length);
  return label !== undefined && isInvalid(label);
}

/** Loss and both gradients of one row, in nats. */
export function referenceRow(row: ReferenceRow): ReferenceResult {
  const n = row.student.length;
  const { weight = 1, softWeight = 1, hardWeight = 0, temperature: t } = row;
  const constant = (value: number): ReferenceResult => ({
    loss: value,
    dStudent: new Float64Array(n).fill(value),
    dTeacher: new Float64Array(n).fill(value),
  });
  if (weight === 0) return constant(0);
  if (rowIsInvalid(row)) return constant(Number.NaN);
  const total = constant(0);
  if (softWeight !== 0) {
    const soft = softTerm(row);
    const factor = weight * softWeight * (row.scaleByTemperatureSquared ? t * t : 1);
    total.loss += factor * soft.loss;
    for (let i = 0; i < n; i++) {
      total.dStudent[i] += factor * soft.dStudent[i];
      total.dTeacher[i] += factor * soft.dTeacher[i];
    }
  }
  if (hardWeight !== 0 && row.label !== undefined) {
    const hard = hardTerm(row, row.label);
    total.loss += weight * hardWeight * hard.loss;
    for (let i = 0; i < n; i++) total.dStudent[i] += weight * hardWeight * hard.dStudent[i];
  }
  return total;
}

/** p of the row, which must be valid. */
export function teacherShares(row: ReferenceRow): Distribution | Softened {
  const { teacher, temperature, teacherTemperature = temperature, targets = 'logits' } = row;
  if (targets === 'logits') return softmax(teacher, teacherTemperature);
  return teacherTemperature === 1 ? asDistribution(teacher) : soften(teacher, teacherTemperature);
}

function softTerm(row: ReferenceRow): ReferenceResult {
  const {
    teacher,
    student,
    temperature: t,
    teacherTemperature = t,
    targets = 'logits',
    divergence = 'crossEntropy',
    beta = 0.5,
  } = row;
  const n = student.length;
  const p = teacherShares(row);
  const softened = 'isAbsent' in p ? p : null;
  const isDistribution = targets === 'logits' || softened?.isDistribution === true;
  const q = softmax(student, t);
  const result: ReferenceResult = { loss: 0, dStudent: new Float64Array(n), dTeacher: new Float64Array(n) };
  const { dStudent, dTeacher } = result;
  const mass = sumOver(n, (i) => p.probability[i]);
  const studentLacks = Array.from(
    { length: n },
    (_, i) => student[i] === Number.NEGATIVE_INFINITY && p.hasMass[i],
  ).some(Boolean);
  const teacherLacks = Array.from(
    { length: n },
    (_, i) => p.log[i] === Number.NEGATIVE_INFINITY && q.hasMass[i],
  ).some(Boolean);
  /** log p - log q, 0 where neither side has the class. */
  const logRatio = (i: number) => (p.log[i] === q.log[i] ? 0 : p.log[i] - q.log[i]);
  const times = (x: number, y: () => number) => (x === 0 ? 0 : x * y());
  /** KL(a||b) as the sum of a log(a/b) - a + b, which keeps its digits when the two agree. */
  const small = (a: Distribution, b: Distribution) =>
    sumOver(n, (i) => {
      if (!a.hasMass[i]) return b.probability[i];
      const x = b.log[i] - a.log[i];
      return a.probability[i] * (Math.expm1(x) - x);
    });
  const divergenceOf = (plain: number, a: Distribution, b: Distribution) =>
    isDistribution && plain < 1e-3 ? small(a, b) : plain;
  const isGone = (i: number) => p.probability[i] === 0 && student[i] === Number.NEGATIVE_INFINITY;

  // The slope of D in p_i and in q_i, each as if the others stood still; what softmax makes of them comes
  // after the switch.
  let inP: (i: number) => number;
  switch (divergence) {
    case 'crossEntropy':
    case 'kl': {
      const entropy = sumOver(n, (i) => times(p.probability[i], () => -p.log[i]));
      const cross = sumOver(n, (i) => (p.hasMass[i] ? times(p.probability[i], () => -q.log[i]) : 0));
      const kl = divergenceOf(cross - entropy, p, q);
      result.loss = studentLacks ? Number.POSITIVE_INFINITY : divergence === 'kl' ? kl : cross;
      for (let i = 0; i < n; i++) dStudent[i] = (mass * q.probability[i] - p.probability[i]) / t;
      inP = divergence === 'kl' ? (i) => logRatio(i) + 1 : (i) => -q.log[i];
      break;
    }
    case 'reverseKl': {
      const plain = sumOver(n, (i) => (q.hasMass[i] ? times(q.probability[i], () => -logRatio(i)) : 0));
      result.loss = teacherLacks ? Number.POSITIVE_INFINITY : divergenceOf(plain, q, p);
      for (let i = 0; i < n; i++) {
        dStudent[i] = teacherLacks
          ? Number.NaN
          : times(q.hasMass[i] ? q.probability[i] : 0, () => -logRatio(i) - result.loss) / t;
      }
      inP = (i) => (q.hasMass[i] ? -q.probability[i] / p.probability[i] : 0);
      break;
    }
    case 'jsd': {
      // By way of the larger one, which does not underflow.
      const logMixture = Float64Array.from({ length: n }, (_, i) => {
        const [a, b] = [p.log[i] + Math.log(beta), q.log[i] + Math.log(1 - beta)];
        const larger = Math.max(a, b);
        return larger === Number.NEGATIVE_INFINITY
          ? larger
          : larger + Math.log1p(Math.exp(Math.min(a, b) - larger));
      });
      const ofP = sumOver(n, (i) => times(p.probability[i], () => p.log[i] - logMixture[i]));
      const ofQ = sumOver(n, (i) => times(q.probability[i], () => q.log[i] - logMixture[i]));
      const plain = beta * ofP + (1 - beta) * ofQ;
      result.loss = isDistribution && plain < 1e-3 ? smallMixture(p, q, beta) : plain;
      for (let i = 0; i < n; i++) {
        dStudent[i] = ((1 - beta) * times(q.probability[i], () => q.log[i] - logMixture[i] - ofQ)) / t;
      }
      inP = (i) => beta * (p.log[i] - logMixture[i]);
      break;
    }
  }
  for (let i = 0; i < n; i++) {
    if (softened !== null) dTeacher[i] = result.loss === Number.POSITIVE_INFINITY ? Number.NaN : 0;
    else if (targets === 'probabilities') dTeacher[i] = isGone(i) ? 0 : inP(i);
    else if (divergence === 'reverseKl')
      dTeacher[i] = (p.probability[i] - q.probability[i]) / teacherTemperature;
    else if (result.loss === Number.POSITIVE_INFINITY) dTeacher[i] = Number.NaN;
  }
  if (targets === 'logits' && divergence !== 'reverseKl' && result.loss !== Number.POSITIVE_INFINITY) {
    // softmax: dD/dv_i = p_i (s_i - E_p[s]) / T
    const slope = (i: number) => times(p.hasMass[i] ? p.probability[i] : 0, () => inP(i));
    const mean = sumOver(n, slope);
    for (let i = 0; i < n; i++)
      dTeacher[i] = (slope(i) - (p.hasMass[i] ? p.probability[i] : 0) * mean) / teacherTemperature;
  }
  if (softened !== null && result.loss !== Number.POSITIVE_INFINITY) {
    const toLog = (i: number) =>
      divergence === 'reverseKl'
        ? -(q.hasMass[i] ? q.probability[i] : 0)
        : times(p.hasMass[i] ? p.probability[i] : 0, () => inP(i));
    const toMass = sumOver(n, toLog) / mass;
    for (let i = 0; i < n; i++) {
      if (softened.isAbsent[i]) continue; // a class that they lack stays without
      const own = toLog(i) - (p.hasMass[i] ? p.probability[i] : 0) * toMass;
      dTeacher[i] = toMass + own / (teacherTemperature * teacher[i]);
    }
  }
  return result;
}

/**
 * The generalised JSD, class by class. Where p and q agree, beta (p log(p/m) - p + m) + (1 - beta) (q
 * log(q/m) - q + m), which is the same: no term is negative, so none cancels another.
 */
function smallMixture(p: Distribution, q: Distribution, beta: number): number {
  const gap = (logRatio: number) => Math.expm1(logRatio) - logRatio;
  return sumOver(p.log.length, (i) => {
    const [a, b] = [p.probability[i], q.probability[i]];
    const x = q.log[i] - p.log[i];
    if (Math.abs(x) < 1) {
      return (
        beta * a * gap(Math.log1p((1 - beta) * Math.expm1(x))) +
        (1 - beta) * b * gap(Math.log1p(beta * Math.expm1(-x)))
      );
    }
    const logM = Math.log(beta * a + (1 - beta) * b);
    return (a === 0 ? 0 : beta * a * (p.log[i] - logM)) + (b === 0 ? 0 : (1 - beta) * b * (q.log[i] - logM));
  });
}

function hardTerm(
  row: ReferenceRow,
  label: number | ArrayLike<number>,
): { loss: number; dStudent: Float64Array } {
  const n = row.student.length;
  const eps = row.labelSmoothing ?? 0;
  const r = softmax(row.student, 1);
  const target = Float64Array.from({ length: n }, (_, i) => {
    const given = typeof label === 'number' ? Number(i === label) : label[i];
    return (1 - eps) * given + eps / n;
  });
  const mass = sumOver(n, (i) => target[i]);
  return {
    loss: sumOver(n, (i) => (target[i] === 0 ? 0 : -target[i] * r.log[i])),
    dStudent: Float64Array.from({ length: n }, (_, i) => mass * r.probability[i] - target[i]),
  };
}
