import { cast, type NamedTensorMap, Tensor, tidy } from '@tensorflow/tfjs-core';
import { LayersModel } from '@tensorflow/tfjs-layers';
import { withoutTape } from '../run_objective.ts';
import type { DatasetLike } from './dataset.ts';
import { fitted, type ModelInputs } from './inputs.ts';

/**
 * Anything that predicts logits: a tf.LayersModel, a tf.GraphModel, or an object of one's own. The models get their inputs by name where x has names, else in the order of
 * their inputs. An object of one's own gets a tensor, or an array in the order of the student's inputs (cacheTeacherLogits: in the order in which x has them); with a
 * property `inputNames`, an array of strings, it gets those inputs in that order.
 */
export interface Predictor {
  /** One output, the logits of every row of x. */
  predict(x: Tensor | Tensor[], args: { batchSize?: number }): Tensor | Tensor[] | NamedTensorMap;
}

/**
 * Where the teacher's logits come from: a model, which is run on every batch; logits computed before, one row for each row of the data; or a
 * dataset of such logits, in step with the dataset that is trained on. See {@link cacheTeacherLogits}.
 */
export type Teacher = Predictor | Tensor | DatasetLike<Tensor>;

export function isPredictor(value: object): value is Predictor {
  return 'predict' in value && typeof value.predict === 'function';
}

/**
 * The logits of a model for one batch, off the tape: the teacher is a constant.
 *
 * @param x in the order of the inputs of the teacher.
 */
export function predictLogits(
  teacher: Predictor,
  x: readonly Tensor[],
  { inputs, isFedByName }: ModelInputs,
  functionName: string,
): Tensor {
  return withoutTape(() =>
    tidy(() => {
      const given = x.map((tensor, k) => fitted(tensor, inputs?.[k]));
      const named = () => Object.fromEntries(given.map((tensor, k) => [inputs?.[k].names[0], tensor]));
      const args = given.length === 1 ? given[0] : given;
      const rows = given[0].shape[0];
      // LayersModel.predict cuts its input into batches and joins the results; a batch needs neither.
      const output =
        teacher instanceof LayersModel
          ? (teacher.apply(args) as Tensor | Tensor[])
          : teacher.predict(isFedByName && given.length > 1 ? (named() as never) : args, { batchSize: rows });
      const logits = onlyTensor(output, functionName);
      if (logits.shape[0] === rows) return cast(logits, 'float32');
      throw new Error(
        `${functionName}: the teacher must give logits for each row of x; got shape [${logits.shape}] for x of shape [${given[0].shape}].`,
      );
    }),
  );
}

function onlyTensor(output: Tensor | Tensor[] | NamedTensorMap, functionName: string): Tensor {
  if (output instanceof Tensor) return output;
  const isPromise = typeof output === 'object' && output !== null && 'then' in output;
  if (typeof output !== 'object' || output === null || isPromise) {
    throw new TypeError(
      `${functionName}: the teacher's predict must return a tensor; got ${isPromise ? 'a promise' : output}.`,
    );
  }
  const tensors = Object.values(output);
  if (tensors.length === 1 && tensors[0] instanceof Tensor) return tensors[0];
  throw new Error(
    `${functionName}: the teacher must have one output, its logits; got ${tensors.length} outputs. Wrap it: {predict: (x) => teacher.predict(x)[0]}.`,
  );
}

/** Number of classes, if it can be known before the teacher has run. */
export function classesOfTeacher(teacher: Teacher): number | null {
  if (teacher instanceof Tensor) return teacher.shape[teacher.rank - 1];
  if (teacher instanceof LayersModel) return teacher.outputs[0].shape.at(-1) ?? null;
  if (!('outputs' in teacher) || !Array.isArray(teacher.outputs)) return null;
  const shape: unknown = teacher.outputs[0]?.shape; // GraphModel
  const classes: unknown = Array.isArray(shape) ? shape.at(-1) : null;
  return typeof classes === 'number' && classes > 0 ? classes : null;
}
