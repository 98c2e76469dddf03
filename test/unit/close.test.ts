import { expectClose } from '../close.ts';

describe('expectClose', () => {
  const fails = (actual: number[], expected: number[], bound: number) =>
    expect(() => expectClose(actual, expected, bound, 'x')).toThrow();

  it('passes within the bound and fails outside of it', () => {
    expectClose([1, 2], [1, 2.05], 0.1, 'x');
    fails([1, 2], [1, 2.2], 0.1);
  });
  it('never lets NaN pass for a number, nor a number for NaN', () => {
    expectClose([Number.NaN], [Number.NaN], 1, 'x');
    fails([Number.NaN], [1], 1e9);
    fails([1], [Number.NaN], 1e9);
    fails([0.5, Number.NaN, 9], [0, 1, 0], 1);
  });
  it('takes an infinity only for itself', () => {
    expectClose([Number.POSITIVE_INFINITY], [Number.POSITIVE_INFINITY], 0, 'x');
    fails([Number.POSITIVE_INFINITY], [Number.NEGATIVE_INFINITY], Number.POSITIVE_INFINITY);
    fails([1e308], [Number.POSITIVE_INFINITY], Number.POSITIVE_INFINITY);
    fails([Number.POSITIVE_INFINITY], [1], 1);
  });
  it('names the worst value', () => {
    expect(() => expectClose([0, 5, 1], [0, 0, 0], 0.1, 'x')).toThrow(/x: value 1 of 3 is 5, expected 0/);
  });
  it('fails for another length', () => fails([1], [1, 2], 1));
});
