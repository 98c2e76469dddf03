import {
  add,
  concat,
  dispose,
  div,
  keep,
  mul,
  notEqual,
  ones,
  slice,
  type Tensor,
  tidy,
  where,
} from '@tensorflow/tfjs-core';

/**
 * Means of some figures over batches, of which each counts by its weight: sum w x / sum w, so that they do not depend on how the data was cut into batches. Where all
 * weights are 0 a mean is 0.
 */
export class WeightedMeans {
  /** Of each figure, weight times value, summed. */
  private totals: Tensor | null = null;
  /** Of the weights that are numbers, the same for all figures. */
  private counted = 0;
  /** Of the weights that are tensors, for each figure. */
  private weights: Tensor | null = null;

  /** @param isFirstSummed The first figure is a sum, of which no mean is taken: that of Reduction.SUM. */
  constructor(private readonly isFirstSummed: boolean) {}

  /** Values of a batch, `[figures]`, and how much they count: one number, or `[figures]`. */
  add(values: Tensor, weights: number | Tensor): void {
    const { totals: before, weights: weightsBefore } = this;
    this.totals = keepIn(() => {
      const weighted = mul(values, weights);
      return before === null ? weighted : add(before, weighted);
    });
    before?.dispose();
    if (typeof weights === 'number') {
      this.counted += weights;
      return;
    }
    this.weights = keepIn(() => (weightsBefore === null ? mul(weights, 1) : add(weightsBefore, weights)));
    weightsBefore?.dispose();
  }

  /** `[figures]`, or null if nothing was added. */
  means(): Tensor | null {
    const { totals, weights, counted } = this;
    if (totals === null) return null;
    return tidy(() => {
      if (weights === null && !this.isFirstSummed) return div(totals, counted === 0 ? 1 : counted);
      const sums = weights === null ? mul(ones(totals.shape), counted) : add(weights, counted);
      const divisors = this.isFirstSummed ? concat([ones([1]), slice(sums, 1)]) : sums;
      return div(totals, where(notEqual(divisors, 0), divisors, ones(totals.shape)));
    });
  }

  /** Forgets all batches. */
  reset(): void {
    dispose([this.totals, this.weights].filter((tensor) => tensor !== null));
    this.totals = null;
    this.weights = null;
    this.counted = 0;
  }
}

/** A result that outlives the tidy that is under way. */
function keepIn(f: () => Tensor): Tensor {
  return keep(tidy(f));
}
