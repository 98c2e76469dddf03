/**
 * The row pass over typed arrays, in float64 arithmetic.
 *
 * Equations: MATH (1)-(18). float64 keeps the digits that the near rows of MATH (20)-(27) are about; only a very small divergence is summed from its own terms.
 * Traffic per row: teacher and student are read once from memory (maxima first, then sums while the row is in cache), the gradient is written
 * once. Two exponentials per class, kept in a scratch row of float64 between the sums and the gradient.
 * Rows that are not finite: the table at the end of MATH.md.
 */

import type { Objective } from '../objective.ts';
import { mass, SMALL } from './mass.ts';

export interface RowPassArguments {
  rows: number;
  classes: number;
  /** v or p, [rows, classes]. */
  teacher: Float32Array;
  /** z, [rows, classes]. */
  student: Float32Array;
  /** One value, or one per row. */
  temperature: ArrayLike<number>;
  /** Class ids [rows], a distribution [rows, classes], or null with `labels: 'none'`. */
  labels: ArrayLike<number> | null;
  /** One value, one per row, or null for 1. */
  weights: ArrayLike<number> | null;
  objective: Objective;
  /** [rows], or null if not wanted. */
  loss: Float32Array | null;
  /** [rows, classes], or null if not wanted. */
  dStudent: Float32Array | null;
  /** [rows, classes], or null if not wanted. */
  dTeacher: Float32Array | null;
}

/** Writes loss, dStudent and dTeacher of every row, those that are not null. */
export function rowPass(args: RowPassArguments): void {
  const { rows, classes, temperature, weights, objective } = args;
  const row = new Row(args);
  for (let n = 0; n < rows; n++) {
    const weight = objective.scale * (weights === null ? 1 : weights[weights.length === 1 ? 0 : n]);
    const t = temperature[temperature.length === 1 ? 0 : n];
    const start = n * classes;
    if (weight === 0) {
      row.fill(n, start, 0);
    } else if (
      !(t > 0 && t < Number.POSITIVE_INFINITY) ||
      Number.isNaN(weight) ||
      !row.findMaxima(n, start)
    ) {
      row.fill(n, start, Number.NaN);
    } else {
      row.sum(start, t);
      row.finish(n, start, t, weight);
    }
  }
}

/** The running row: its maxima, its sums, and a scratch copy of exp((z - mz)/T) and exp((v - mv)/T). */
class Row {
  private readonly u: Float64Array;
  private readonly w: Float64Array;
  private maxStudent = 0;
  private maxTeacher = 0;
  private sumStudent = 0; // sz
  private sumTeacher = 0; // sv, or S
  private a = 0; // A of MATH (13); B, D, E likewise
  private b = 0;
  private d = 0;
  private e = 0;
  private logSumStudent = 0;
  private logSumTeacher = 0;

  constructor(private readonly args: RowPassArguments) {
    this.u = new Float64Array(args.classes);
    this.w = new Float64Array(args.classes);
  }

  fill(n: number, start: number, value: number): void {
    const { loss, dStudent, dTeacher, classes } = this.args;
    if (loss) loss[n] = value;
    dStudent?.fill(value, start, start + classes);
    dTeacher?.fill(value, start, start + classes);
  }

  /** False if the row must be NaN: a NaN or +Infinity in it, no class left, or a class id outside of [0, C). */
  findMaxima(n: number, start: number): boolean {
    const { teacher, student, classes, labels, objective } = this.args;
    const probabilities = objective.targets === 'probabilities';
    let maxStudent = Number.NEGATIVE_INFINITY;
    let maxTeacher = probabilities ? 0 : Number.NEGATIVE_INFINITY;
    let valid = true;
    for (let i = start; i < start + classes; i++) {
      const z = student[i];
      const v = teacher[i];
      valid = valid && z < Number.POSITIVE_INFINITY && v < Number.POSITIVE_INFINITY;
      if (z > maxStudent) maxStudent = z;
      if (!probabilities && v > maxTeacher) maxTeacher = v;
    }
    if (objective.labels === 'classIds' && labels) valid = valid && labels[n] >= 0 && labels[n] < classes;
    this.maxStudent = maxStudent;
    this.maxTeacher = maxTeacher;
    return valid && maxStudent > Number.NEGATIVE_INFINITY && maxTeacher > Number.NEGATIVE_INFINITY;
  }

