import { dispose, engine, keep, split, type Tensor, tensor1d, tidy, util } from '@tensorflow/tfjs-core';
import { sliceRows, takeRows } from './rows.ts';

/** TensorFlow takes the rows of eight batches in the time of three, and cuts them without a copy. What lies ready is held to these bounds. */
const MOST_AT_ONCE = 8;
const NUMBERS_AT_ONCE = 1 << 20;

/** Batches of the rows of some columns, for one epoch after another: in the order of the rows, or in one that is drawn anew for each epoch. */
export class Batches {
  private readonly rows: number;
  private readonly order: Int32Array;
  private readonly atOnce: number;
  /** Rows of this epoch that were taken. */
  private taken = 0;
  private ready: Tensor[][] = [];

  constructor(
    private readonly columns: readonly Tensor[],
    private readonly batchSize: number,
    private readonly isShuffled: boolean,
  ) {
    this.rows = columns[0].shape[0];
    this.order = new Int32Array(this.rows).map((_, row) => row);
    this.atOnce = engine().backendName === 'tensorflow' ? batchesAtOnce(columns, batchSize) : 1;
  }

  startEpoch(): void {
    this.dispose();
    this.taken = 0;
    if (this.isShuffled) util.shuffle(this.order);
  }

  /** The next batch, which is the caller's. After the last one of an epoch comes the first of the next. */
  take(): Tensor[] {
    if (this.ready.length === 0) this.cut();
    return this.ready.shift() ?? [];
  }

  /** What `use` makes of the next batch, which is gone afterwards. */
  next<T>(use: (batch: Tensor[]) => T): T {
    const batch = this.take();
    try {
      return use(batch);
    } finally {
      for (const column of batch) column.dispose();
    }
  }

  /** Frees what lies ready. */
  dispose(): void {
    dispose(this.ready);
    this.ready = [];
  }

  private cut(): void {
    if (this.taken === this.rows) this.startEpoch();
    const { batchSize, taken } = this;
    const end = Math.min(this.rows, taken + this.atOnce * batchSize);
    const sizes: number[] = [];
    for (let start = taken; start < end; start += batchSize) sizes.push(Math.min(batchSize, end - start));
    tidy(() => {
      const numbers = tensor1d(this.order.slice(taken, end), 'int32'); // a copy: tfjs goes on reading what it was given
      const columns = this.columns.map((column) => {
        const rows = this.isShuffled ? takeRows(column, numbers) : sliceRows(column, taken, end);
        return sizes.length === 1 ? [rows] : split(rows, sizes);
      });
      this.ready = sizes.map((_, batch) => columns.map((batches) => keep(batches[batch])));
    });
    this.taken = end;
  }
}

function batchesAtOnce(columns: readonly Tensor[], batchSize: number): number {
  const numbers = columns.reduce((sum, { shape }) => sum + batchSize * util.sizeFromShape(shape.slice(1)), 0);
  return Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(NUMBERS_AT_ONCE / numbers)));
}
