const { dirname, join } = require('node:path');
const { setWasmPaths } = require('@tensorflow/tfjs-backend-wasm');
const tf = require('@tensorflow/tfjs-core');
const distill = require('tfjs-distill');

setWasmPaths(join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist', '/'));
import('./measure.mjs')
  .then(({ measure }) => measure(tf, distill, 'wasm'))
  .then((result) => console.log(JSON.stringify(result)));
