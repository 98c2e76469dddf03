import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss } from '../../src/index.ts';
import { type ObjectiveCase, type ReferenceRows, reference, rowsOf } from '../objective_case.ts';
import {
  boundsOf,
  type CaseBounds,
  type CaseResult,
  runCase,
  tensorsOf,
  unevenGradients,
} from '../run_case.ts';

/**
 * A problem with the truth about it and how far a backend may be from that, for incoming gradients of no
 * pattern.
 */
export interface Judged {
  dLoss: Float32Array;
  truth: ReferenceRows;
  bounds: CaseBounds;
}

export function judge(problem: ObjectiveCase): Judged {
  const dLoss = unevenGradients(rowsOf(problem));
  const truth = reference(problem);
  return { dLoss, truth, bounds: boundsOf(problem, truth, dLoss) };
}

/** Loss of every row and both gradients. */
export function run(
  problem: ObjectiveCase,
  dLoss = unevenGradients(rowsOf(problem)),
): Promise<CaseResult & { dTeacher: Float32Array }> {
  return runCase(problem, dLoss, true) as Promise<CaseResult & { dTeacher: Float32Array }>;
}

/** Loss of every row, by the kernel that computes nothing else. */
export async function lossesOf(problem: ObjectiveCase): Promise<Float32Array> {
  const { teacher, student, options } = tensorsOf(problem);
  const loss = distillationLoss(teacher, student, options);
  const values = (await loss.data()) as Float32Array;
  tf.dispose([teacher, student, loss, tensorOptions(options)]);
  return values;
}

export function tensorOptions(options: object): tf.Tensor[] {
  return Object.values(options).filter((value) => value instanceof tf.Tensor);
}

/** The problem with other logits. */
export function withLogits(
  problem: ObjectiveCase,
  logits: { teacher?: Float32Array; student?: Float32Array },
): ObjectiveCase {
  return { ...problem, ...logits };
}
