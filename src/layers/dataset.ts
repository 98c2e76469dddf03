import type { TensorContainer } from '@tensorflow/tfjs-core';

/** What is used of a dataset: `tf.data.Dataset`, or anything else that can be iterated anew for every epoch. */
export interface DatasetOf<T> {
  /** Starts anew: an iterator over all elements. */
  iterator(): Promise<{
    /** The next element, or that there is none. */
    next(): Promise<IteratorResult<T>>;
  }>;
  /** Number of elements; not finite, or left out, if that is not known. */
  size?: number | undefined;
}

/** A dataset of elements of this kind, or one of which TypeScript does not know it: `tf.data.zip`, `batch` and `shuffle` say `Dataset<TensorContainer>` of theirs. */
export type DatasetLike<T> = DatasetOf<T> | DatasetOf<TensorContainer>;

/** Its elements are looked at when they come. */
export const typed = <T>(dataset: DatasetLike<T>) => dataset as DatasetOf<T>;

export function isDataset<T>(value: object): value is DatasetLike<T> {
  return 'iterator' in value && typeof value.iterator === 'function';
}

/** A dataset whose elements are made from those of another one. */
export function mapDataset<T, U>(
  dataset: DatasetLike<T>,
  map: (element: T) => U,
): DatasetOf<U> & { size: number } {
  return {
    size: dataset.size ?? Number.NaN,
    iterator: async () => {
      const iterator = await typed(dataset).iterator();
      return {
        next: async (): Promise<IteratorResult<U>> => {
          const { done, value } = await iterator.next();
          return done || value === null || value === undefined
            ? { done: true, value: undefined }
            : { done: false, value: map(value) };
        },
      };
    },
  };
}

/** Two datasets in step. It is an error if the second ends first. */
export function zipDatasets<T, U>(
  first: DatasetLike<T>,
  second: DatasetLike<U>,
  functionName: string,
): DatasetLike<[T, U]> {
  return {
    size: first.size,
    iterator: async () => {
      const [a, b] = await Promise.all([typed(first).iterator(), typed(second).iterator()]);
      let batch = 0;
      return {
        next: async (): Promise<IteratorResult<[T, U]>> => {
          const [x, y] = await Promise.all([a.next(), b.next()]);
          if (x.done || x.value === null || x.value === undefined) return { done: true, value: undefined };
          if (y.done || y.value === null || y.value === undefined) {
            throw new Error(
              `${functionName}: the dataset of the teacher's logits ended before batch ${batch}; expected one element for each of the data.`,
            );
          }
          batch++;
          return { done: false, value: [x.value, y.value] };
        },
      };
    },
  };
}

/**
 * The first element of a dataset, and the same dataset, whose first iteration goes on from there, so that nothing is computed twice or lost. An
 * iterator is begun by its first `next`: LayersModel.fitDataset asks for one that it never uses.
 */
export async function peek<T>(
  dataset: DatasetLike<T>,
): Promise<{ first: T | undefined; dataset: DatasetLike<T> }> {
  const begun = await typed(dataset).iterator();
  const head = await begun.next();
  let isBegunFree = true;
  const iterator = async () => {
    let own: { next(): Promise<IteratorResult<T>> } | null = null;
    const next = async (): Promise<IteratorResult<T>> => {
      if (own !== null) return own.next();
      own = isBegunFree ? begun : await typed(dataset).iterator();
      const isAtHead = isBegunFree;
      isBegunFree = false;
      return isAtHead ? head : own.next();
    };
    return { next };
  };
  return { first: head.done ? undefined : head.value, dataset: { size: dataset.size, iterator } };
}
