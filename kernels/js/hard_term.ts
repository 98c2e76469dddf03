import type { Objective } from '../objective.ts';
import { mass } from './mass.ts';

export interface HardTermArguments {
  classes: number;
  /** z, [rows, classes]. */
  student: Float32Array;
  /** Class ids [rows], or a distribution [rows, classes]. */
  labels: ArrayLike<number>;
  objective: Objective;
}

/** The hard term of the running row: MATH (2), (18). */
export class HardTerm {
  private readonly areIds: boolean;
  /** s1 of MATH (12). */
  private sum = 0;
  /** Y' of MATH (18). */
  private smoothedSum = 1;

  constructor(private readonly args: HardTermArguments) {
    this.areIds = args.objective.labels === 'classIds';
  }

  /** False if a row must be NaN: a class id outside of [0, C). */
  isValid(n: number): boolean {
    const { labels, classes } = this.args;
    return !this.areIds || (labels[n] >= 0 && labels[n] < classes);
  }

  /** H; also finds what `addGradient` needs. */
  value(n: number, start: number, maxStudent: number): number {
    const { student, labels, classes, objective } = this.args;
    const eps = objective.labelSmoothing;
    let sum = 0;
    let smoothing = 0;
    for (let i = start; i < start + classes; i++) {
      sum += mass(student[i] - maxStudent);
      if (eps !== 0) smoothing += maxStudent - student[i];
    }
    let labelSum = 1;
    let term = 0;
    if (this.areIds) {
      term = maxStudent - student[start + labels[n]];
    } else {
      labelSum = 0;
      for (let i = start; i < start + classes; i++) {
        labelSum += labels[i];
        if (labels[i] !== 0) term += labels[i] * (maxStudent - student[i]);
      }
      if (!(Math.abs(labelSum) < Number.POSITIVE_INFINITY)) labelSum = Number.NaN;
    }
    this.sum = sum;
    this.smoothedSum = (1 - eps) * labelSum + eps;
    return (
      this.smoothedSum * Math.log(sum) + (1 - eps) * term + (eps === 0 ? 0 : (eps / classes) * smoothing)
    );
  }

  /** Adds dH/dz times `factor`. */
  addGradient(out: Float32Array, n: number, start: number, maxStudent: number, factor: number): void {
    const { student, labels, classes, objective } = this.args;
    const eps = objective.labelSmoothing;
    const toR = this.smoothedSum / this.sum;
    for (let i = 0; i < classes; i++) {
      const label = this.areIds ? (labels[n] === i ? 1 : 0) : labels[start + i];
      const target = (1 - eps) * label + eps / classes;
      out[start + i] += factor * (toR * mass(student[start + i] - maxStudent) - target);
    }
  }
}