  /** log p_i + log sv, the b_i of MATH (12). */
  private scaledTeacher(i: number, t: number): number {
    const value = this.args.teacher[i];
    return this.args.objective.targets === 'logits' ? (value - this.maxTeacher) / t : Math.log(value);
  }

  /** MATH (12)-(13). */
  sum(start: number, t: number): void {
    const { teacher, student, classes, objective } = this.args;
    const { u, w, maxStudent, maxTeacher } = this;
    const logits = objective.targets === 'logits';
    const reverse = objective.divergence === 'reverseKl';
    const inverseTemperature = 1 / t;
    let sumStudent = 0;
    let sumTeacher = 0;
    let a = 0;
    let b = 0;
    let d = 0;
    let e = 0;
    for (let i = 0; i < classes; i++) {
      const ai = (student[start + i] - maxStudent) * inverseTemperature;
      const bi = logits
        ? (teacher[start + i] - maxTeacher) * inverseTemperature
        : Math.log(teacher[start + i]);
      const ui = mass(ai);
      const wi = logits ? mass(bi) : teacher[start + i];
      u[i] = ui;
      w[i] = wi;
      sumStudent += ui;
      sumTeacher += wi;
      if (wi !== 0) {
        a -= wi * ai;
        b -= wi * bi;
      }
      if (reverse && ui !== 0) {
        d -= ui * ai;
        e -= ui * bi;
      }
    }
    this.sumStudent = sumStudent;
    this.sumTeacher = sumTeacher;
    this.a = a;
    this.b = b;
    this.d = d;
    this.e = e;
    this.logSumStudent = Math.log(sumStudent);
    this.logSumTeacher = logits ? Math.log(sumTeacher) : 0;
  }

  finish(n: number, start: number, t: number, weight: number): void {
    const { objective, loss, dStudent, dTeacher } = this.args;
    const softFactor = objective.softWeight * (objective.scaleByTemperatureSquared ? t * t : 1);
    const soft = objective.softWeight === 0 ? 0 : this.divergence(start, t);
    const hard = objective.labels === 'none' || objective.hardWeight === 0 ? 0 : this.hardTerm(n, start);
    if (loss) {
      loss[n] =
        weight *
        ((objective.softWeight === 0 ? 0 : softFactor * soft) +
          (objective.hardWeight === 0 ? 0 : objective.hardWeight * hard));
    }
    if (dStudent) {
      dStudent.fill(0, start, start + this.args.classes);
      if (objective.softWeight !== 0)
        this.addSoftGradient(dStudent, start, t, (weight * softFactor) / t, soft);
      if (objective.labels !== 'none' && objective.hardWeight !== 0) {
        this.addHardGradient(dStudent, n, start, weight * objective.hardWeight);
      }
    }
    if (dTeacher) this.writeTeacherGradient(dTeacher, start, t, weight * softFactor, soft);
  }

  /** D of MATH (15)-(17), (6). */
  private divergence(start: number, t: number): number {
    const { objective } = this.args;
    const { sumStudent, sumTeacher, logSumStudent, logSumTeacher } = this;
    const logits = objective.targets === 'logits';
    const teacherMass = logits ? sumTeacher : 1;
    const crossEntropy = (sumTeacher / teacherMass) * logSumStudent + this.a / teacherMass;
    switch (objective.divergence) {
      case 'crossEntropy':
        return crossEntropy;
      case 'kl': {
        const kl = crossEntropy - (logSumTeacher + this.b / teacherMass);
        return logits && kl < SMALL ? this.smallDivergence(start, t, 'teacher') : kl;
      }
      case 'reverseKl': {
        const kl = logSumTeacher + this.e / sumStudent - (logSumStudent + this.d / sumStudent);
        return logits && kl < SMALL ? this.smallDivergence(start, t, 'student') : kl;
      }
      case 'jsd':
        return this.mixtureDivergence(start, t);
      default:
        return objective.divergence satisfies never;
    }
  }

  /** KL(p||q) for 'teacher', KL(q||p) for 'student', as the sum of p log(p/q) - p + q: no term is negative, so none cancels another. */
  private smallDivergence(start: number, t: number, mean: 'teacher' | 'student'): number {
    let sum = 0;
    for (let i = 0; i < this.args.classes; i++) {
      const p = this.probability(i);
      const q = this.u[i] / this.sumStudent;
      const [share, other] = mean === 'teacher' ? [p, q] : [q, p];
      const x = (mean === 'teacher' ? 1 : -1) * this.logQuotient(start, i, t);
      sum += share === 0 ? other : share * (Math.expm1(x) - x);
    }
    return sum;
  }

