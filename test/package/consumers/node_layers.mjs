import * as tf from '@tensorflow/tfjs';
import { distillationLoss } from 'tfjs-distill';
import { Distiller } from 'tfjs-distill/layers';

await tf.setBackend('cpu');
const model = () => tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 4 })] });
const [student, teacher] = [model(), model()];
const x = tf.randomNormal([8, 3], 0, 1, 'float32', 1);
const lossNow = async () =>
  (
    await distillationLoss(teacher.predict(x), student.predict(x), {
      temperature: 2,
      divergence: 'kl',
    }).data()
  )[0];

const before = await lossNow();
const distiller = new Distiller({ student, teacher, temperature: 2, divergence: 'kl' });
distiller.compile({ optimizer: tf.train.sgd(0.1) });
const { history } = await distiller.fit(x, null, { epochs: 20, batchSize: 8, shuffle: false, verbose: 0 });
console.log(
  JSON.stringify({ backend: tf.getBackend(), before, first: history.loss[0], after: await lossNow() }),
);
