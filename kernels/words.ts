import { DIVERGENCES } from './divergences.ts';
import type { LabelKind, Objective, RowPassOutputs, Tail, Targets } from './objective.ts';

/** All there are of each kind, for checks where types do not reach. */
export const TARGETS: Readonly<Record<Targets, true>> = { logits: true, probabilities: true };
export const TAILS: Readonly<Record<Tail, true>> = { bucket: true, uniform: true, none: true };
export const LABEL_KINDS: Readonly<Record<LabelKind, true>> = {
  none: true,
  classIds: true,
  distribution: true,
};
export const OUTPUTS: Readonly<Record<RowPassOutputs, true>> = {
  loss: true,
  lossAndStudentGradient: true,
  studentGradient: true,
  teacherGradient: true,
};

/** The words of a table. */
export const wordsOf = <Word extends string>(table: Readonly<Record<Word, unknown>>) =>
  Object.keys(table) as Word[];

/**
 * What the compiler lets nobody reach: the default of a switch. A word that comes all the same, from
 * JavaScript or another version, is an error and not computed as something else.
 */
export function unknownWord(kind: string, word: never): never {
  throw new RangeError(`unknown ${kind} '${word}'`);
}

/** What a kernel is given beside its tensors. */
type Attributes = Pick<Objective, 'targets' | 'labels' | 'teacherTemperature'> &
  Partial<Objective & { temperature: number }>;

/** The numbers of an objective, all of which a kernel needs. */
const NUMBERS = ['beta', 'softWeight', 'hardWeight', 'labelSmoothing', 'scale'] as const;

/**
 * Throws, in the name of `caller`, at a word that no kernel knows, and at a number that is missing. The
 * public ops leave none out; whoever runs a kernel by its name may.
 */
export function checkAttributes(attributes: Attributes, outputs: RowPassOutputs, caller: string): void {
  const check = (kind: string, word: string, table: object) => {
    if (Object.hasOwn(table, word)) return;
    throw new RangeError(
      `${caller}: ${kind} must be one of ${Object.keys(table)
        .map((known) => `'${known}'`)
        .join(', ')}; got '${word}'.`,
    );
  };
  const { targets, labels, divergence } = attributes;
  check('targets', targets, TARGETS);
  check('labels', labels, LABEL_KINDS);
  check('outputs', outputs, OUTPUTS);
  if (divergence !== undefined) check('divergence', divergence, DIVERGENCES);
  const numbers = divergence === undefined ? [] : NUMBERS;
  for (const name of ['temperature', 'teacherTemperature', ...numbers] as const) {
    const value: unknown = attributes[name];
    if (typeof value === 'number') continue;
    throw new TypeError(`${caller}: the attribute ${name} must be a number; got ${value}.`);
  }
}
