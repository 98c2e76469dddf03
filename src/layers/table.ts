import { Tensor, zeros } from '@tensorflow/tfjs-core';
import type { Inputs } from './distiller_arguments.ts';

/** The data of one call, column by column, as the training model takes it. */
export interface Table {
  x: Tensor[];
  teacherLogits: Tensor | null;
  labels: Tensor | null;
  weights: Tensor | null;
}

/** Labels given as fit takes targets, as the one tensor that they are. */
export function onlyLabels(y: Inputs, name: string): Tensor {
  const labels = y instanceof Tensor ? [y] : Object.values(y);
  if (labels.length === 1 && labels[0] instanceof Tensor) return labels[0];
  throw new TypeError(
    `${name}: labels must be one tensor; got ${labels.length === 1 ? labels[0] : labels.length}.`,
  );
}

/** What a column is called by those who give it. */
const GIVEN = { teacherLogits: "the teacher's logits", labels: 'labels', weights: 'sampleWeight' } as const;

export function checkRows(table: Table, name: string): void {
  const rows = table.x[0].shape[0];
  for (const column of ['teacherLogits', 'labels', 'weights'] as const) {
    const tensor = table[column];
    if (tensor === null) continue;
    if (!(tensor instanceof Tensor))
      throw new TypeError(`${name}: ${GIVEN[column]} must be a tensor; got ${tensor}.`);
    if (tensor.shape[0] === rows) continue;
    throw new Error(
      `${name}: ${GIVEN[column]} must have as many rows as x; got shape [${tensor.shape}] and ${rows} rows.`,
    );
  }
}

/** Validation runs the model that is trained, which takes the same columns. */
export function checkValidationColumns(training: Table, validation: Table, name: string): void {
  for (const column of ['labels', 'weights'] as const) {
    if ((training[column] === null) === (validation[column] === null)) continue;
    const given = `${training[column] === null ? 'without' : 'with'} ${GIVEN[column]}`;
    throw new Error(`${name}: training data ${given} needs validation data ${given}.`);
  }
}

function tensorsOf({ x, teacherLogits, labels, weights }: Table): Tensor[] {
  return [...x, teacherLogits, labels, weights].filter((tensor) => tensor !== null);
}

/** A batch of a dataset, as the training model takes it, whose loss needs no targets; tfjs-layers disposes all of it. */
export function elementOf(table: Table): { xs: Tensor[]; ys: Tensor } {
  return { xs: tensorsOf(table), ys: zeros([table.x[0].shape[0], 1]) };
}

/** Inputs and targets of the training model. */
export function columnsOf(table: Table, owned: Tensor[]): [Tensor[], Tensor] {
  const { xs, ys } = elementOf(table);
  owned.push(ys);
  return [xs, ys];
}
