/** Compiled with noUncheckedIndexedAccess and exactOptionalPropertyTypes too. */
import * as tf from '@tensorflow/tfjs';
import { type DistillationOptions, distillationLoss } from 'tfjs-distill';
import { Distiller, type DistillerHistory } from 'tfjs-distill/layers';

const v = tf.ones([2, 3]);
const isScalar = (_: tf.Scalar) => {};

// A scalar, also when it stands in a variable, unless the reduction is NONE or not known.
const loss = distillationLoss(v, v);
isScalar(loss);
const options = { temperature: 4, divergence: 'kl' } as const;
const ofOptions = distillationLoss(v, v, options);
isScalar(ofOptions);
const mean = distillationLoss(v, v, { reduction: tf.Reduction.MEAN });
isScalar(mean);
const rows = distillationLoss(v, v, { reduction: tf.Reduction.NONE });
// @ts-expect-error rows are no scalar
isScalar(rows);
const unknownOptions: DistillationOptions = {};
const ofUnknown = distillationLoss(v, v, unknownOptions);
// @ts-expect-error nobody knows its reduction
isScalar(ofUnknown);
export const gradient: tf.Tensor = tf.grad((z: tf.Tensor) => distillationLoss(v, z, { temperature: 2 }))(v);

// Numbers are numbers.
distillationLoss([[1, 2]] as const, [[1, 2]], {
  temperature: [2],
  weights: new Float32Array(1),
  labels: [0],
});
// @ts-expect-error a string is no temperature
distillationLoss(v, v, { temperature: '4' });
// @ts-expect-error nor are several
distillationLoss(v, v, { temperature: ['4', '2'] });
// @ts-expect-error an option that there is not
distillationLoss(v, v, { temprature: 4 });

/** The program of the guide, as its first part has it. */
export async function train(student: tf.LayersModel, teacher: tf.LayersModel, x: tf.Tensor): Promise<number> {
  const distiller = new Distiller({ student, teacher, temperature: 4 });
  distiller.compile({ optimizer: 'adam' });
  const callbacks = tf.callbacks.earlyStopping({ monitor: 'val_loss' });
  const result: DistillerHistory = await distiller.fit(x, null, {
    epochs: 1,
    validationSplit: 0.1,
    callbacks,
  });
  const asOfTfjs: tf.History = result;
  const last: number | undefined = result.history.loss?.at(-1);
  const named = distiller.evaluate(x, null, { named: true });
  isScalar(named.loss);
  const kl: tf.Scalar | undefined = named.klDivergence;
  const { loss } = await distiller.evaluateDataset(tf.data.array([{ xs: x }]), { named: true });
  tf.dispose([kl ?? loss, asOfTfjs as never]);
  return last ?? Number.NaN;
}
