import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import * as distill from 'tfjs-distill';
import { measure } from './measure.mjs';

console.log(JSON.stringify(await measure(tf, distill, 'webgpu')));
process.exit(); // Dawn keeps a process alive
