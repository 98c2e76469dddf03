import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import * as distill from 'tfjs-distill/core';
import 'tfjs-distill/webgpu';
import { measure } from '../measure.mjs';

globalThis.result = measure(tf, distill, 'webgpu');
