import { quantile, summarise } from '../../benchmarks/statistics.ts';

describe('quantile', () => {
  it('is the sample itself if there is one', () => {
    expect(quantile([3], 0.2)).toBe(3);
  });

  it('does not need sorted samples, and leaves them as they are', () => {
    const samples = [9, 1, 5];
    expect(quantile(samples, 0.5)).toBe(5);
    expect(samples).toEqual([9, 1, 5]);
  });

  it('lies between neighbours', () => {
    expect(quantile([0, 10], 0.2)).toBeCloseTo(2, 12);
    expect(quantile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(quantile([1, 2, 3, 4], 0)).toBe(1);
    expect(quantile([1, 2, 3, 4], 1)).toBe(4);
  });

  it('refuses to speak of no samples', () => {
    expect(() => quantile([], 0.5)).toThrow(RangeError);
  });
});

it('a summary is the median and what lies a fifth from either end', () => {
  expect(summarise([10, 0, 20, 30, 40, 50])).toEqual({ median: 25, p20: 10, p80: 40 });
});
