import {
  type Objective,
  ROUNDING_OF_SUM,
  SMALLEST_PROBABILITY,
  type TeacherReading,
  teacherReadingOf,
} from '../objective.ts';
import { unknownWord } from '../words.ts';
import { mass } from './mass.ts';
import type { Temperatures } from './temperatures.ts';

export interface SoftRowArguments {
  classes: number;
  /** v or p, [rows, classes]. */
  teacher: Float32Array;
  /** z, [rows, classes]. */
  student: Float32Array;
  /** How the teacher is given. */
  read: Pick<Objective, 'targets' | 'teacherTemperature'>;
  /** Weight of p in the mixture of `jsd`. */
  beta: number;
}

/**
 * The running row, as its divergence sees it: its maxima, its sums, and a scratch copy of exp((z - mz)/T) and
 * exp((v - mv)/T). p and S are those of MATH (33) where probabilities are softened.
 */
export class SoftRow {
  readonly classes: number;
  readonly reading: TeacherReading;
  readonly beta: number;
  readonly u: Float64Array;
  /** Of probabilities that are used as they are, p itself. */
  readonly w: Float64Array;
  /** log(p/m) and log(q/m): `jsd` alone fills them. */
  readonly teacherOverMixture: Float64Array;
  readonly studentOverMixture: Float64Array;
  start = 0;
  maxStudent = 0;
  /** mv; of probabilities their maximum, and 0 where they are used as they are. */
  maxTeacher = 0;
  /** sz of MATH (12). */
  sumStudent = 0;
  /** S. */
  teacherMass = 1;
  /** p_i is w_i times this. */
  perTeacher = 1;
  /** Whether p is known to be a distribution, of which no divergence is negative. */
  isDistribution = true;
  /** The teacher's T. */
  teacherTemperature = 1;
  /** A, B and D of MATH (13). */
  a = 0;
  b = 0;
  d = 0;
  logSumStudent = 0;
  /** b_i less this is log p_i. */
  logSumTeacher = 0;
  private readonly teacher: Float32Array;
  private readonly student: Float32Array;
  /** b_i of MATH (13), of probabilities. */
  private readonly logTeacher: Float64Array;
  private inverseTemperature = 1;
  private inverseTeacherTemperature = 1;
  private perStudent = 1;

  constructor({ classes, teacher, student, read, beta }: SoftRowArguments) {
    this.classes = classes;
    this.teacher = teacher;
    this.student = student;
    this.reading = teacherReadingOf(read);
    this.beta = beta;
    this.u = new Float64Array(classes);
    this.w = new Float64Array(classes);
    this.teacherOverMixture = new Float64Array(classes);
    this.studentOverMixture = new Float64Array(classes);
    this.logTeacher = new Float64Array(this.reading === 'logits' ? 0 : classes);
  }

  /**
   * Goes to the row that begins at `start`. False if it must be NaN: a NaN or +Infinity in it, a probability
   * below 0 to be softened, or no class left.
   */
  findMaxima(start: number): boolean {
    const { teacher, student, classes, reading } = this;
    const smallest = reading === 'softenedProbabilities' ? 0 : Number.NEGATIVE_INFINITY;
    const isMeasured = reading !== 'probabilities';
    let maxStudent = Number.NEGATIVE_INFINITY;
    let maxTeacher = reading === 'logits' ? Number.NEGATIVE_INFINITY : 0;
    let valid = true;
    for (let i = start; i < start + classes; i++) {
      const z = student[i];
      const v = teacher[i];
      valid = valid && z < Number.POSITIVE_INFINITY && v < Number.POSITIVE_INFINITY && v >= smallest;
      if (z > maxStudent) maxStudent = z;
      if (isMeasured && v > maxTeacher) maxTeacher = v;
    }
    this.start = start;
    this.maxStudent = maxStudent;
    this.maxTeacher = maxTeacher;
    return valid && maxStudent > Number.NEGATIVE_INFINITY && maxTeacher > Number.NEGATIVE_INFINITY;
  }

