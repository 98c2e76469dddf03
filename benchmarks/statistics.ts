/**
 * The value below which the share q of the samples lies, between neighbours by linear interpolation. q in [0,
 * 1]; at least one sample.
 */
export function quantile(samples: readonly number[], q: number): number {
  if (samples.length === 0) throw new RangeError('quantile: expected at least one sample; got none.');
  const sorted = [...samples].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}

export interface Summary {
  median: number;
  p20: number;
  p80: number;
}

export function summarise(samples: readonly number[]): Summary {
  return { median: quantile(samples, 0.5), p20: quantile(samples, 0.2), p80: quantile(samples, 0.8) };
}
