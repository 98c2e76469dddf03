import { dispose, engine, Tensor, tensor, tidy, util } from '@tensorflow/tfjs-core';
import { LayersModel } from '@tensorflow/tfjs-layers';
import { Ensemble } from './ensemble.ts';
import { fitted, inputsOfMembers, type ModelInputs } from './inputs.ts';
import {
  type AsyncPredictor,
  type Look,
  logitsOfRows,
  type NumbersWithDims,
  onlyTensor,
  type Predictor,
  predictLogits,
  run,
} from './teacher.ts';

/** As predictLogits, of a teacher that may answer later, or in numbers outside of tfjs. */
export async function awaitLogits(
  teacher: AsyncPredictor | Ensemble<AsyncPredictor>,
  x: readonly Tensor[],
  inputs: ModelInputs,
  functionName: string,
  look: Look,
): Promise<Tensor> {
  if (teacher instanceof LayersModel) return predictLogits(teacher, x, inputs, functionName, look);
  if (!(teacher instanceof Ensemble)) {
    const logits = await logitsOfOne(teacher, x, inputs, functionName);
    look(logits, teacher);
    return logits;
  }
  const ofMembers = inputs.members ?? [];
  const outputs: Tensor[] = [];
  try {
    for (const [m, own] of inputsOfMembers(x, ofMembers).entries()) {
      outputs.push(await awaitLogits(teacher.members[m], own, ofMembers[m], functionName, look));
    }
    return tidy(() => teacher.average(outputs, functionName));
  } finally {
    dispose(outputs);
  }
}

/**
 * The model is run outside of tidy, which would free what an asynchronous function made before it first waits. What a model that answers at once leaves behind is freed all the same.
 */
async function logitsOfOne(
  model: AsyncPredictor,
  x: readonly Tensor[],
  inputs: ModelInputs,
  functionName: string,
): Promise<Tensor> {
  const given: Tensor[] = [];
  let kept: Tensor[] = [];
  let answer: unknown;
  let atOnce: Tensor | null = null;
  engine().startScope();
  try {
    given.push(...x.map((tensor, k) => fitted(tensor, inputs.inputs?.[k])));
    answer = run(model, given, inputs);
    if (isPromise(answer)) kept = [...engine().state.activeScope.track];
    else atOnce = logitsFrom(answer, given[0].shape, functionName);
  } finally {
    engine().endScope(atOnce === null ? kept : [atOnce]);
  }
  if (atOnce !== null) return atOnce;
  let output: unknown = null;
  try {
    output = await answer;
    const numbers = await fetched(output);
    return tidy(() => logitsFrom(numbers, given[0].shape, functionName));
  } finally {
    // The logits are another tensor than the output: a cast is one in any case.
    dispose([...given, ...tensorsIn(output)].filter((tensor) => !x.includes(tensor)));
  }
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof property(value, 'then') === 'function';

/** float32, one row for each of x, whose shape is given. */
function logitsFrom(answer: unknown, shape: readonly number[], functionName: string): Tensor {
  const numbers = numbersIn(answer);
  const logits =
    numbers === null
      ? onlyTensor(answer as ReturnType<Predictor['predict']>, functionName)
      : tensorOf(numbers, functionName);
  return logitsOfRows(logits, shape, functionName);
}

/** Of an answer, or of the one output that it holds; null if it is none that has `dims`. This comes before `instanceof Tensor`, for which tfjs reads `data`. */
function numbersIn(answer: unknown): NumbersWithDims | null {
  if (isNumbers(answer)) return answer;
  if (typeof answer !== 'object' || answer === null || answer instanceof Tensor) return null;
  const outputs = Object.values(answer);
  const output = outputs.length === 1 ? outputs[0] : property(answer, 'logits');
  return isNumbers(output) ? output : null;
}

function isNumbers(value: unknown): value is NumbersWithDims {
  return (
    Array.isArray(property(value, 'dims')) && typeof value === 'object' && value !== null && 'data' in value
  );
}

/** onnxruntime leaves its outputs on a GPU where it was told to, and `data` then throws; getData fetches them. */
async function fetched(answer: unknown): Promise<unknown> {
  const numbers = numbersIn(answer);
  const getData = numbers === null ? undefined : property(numbers, 'getData');
  if (numbers === null || typeof getData !== 'function') return answer;
  return { data: await getData.call(numbers), dims: numbers.dims };
}

function tensorOf({ data, dims }: NumbersWithDims, functionName: string): Tensor {
  const name = Object.prototype.toString.call(data).slice('[object '.length, -1);
  const isOfNumbers =
    Array.isArray(data) || (ArrayBuffer.isView(data) && !/^(Big|DataView|Uint16)/.test(name));
  if (!isOfNumbers) {
    throw new TypeError(
      `${functionName}: the teacher's {data, dims} must hold numbers, in a Float32Array for example; got ${name}. Half precision and 64 bit integers have to be cast to float32 in the model.`,
    );
  }
  if (util.sizeFromShape([...dims]) === data.length) return tensor(Float32Array.from(data), [...dims]);
  throw new Error(
    `${functionName}: the teacher's {data, dims} must hold as many numbers as its dims say; got ${data.length} for [${dims}].`,
  );
}

/** Of tfjs, as far as an answer holds them. */
function tensorsIn(answer: unknown): Tensor[] {
  if (typeof answer !== 'object' || answer === null || isNumbers(answer)) return [];
  if (answer instanceof Tensor) return [answer];
  return Object.values(answer).filter((value) => !isNumbers(value) && value instanceof Tensor);
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
