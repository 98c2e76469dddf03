import { equal, log, reshape, softmax, Tensor, where } from '@tensorflow/tfjs-core';
import type { Targets } from '../../kernels/objective.ts';
import { checkOneOf, type TensorArgument } from '../arguments.ts';
import { calledBy } from '../called_by.ts';
import { averageTeachers } from '../ops/average_teachers.ts';
import { type AsyncPredictor, isPredictor, type Predictor } from './teacher.ts';

/** How several teachers are averaged, as averageTeachers does it. */
export type EnsembleMean = 'arithmetic' | 'geometric';

/** What an average is one of. */
export interface Averaging {
  mean: EnsembleMean;
  /** At which the teachers are softened: one number. */
  temperature: number | TensorArgument;
  /** What the teachers give, and so what their average is. */
  targets: Targets;
}

/** Several teachers that answer as one. */
export class Ensemble<Member extends AsyncPredictor = Predictor> {
  constructor(
    readonly members: readonly Member[],
    readonly averaging: Averaging,
  ) {}

  /**
   * The average of what the members gave, `[..., C]` each: logits of logits, and of probabilities those which, softened at the temperature, are the mean of the softened ones.
   */
  average(outputs: readonly Tensor[], functionName: string): Tensor {
    const { mean, temperature, targets } = this.averaging;
    const average = (logits: readonly Tensor[]) =>
      calledBy(functionName, () => averageTeachers(logits, { mean, temperature }));
    if (targets === 'logits') return average(outputs);
    const [{ shape }] = outputs;
    const ofRows = outputs.map((p) => reshape(p, [-1, p.shape[p.rank - 1]])); // tfjs's GPU backends select up to rank 4
    const logits = ofRows.map((p) => where(equal(p, 0), Number.NEGATIVE_INFINITY, log(p)));
    return reshape(softmax(average(logits)), shape);
  }
}

/** The members of an ensemble, models all of them; returns how they are averaged. */
export function checkedMembers(
  teachers: readonly unknown[],
  mean: EnsembleMean = 'arithmetic',
  functionName: string,
): EnsembleMean {
  if (teachers.length === 0) throw new Error(`${functionName}: expected one teacher or more; got none.`);
  for (const [m, teacher] of teachers.entries()) {
    if (typeof teacher === 'object' && teacher !== null && isPredictor(teacher)) continue;
    const got = teacher instanceof Tensor ? 'a tensor' : teacher;
    throw new TypeError(
      `${functionName}: several teachers must be models (anything with predict); got ${got} at ${m}. Logits that are there are averaged by averageTeachers(logits, {temperature}).`,
    );
  }
  return checkOneOf(mean, ['arithmetic', 'geometric'], 'ensemble', functionName);
}

export const errorOfEnsemble = (functionName: string) =>
  `${functionName}: ensemble says how several teachers are averaged, and there is one; give an array, [a, b], or leave it out.`;
