import * as tf from '@tensorflow/tfjs';
import '../../src/index.ts';
import { Batches } from '../../src/layers/batches.ts';
import { startBackend } from '../backends/current.ts';

beforeAll(startBackend);

/** More batches than are taken at once, the last of them smaller. */
const ROWS = 47;
const SIZE = 4;
const BATCHES = Math.ceil(ROWS / SIZE);

/** Columns of either dtype that hold the numbers of their rows. */
function columnsOf(rows: number): tf.Tensor[] {
  const numbers = tf.range(0, rows, 1, 'int32');
  return [tf.tile(tf.reshape(tf.cast(numbers, 'float32'), [rows, 1, 1]), [1, 2, 3]), numbers];
}

/** The numbers of the rows of the next batches, after a look at whether its columns are in step. */
function read(batches: Batches, count: number): number[][] {
  return Array.from({ length: count }, () =>
    batches.next(([wide, numbers]) => {
      const rows = [...numbers.dataSync()];
      expect([wide.dtype, numbers.dtype]).toEqual(['float32', 'int32']);
      expect([wide.shape, numbers.shape]).toEqual([[rows.length, 2, 3], [rows.length]]);
      expect([...wide.dataSync()]).toEqual(rows.flatMap((row) => new Array(6).fill(row)));
      return rows;
    }),
  );
}

const ascending = (rows: number) => Array.from({ length: rows }, (_, row) => row);

describe('Batches', () => {
  it('are the rows in their order, the last batch smaller, and begin again after it', () => {
    const batches = new Batches(columnsOf(ROWS), SIZE, false);
    for (let epoch = 0; epoch < 3; epoch++) {
      const rows = read(batches, BATCHES);
      expect(rows.map(({ length }) => length)).toEqual([...new Array(BATCHES - 1).fill(SIZE), ROWS % SIZE]);
      expect(rows.flat()).toEqual(ascending(ROWS));
    }
  });

  it('hold every row once an epoch in an order of that epoch, if shuffled', () => {
    const batches = new Batches(columnsOf(ROWS), SIZE, true);
    const orders = [0, 1].map(() => {
      batches.startEpoch();
      return read(batches, BATCHES).flat();
    });
    for (const order of orders) expect(order.toSorted((a, b) => a - b)).toEqual(ascending(ROWS));
    const different = new Set([ascending(ROWS), ...orders].map((order) => order.join()));
    expect(different.size).toBe(3); // 1 in 47! that it is not
  });

  it('begin an epoch at the first row, wherever the last one was left', () => {
    const batches = new Batches(columnsOf(ROWS), SIZE, false);
    for (const count of [1, 3, BATCHES - 1]) {
      batches.startEpoch();
      expect(read(batches, count).flat()).toEqual(ascending(count * SIZE));
    }
  });

  it('take a few at once from TensorFlow, which is what lies ready, and large ones singly; dispose frees them', () => {
    const columns = [...columnsOf(ROWS), tf.zeros([ROWS, 1 << 19])];
    const isTensorFlow = tf.getBackend() === 'tensorflow';
    for (const [given, ready] of [
      [columns.slice(0, 2), isTensorFlow ? 7 * 2 : 0],
      [columns, 0],
    ] as const) {
      const before = tf.memory().numTensors;
      const batches = new Batches(given, SIZE, false);
      batches.next(() => null);
      expect(tf.memory().numTensors - before).toBe(ready);
      batches.dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  it('are gone after use, also when that ends in an error or in a tidy', () => {
    const batches = new Batches(columnsOf(ROWS), SIZE, true);
    const seen: tf.Tensor[] = [];
    tf.tidy(() => batches.next((batch) => seen.push(...batch)));
    const fail = (batch: tf.Tensor[]) => {
      seen.push(...batch);
      throw new Error('no');
    };
    expect(() => batches.next(fail)).toThrow('no');
    expect(seen.map(({ isDisposed }) => isDisposed)).toEqual([true, true, true, true]);
    expect(read(batches, BATCHES - 2).flat()).toHaveLength(ROWS - 2 * SIZE);
  });
});
