import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import * as distill from 'tfjs-distill';
import { measure } from '../measure.ts';

Object.assign(globalThis, { result: measure(tf, distill, 'webgpu') });
