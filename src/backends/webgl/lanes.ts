/** Most lanes that one fragment of a merging pass takes over, and that the last pass adds up by itself. */
export const LANES_PER_MERGE = 32;

/** A row of fewer classes than this is swept by one fragment from end to end. */
const SHORT_ROW = 256;
/** Fragments that keep a device busy. */
const FRAGMENTS = 16_384;
/** Classes for a lane, so that starting it pays. */
const CLASSES_PER_LANE = 64;

/**
 * How many lanes share a row: 1 for short rows; for long ones as many as give every part of the device work.
 * Half-precision textures could not hold what lanes leave behind, so there a fragment sweeps its row alone.
 */
export function lanesFor(rows: number, classes: number, textures: 'float32' | 'float16'): number {
  if (textures === 'float16' || classes < SHORT_ROW) return 1;
  const wanted = Math.ceil(FRAGMENTS / rows);
  return Math.max(1, Math.min(wanted, Math.floor(classes / CLASSES_PER_LANE)));
}
