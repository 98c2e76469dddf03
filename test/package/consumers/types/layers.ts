import * as tf from '@tensorflow/tfjs';
import { Distiller, layersLoss } from 'tfjs-distill/layers';

const student = tf.sequential({ layers: [tf.layers.dense({ inputShape: [3], units: 4 })] });
const distiller = new Distiller({ student, teacher: student, temperature: 2 });
distiller.compile({ optimizer: 'adam' });
export const history: Promise<tf.History> = distiller.fit(tf.ones([8, 3]), null, { epochs: 1 });
student.compile({ optimizer: 'adam', loss: layersLoss({ temperature: 4 }) });
