import '@tensorflow/tfjs-backend-webgl';
import * as tf from '@tensorflow/tfjs-core';
import { distillationLoss } from 'tfjs-distill';
import { measure } from '../measure.mjs';

globalThis.result = measure(tf, { distillationLoss }, 'webgl');
