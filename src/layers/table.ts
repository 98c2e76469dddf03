import { dispose, Tensor } from '@tensorflow/tfjs-core';
import type { TensorArgument } from '../arguments.ts';
import { numericTensor } from '../arguments.ts';
import type { LossOptions } from './distiller_arguments.ts';
import { type ArrangedInputs, arrangeInputs, type Inputs, type ModelInputs } from './inputs.ts';
import { areNumbers, checkLabelShape, type LabelsGiven, labelsTensor } from './labels.ts';

/** The data of one call, column by column, as the training model takes it. */
export interface Table {
  /** Inputs of the student, then those that the teacher alone takes. */
  x: Tensor[];
  /** Where in x those of the teacher are, in its order; empty where it does not run. */
  teacherAt: number[];
  teacherLogits: Tensor | null;
  labels: Tensor | null;
  weights: Tensor | null;
  /** What was made here, of numbers. */
  owned: Tensor[];
}

/** What a call gives. */
export interface Given {
  x: Inputs;
  y: LabelsGiven | null | undefined;
  teacherLogits: Tensor | null | undefined;
  sampleWeight: TensorArgument | undefined;
}

/** What does not change from call to call. */
export interface Expected {
  student: ModelInputs;
  /** Null for a teacher that is no model. */
  teacher: ModelInputs | null;
  /** Of the student's logits, without the batch axis; null for any size. */
  logits: readonly (number | null)[];
  options: LossOptions;
}

const OF_THE_HARD_TERM = ['alpha', 'labelSmoothing', 'ignoreIndex'] as const;

/**
 * The columns of a call, checked as far as it goes without their values.
 *
 * @throws Error that says what does not fit, and leaves no tensor behind.
 */
export function tableOf(given: Given, expected: Expected, functionName: string): Table {
  const owned: Tensor[] = [];
  try {
    return checkedTable(given, expected, owned, functionName);
  } catch (error) {
    dispose(owned);
    throw error;
  }
}

function checkedTable(given: Given, expected: Expected, owned: Tensor[], functionName: string): Table {
  const made = (value: Tensor, source: unknown) => {
    if (areNumbers(source)) owned.push(value);
    return value;
  };
  const { y, teacherLogits = null, sampleWeight } = given;
  const labels = y === null || y === undefined ? null : made(labelsTensor(y, functionName), y);
  if (labels === null) checkWithoutLabels(expected.options, functionName);
  const weights =
    sampleWeight === undefined || sampleWeight === null
      ? null
      : made(numericTensor(sampleWeight, 'sampleWeight', functionName), sampleWeight);
  if (teacherLogits !== null && !(teacherLogits instanceof Tensor)) {
    throw new TypeError(`${functionName}: the teacher's logits must be a tensor; got ${teacherLogits}.`);
  }
  if (teacherLogits !== null) numericTensor(teacherLogits, "the teacher's logits", functionName);
  const teacher = teacherLogits === null ? expected.teacher : null;
  const arranged = arrangeInputs(given.x, expected.student, teacher, functionName);
  checkRows(arranged, { "the teacher's logits": teacherLogits, labels, sampleWeight: weights }, functionName);
  const rows = arranged.columns[0].shape[0];
  if (labels !== null) checkLabelShape(labels, expected, rows, functionName);
  if (weights !== null) checkWeightShape(weights, expected.logits, rows, functionName);
  if (teacherLogits !== null) checkLogitsShape(teacherLogits, expected.logits, functionName);
  return { x: arranged.columns, teacherAt: arranged.teacherAt, teacherLogits, labels, weights, owned };
}

function checkWithoutLabels(options: LossOptions, functionName: string): void {
  for (const option of OF_THE_HARD_TERM) {
    const value = options[option];
    if (value === undefined || (option === 'alpha' && value === 0)) continue;
    throw new Error(
      `${functionName}: labels are missing, and ${option} ${value} is about them; give labels as y, or leave ${option} out.`,
    );
  }
}

function checkRows(
  { columns }: ArrangedInputs,
  others: Record<string, Tensor | null>,
  functionName: string,
): void {
  const rows = columns[0].shape[0];
  for (const [what, tensor] of Object.entries(others)) {
    if (tensor === null || tensor.shape[0] === rows) continue;
    throw new Error(
      `${functionName}: ${what} must have as many rows as x; got shape [${tensor.shape}] and ${rows} rows.`,
    );
  }
}

/** One for each sample, or for each row, with or without an axis of size 1 at the end. */
function checkWeightShape(
  { shape, size }: Tensor,
  logits: readonly (number | null)[],
  rows: number,
  functionName: string,
): void {
  const rowShape = logits.slice(0, -1);
  const sizes = rowShape.filter((size) => size !== null);
  const perSample = sizes.reduce((product, size) => product * size, 1);
  if (size === rows || (sizes.length === rowShape.length ? size === rows * perSample : shape.length > 1))
    return;
  throw new Error(
    `${functionName}: sampleWeight must be one number for each sample, or for each row [${[rows, ...rowShape.map((size) => size ?? 'any')]}]; got shape [${shape}].`,
  );
}

function checkLogitsShape({ shape }: Tensor, logits: readonly (number | null)[], functionName: string): void {
  checkClasses(shape.at(-1), logits.at(-1), functionName);
  const fits =
    shape.length === logits.length + 1 && logits.every((size, k) => size === null || size === shape[k + 1]);
  if (fits) return;
  throw new Error(
    `${functionName}: the teacher's logits must have the shape of the student's, [${[shape[0], ...logits.map((size) => size ?? 'any')]}]; got shape [${shape}].`,
  );
}

export function checkClasses(
  teacher: number | null | undefined,
  student: number | null | undefined,
  functionName: string,
): void {
  if (typeof teacher !== 'number' || typeof student !== 'number' || teacher === student) return;
  throw new Error(
    `${functionName}: teacher and student must have the same classes (vocabulary mismatch); got a teacher with ${teacher} and a student with ${student}.`,
  );
}

/** Validation counts what training counts. */
export function checkValidationColumns(training: Table, validation: Table, functionName: string): void {
  if ((training.labels === null) === (validation.labels === null)) return;
  const given = training.labels === null ? 'without labels' : 'with labels';
  throw new Error(`${functionName}: training data ${given} needs validation data ${given}.`);
}

export function tensorsOf({ x, teacherLogits, labels, weights }: Table): Tensor[] {
  return [...x, teacherLogits, labels, weights].filter((tensor) => tensor !== null);
}

/** A batch of a dataset, as LayersModel.fitDataset takes it, which disposes all of it. The loss needs no targets, so they are what is there. */
export function elementOf(table: Table): { xs: Tensor[]; ys: Tensor } {
  const xs = tensorsOf(table);
  return { xs, ys: xs[0] };
}

/** All of a batch of a dataset. */
export function disposeTable(table: Table): void {
  dispose(tensorsOf(table));
}
