import * as tf from '@tensorflow/tfjs';
import { type Examples, IMAGE_SIDE, IMAGE_SIZE } from '../mnist.ts';
import { Random } from '../random.ts';
import { HELD_OUT, type Job } from './plan.ts';

/** What a job trains on, by index. */
export function indicesOf({ labels, count }: Examples, { digits, holdsOut }: Job): Int32Array {
  const kept = holdsOut ? count - HELD_OUT : count;
  const indices = Int32Array.from({ length: kept }, (_, index) => index);
  return digits === undefined ? indices : indices.filter((index) => digits.includes(labels[index]));
}

/** The examples before the held-out ones, and these. */
export function holdOut(examples: Examples): { kept: Examples; heldOut: Examples } {
  const part = (from: number, to: number) => ({
    count: to - from,
    images: examples.images.subarray(from * IMAGE_SIZE, to * IMAGE_SIZE),
    labels: examples.labels.subarray(from, to),
  });
  const border = examples.count - HELD_OUT;
  return { kept: part(0, border), heldOut: part(border, examples.count) };
}

/** A random order of `indices`, the same for the same seed. */
export function shuffled(indices: Int32Array, seed: number): Int32Array {
  return new Random(seed).permutation(indices.length).map((position) => indices[position]);
}

/** Rows of `width` values, picked by index. */
export function rowsAt(values: Float32Array, width: number, indices: Int32Array): tf.Tensor2D {
  const rows = new Float32Array(indices.length * width);
  indices.forEach((index, row) => {
    rows.set(values.subarray(index * width, (index + 1) * width), row * width);
  });
  return tf.tensor2d(rows, [indices.length, width]);
}

/**
 * Images picked by index, each moved by up to `jitter` pixels in both directions; what comes in at the edge
 * is background.
 */
export function jitteredImagesAt(
  { images }: Examples,
  indices: Int32Array,
  { jitter, seed }: { jitter: number; seed: number },
): tf.Tensor2D {
  const random = new Random(seed);
  const moved = new Float32Array(indices.length * IMAGE_SIZE);
  indices.forEach((index, row) => {
    const right = random.integer(2 * jitter + 1) - jitter;
    const down = random.integer(2 * jitter + 1) - jitter;
    const [from, to] = [Math.max(0, -right), IMAGE_SIDE - Math.max(0, right)];
    for (let y = Math.max(0, -down); y < IMAGE_SIDE - Math.max(0, down); y++) {
      const source = index * IMAGE_SIZE + y * IMAGE_SIDE;
      const target = row * IMAGE_SIZE + (y + down) * IMAGE_SIDE + right;
      moved.set(images.subarray(source + from, source + to), target + from);
    }
  });
  return tf.tensor2d(moved, [indices.length, IMAGE_SIZE]);
}