  private probability(i: number): number {
    return this.args.objective.targets === 'logits' ? this.w[i] / this.sumTeacher : this.w[i];
  }

  private logQuotient(start: number, i: number, t: number): number {
    const logQ = (this.args.student[start + i] - this.maxStudent) / t - this.logSumStudent;
    return logQ - (this.scaledTeacher(start + i, t) - this.logSumTeacher);
  }

  /** J of MATH (6). */
  private mixtureDivergence(start: number, t: number): number {
    const { targets, beta } = this.args.objective;
    const sum =
      beta * this.mixtureSum(start, t, 'teacher') + (1 - beta) * this.mixtureSum(start, t, 'student');
    return targets === 'logits' && sum < SMALL ? this.smallMixture(start, t) : sum;
  }

  /**
   * J by classes. beta (m - p) + (1 - beta) (m - q) is 0, so it may be added to the term of a class, which makes two terms of it that are not negative: where p and q
   * agree, none cancels another.
   */
  private smallMixture(start: number, t: number): number {
    const { beta } = this.args.objective;
    const gap = (excess: number) => excess - Math.log1p(excess);
    let sum = 0;
    for (let i = 0; i < this.args.classes; i++) {
      const p = this.probability(i);
      const q = this.u[i] / this.sumStudent;
      const x = this.logQuotient(start, i, t);
      if (Math.abs(x) <= 1) {
        // From m/p - 1 and m/q - 1.
        sum += beta * p * gap((1 - beta) * Math.expm1(x)) + (1 - beta) * q * gap(beta * Math.expm1(-x));
      } else {
        if (p !== 0) sum += beta * p * this.logShare(start, i, t, 'teacher');
        if (q !== 0) sum += (1 - beta) * q * this.logShare(start, i, t, 'student');
      }
    }
    return sum;
  }

  /** K_p or K_q of MATH (10), (6). */
  private mixtureSum(start: number, t: number, of: 'teacher' | 'student'): number {
    let sum = 0;
    for (let i = 0; i < this.args.classes; i++) {
      const share = of === 'teacher' ? this.probability(i) : this.u[i] / this.sumStudent;
      if (share !== 0) sum += share * this.logShare(start, i, t, of);
    }
    return sum;
  }

  /** log(p_i/m_i) or log(q_i/m_i), from q_i/p_i or p_i/q_i, whichever does not overflow. */
  private logShare(start: number, i: number, t: number, of: 'teacher' | 'student'): number {
    const { beta } = this.args.objective;
    const logQuotient = this.logQuotient(start, i, t);
    if (of === 'teacher') return -Math.log(beta + (1 - beta) * Math.exp(logQuotient));
    return -Math.log(beta * Math.exp(-logQuotient) + (1 - beta));
  }

  /** MATH (3)-(6), times factor = w softWeight t / T. */
  private addSoftGradient(out: Float32Array, start: number, t: number, factor: number, value: number): void {
    const { classes, objective } = this.args;
    const { u, sumStudent, sumTeacher } = this;
    const logits = objective.targets === 'logits';
    const divergence = objective.divergence;
    switch (divergence) {
      case 'crossEntropy':
      case 'kl': {
        const toQ = (logits ? 1 : sumTeacher) / sumStudent;
        const toP = logits ? 1 / sumTeacher : 1;
        for (let i = 0; i < classes; i++) out[start + i] = factor * (toQ * u[i] - toP * this.w[i]);
        return;
      }
      case 'reverseKl': {
        const none = value === Number.POSITIVE_INFINITY ? Number.NaN : 0;
        for (let i = 0; i < classes; i++) {
          const q = u[i] / sumStudent;
          out[start + i] = none + (q === 0 ? 0 : factor * q * (this.logQuotient(start, i, t) - value));
        }
        return;
      }
      case 'jsd': {
        const kq = this.mixtureSum(start, t, 'student');
        for (let i = 0; i < classes; i++) {
          const q = u[i] / sumStudent;
          out[start + i] =
            q === 0 ? 0 : factor * (1 - objective.beta) * q * (this.logShare(start, i, t, 'student') - kq);
        }
        return;
      }
      default:
        divergence satisfies never;
    }
  }

