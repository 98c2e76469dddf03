import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss } from 'tfjs-distill';

export const loss: tf.Scalar = distillationLoss<tf.Scalar>(tf.zeros([2, 3]), tf.ones([2, 3]));
