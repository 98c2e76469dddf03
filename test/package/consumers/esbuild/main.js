import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import 'tfjs-distill'; // a bare import alone must register the kernels
import { distillationLoss } from 'tfjs-distill';
import { measure } from '../measure.mjs';

setWasmPaths('/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
globalThis.result = measure(tf, { distillationLoss }, 'wasm');
