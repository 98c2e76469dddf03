import tf = require('@tensorflow/tfjs-core');
import distill = require('tfjs-distill');

const options: distill.DistillationOptions = { labels: tf.tensor1d([1], 'int32'), alpha: 0.1 };
const loss: tf.Tensor = distill.distillationLoss(tf.tensor2d([[1, 2]]), [[2, 1]], options);
// @ts-expect-error: no such option
distill.distillationLoss(loss, loss, { temprature: 2 });
