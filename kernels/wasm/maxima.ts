/** The first sweep: maxima of the rows, and whether they are near. */
import {
  foldMaximum,
  HIGHEST,
  isGroup,
  lanes,
  LIMIT,
  MAX_FIRST,
  MAX_SECOND,
  MINUS_LOWEST,
  startMaxima,
} from './lanes';
import { isExchanged, LOGITS, reading, readsLogarithms } from './objective';
import { BLOCK, bytesOfBlock, first, firstPad, PAD, rest, second, secondPad, wholeBytes } from './rows';

/**
 * Finds mz and mv; returns the rows that are near, MATH (20), of those that may be, as a bit for each lane.
 */
export function findMaxima(mayBeNear: bool): i32 {
  // Logarithms of probabilities may all be -Infinity, and then the row is not one of NaN.
  const ofTeacher: f32 = readsLogarithms ? -1e30 : -Infinity;
  const ofSecond: f32 = isExchanged ? ofTeacher : -Infinity;
  const ofFirst: f32 = isExchanged ? -Infinity : ofTeacher;
  startMaxima(ofSecond, ofFirst, mayBeNear ? -Infinity : Infinity);
  if (rest) sweepMaxima(secondPad, firstPad, PAD);
  for (let at: usize = 0; at < wholeBytes; at += BLOCK) {
    sweepMaxima(second + at, first + at, bytesOfBlock(at));
  }
  if (!isGroup) {
    for (let slot = MAX_SECOND; slot <= HIGHEST; slot += 32) foldMaximum(slot);
  }
  const range = f32x4.add(v128.load(lanes, HIGHEST), v128.load(lanes, MINUS_LOWEST));
  return i32x4.bitmask(f32x4.le(range, v128.load(lanes, LIMIT)));
}

/**
 * Widens the maxima, of probabilities as they are that of the student alone, and the range of d, as long as
 * it is within its limit in some lane.
 */
function sweepMaxima(second: usize, first: usize, bytes: usize): void {
  let low = f32x4.neg(v128.load(lanes, MINUS_LOWEST));
  let high = v128.load(lanes, HIGHEST);
  if (v128.any_true(f32x4.le(f32x4.sub(high, low), v128.load(lanes, LIMIT)))) {
    let mz = v128.load(lanes, MAX_SECOND);
    let mv = v128.load(lanes, MAX_FIRST);
    const end = second + bytes;
    do {
      const z0 = v128.load(second);
      const z1 = v128.load(second, 16);
      const v0 = v128.load(first);
      const v1 = v128.load(first, 16);
      const d0 = f32x4.sub(z0, v0);
      const d1 = f32x4.sub(z1, v1);
      mz = f32x4.pmax(f32x4.pmax(mz, z0), z1);
      mv = f32x4.pmax(f32x4.pmax(mv, v0), v1);
      low = f32x4.pmin(f32x4.pmin(low, d0), d1);
      high = f32x4.pmax(f32x4.pmax(high, d0), d1);
      first += 32;
      second += 32;
    } while (second < end);
    v128.store(lanes, mz, MAX_SECOND);
    v128.store(lanes, mv, MAX_FIRST);
    v128.store(lanes, f32x4.neg(low), MINUS_LOWEST);
    v128.store(lanes, high, HIGHEST);
  } else {
    addMaximum(MAX_SECOND, second, bytes);
    if (reading == LOGITS || readsLogarithms) addMaximum(MAX_FIRST, first, bytes);
  }
}

/** The largest value of each lane; NaN is passed over (the sums find it). */
function addMaximum(slot: usize, x: usize, bytes: usize): void {
  let m0 = v128.load(lanes + slot);
  let m1 = m0;
  const end = x + bytes;
  do {
    m0 = f32x4.pmax(m0, v128.load(x));
    m1 = f32x4.pmax(m1, v128.load(x, 16));
    x += 32;
  } while (x < end);
  v128.store(lanes + slot, f32x4.pmax(m0, m1));
}
