/**
 * tfjs-core built as one file: beside `@tensorflow/tfjs-core` it is a second copy of the library in the same
 * bundle.
 */
declare module '@tensorflow/tfjs-core/dist/tf-core.fesm.js' {
  export * from '@tensorflow/tfjs-core';
}
