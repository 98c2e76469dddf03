import type { Tensor, TypedArray } from '@tensorflow/tfjs-core';
import { areClassIds, checkClassIds, valuesAtOnce } from './labels.ts';
import type { Expected, Table } from './table.ts';

/**
 * Looks at the class ids of one batch after another. Ids that lie on the CPU are looked at before their batch is trained on. Those on a GPU are too in the first batch; later ones are read
 * while the GPU works, and looked at when the next batch comes, so that no batch waits for the one before.
 */
export class IdChecks {
  /** The error of ids that are being read, if there is one. */
  private pending: Promise<Error | null> | null = null;
  private isFirst = true;

  constructor(
    private readonly expected: Expected,
    private readonly functionName: string,
  ) {}

  /** @throws RangeError for an id of this batch, or of one before, that is no class. */
  async check(table: Table): Promise<void> {
    const { labels } = table;
    if (labels === null || !this.holdsIds(labels)) return;
    await this.settle();
    const values = columnsAtOnce(table);
    if (values !== null) {
      this.look(values.labels, table, values.weights);
      return;
    }
    const reading = this.read(table);
    if (!this.isFirst) {
      this.pending = reading;
      return;
    }
    this.isFirst = false;
    const error = await reading;
    if (error) throw error;
  }

  /** As check, of what can be read without waiting for a device; of other ids it says nothing. */
  checkAtOnce(table: Table): void {
    const values = table.labels !== null && this.holdsIds(table.labels) ? columnsAtOnce(table) : null;
    if (values !== null) this.look(values.labels, table, values.weights);
  }

  /** Ends when the ids of all batches were looked at. */
  async settle(): Promise<void> {
    const error = await this.pending;
    this.pending = null;
    if (error) throw error;
  }

  private holdsIds(labels: Tensor): boolean {
    const { logits, options } = this.expected;
    if (options.outputs === 'sigmoid') return false;
    return areClassIds(labels, logits.length + 1, logits.at(-1) ?? null);
  }

  private async read(table: Table): Promise<Error | null> {
    const columns = [table.labels, table.weights].filter((column) => column !== null);
    const [labels, weights] = await Promise.all(columns.map((column) => column.data()));
    try {
      this.look(labels, table, weights ?? null);
      return null;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  private look(labels: TypedArray, { labels: given }: Table, weights: TypedArray | null): void {
    const { logits, options } = this.expected;
    const ids = { classes: logits.at(-1) ?? null, ignoreIndex: options.ignoreIndex };
    checkClassIds({ labels, weights }, given?.shape ?? [], ids, this.functionName);
  }
}

/** Labels and weights that can be read without waiting for a device; null if one of them cannot. */
function columnsAtOnce({
  labels,
  weights,
}: Table): { labels: TypedArray; weights: TypedArray | null } | null {
  const [values, ofWeights] = [labels, weights].map((column) => column && valuesAtOnce(column));
  if (!values || (weights !== null && !ofWeights)) return null;
  return { labels: values, weights: ofWeights ?? null };
}
