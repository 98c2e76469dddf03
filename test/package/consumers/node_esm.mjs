import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as distill from 'tfjs-distill';
import { measure } from './measure.mjs';

console.log(JSON.stringify(await measure(tf, distill, 'cpu')));
