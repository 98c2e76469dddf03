import { Tensor, type TensorContainer } from '@tensorflow/tfjs-core';

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

/** All tensors of an element, however deep they lie. */
export function disposeTensors(value: unknown): void {
  if (value instanceof Tensor) value.dispose();
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(disposeTensors);
}

/** A dataset whose elements are made from those of another one, of which each gets its number. An element that none can be made of is disposed. */
export function mapDataset<T, U>(
  dataset: DatasetLike<T>,
  map: (element: T, index: number) => U | Promise<U>,
): DatasetOf<U> & { size: number } {
  return {
    size: dataset.size ?? Number.NaN,
    iterator: async () => {
      const iterator = await typed(dataset).iterator();
      let index = 0;
      return {
        next: async (): Promise<IteratorResult<U>> => {
          const { done, value } = await iterator.next();
          if (done || value === null || value === undefined) return { done: true, value: undefined };
          try {
            return { done: false, value: await map(value, index++) };
          } catch (error) {
            disposeTensors(value);
            throw error;
          }
        },
      };
    },
  };
}

/** Two datasets in step. It is an error if one ends before the other. */
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
          const [x, y] = await settled(a.next(), b.next());
          const [isFirstOver, isSecondOver] = [x, y].map(
            ({ done, value }) => done || value === null || value === undefined,
          );
          if (isFirstOver && isSecondOver) return { done: true, value: undefined };
          if (isFirstOver || isSecondOver) {
            disposeTensors([x.value, y.value]);
            throw new Error(
              `${functionName}: ${isFirstOver ? `the dataset ended before batch ${batch} of the teacher's logits` : `the dataset of the teacher's logits ended before batch ${batch}`}; expected one element for each of the data.`,
            );
          }
          batch++;
          return { done: false, value: [x.value, y.value] };
        },
      };
    },
  };
}

/** Both results, or the error of one after the other's element was disposed. */
async function settled<T, U>(
  a: Promise<IteratorResult<T>>,
  b: Promise<IteratorResult<U>>,
): Promise<[IteratorResult<T>, IteratorResult<U>]> {
  const [x, y] = await Promise.allSettled([a, b]);
  if (x.status === 'fulfilled' && y.status === 'fulfilled') return [x.value, y.value];
  if (x.status === 'fulfilled') disposeTensors(x.value.value);
  if (y.status === 'fulfilled') disposeTensors(y.value.value);
  throw x.status === 'rejected' ? x.reason : y.status === 'rejected' ? y.reason : undefined;
}

/**
 * The first element of a dataset, and the same dataset, whose first iteration goes on from there, so that nothing is computed twice or lost. An
 * iterator is begun by its first `next`: LayersModel.fitDataset asks for one that it never uses. Until it is, the first element is the caller's, to be disposed.
 */
export async function peek<T>(
  dataset: DatasetLike<T>,
): Promise<{ first: T | undefined; dataset: DatasetOf<T>; isBegun: () => boolean }> {
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
  return {
    first: head.done ? undefined : head.value,
    dataset: { size: dataset.size, iterator },
    isBegun: () => !isBegunFree,
  };
}
