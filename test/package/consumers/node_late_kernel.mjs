import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as distill from 'tfjs-distill/core';
import { measure } from './measure.mjs';

// tfjs warns there of what is registered twice.
const warnings = [];
console.warn = (...words) => warnings.push(words.join(' '));

const before = await measure(tf, distill, 'cpu');
await import('tfjs-distill/cpu');
const after = await measure(tf, distill, 'cpu');
console.log(JSON.stringify({ before, after, warnings }));
