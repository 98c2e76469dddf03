/** Everything under one global, for a page that loads tfjs, which tfjs-layers is part of. */
export * from './index.ts';
export * from './layers/index.ts';
