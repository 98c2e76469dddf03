import { Tensor, tensor, util } from '@tensorflow/tfjs-core';
import type { DatasetOf } from './dataset.ts';
import type { Inputs } from './inputs.ts';
import { rowHashes } from './row_hashes.ts';

/** The logits of one batch, outside of the backend. */
export interface LogitsOfBatch {
  values: Float32Array;
  shape: number[];
}

/** More rows than a batch has. */
const ROWS = 2 ** 24;

/**
 * The logits of a dataset, batch by batch, and of each of its rows by what the row holds: data that come in another order, or in other batches, find the logits that are
 * theirs, and data that were never seen find none.
 */
export class CachedLogits implements DatasetOf<Tensor> {
  private readonly batches: LogitsOfBatch[] = [];
  /** By the hash of a row's inputs: batch times ROWS, plus row. */
  private readonly places = new Map<number, number>();

  get size(): number {
    return this.batches.length;
  }

  async add(x: Inputs, batch: LogitsOfBatch): Promise<void> {
    const hashes = await rowHashes(inOneOrder(x));
    hashes.forEach((hash, row) => {
      this.places.set(hash, this.batches.length * ROWS + row);
    });
    this.batches.push(batch);
  }

  async iterator(): Promise<{ next(): Promise<IteratorResult<Tensor>> }> {
    let next = 0;
    return {
      next: async () => {
        if (next === this.batches.length) return { done: true, value: undefined };
        const { values, shape } = this.batches[next++];
        return { done: false, value: tensor(values, shape) };
      },
    };
  }

  /**
   * The logits of these rows.
   *
   * @throws Error that names the first row without any.
   */
  async logitsOf(x: Inputs, batch: number, functionName: string): Promise<Tensor> {
    const hashes = await rowHashes(inOneOrder(x));
    const places = Array.from(hashes, (hash, row) => {
      const place = this.places.get(hash);
      if (place !== undefined) return place;
      throw new Error(
        `${functionName}: row ${row} of batch ${batch} is none of the data that cacheTeacherLogits saw, so there are no logits for it. They belong to data that stay as they are, in any order: cache those that are trained on, after what changes them, or put logits of their own into the elements, {xs, ys, teacherLogits}.`,
      );
    });
    const rowShape = this.batches[Math.floor((places[0] ?? 0) / ROWS)]?.shape.slice(1) ?? [];
    const size = util.sizeFromShape(rowShape);
    const values = new Float32Array(places.length * size);
    places.forEach((place, row) => {
      const { values: from, shape } = this.batches[Math.floor(place / ROWS)];
      if (!util.arraysEqual(shape.slice(1), rowShape)) {
        throw new Error(
          `${functionName}: batch ${batch} has rows whose logits have different shapes, [${rowShape}] and [${shape.slice(1)}].`,
        );
      }
      const start = (place % ROWS) * size;
      values.set(from.subarray(start, start + size), row * size);
    });
    return tensor(values, [places.length, ...rowShape]);
  }
}

/** Inputs by name in the order of the names, so that it does not matter in which order an element has them. */
function inOneOrder(x: Inputs): Tensor[] {
  if (x instanceof Tensor) return [x];
  if (Array.isArray(x)) return x;
  return Object.keys(x)
    .toSorted()
    .map((name) => x[name]);
}
