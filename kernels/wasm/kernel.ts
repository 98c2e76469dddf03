/**
 * The SIMD kernel's exports: what rows are computed for, and the walk over them. Float32, with 128-bit SIMD.
 * MATH (1)-(36). kernels/js computes the same.
 *
 * Short rows are computed four at a time, transposed so that each has a lane: the sweeps are the same, and
 * their sums belong to four rows. All rows of a group are near or none is, so that no row depends on its
 * neighbours: once a group turns out to be mixed, rows are sorted by kind before they are transposed.
 * A row by itself stays in place. Its u and w may overwrite student and teacher (private memory) or lie
 * elsewhere (memory of others). Nothing behind a row is read or written. The gradient may overwrite the
 * student. Nothing is allocated, and no memory is touched but what the pointers say, so the module may run on
 * a foreign heap.
 *
 * Loops test at their end, because V8 then hoists what does not change, constants above all.
 *
 * exp is 2^y with y = (z - mz) (log2(e)/T), within 2 units in the last place of 2^y. y carries two roundings,
 * so a term e^a is off by |a| 1.2e-7 of itself: at most 0.5e-7 of the largest term, because |a| e^a <= 1/e.
 * Rows that are not finite: the sums are NaN where the row must be, and w = 0 takes a class without mass out
 * of the products.
 */
import { labels } from './hard_term';
import { isGroup, lanes, setGroup } from './lanes';
import { findMaxima } from './maxima';
import { readsLogarithms } from './objective';
import { findTops, measureRows, setMetrics } from './row_metrics';
import { passOfRows, setLosses, total } from './row_pass';
import {
  bringInRows,
  classes,
  list,
  MOST_IN_GROUP,
  MOST_SORTED,
  setRows,
  takeLogarithms,
  temperatures,
  weights,
} from './rows';
import { sortRows } from './sort_rows';
import { setTemperatures, setWidest, studentTemperatureAt, teacherTemperatureAt } from './temperature';

export { setMeasure, setObjective } from './objective';
export { setRoom } from './rows';
export { maxOfRow, sumOfRow, writeExponentials, writeScaled } from './student_rows';

/**
 * Writes loss and gradient of every row, those whose pointer is not 0, and returns the sum of the losses.
 * `gradient` may be the room for u. Teacher and student lie at 8 or more.
 * `temperatures`, `teacherTemperatures`, `alphas`, `weights`: one float32 per row, or 0. `labels`: int32 ids
 * or float32 distributions, or 0.
 */
export function rowPass(
  rows: i32,
  classes: i32,
  teacher: usize,
  student: usize,
  labels: usize,
  temperatures: usize,
  teacherTemperatures: usize,
  alphas: usize,
  weights: usize,
  losses: usize,
  gradient: usize,
): f64 {
  setRows(
    classes,
    teacher,
    student,
    labels,
    temperatures,
    teacherTemperatures,
    alphas,
    weights,
    gradient,
  );
  setLosses(losses);
  walk(rows, false);
  return total;
}

/** Writes the eight metrics of every row: MATH (28)-(32). Otherwise as `rowPass`. */
export function rowMetrics(
  rows: i32,
  classes: i32,
  teacher: usize,
  student: usize,
  labels: usize,
  temperatures: usize,
  teacherTemperatures: usize,
  weights: usize,
  metrics: usize,
): void {
  setRows(classes, teacher, student, labels, temperatures, teacherTemperatures, 0, weights, 0);
  setMetrics(metrics);
  walk(rows, true);
}

/** Brings rows in, in groups and by themselves, and has them passed or measured. */
function walk(rows: i32, measures: bool): void {
  setWidest(classes);
  const ofStudent = studentTemperatureAt(0);
  setTemperatures(lanes, ofStudent, teacherTemperatureAt(0, ofStudent));
  // A group takes about as long as one row by itself, of 4 to 19 classes as two, of 20 to 35 as three.
  const fewest = 1 + min(3, (classes + 12) >> 4);
  const tail = rows & 3;
  const inGroups = classes > MOST_IN_GROUP ? 0 : tail < fewest ? rows - tail : rows;
  let areMixed = false;
  let done = 0;
  while (done < rows) {
    setGroup(done < inGroups);
    const count = isGroup ? min(inGroups - done, areMixed ? MOST_SORTED : 4) : 1;
    const behind = list + (<usize>count << 2);
    v128.store(list, i32x4.add(i32x4.splat(done), i32x4(0, 1, 2, 3)));
    const others = areMixed ? sortRows(done, count) : behind;
    let next = list;
    do {
      const mayBeNear = next < others;
      const taken = min(16, (mayBeNear ? others : behind) - next);
      bringInRows(next, taken);
      next += taken;
      if (measures) findTops();
      if (readsLogarithms) takeLogarithms();
      const areNear = findMaxima(mayBeNear);
      const near = mayBeNear && (areNear & 1) != 0;
      // Some rows of the group are near and some are not: it is taken again, sorted.
      if (!areMixed && areNear % 15) {
        areMixed = true;
      } else {
        if (measures) measureRows(near);
        else passOfRows(near);
        done += <i32>(taken >> 2);
      }
    } while (next < behind);
  }
}
