import type { Tensor } from '@tensorflow/tfjs-core';
import type { Owned } from './data_reader.ts';
import type { DistillerFitArgs } from './distiller_arguments.ts';
import { sliceRows } from './rows.ts';
import type { ColumnsToFit } from './training_model.ts';

/** The arguments of fit that are about how to train, and not on what. */
export type FitSettings = Omit<
  DistillerFitArgs,
  'classWeight' | 'sampleWeight' | 'teacherLogits' | 'validationTeacherLogits' | 'validationData'
>;

/** Columns to train on, and what is split off them for validation: the last rows, as LayersModel.fit does it. */
export function columnsToFit(
  columns: Tensor[],
  args: FitSettings,
  isValidated: boolean,
  owned: Owned,
  functionName: string,
): { fit: ColumnsToFit; split: Tensor[] | null } {
  const { batchSize = 32, epochs = 1, shuffle = true, validationSplit = 0, ...others } = args;
  const { stepsPerEpoch, validationSteps, ...settings } = others;
  for (const [name, count] of Object.entries({ batchSize, epochs })) {
    if (Number.isInteger(count) && count > 0) continue;
    throw new RangeError(`${functionName}: ${name} must be a positive integer; got ${count}.`);
  }
  if (typeof shuffle !== 'boolean') {
    throw new TypeError(`${functionName}: shuffle must be true or false; got ${shuffle}.`);
  }
  if (!(validationSplit >= 0 && validationSplit < 1)) {
    throw new RangeError(`${functionName}: validationSplit must be in [0, 1); got ${validationSplit}.`);
  }
  for (const [name, steps] of Object.entries({ stepsPerEpoch, validationSteps })) {
    if (steps === undefined || steps === null) continue;
    throw new Error(
      `${functionName}: ${name} is nothing that tfjs-layers can do with tensors; use fitDataset.`,
    );
  }
  const rows = columns[0].shape[0];
  const end = isValidated ? rows : Math.floor(rows * (1 - validationSplit));
  if (end === 0) throw new Error(`${functionName}: there are no rows to train on; got ${rows} rows.`);
  const cut = (from: number, to: number) => {
    const part = columns.map((column) => sliceRows(column, from, to));
    owned.keep(part);
    return part;
  };
  const split = end < rows ? cut(end, rows) : null;
  const trained = end < rows ? cut(0, end) : columns;
  return {
    fit: {
      columns: trained,
      batchSize,
      isShuffled: shuffle,
      settings: { ...settings, epochs } as ColumnsToFit['settings'],
    },
    split,
  };
}
