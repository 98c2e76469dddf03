/** Tells rows that are near from others, before they are transposed. */
import { lanes, LIMIT } from './lanes';
import { readsLogarithms } from './objective';
import {
  classes,
  list,
  logOfGiven,
  rowBytes,
  students,
  teachers,
  teacherTemperatures,
  temperatures,
} from './rows';
import { limitAt, studentTemperatureAt, teacherTemperatureAt } from './temperature';

/**
 * Lists rows, those that are near before the others; returns where these begin. As `findMaxima` and
 * `setTemperature` have it, to the last bit. MATH (20).
 */
export function sortRows(row: i32, count: i32): usize {
  let front = list;
  let back = front + (<usize>count << 2);
  let z = students + <usize>row * rowBytes;
  const toV = teachers - students;
  // Of rows of two or three classes what is before them is read, and left out.
  const notOfRow = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(4 - classes));
  let limit = load<f32>(lanes, LIMIT);
  do {
    if (temperatures | teacherTemperatures) {
      const ofStudent = studentTemperatureAt(temperatures ? temperatures + (<usize>row << 2) : 0);
      const at = teacherTemperatures ? teacherTemperatures + (<usize>row << 2) : 0;
      limit = limitAt(ofStudent, teacherTemperatureAt(at, ofStudent));
    }
    const halves = readsLogarithms ? boundsOfLogarithms(z, toV, notOfRow) : boundsOf(z, toV, notOfRow, false);
    z += rowBytes;
    const both = f32x4.pmax(halves, v128.shuffle<f32>(halves, halves, 1, 0, 3, 2));
    const isNear = f32x4.extract_lane(both, 0) + f32x4.extract_lane(both, 2) <= limit;
    back -= 4;
    store<i32>(front, row);
    store<i32>(back, row);
    front += <usize>isNear << 2;
    back += <usize>isNear << 2;
    row++;
  } while (front < back);
  return front;
}

function boundsOfLogarithms(z: usize, toV: usize, notOfRow: v128): v128 {
  return boundsOf(z, toV, notOfRow, true);
}

/** Of z - v of a row, over halves of its classes: twice minus the lowest, twice the highest. */
// @ts-ignore: decorator
@inline
function boundsOf(z: usize, toV: usize, notOfRow: v128, areLogarithms: bool): v128 {
  const last = z + rowBytes - 16;
  let d = v128.or(differenceAt(last, toV, areLogarithms), notOfRow);
  let low = f32x4.pmin(f32x4.splat(Infinity), d);
  let high = f32x4.pmax(f32x4.splat(-Infinity), d);
  while (z < last) {
    d = differenceAt(z, toV, areLogarithms);
    low = f32x4.pmin(low, d);
    high = f32x4.pmax(high, d);
    z += 16;
  }
  low = f32x4.neg(low);
  return f32x4.pmax(
    v128.shuffle<f32>(low, high, 0, 1, 4, 5),
    v128.shuffle<f32>(low, high, 2, 3, 6, 7),
  );
}

/** z - v, or z - log p. */
// @ts-ignore: decorator
@inline
function differenceAt(z: usize, toV: usize, areLogarithms: bool): v128 {
  const given = v128.load(z + toV);
  return f32x4.sub(v128.load(z), areLogarithms ? logOfGiven(given) : given);
}