  /** MATH (12)-(14), (33). */
  sum({ student, teacher }: Temperatures): void {
    const { reading } = this;
    this.inverseTemperature = 1 / student;
    this.teacherTemperature = teacher;
    this.inverseTeacherTemperature = 1 / teacher;
    const sumTeacher = this.sumClasses();
    this.perStudent = 1 / this.sumStudent;
    this.logSumStudent = Math.log(this.sumStudent);
    switch (reading) {
      case 'logits':
        this.perTeacher = 1 / sumTeacher;
        this.logSumTeacher = Math.log(sumTeacher);
        break;
      case 'probabilities':
        this.teacherMass = sumTeacher;
        this.isDistribution = false;
        break;
      case 'softenedProbabilities': {
        const given = this.givenMass();
        this.isDistribution = Math.abs(given - 1) <= ROUNDING_OF_SUM;
        this.teacherMass = this.isDistribution ? 1 : given;
        // All 0, they stay so.
        this.perTeacher = sumTeacher === 0 ? 0 : this.teacherMass / sumTeacher;
        this.logSumTeacher = sumTeacher === 0 ? 0 : Math.log(sumTeacher) - Math.log(this.teacherMass);
        break;
      }
      default:
        unknownWord('reading', reading satisfies never);
    }
  }

  /** MATH (12), (13); returns sv, and S of probabilities that are used as they are. */
  private sumClasses(): number {
    const { teacher, student, classes, start, u, w, logTeacher, maxStudent, maxTeacher } = this;
    const { inverseTemperature, inverseTeacherTemperature } = this;
    const isLogits = this.reading === 'logits';
    const isGiven = this.reading === 'probabilities';
    if (!isLogits && !isGiven) this.soften();
    let sumStudent = 0;
    let sumTeacher = 0;
    let a = 0;
    let b = 0;
    let d = 0;
    for (let i = 0; i < classes; i++) {
      const ai = (student[start + i] - maxStudent) * inverseTemperature;
      const v = teacher[start + i];
      const bi = isLogits
        ? (v - maxTeacher) * inverseTeacherTemperature
        : isGiven
          ? Math.log(v)
          : logTeacher[i];
      const ui = mass(ai);
      const wi = isGiven ? v : mass(bi);
      u[i] = ui;
      w[i] = wi;
      if (isGiven) logTeacher[i] = bi;
      sumStudent += ui;
      sumTeacher += wi;
      if (wi !== 0) {
        a -= wi * ai;
        b -= wi * bi;
      }
      if (ui !== 0) d -= ui * ai;
    }
    this.sumStudent = sumStudent;
    this.a = a;
    this.b = b;
    this.d = d;
    return sumTeacher;
  }

  /** b of probabilities that are softened. */
  private soften(): void {
    const { teacher, classes, start, logTeacher, maxTeacher, inverseTeacherTemperature } = this;
    const logMax = Math.log(maxTeacher);
    for (let i = 0; i < classes; i++) {
      logTeacher[i] = this.isAbsent(i)
        ? Number.NEGATIVE_INFINITY
        : (Math.log(teacher[start + i]) - logMax) * inverseTeacherTemperature;
    }
  }

  private givenMass(): number {
    const { teacher, classes, start } = this;
    let sum = 0;
    for (let i = 0; i < classes; i++) if (!this.isAbsent(i)) sum += teacher[start + i];
    return sum;
  }

  /** Whether a probability that is to be softened counts as 0. */
  isAbsent(i: number): boolean {
    return this.teacher[this.start + i] < SMALLEST_PROBABILITY;
  }

  /** v_i, or p_i as it was given. */
  given(i: number): number {
    return this.teacher[this.start + i];
  }

  /** p_i of MATH (14), (33). */
  teacherShare(i: number): number {
    return this.w[i] * this.perTeacher;
  }

  /** q_i of MATH (14). */
  studentShare(i: number): number {
    return this.u[i] * this.perStudent;
  }

  /** log p_i. */
  teacherLog(i: number): number {
    if (this.reading !== 'logits') return this.logTeacher[i] - this.logSumTeacher;
    return (
      (this.teacher[this.start + i] - this.maxTeacher) * this.inverseTeacherTemperature - this.logSumTeacher
    );
  }

  /** log q_i. */
  studentLog(i: number): number {
    return (this.student[this.start + i] - this.maxStudent) * this.inverseTemperature - this.logSumStudent;
  }

  /** log(q_i/p_i). */
  logRatio(i: number): number {
    return this.studentLog(i) - this.teacherLog(i);
  }

  /** CE of MATH (15). */
  crossEntropy(): number {
    return this.teacherMass * this.logSumStudent + this.a * this.perTeacher;
  }

  /** Hp of MATH (16). */
  teacherEntropy(): number {
    return this.teacherMass * this.logSumTeacher + this.b * this.perTeacher;
  }

  /** Hq of MATH (17). */
  studentEntropy(): number {
    return this.logSumStudent + this.d * this.perStudent;
  }
}
