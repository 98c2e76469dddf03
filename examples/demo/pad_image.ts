/**
 * Brings a drawing into the form of MNIST: the ink in a box of 20 by 20, its centre of mass in the middle of
 * 28 by 28.
 */
import { IMAGE_SIDE, IMAGE_SIZE } from './mnist_in_browser.ts';

const BOX = 20;

/** @param grey side * side levels in [0, 1]. */
export function centred(grey: Float32Array, side: number): Float32Array {
  const ink = boundsOf(grey, side);
  const image = new Float32Array(IMAGE_SIZE);
  if (ink === null) return image;
  const scale = (Math.max(ink.right - ink.left, ink.bottom - ink.top) + 1) / BOX;
  const middle = (IMAGE_SIDE - 1) / 2;
  for (let y = 0; y < IMAGE_SIDE; y++) {
    for (let x = 0; x < IMAGE_SIDE; x++) {
      const from = { x: ink.x + (x - middle) * scale, y: ink.y + (y - middle) * scale };
      image[y * IMAGE_SIDE + x] = meanAround(grey, side, from, scale);
    }
  }
  return image;
}

interface Ink {
  left: number;
  right: number;
  top: number;
  bottom: number;
  /** Centre of mass. */
  x: number;
  y: number;
}

function boundsOf(grey: Float32Array, side: number): Ink | null {
  const ink: Ink = { left: side, right: -1, top: side, bottom: -1, x: 0, y: 0 };
  let mass = 0;
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const level = grey[y * side + x];
      if (level < 0.1) continue;
      ink.left = Math.min(ink.left, x);
      ink.right = Math.max(ink.right, x);
      ink.top = Math.min(ink.top, y);
      ink.bottom = Math.max(ink.bottom, y);
      ink.x += x * level;
      ink.y += y * level;
      mass += level;
    }
  }
  return mass === 0 ? null : { ...ink, x: ink.x / mass, y: ink.y / mass };
}

/** Mean level of the square of `size` around a place; 0 outside of the drawing. */
function meanAround(
  grey: Float32Array,
  side: number,
  { x, y }: { x: number; y: number },
  size: number,
): number {
  const samples = Math.max(1, Math.round(size));
  let sum = 0;
  for (let i = 0; i < samples; i++) {
    for (let j = 0; j < samples; j++) {
      const column = Math.round(x + ((i + 0.5) / samples - 0.5) * size);
      const row = Math.round(y + ((j + 0.5) / samples - 0.5) * size);
      if (column >= 0 && column < side && row >= 0 && row < side) sum += grey[row * side + column];
    }
  }
  return sum / samples ** 2;
}
