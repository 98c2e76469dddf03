import { cast, type DataType, type NamedTensorMap, reshape, Tensor } from '@tensorflow/tfjs-core';
import { LayersModel } from '@tensorflow/tfjs-layers';
import { Ensemble } from './ensemble.ts';

/** Of a model: its input, or its inputs in order or by name. */
export type Inputs = Tensor | Tensor[] | NamedTensorMap;

/** What a model says of one of its inputs. */
interface Input {
  /** All that it may be called; the first is its own. */
  names: readonly string[];
  /** With null for what may be of any size; null if it does not say. */
  shape: readonly (number | null)[] | null;
  dtype: DataType | null;
}

/** The inputs of a model, in order; null where it does not say what it takes, as an object of one's own with `predict` does not. */
export interface ModelInputs {
  role: 'student' | 'teacher';
  inputs: readonly Input[] | null;
  /** Whether several go in by name: a tf.GraphModel would take an array in an order of its own. */
  isFedByName: boolean;
  /** Of an ensemble: each of these takes its own, one after another; it has no inputs of its own. */
  members?: readonly ModelInputs[];
}

export function inputsOf(model: object, role: ModelInputs['role']): ModelInputs {
  if (model instanceof Ensemble) {
    const members = model.members.map((member) => inputsOf(member, role));
    return { role, inputs: null, isFedByName: false, members };
  }
  if (model instanceof LayersModel) {
    const inputs = model.inputs.map(({ shape, dtype }, k) => ({
      names: [model.inputNames[k]],
      shape: [null, ...shape.slice(1)], // LayersModel.predict does not look at the batch axis
      dtype,
    }));
    return { role, inputs, isFedByName: false };
  }
  const nodes: unknown = Reflect.get(model, 'inputNodes');
  if (Array.isArray(nodes)) return { role, inputs: inputsOfGraph(model, nodes), isFedByName: true };
  const names: unknown = Reflect.get(model, 'inputNames');
  if (!Array.isArray(names)) return { role, inputs: null, isFedByName: false };
  const inputs = names.map((name) => ({ names: [`${name}`], shape: null, dtype: null }));
  return { role, inputs, isFedByName: false };
}

/** Of a tf.GraphModel: placeholders, under the names of its signature and of its nodes. Those that hold its own resources are not given by anyone. */
function inputsOfGraph(model: object, nodes: unknown[]): Input[] {
  const infos = property(model, 'inputs');
  const signature = property(property(model, 'modelSignature'), 'inputs');
  return nodes.flatMap((node, k) => {
    const name = `${node}`;
    if (property(property(signature, name), 'resourceId') !== undefined) return [];
    const info = Array.isArray(infos) ? infos[k] : undefined;
    const [own, shape, dtype] = ['name', 'shape', 'dtype'].map((key) => property(info, key));
    return [
      {
        names: typeof own === 'string' ? [name, own] : [name],
        shape: Array.isArray(shape) ? shape.map((size) => (size > 0 ? Number(size) : null)) : null,
        dtype: dtype === 'float32' || dtype === 'int32' || dtype === 'bool' ? dtype : null,
      },
    ];
  });
}

/** The tensors that a call needs, and where among them those of the teacher are, in the order of its inputs. */
export interface ArrangedInputs {
  /** Those of the student in its order, then those that the teacher alone takes. */
  columns: Tensor[];
  teacherAt: number[];
}

/**
 * Finds the inputs of student and teacher among those given: by name if they have names, else by position. The teacher is null where it does not run.
 *
 * @throws Error if an input is missing, is one too many, or has a shape that its model does not take.
 */
export function arrangeInputs(
  x: Inputs,
  student: ModelInputs,
  teacher: ModelInputs | null,
  functionName: string,
): ArrangedInputs {
  const given = namedTensors(x, functionName);
  const studentKeys = keysOf(student, given, functionName);
  const tensorsOf = (keys: readonly string[]) => keys.map((key) => given.tensors[key]);
  checkShapes(student, tensorsOf(studentKeys), functionName);
  const teacherKeys = membersOf(teacher).flatMap((member) => {
    const keys = member.inputs === null ? studentKeys : keysOf(member, given, functionName);
    checkShapes(member, tensorsOf(keys), functionName, student);
    return keys;
  });
  const keys = [...new Set([...studentKeys, ...teacherKeys])];
  const columns = tensorsOf(keys);
  const teacherAt = teacherKeys.map((key) => keys.indexOf(key));
  const rows = columns[0].shape[0];
  for (const { shape } of columns) {
    if (shape[0] === rows) continue;
    throw new Error(`${functionName}: all inputs must have as many rows; got ${rows} and ${shape[0]}.`);
  }
  return { columns, teacherAt };
}

/** Inputs of a teacher alone, in its order. */
export function arrangeForTeacher(x: Inputs, teacher: ModelInputs, functionName: string): Tensor[] {
  const given = namedTensors(x, functionName);
  return membersOf(teacher).flatMap((member) => {
    const keys = member.inputs === null ? Object.keys(given.tensors) : keysOf(member, given, functionName);
    const columns = keys.map((key) => given.tensors[key]);
    checkShapes(member, columns, functionName);
    return columns;
  });
}

