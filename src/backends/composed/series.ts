import { add, mul, square, type Tensor, zerosLike } from '@tensorflow/tfjs-core';

// Power series, each good to float32 for |x| <= 0.3.

const TERMS = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/** x^2 times the sum of coefficient(k) x^(k - 2) over TERMS. */
function series(coefficient: (k: number) => number): (x: Tensor) => Tensor {
  const [last, ...rest] = TERMS.map(coefficient).reverse();
  return (x) =>
    mul(
      square(x),
      rest.reduce((value, next) => add(mul(value, x), next), add(zerosLike(x), last)),
    );
}

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

export const expm1MinusX = series((k) => 1 / factorial(k));
export const expm1 = (x: Tensor) => add(x, expm1MinusX(x));
export const xMinusLog1p = series((k) => (-1) ** k / k);
/** h of MATH (26). */
export const h = series((k) => (-1) ** k / (k * (k - 1)));
