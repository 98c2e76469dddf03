/** Rows that one dispatch works on, and where their values lie in the buffers that it binds. */
export interface Cut {
  rows: number;
  /** Of a tensor with one value per row. */
  perRow: Binding;
  /** Of a tensor with `classes` values per row. */
  perClass: Binding;
}

/**
 * A part of a buffer, in bytes, and the index of the first value in it that is meant: bindings begin at
 * multiples of the device's alignment.
 */
export interface Binding {
  offset: number;
  size: number;
  start: number;
}

const BYTES = 4;

type CutLimits = Pick<GPUSupportedLimits, 'maxStorageBufferBindingSize' | 'minStorageBufferOffsetAlignment'>;

/**
 * All rows in one dispatch where the device binds the whole tensors, else as few dispatches as it takes.
 *
 * @param widest Values per row of the widest tensor, if that is not `classes`.
 * @throws RangeError if the device cannot bind a single row.
 */
export function cutRows(rows: number, classes: number, limits: CutLimits, widest = classes): Cut[] {
  const most = limits.maxStorageBufferBindingSize;
  const alignment = limits.minStorageBufferOffsetAlignment;
  if (rows * widest * BYTES <= most) return [cutOf(0, rows, classes, alignment)];
  const rowsAtATime = Math.floor((most - alignment) / (widest * BYTES));
  if (rowsAtATime < 1) {
    throw new RangeError(
      `softmaxCrossEntropyWithTemperature: a row of ${classes} classes takes ${classes * BYTES} bytes; this device binds at most ` +
        `${most} at a time (maxStorageBufferBindingSize, less an alignment of ${alignment}). Use fewer classes or another backend.`,
    );
  }
  const cuts: Cut[] = [];
  for (let first = 0; first < rows; first += rowsAtATime) {
    cuts.push(cutOf(first, Math.min(rowsAtATime, rows - first), classes, alignment));
  }
  return cuts;
}

function cutOf(firstRow: number, rows: number, classes: number, alignment: number): Cut {
  const bind = (first: number, values: number): Binding => {
    const offset = Math.floor((first * BYTES) / alignment) * alignment;
    return { offset, size: (first + values) * BYTES - offset, start: first - offset / BYTES };
  };
  return { rows, perRow: bind(firstRow, rows), perClass: bind(firstRow * classes, rows * classes) };
}
