import { nearestName } from '../nearest_name.ts';
import type { CacheTeacherLogitsArgs } from './cache_teacher_logits.ts';
import {
  type DistillerCompileArgs,
  type DistillerElement,
  type DistillerEvaluateArgs,
  type DistillerEvaluateDatasetArgs,
  type DistillerFitArgs,
  type DistillerFitDatasetArgs,
  LOSS_OPTIONS,
} from './distiller_arguments.ts';

type Names<T> = Record<keyof T, true>;

export const COMPILE_ARGS: Names<DistillerCompileArgs> = { optimizer: true, metrics: true };

export const FIT_ARGS: Names<DistillerFitArgs> = {
  batchSize: true,
  epochs: true,
  verbose: true,
  callbacks: true,
  validationSplit: true,
  validationData: true,
  shuffle: true,
  classWeight: true,
  sampleWeight: true,
  initialEpoch: true,
  stepsPerEpoch: true,
  validationSteps: true,
  yieldEvery: true,
  teacherLogits: true,
  validationTeacherLogits: true,
};

export const FIT_DATASET_ARGS: Names<DistillerFitDatasetArgs> = {
  batchesPerEpoch: true,
  epochs: true,
  verbose: true,
  callbacks: true,
  validationData: true,
  validationBatchSize: true,
  validationBatches: true,
  yieldEvery: true,
  initialEpoch: true,
  classWeight: true,
  validationTeacherLogits: true,
};

export const EVALUATE_ARGS: Names<DistillerEvaluateArgs> = {
  batchSize: true,
  verbose: true,
  steps: true,
  sampleWeight: true,
  teacherLogits: true,
  named: true,
};

export const EVALUATE_DATASET_ARGS: Names<DistillerEvaluateDatasetArgs> = {
  batches: true,
  teacherLogits: true,
  named: true,
};

export const ELEMENT: Names<DistillerElement> = {
  xs: true,
  ys: true,
  sampleWeight: true,
  teacherLogits: true,
};

export const CACHE_ARGS: Names<CacheTeacherLogitsArgs> = {
  batchSize: true,
  onProgress: true,
  elements: true,
  ensemble: true,
  temperature: true,
  targets: true,
};

/** Where arguments belong that are given in a wrong place. */
const ELSEWHERE: Record<string, string> = {
  loss: 'the loss is made of the options of the Distiller: new Distiller({student, teacher, temperature, alpha})',
  optimizer: 'give it to compile',
  metrics: 'give it to compile',
  labels: 'give them as y, the second argument of fit and evaluate, or as ys of the elements of a dataset',
  weights: 'give sampleWeight',
  validationSplit: 'a dataset is not split; give validationData',
  teacherLogits: 'put them into the elements, {xs, ys, teacherLogits}, or make them the teacher',
  sampleWeight: 'put it into the elements, {xs, ys, sampleWeight}',
  batchSize: 'a dataset has batches of its own',
  batchesPerEpoch: 'that is of fitDataset',
};

/** Arguments, all of them known: what is not is said to be, with the name that was probably meant. */
export function checkArgumentNames(
  args: object,
  known: Readonly<Record<string, true>>,
  functionName: string,
  what = 'argument',
): void {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    const got = Array.isArray(args) ? 'an array' : args;
    throw new TypeError(`${functionName}: expected an object of ${what}s; got ${got}.`);
  }
  for (const name of Object.keys(args)) {
    if (Object.hasOwn(known, name)) continue;
    throw new Error(`${functionName}: unknown ${what} '${name}'; ${adviceOn(name, Object.keys(known))}.`);
  }
}

function adviceOn(name: string, known: readonly string[]): string {
  const meant = nearestName(name, known);
  if (meant !== null) return `expected ${meant}`;
  const elsewhere = nearestName(name, Object.keys(ELSEWHERE));
  if (elsewhere !== null && !known.includes(elsewhere)) return ELSEWHERE[elsewhere];
  const option = nearestName(name, Object.keys(LOSS_OPTIONS));
  if (option !== null) return `${option} is an option of new Distiller({student, teacher, ${option}})`;
  return `expected ${known.join(', ')}`;
}
