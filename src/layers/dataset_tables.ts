import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import { checkArgumentNames, ELEMENT } from './argument_names.ts';
import { CachedLogits } from './cached_logits.ts';
import {
  type DatasetLike,
  type DatasetOf,
  disposeTensors,
  isDataset,
  mapDataset,
  peek,
  zipDatasets,
} from './dataset.ts';
import type { DistillerElement } from './distiller_arguments.ts';
import { IdChecks } from './id_checks.ts';
import { disposeTable, type Expected, type Table, tableOf, tensorsOf } from './table.ts';

/** What makes tables of the elements of a dataset. */
interface Reading {
  expected: Expected;
  /** Logits for elements that hold none: of cacheTeacherLogits, or in step with them. */
  logits: DatasetLike<Tensor> | undefined;
  /** Says that there are no logits, where the teacher is no model. */
  checkTeacherRuns: (logits: object | undefined) => void;
  functionName: string;
}

/** A dataset of tables, of which the first was looked at. */
export interface DatasetTables extends DatasetOf<Table> {
  first: Table;
  /** Ends when the class ids of all batches were looked at. */
  settle(): Promise<void>;
  /** Frees a first table that nobody went on to use, and the last one that was handed out if nobody did. */
  dispose(): void;
}

/**
 * The elements of a dataset as tables. Tensors that an element holds besides are disposed, as all are of one that is refused.
 *
 * @throws TypeError or Error that says what an element lacks.
 */
export async function tablesOf(
  dataset: DatasetLike<DistillerElement>,
  reading: Reading,
): Promise<DatasetTables> {
  const { logits, functionName } = reading;
  if (typeof dataset !== 'object' || dataset === null || !isDataset(dataset)) {
    throw new TypeError(`${functionName}: expected a dataset of elements {xs, ys}; got ${dataset}.`);
  }
  const checks = new IdChecks(reading.expected, functionName);
  const tables = isInStep(logits)
    ? mapDataset(zipDatasets(dataset, logits, functionName), ([element, ofElement], batch) =>
        read(element, ofElement, batch, reading, checks),
      )
    : mapDataset(dataset, (element, batch) => read(element, undefined, batch, reading, checks));
  const { first, dataset: peeked, isBegun } = await peek(tables);
  if (first === undefined) throw new Error(`${functionName}: the dataset has no elements.`);
  let last: Table | null = null;
  const handed = mapDataset(peeked, (table) => {
    last = table;
    return table;
  });
  const free = () => {
    if (!isBegun()) disposeTable(first);
    if (last !== null) disposeTable(last);
  };
  return { ...handed, first, settle: () => checks.settle(), dispose: free };
}

/** Whether logits come one for each element; those that were cached are found by what an element holds. */
function isInStep(logits: DatasetLike<Tensor> | undefined): logits is DatasetLike<Tensor> {
  return logits !== undefined && !(logits instanceof CachedLogits);
}

async function read(
  element: DistillerElement,
  inStep: Tensor | undefined,
  batch: number,
  { expected, logits, checkTeacherRuns, functionName }: Reading,
  checks: IdChecks,
): Promise<Table> {
  checkElement(element, functionName);
  const { xs: x, ys: y, sampleWeight, teacherLogits: own } = element;
  const cached = own === undefined && logits instanceof CachedLogits ? logits : null;
  const found = cached === null ? null : await cached.logitsOf(x, batch, functionName);
  let table: Table | null = null;
  try {
    const teacherLogits = own ?? found ?? inStep;
    checkTeacherRuns(teacherLogits);
    table = tableOf({ x, y, sampleWeight, teacherLogits }, expected, functionName);
    await checks.check(table);
  } catch (error) {
    if (found !== null) found.dispose();
    if (table !== null) dispose(table.owned);
    throw error;
  }
  const used = new Set(tensorsOf(table));
  disposeUnused([element, inStep], used);
  return table;
}

function checkElement(element: unknown, functionName: string): asserts element is DistillerElement {
  if (typeof element !== 'object' || element === null || Array.isArray(element) || !('xs' in element)) {
    const got = Array.isArray(element)
      ? 'an array'
      : typeof element === 'object' && element !== null
        ? `an object with ${Object.keys(element).slice(0, 8).join(', ') || 'nothing'}`
        : element;
    throw new TypeError(`${functionName}: the elements of a dataset must be batches {xs, ys}; got ${got}.`);
  }
  checkArgumentNames(element, ELEMENT, functionName, 'entry of an element');
}

function disposeUnused(value: unknown, used: Set<Tensor>): void {
  if (used.has(value as Tensor)) return;
  if (typeof value === 'object' && value !== null && 'dataId' in value) disposeTensors(value);
  else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) disposeUnused(part, used);
  }
}
