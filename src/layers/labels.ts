import { engine, reshape, Tensor, type TypedArray, util } from '@tensorflow/tfjs-core';
import type { TensorArgument } from '../arguments.ts';
import { numericTensor } from '../arguments.ts';
import { valuesOnCpu } from '../backends/values_on_cpu.ts';
import { classIds } from '../ops/labels.ts';
import type { Inputs } from './inputs.ts';

/** What may be given as labels: a tensor, alone or as fit takes targets, or numbers. */
export type LabelsGiven = Inputs | TensorArgument;

/** What is checked of class ids. */
export interface ClassIds {
  /** How many classes there are; null if the student does not say. */
  classes: number | null;
  ignoreIndex: number | undefined;
}

/** Labels as the one tensor that they are, which is new where they are numbers. */
export function labelsTensor(y: LabelsGiven, functionName: string): Tensor {
  if (y instanceof Tensor) return numericTensor(y, 'labels', functionName);
  if (areNumbers(y)) return numericTensor(y, 'labels', functionName);
  if (typeof y !== 'object' || y === null) {
    throw new TypeError(`${functionName}: labels must be a tensor or numbers; got ${y}.`);
  }
  const [first, ...others] = Object.values(y);
  if (first instanceof Tensor && others.length === 0) return numericTensor(first, 'labels', functionName);
  if (Array.isArray(y) || others.some((item) => item instanceof Tensor)) {
    throw new TypeError(`${functionName}: labels must be one tensor; got ${Object.keys(y).length}.`);
  }
  throw new TypeError(
    `${functionName}: labels must be a tensor or numbers; got an object with ${Object.keys(y).join(', ') || 'nothing'}. Arguments are the third: (x, null, {...}) where there are no labels.`,
  );
}

/** Numbers that no tensor holds yet: an array of them, or a typed array. */
export function areNumbers(value: unknown): value is Exclude<TensorArgument, Tensor> {
  if (Array.isArray(value)) return !value.some((item) => item instanceof Tensor);
  return ArrayBuffer.isView(value);
}

/** Class ids in the shape of the rows, or a distribution in that of the logits. tfjs-layers hands ids over with an axis of size 1 at their end. */
export function labelsLike(
  labels: Tensor,
  logitsShape: number[],
  ignoreIndex: number | undefined,
  functionName: string,
): Tensor {
  const rowShape = logitsShape.slice(0, -1);
  if (util.arraysEqual(labels.shape, logitsShape)) return labels;
  if (labels.size === util.sizeFromShape(rowShape)) {
    // A reshape to the shape that it has would be a kernel too.
    return classIds(
      util.arraysEqual(labels.shape, rowShape) ? labels : reshape(labels, rowShape),
      ignoreIndex,
    );
  }
  throw new Error(
    `${functionName}: labels must be class ids of shape [${rowShape}] or a distribution of shape [${logitsShape}]; got shape [${labels.shape}].`,
  );
}

/** Labels that do not fit logits of this shape (without the batch axis; null for any size), before anything is computed. */
export function checkLabelShape(
  { shape }: Tensor,
  { logits, options }: { logits: readonly (number | null)[]; options: { outputs?: 'softmax' | 'sigmoid' } },
  rows: number,
  functionName: string,
): void {
  const [perRow, whole] = [
    [rows, ...logits.slice(0, -1)],
    [rows, ...logits],
  ];
  const fits = (expected: readonly (number | null)[]) =>
    shape.length === expected.length && expected.every((size, axis) => size === null || size === shape[axis]);
  const text = (sizes: readonly (number | null)[]) => `[${sizes.map((size) => size ?? 'any').join(',')}]`;
  if (options.outputs === 'sigmoid') {
    if (fits(whole) || (logits.at(-1) === 1 && fits(perRow))) return;
    throw new Error(
      `${functionName}: labels must be one number for each label of each row, of shape ${text(whole)}; got shape [${shape}].`,
    );
  }
  if (fits(perRow) || fits([...perRow, 1]) || fits(whole)) return;
  throw new Error(
    `${functionName}: labels must be class ids of shape ${text(perRow)} or a distribution of shape ${text(whole)}; got shape [${shape}].`,
  );
}

/** Whether labels for logits `[batch, ..., C]` are class ids, with or without an axis of their own. */
export function areClassIds({ shape }: Tensor, logitsRank: number, classes: number | null): boolean {
  return shape.length < logitsRank || (shape[shape.length - 1] === 1 && classes !== 1);
}

/**
 * Looks at class ids: one that is no class makes its row NaN, and soon all weights.
 *
 * @throws RangeError that names the id and its row. Rows of weight 0 hold what they like.
 */
export function checkClassIds(
  { labels, weights }: { labels: TypedArray; weights: TypedArray | null },
  shape: readonly number[],
  { classes, ignoreIndex }: ClassIds,
  functionName: string,
): void {
  const perSample = labels.length / Math.max(1, shape[0]);
  const isWrong = (id: number, row: number) => {
    if (id === ignoreIndex || (Number.isInteger(id) && id >= 0 && (classes === null || id < classes)))
      return false;
    return (
      weights === null || weights[weights.length === labels.length ? row : Math.floor(row / perSample)] !== 0
    );
  };
  const row = (labels as Float32Array).findIndex(isWrong);
  if (row === -1) return;
  const id = labels[row];
  const place = perSample === 1 ? `row ${row}` : `row ${Math.floor(row / perSample)}, at ${row % perSample},`;
  const range = classes === null ? 'whole numbers from 0 on' : `from 0 to ${classes - 1}`;
  throw new RangeError(
    `${functionName}: labels must be class ids ${range}; got ${id} in ${place} of ${shape[0]} rows.${hintFor(id, labels, classes)}`,
  );
}

/** What a wrong id most likely comes from. */
function hintFor(id: number, labels: TypedArray, classes: number | null): string {
  if (!Number.isInteger(id)) return '';
  if (id === classes && !labels.includes(0)) return ' Class ids begin at 0: subtract 1.';
  return ` Say ignoreIndex: ${id} in the options of the Distiller if it marks rows that do not count.`;
}

/** Values that lie on the CPU, or can be read without waiting for a device; else null. */
export function valuesAtOnce(x: Tensor): TypedArray | null {
  return engine().backendName === 'tensorflow' ? (x.dataSync() as TypedArray) : valuesOnCpu(x);
}