  /** H of MATH (18). */
  private hardTerm(n: number, start: number): number {
    const { student, labels, classes, objective } = this.args;
    if (!labels) return 0;
    const logSum = Math.log(this.sumAtTemperatureOne(start));
    let labelSum = 1;
    let term = 0;
    if (objective.labels === 'classIds') {
      term = this.maxStudent - student[start + labels[n]];
    } else {
      labelSum = 0;
      for (let i = start; i < start + classes; i++) {
        labelSum += labels[i];
        if (labels[i] !== 0) term += labels[i] * (this.maxStudent - student[i]);
      }
      if (!(Math.abs(labelSum) < Number.POSITIVE_INFINITY)) return Number.NaN;
    }
    const eps = objective.labelSmoothing;
    let smoothing = 0;
    if (eps !== 0) for (let i = start; i < start + classes; i++) smoothing += this.maxStudent - student[i];
    const smoothedSum = (1 - eps) * labelSum + eps;
    return smoothedSum * logSum + (1 - eps) * term + (eps === 0 ? 0 : (eps / classes) * smoothing);
  }

  private sumAtTemperatureOne(start: number): number {
    const { student, classes } = this.args;
    let sum = 0;
    for (let i = start; i < start + classes; i++) sum += mass(student[i] - this.maxStudent);
    return sum;
  }

  /** MATH (2), times factor = w hardWeight. */
  private addHardGradient(out: Float32Array, n: number, start: number, factor: number): void {
    const { student, labels, classes, objective } = this.args;
    if (!labels) return;
    const eps = objective.labelSmoothing;
    const distribution = objective.labels === 'distribution';
    let labelSum = 1;
    if (distribution) {
      labelSum = 0;
      for (let i = start; i < start + classes; i++) labelSum += labels[i];
      if (!(Math.abs(labelSum) < Number.POSITIVE_INFINITY)) labelSum = Number.NaN;
    }
    const toR = ((1 - eps) * labelSum + eps) / this.sumAtTemperatureOne(start);
    for (let i = 0; i < classes; i++) {
      const label = distribution ? labels[start + i] : labels[n] === i ? 1 : 0;
      const target = (1 - eps) * label + eps / classes;
      out[start + i] += factor * (toR * mass(student[start + i] - this.maxStudent) - target);
    }
  }

  /** MATH (7)-(11), times factor = w softWeight t. */
  private writeTeacherGradient(
    out: Float32Array,
    start: number,
    t: number,
    factor: number,
    value: number,
  ): void {
    const { classes, objective } = this.args;
    if (objective.softWeight === 0) {
      out.fill(0, start, start + classes);
    } else if (objective.targets === 'logits') {
      if (value === Number.POSITIVE_INFINITY && objective.divergence !== 'reverseKl') {
        out.fill(Number.NaN, start, start + classes);
        return;
      }
      const kp = objective.divergence === 'jsd' ? this.mixtureSum(start, t, 'teacher') : 0;
      for (let i = 0; i < classes; i++)
        out[start + i] = (factor / t) * this.toTeacherLogit(start, i, t, value, kp);
    } else {
      for (let i = 0; i < classes; i++) out[start + i] = factor * this.toTeacherProbability(start, i, t);
    }
  }

  /** MATH (7)-(10) without 1/T. */
  private toTeacherLogit(start: number, i: number, t: number, value: number, kp: number): number {
    const { divergence, beta } = this.args.objective;
    const p = this.probability(i);
    if (divergence === 'reverseKl') return p - this.u[i] / this.sumStudent;
    if (p === 0) return 0;
    switch (divergence) {
      case 'crossEntropy':
        return p * ((this.maxStudent - this.args.student[start + i]) / t - this.a / this.sumTeacher);
      case 'kl':
        return -p * (this.logQuotient(start, i, t) + value);
      case 'jsd':
        return beta * p * (this.logShare(start, i, t, 'teacher') - kp);
      default:
        return divergence satisfies never;
    }
  }

  /** MATH (11). */
  private toTeacherProbability(start: number, i: number, t: number): number {
    const { divergence, beta } = this.args.objective;
    if (this.probability(i) === 0 && this.args.student[start + i] === Number.NEGATIVE_INFINITY) return 0;
    switch (divergence) {
      case 'crossEntropy':
        return this.logSumStudent - (this.args.student[start + i] - this.maxStudent) / t;
      case 'kl':
        return 1 - this.logQuotient(start, i, t);
      case 'reverseKl':
        return this.u[i] === 0 ? 0 : -this.u[i] / this.sumStudent / this.probability(i);
      case 'jsd':
        return beta * this.logShare(start, i, t, 'teacher');
      default:
        return divergence satisfies never;
    }
  }
}
