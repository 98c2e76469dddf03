import type { TensorInfo } from '@tensorflow/tfjs-core';

/**
 * What an input has a number of its own for: each class of each row, each entry of a sparse teacher's rows,
 * or each row.
 * A number per row may also be one for all rows.
 */
type NumbersPer = 'class' | 'classOrEntry' | 'classOrRow' | 'entry' | 'row';

/**
 * The tensors that kernels take, in the order in which they are saved. Whatever is done to each of them
 * (saved, brought over, read, cut, gathered) goes by this table, so that a new one is a line here and what
 * computes with it.
 */
const INPUTS = {
  /** v or p, float32 [..., C]; of a sparse teacher p of each entry, [..., k]. */
  teacher: 'classOrEntry',
  /** z, float32 [..., C]. */
  student: 'class',
  /** T, float32; or not given, then `attrs.temperature` is T. */
  temperature: 'row',
  /** T of the teacher, float32; or not given, then `attrs.teacherTemperature` says which. */
  teacherTemperature: 'row',
  /** Weight of the hard term, float32, of which the soft term has the rest; or not given. */
  alpha: 'row',
  /** Class ids, int32 [...], or a distribution, float32 [..., C]; or not given. */
  labels: 'classOrRow',
  /** float32; or not given, for 1. */
  weights: 'row',
  /**
   * Class ids of a sparse teacher's entries, int32 [..., k], -1 for none; or not given, then the teacher is
   * dense.
   */
  indices: 'entry',
  /** What a sparse teacher's entries leave to the other classes, float32; or not given, for nothing. */
  tail: 'row',
} as const satisfies Record<string, NumbersPer>;

export type InputName = keyof typeof INPUTS;

export const INPUT_NAMES = Object.keys(INPUTS) as readonly InputName[];

const BESIDE_LOGITS = INPUT_NAMES.filter(
  (name): name is Exclude<InputName, 'teacher' | 'student'> => name !== 'teacher' && name !== 'student',
);

/** Inputs of one value for all rows, or one per row. */
export type PerRowName = {
  [name in InputName]: (typeof INPUTS)[name] extends 'row' ? name : never;
}[InputName];

export const PER_ROW_NAMES = INPUT_NAMES.filter((name): name is PerRowName => INPUTS[name] === 'row');

/**
 * The inputs by name. tfjs saves inputs for the backward pass by name, so every name is always there; a
 * tensor of size 0 says "not given". A type alias, not an interface: tfjs asks for an index signature.
 */
export type ObjectiveInputs<T extends TensorInfo = TensorInfo> = { [name in InputName]: T };

/** The same with null for what is not given. */
export type GivenInputs<T> = { [name in Exclude<InputName, 'teacher' | 'student'>]: T | null } & {
  teacher: T;
  student: T;
};

/** Inputs beside the logits. */
export type BesideLogits<T> = Omit<GivenInputs<T>, 'teacher' | 'student'>;

/** What `f` makes of each input that is given, by its name. */
export function mapGiven<T, U>(inputs: GivenInputs<T>, f: (input: T, name: InputName) => U): GivenInputs<U> {
  return named((name) => {
    const input = inputs[name];
    return input === null ? null : f(input, name);
  }) as GivenInputs<U>;
}

/** As `mapGiven`, of the inputs beside the logits. */
export function mapBeside<T, U>(
  inputs: BesideLogits<T>,
  f: (input: T, name: Exclude<InputName, 'teacher' | 'student'>) => U,
): BesideLogits<U> {
  const mapped: Partial<BesideLogits<U>> = {};
  for (const name of BESIDE_LOGITS) {
    const input = inputs[name];
    mapped[name] = input === null ? null : f(input, name);
  }
  return mapped as BesideLogits<U>;
}

/** Nothing beside the logits. */
export const NOTHING_BESIDE: BesideLogits<never> = {
  indices: null,
  tail: null,
  temperature: null,
  teacherTemperature: null,
  alpha: null,
  labels: null,
  weights: null,
};

/** Whether an optional tensor of a kernel was given. */
export function isGiven(tensor: TensorInfo): boolean {
  return !tensor.shape.includes(0);
}

/** The inputs of a kernel with null for what is not given. */
export function givenInputs<T extends TensorInfo>(inputs: ObjectiveInputs<T>): GivenInputs<T> {
  const areLogits = (name: InputName) => name === 'teacher' || name === 'student'; // which may have no rows
  return named((name) => (areLogits(name) || isGiven(inputs[name]) ? inputs[name] : null)) as GivenInputs<T>;
}

/** The inputs of a kernel, where `absent` stands for what is not given. */
export function withAbsent<T extends TensorInfo>(given: GivenInputs<T>, absent: T): ObjectiveInputs<T> {
  return named((name) => given[name] ?? absent);
}

/** By a loop, because every call of the loss comes here several times. */
function named<T>(inputOf: (name: InputName) => T): { [name in InputName]: T } {
  const result: { [name in InputName]?: T } = {};
  for (const name of INPUT_NAMES) result[name] = inputOf(name);
  return result as { [name in InputName]: T };
}
