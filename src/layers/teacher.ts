import { cast, type NamedTensorMap, Tensor, tidy } from '@tensorflow/tfjs-core';
import { LayersModel } from '@tensorflow/tfjs-layers';
import { withoutTape } from '../run_objective.ts';
import type { DatasetLike } from './dataset.ts';
import { Ensemble } from './ensemble.ts';
import { fitted, inputsOfMembers, type ModelInputs } from './inputs.ts';

/**
 * Anything that predicts logits: a tf.LayersModel, a tf.GraphModel, or an object of one's own. The models get their inputs by name where x has names, else in the order of
 * their inputs. An object of one's own gets a tensor, or an array in the order of the student's inputs (cacheTeacherLogits: in the order in which x has them); with a
 * property `inputNames`, an array of strings, it gets those inputs in that order.
 */
export interface Predictor {
  /** One output, the logits of every row of x. */
  predict(x: Tensor | Tensor[], args: { batchSize?: number }): Tensor | Tensor[] | NamedTensorMap;
}

/** What onnxruntime and transformers.js call a tensor: numbers row by row, and a size for each axis. */
export interface NumbersWithDims {
  /** Numbers, float32 or others; none of half precision or 64 bit integers. */
  data: ArrayLike<number>;
  /** `[rows, ..., C]`. */
  dims: readonly number[];
}

/**
 * A {@link Predictor} that may answer later, and in numbers outside of tfjs: a session of onnxruntime or a model of transformers.js, for which `predict` reads x, runs it, and
 * gives back its output, `{data, dims}`; or what `executeAsync` of a tf.GraphModel gives. A map of several outputs has one that is called `logits`. Only {@link cacheTeacherLogits} waits for it.
 */
export interface AsyncPredictor {
  /** The logits of every row of x. A tensor that a promise ends in is disposed when it was read, x when the promise has ended. */
  predict(x: Tensor | Tensor[], args: { batchSize?: number }): unknown;
}

/**
 * Where the teacher's logits come from: a model, which is run on every batch; logits computed before, one row for each row of the data; or a
 * dataset of such logits, in step with the dataset that is trained on. See {@link cacheTeacherLogits}.
 */
export type Teacher = Predictor | Tensor | DatasetLike<Tensor>;

export function isPredictor(value: object): value is Predictor {
  return 'predict' in value && typeof value.predict === 'function';
}

/** What runs on every batch. */
export type TeacherModel = Predictor | Ensemble;

export function isModel(value: object): value is TeacherModel {
  return value instanceof Ensemble || isPredictor(value);
}

/** What is told of the logits of a model, or of a member of an ensemble, as it gives them. */
export type Look = (logits: Tensor, model: object) => void;

/**
 * The logits of a model for one batch, off the tape: the teacher is a constant.
 *
 * @param x in the order of the inputs of the teacher.
 */
export function predictLogits(
  teacher: TeacherModel,
  x: readonly Tensor[],
  modelInputs: ModelInputs,
  functionName: string,
  look: Look = () => {},
): Tensor {
  return withoutTape(() =>
    tidy(() => {
      if (teacher instanceof Ensemble) {
        const inputs = modelInputs.members ?? [];
        const outputs = inputsOfMembers(x, inputs).map((own, m) =>
          predictLogits(teacher.members[m], own, inputs[m], functionName, look),
        );
        return teacher.average(outputs, functionName);
      }
      const given = x.map((tensor, k) => fitted(tensor, modelInputs.inputs?.[k]));
      const output = run(teacher, given, modelInputs) as ReturnType<Predictor['predict']>;
      const logits = logitsOfRows(onlyTensor(output, functionName), given[0].shape, functionName);
      look(logits, teacher);
      return logits;
    }),
  );
}

/** What a model answers. `x` has the dtypes and ranks of its inputs. */
export function run(
  model: AsyncPredictor,
  x: readonly Tensor[],
  { inputs, isFedByName }: ModelInputs,
): unknown {
  const args = x.length === 1 ? x[0] : [...x];
  // LayersModel.predict cuts its input into batches and joins the results; a batch needs neither.
  if (model instanceof LayersModel) return model.apply(args);
  const named = () => Object.fromEntries(x.map((tensor, k) => [inputs?.[k].names[0], tensor]));
  return model.predict(isFedByName && x.length > 1 ? (named() as never) : args, { batchSize: x[0].shape[0] });
}

/** As float32, one for each row of x. */
export function logitsOfRows(logits: Tensor, shape: readonly number[], functionName: string): Tensor {
  if (logits.shape[0] === shape[0]) return cast(logits, 'float32');
  throw new Error(
    `${functionName}: the teacher must give logits for each row of x; got shape [${logits.shape}] for x of shape [${shape}].`,
  );
}

const WAITING =
  'run it once before, as cacheTeacherLogits does: teacher: await cacheTeacherLogits(teacher, x)';

const hasDims = (value: unknown) => typeof value === 'object' && value !== null && 'dims' in value;

const errorOfDims = (functionName: string) =>
  new TypeError(
    `${functionName}: the teacher's predict returns {data, dims} and no tensor of tfjs; ${WAITING}.`,
  );

export function onlyTensor(output: Tensor | Tensor[] | NamedTensorMap, functionName: string): Tensor {
  if (typeof output !== 'object' || output === null) {
    throw new TypeError(`${functionName}: the teacher's predict must return a tensor; got ${output}.`);
  }
  if (hasDims(output)) throw errorOfDims(functionName); // tfjs asks such an object for its data to see whether it is a tensor
  if (output instanceof Tensor) return output;
  if ('then' in output) {
    throw new TypeError(
      `${functionName}: the teacher's predict returns a promise, and a step of training cannot wait for it; ${WAITING}.`,
    );
  }
  if (Object.values(output).some(hasDims)) throw errorOfDims(functionName);
  const tensors = Object.values(output);
  if (tensors.length === 1 && tensors[0] instanceof Tensor) return tensors[0];
  throw new Error(
    `${functionName}: the teacher must have one output, its logits; got ${tensors.length} outputs. Wrap it: {predict: (x) => teacher.predict(x)[0]}.`,
  );
}

/** Number of classes, if it can be known before the teacher has run. */
export function classesOfTeacher(teacher: Teacher | AsyncPredictor): number | null {
  if (teacher instanceof Tensor) return teacher.shape[teacher.rank - 1];
  if (teacher instanceof LayersModel) return teacher.outputs[0].shape.at(-1) ?? null;
  if (!('outputs' in teacher) || !Array.isArray(teacher.outputs)) return null;
  const shape: unknown = teacher.outputs[0]?.shape; // GraphModel
  const classes: unknown = Array.isArray(shape) ? shape.at(-1) : null;
  return typeof classes === 'number' && classes > 0 ? classes : null;
}
