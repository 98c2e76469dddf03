/**
 * The format of the MNIST files: two zero bytes, 8 for bytes, the number of dimensions, each dimension as a
 * big-endian integer, the values.
 */

/** Images are IMAGE_SIDE by IMAGE_SIDE. */
export const IMAGE_SIDE = 28;
export const IMAGE_SIZE = IMAGE_SIDE * IMAGE_SIDE;
export const DIGITS = 10;

const BYTES = 0x800;

/** Values of shape [count, ...itemShape]. */
export function decodeIdx(file: Uint8Array, itemShape: number[]): { shape: number[]; values: Uint8Array } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const dimensions = 1 + itemShape.length;
  const shape = Array.from({ length: dimensions }, (_, k) => view.getUint32(4 + 4 * k));
  const values = file.subarray(4 + 4 * dimensions);
  const isAsExpected =
    view.getUint32(0) === BYTES + dimensions &&
    shape.slice(1).join() === itemShape.join() &&
    values.length === shape.reduce((product, size) => product * size, 1);
  if (!isAsExpected) throw new Error(`decodeIdx: no idx file of bytes of shape [count,${itemShape}].`);
  return { shape, values };
}

export function encodeIdx(shape: number[], values: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length));
  header.setUint32(0, BYTES + shape.length);
  for (const [k, size] of shape.entries()) header.setUint32(4 + 4 * k, size);
  const file = new Uint8Array(header.byteLength + values.length);
  file.set(new Uint8Array(header.buffer));
  file.set(values, header.byteLength);
  return file;
}
