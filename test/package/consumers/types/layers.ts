import * as tf from '@tensorflow/tfjs';
import { cacheTeacherLogits, Distiller, layersLoss } from 'tfjs-distill/layers';

const student = tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 4 })] });
const distiller = new Distiller({ student, teacher: student, temperature: 2 });
distiller.compile({ optimizer: 'adam' });
export const history: Promise<tf.History> = distiller.fit(tf.ones([8, 3]), null, { epochs: 1 });
student.compile({ optimizer: 'adam', loss: layersLoss({ temperature: 4 }) });

const xs = tf.data.array([[1, 2, 3]]);
// of elements that tf.data calls TensorContainer
const dataset = tf.data.zip({ xs, ys: tf.data.array([0]) }).batch(1);
distiller.fitDataset(dataset, { epochs: 1, validationData: dataset });
const shaped: tf.data.Dataset<{ xs: tf.Tensor; ys: tf.Tensor }> = dataset as never;
distiller.fitDataset(shaped, { epochs: 1, validationData: shaped });
cacheTeacherLogits(student, dataset).then((teacher) => new Distiller({ student, teacher }));
