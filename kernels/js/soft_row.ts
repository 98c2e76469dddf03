import { mass } from './mass.ts';

export interface SoftRowArguments {
  classes: number;
  /** v or p, [rows, classes]. */
  teacher: Float32Array;
  /** z, [rows, classes]. */
  student: Float32Array;
  /** The teacher is given as logits. */
  logits: boolean;
  /** Weight of p in the mixture of `jsd`. */
  beta: number;
}

/** The running row, as its divergence sees it: its maxima, its sums, and a scratch copy of exp((z - mz)/T) and exp((v - mv)/T). */
export class SoftRow {
  readonly classes: number;
  readonly logits: boolean;
  readonly beta: number;
  readonly u: Float64Array;
  /** Of probabilities p itself. */
  readonly w: Float64Array;
  /** log(p/m) and log(q/m): `jsd` alone fills them. */
  readonly teacherOverMixture: Float64Array;
  readonly studentOverMixture: Float64Array;
  start = 0;
  maxStudent = 0;
  maxTeacher = 0;
  /** sz of MATH (12). */
  sumStudent = 0;
  /** sv, or S. */
  sumTeacher = 0;
  /** A, B and D of MATH (13). */
  a = 0;
  b = 0;
  d = 0;
  logSumStudent = 0;
  logSumTeacher = 0;
  private readonly teacher: Float32Array;
  private readonly student: Float32Array;
  /** log p of probabilities. */
  private readonly logTeacher: Float64Array;
  private inverseTemperature = 1;
  private perStudent = 1;
  private perTeacher = 1;

  constructor({ classes, teacher, student, logits, beta }: SoftRowArguments) {
    this.classes = classes;
    this.teacher = teacher;
    this.student = student;
    this.logits = logits;
    this.beta = beta;
    this.u = new Float64Array(classes);
    this.w = new Float64Array(classes);
    this.teacherOverMixture = new Float64Array(classes);
    this.studentOverMixture = new Float64Array(classes);
    this.logTeacher = new Float64Array(logits ? 0 : classes);
  }

  /** Goes to the row that begins at `start`. False if it must be NaN: a NaN or +Infinity in it, or no class left. */
  findMaxima(start: number): boolean {
    const { teacher, student, classes, logits } = this;
    let maxStudent = Number.NEGATIVE_INFINITY;
    let maxTeacher = logits ? Number.NEGATIVE_INFINITY : 0;
    let valid = true;
    for (let i = start; i < start + classes; i++) {
      const z = student[i];
      const v = teacher[i];
      valid = valid && z < Number.POSITIVE_INFINITY && v < Number.POSITIVE_INFINITY;
      if (z > maxStudent) maxStudent = z;
      if (logits && v > maxTeacher) maxTeacher = v;
    }
    this.start = start;
    this.maxStudent = maxStudent;
    this.maxTeacher = maxTeacher;
    return valid && maxStudent > Number.NEGATIVE_INFINITY && maxTeacher > Number.NEGATIVE_INFINITY;
  }

  /** MATH (12)-(14). */
  sum(temperature: number): void {
    const { teacher, student, classes, logits, start, u, w, logTeacher, maxStudent, maxTeacher } = this;
    const inverseTemperature = 1 / temperature;
    let sumStudent = 0;
    let sumTeacher = 0;
    let a = 0;
    let b = 0;
    let d = 0;
    for (let i = 0; i < classes; i++) {
      const ai = (student[start + i] - maxStudent) * inverseTemperature;
      const bi = logits
        ? (teacher[start + i] - maxTeacher) * inverseTemperature
        : Math.log(teacher[start + i]);
      const ui = mass(ai);
      const wi = logits ? mass(bi) : teacher[start + i];
      u[i] = ui;
      w[i] = wi;
      if (!logits) logTeacher[i] = bi;
      sumStudent += ui;
      sumTeacher += wi;
      if (wi !== 0) {
        a -= wi * ai;
        b -= wi * bi;
      }
      if (ui !== 0) d -= ui * ai;
    }
    this.inverseTemperature = inverseTemperature;
    this.sumStudent = sumStudent;
    this.sumTeacher = sumTeacher;
    this.a = a;
    this.b = b;
    this.d = d;
    this.perStudent = 1 / sumStudent;
    this.perTeacher = logits ? 1 / sumTeacher : 1;
    this.logSumStudent = Math.log(sumStudent);
    this.logSumTeacher = logits ? Math.log(sumTeacher) : 0;
  }

  /** p_i of MATH (14). */
  teacherShare(i: number): number {
    return this.w[i] * this.perTeacher;
  }

  /** q_i of MATH (14). */
  studentShare(i: number): number {
    return this.u[i] * this.perStudent;
  }

  /** log p_i. */
  teacherLog(i: number): number {
    if (!this.logits) return this.logTeacher[i];
    return (this.teacher[this.start + i] - this.maxTeacher) * this.inverseTemperature - this.logSumTeacher;
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
    return (this.sumTeacher * this.logSumStudent + this.a) * this.perTeacher;
  }

  /** Hp of MATH (16). */
  teacherEntropy(): number {
    return this.logSumTeacher + this.b * this.perTeacher;
  }

  /** Hq of MATH (17). */
  studentEntropy(): number {
    return this.logSumStudent + this.d * this.perStudent;
  }
}
