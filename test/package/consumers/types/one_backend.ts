import 'tfjs-distill/webgpu';
import * as tf from '@tensorflow/tfjs-core';
import { type DistillationOptions, distillationLoss } from 'tfjs-distill/core';
import { layersLoss } from 'tfjs-distill/layers/core';

const options: DistillationOptions = { temperature: 2 };
export const loss: tf.Scalar = distillationLoss<tf.Scalar>(tf.zeros([2, 3]), tf.ones([2, 3]), options);
export const compiled: (teacherLogits: tf.Tensor, studentLogits: tf.Tensor) => tf.Tensor =
  layersLoss(options);
