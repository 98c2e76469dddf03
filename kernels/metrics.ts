import type { LabelKind, Targets } from './objective.ts';

/** What a row is measured for: MATH (28)-(32). Checked and completed by the public op. */
export type Measure = {
  targets: Targets;
  /** As of an Objective. */
  teacherTemperature: number;
  labels: LabelKind;
};

/**
 * The numbers of a row, in this order, each times the row's weight w; the last is w itself, so that sums over
 * rows give weighted means. A row of weight 0 is 0 throughout, whatever it holds.
 */
export const METRICS = [
  'crossEntropy',
  'kl',
  'teacherEntropy',
  'studentEntropy',
  'agreement',
  'hardLoss',
  'accuracy',
  'weight',
] as const;