function membersOf(teacher: ModelInputs | null): readonly ModelInputs[] {
  return teacher === null ? [] : (teacher.members ?? [teacher]);
}

/** What was arranged for an ensemble, cut into what each of its members takes. One that does not say how many it takes was given all that there are. */
export function inputsOfMembers<T>(x: readonly T[], members: readonly ModelInputs[]): T[][] {
  const said = members.map(({ inputs }) => inputs?.length ?? null);
  const total = said.reduce<number>((sum, count) => sum + (count ?? 0), 0);
  const each = (x.length - total) / said.filter((count) => count === null).length;
  let start = 0;
  return said.map((count) => {
    const own = x.slice(start, start + (count ?? each));
    start += own.length;
    return own;
  });
}

/** A tensor in the dtype and rank of the input: a tf.GraphModel refuses any other, and one number a row may come without an axis of its own. */
export function fitted(x: Tensor, input: Input | undefined): Tensor {
  const dtype = input?.dtype ?? x.dtype;
  const shaped = x.rank === 1 && input?.shape?.length === 2 ? reshape(x, [x.size, 1]) : x;
  return shaped.dtype === dtype ? shaped : cast(shaped, dtype);
}

interface Given {
  tensors: Record<string, Tensor>;
  hasNames: boolean;
}

function namedTensors(x: Inputs, functionName: string): Given {
  if (x instanceof Tensor) return { tensors: { 0: alive(x, functionName) }, hasNames: false };
  const isArray = Array.isArray(x);
  if (typeof x !== 'object' || x === null || (isArray && !isArrayOfTensors(x))) {
    throw new TypeError(
      `${functionName}: x must be a tensor, an array of tensors or a map of input names to tensors; got ${isArray ? 'an array of something else' : x}.`,
    );
  }
  if (typeof Reflect.get(x, 'iterator') === 'function') {
    throw new TypeError(
      `${functionName}: x must be tensors; got a dataset, which fitDataset and evaluateDataset take.`,
    );
  }
  for (const [name, value] of Object.entries(x)) {
    if (value instanceof Tensor) alive(value, functionName);
    else throw new TypeError(`${functionName}: input '${name}' of x must be a tensor; got ${value}.`);
  }
  return { tensors: { ...x } as Record<string, Tensor>, hasNames: !isArray };
}

/** Under which keys the inputs of a model are given. */
function keysOf({ role, inputs }: ModelInputs, given: Given, functionName: string): string[] {
  const keys = Object.keys(given.tensors);
  const wanted = inputs ?? [];
  const names = wanted.map(({ names }) => names[0]).join(', ');
  if (!given.hasNames) {
    if (keys.length === wanted.length) return keys;
    const advice =
      role === 'teacher' ? '; give them by name where student and teacher take different ones' : '';
    throw new Error(
      `${functionName}: x must be one tensor for each input of the ${role} (${names}); got ${keys.length}${advice}.`,
    );
  }
  return wanted.map((input) => {
    const key = keys.find((key) => input.names.some((name) => withoutPort(name) === withoutPort(key)));
    if (key !== undefined) return key;
    if (role === 'teacher' && wanted.length === 1 && keys.length === 1) return keys[0]; // there is nothing to choose
    throw new Error(
      `${functionName}: x lacks the input '${input.names[0]}' of the ${role}, which takes ${names}; got ${keys.join(', ') || 'nothing'}.`,
    );
  });
}

/** TensorFlow's names of tensors end in the number of the node's output. */
function withoutPort(name: string): string {
  return name.replace(/:0$/, '');
}

function checkShapes(
  { role, inputs }: ModelInputs,
  tensors: readonly Tensor[],
  functionName: string,
  student?: ModelInputs,
): void {
  inputs?.forEach(({ names, shape }, k) => {
    const given =
      tensors[k].shape.length === 1 && shape?.length === 2 ? [...tensors[k].shape, 1] : tensors[k].shape;
    if (shape === null || fits(given, shape)) return;
    const students = student?.inputs?.map(({ shape }) => text(shape ?? [])).join(' and ');
    throw new Error(
      `${functionName}: the ${role} takes ${text(shape)} as its input '${names[0]}'; got x of shape ${text(tensors[k].shape)}${students === undefined ? '' : `, for a student that takes ${students}`}.`,
    );
  });
}

function fits(given: readonly number[], shape: readonly (number | null)[]): boolean {
  return given.length === shape.length && shape.every((size, axis) => size === null || size === given[axis]);
}

function text(shape: readonly (number | null)[]): string {
  return `[${shape.map((size) => size ?? 'any').join(',')}]`;
}

export function isArrayOfTensors(value: unknown): value is Tensor[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => item instanceof Tensor);
}

function alive(x: Tensor, functionName: string): Tensor {
  if (x.isDisposed) throw new Error(`${functionName}: x is a tensor that was disposed.`);
  return x;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
