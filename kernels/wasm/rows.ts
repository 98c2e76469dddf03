/**
 * The rows that are worked on: four short ones at a time, transposed into pads so that each has a lane, or
 * one by itself in place. Of the latter the last classes, if they are no multiple of 16, go to pads that are
 * filled up with classes of no mass. Nothing behind a row is read or written.
 */
import { addLanes, isGroup, lanes, LANES_BYTES, ROW, setLanes, startSums, SUM_MASS } from './lanes';
import { alpha, isExchanged, LOGITS, NO_ALPHA, reading, SOFTENED_PROBABILITIES } from './objective';
import { setTemperatures, studentTemperatureAt, teacherTemperatureAt } from './temperature';
import { logOfProbability } from './vectors';

/** Rows of up to so many classes are worked on in groups of four. */
export const MOST_IN_GROUP: i32 = 255;
/** Bytes of a group's classes, and a class to make them even. */
const GROUP_BYTES: usize = 16 * (MOST_IN_GROUP + 1);
/** So many rows are told apart at once at most. */
export const MOST_SORTED: i32 = 256;
/** Bytes of a pad: sixteen classes. */
export const PAD: usize = 64;
/** Bytes of classes whose terms are added up in float32: 128 in each lane. */
export const BLOCK: usize = 2048;

/** What all rows have, where that of the first row lies, 0 where there is none. */
export let teachers: usize = 0;
export let students: usize = 0;
export let labelsOfAll: usize = 0;
export let temperatures: usize = 0;
export let teacherTemperatures: usize = 0;
export let alphas: usize = 0;
export let weights: usize = 0;
export let gradients: usize = 0;
/** Classes of a row, and its bytes. */
export let classes: i32 = 0;
export let rowBytes: usize = 0;

/** Room for u and w of row n at `n` steps, and for r of one row. */
let roomForU: usize = 0;
let stepOfU: usize = 0;
let roomForW: usize = 0;
let stepOfW: usize = 0;
let roomForR: usize = 0;
/** Pads: sixteen classes of a row, or the classes of a group. */
export let labelPad: usize = 0;
export let rPad: usize = 0;
export let studentPad: usize = 0;
export let firstPad: usize = 0;
export let secondPad: usize = 0;
let teacherPad: usize = 0;
let uPad: usize = 0;
let wPad: usize = 0;
/** Numbers of the rows that are next, in the order in which they are worked on. */
export let list: usize = 0;

/** How many classes are behind the whole sixteens of a row, and so in its pads; none of a group. */
export let rest: i32 = 0;
/** Bytes of what is worked on elsewhere: all of a group, the whole sixteens of a row. */
export let wholeBytes: usize = 0;
/** Where these lie. First and second are the arguments of the divergence. */
export let student: usize = 0;
export let first: usize = 0;
export let second: usize = 0;
export let u: usize = 0;
export let w: usize = 0;
export let r: usize = 0;
/** Behind the lanes that have a row. */
export let end: usize = 0;

/**
 * Where the next row passes keep what they need: u and w of row n at `n` steps, r of one row (with a hard
 * term), and pads of 27,152 bytes, aligned to 16.
 */
export function setRoom(u: usize, uStep: usize, w: usize, wStep: usize, r: usize, pads: usize): void {
  roomForU = u;
  stepOfU = uStep;
  roomForW = w;
  stepOfW = wStep;
  roomForR = r;
  setLanes(pads);
  teacherPad = pads + LANES_BYTES;
  studentPad = teacherPad + GROUP_BYTES;
  labelPad = studentPad + GROUP_BYTES;
  rPad = labelPad + GROUP_BYTES;
  uPad = rPad + GROUP_BYTES;
  wPad = uPad + GROUP_BYTES;
  list = wPad + GROUP_BYTES;
}

export function setRows(
  classesOfRow: i32,
  teacher: usize,
  student: usize,
  labels: usize,
  temperaturesOfRows: usize,
  temperaturesOfTeachers: usize,
  alphasOfRows: usize,
  weightsOfRows: usize,
  gradient: usize,
): void {
  classes = classesOfRow;
  rowBytes = <usize>classes << 2;
  teachers = teacher;
  students = student;
  labelsOfAll = labels;
  temperatures = temperaturesOfRows;
  teacherTemperatures = temperaturesOfTeachers;
  alphas = alphasOfRows;
  weights = weightsOfRows;
  gradients = gradient;
  firstPad = isExchanged ? studentPad : teacherPad;
  secondPad = isExchanged ? teacherPad : studentPad;
}

/** Where the row of a lane has its part of what all rows have, so many bytes each. */
// @ts-ignore: decorator
@inline
export function ofRow(all: usize, lane: usize, bytes: usize): usize {
  return all + <usize>load<u32>(lane, ROW) * bytes;
}

/** As `ofRow`, of what has one float32 for each row; 0 if there is none. */
// @ts-ignore: decorator
@inline
function ofRowIfGiven(all: usize, lane: usize): usize {
  return all ? ofRow(all, lane, 4) : 0;
}

/** T of a lane's row. */
export function temperatureOf(lane: usize): f64 {
  return studentTemperatureAt(ofRowIfGiven(temperatures, lane));
}

/** T of its teacher. */
export function teacherTemperatureOf(lane: usize, ofStudent: f64): f64 {
  return teacherTemperatureAt(ofRowIfGiven(teacherTemperatures, lane), ofStudent);
}

/** Weight of the hard term of a lane's row, in [0, 1] if it is right; NO_ALPHA if rows have none. */
export function alphaOf(lane: usize): f64 {
  if (!alphas) return alpha;
  const a: f64 = load<f32>(ofRow(alphas, lane, 4));
  return a == NO_ALPHA ? NaN : a;
}

/**
 * Brings in the rows whose numbers are listed here, in so many bytes. Where a group has fewer than four, the
 * lanes behind have the number of one before them.
 */
export function bringInRows(listed: usize, bytes: usize): void {
  v128.store(lanes, v128.load(listed), ROW);
  end = lanes + bytes;
  for (let lane = end; lane < lanes + 16; lane += 4) store<u32>(lane, load<u32>(lanes, ROW), ROW);
  if (isGroup) {
    rest = 0;
    wholeBytes = <usize>((classes + 1) & ~1) << 4;
    u = uPad;
    w = wPad;
    r = rPad;
  } else {
    rest = classes & 15;
    wholeBytes = rowBytes - (<usize>rest << 2);
    u = ofRow(roomForU, lanes, stepOfU);
    w = ofRow(roomForW, lanes, stepOfW);
    r = roomForR;
  }
  if (temperatures | teacherTemperatures) {
    for (let at = lanes; at < end; at += 4) {
      const ofStudent = temperatureOf(at);
      setTemperatures(at, ofStudent, teacherTemperatureOf(at, ofStudent));
    }
  }
  const teacher = bringIn(teachers, teacherPad, reading == LOGITS ? -Infinity : 0);
  student = bringIn(students, studentPad, -Infinity);
  setTeacher(teacher);
}

function setTeacher(teacher: usize): void {
  first = isExchanged ? student : teacher;
  second = isExchanged ? teacher : student;
}

/** Transposes a group, and makes its classes even; fills the pad of a row. Returns where the classes are. */
export function bringIn(all: usize, pad: usize, filler: f32): usize {
  if (isGroup) {
    v128.store(pad + (<usize>classes << 4), f32x4.splat(filler)); // read if classes are odd
    transposeIn(all, pad);
    return pad;
  }
  const row = ofRow(all, lanes, rowBytes);
  if (rest) {
    fillPad(pad, filler);
    mergeRest(pad, row + rowBytes - PAD);
  }
  return row;
}

/** Has log p stand for the teacher's p, in the room for w, and finds S. */
export function takeLogarithms(): void {
  const teacher = isExchanged ? second : first;
  const to = isGroup ? teacher : w;
  startSums(SUM_MASS, SUM_MASS + 32);
  if (rest) writeLogarithms(teacherPad, teacherPad, PAD);
  for (let at: usize = 0; at < wholeBytes; at += BLOCK) {
    writeLogarithms(teacher + at, to + at, bytesOfBlock(at));
  }
  setTeacher(to);
}

function writeLogarithms(p: usize, to: usize, bytes: usize): void {
  let sum = f32x4.splat(0);
  for (const behind = p + bytes; p < behind; p += 16) {
    const given = presentOf(v128.load(p));
    sum = f32x4.add(sum, given);
    v128.store(to, logOfProbability(given));
    to += 16;
  }
  addLanes(SUM_MASS, sum);
}

/**
 * p; where it is to be softened, 0 below the smallest normal number, as on devices that flush such numbers.
 */
// @ts-ignore: decorator
@inline
function presentOf(p: v128): v128 {
  if (reading != SOFTENED_PROBABILITIES) return p;
  return v128.andnot(p, f32x4.lt(f32x4.abs(p), f32x4.splat(1.17549435e-38)));
}

export function logOfGiven(p: v128): v128 {
  return logOfProbability(presentOf(p));
}

/** Of the block that begins here. */
// @ts-ignore: decorator
@inline
export function bytesOfBlock(at: usize): usize {
  return min(BLOCK, wholeBytes - at);
}

export function fillPad(pad: usize, filler: f32): void {
  const filling = f32x4.splat(filler);
  v128.store(pad, filling);
  v128.store(pad, filling, 16);
  v128.store(pad, filling, 32);
  v128.store(pad, filling, 48);
}

/**
 * Of sixteen classes, the last of a row or a pad, copies those of the rest. By whole vectors, where the row
 * has them, because one that is loaded just after parts of it were stored waits for them.
 */
export function mergeRest(to: usize, from: usize): void {
  if (classes < 16) {
    for (let at = PAD - rowBytes; at < PAD; at += 4) store<f32>(to + at, load<f32>(from + at));
    return;
  }
  let others = 16 - rest;
  for (const behind = to + PAD; to < behind; to += 16) {
    const isOfRest = i32x4.ge_s(i32x4(0, 1, 2, 3), i32x4.splat(others));
    v128.store(to, v128.bitselect(v128.load(from), v128.load(to), isOfRest));
    from += 16;
    others -= 4;
  }
}

/**
 * From rows to lanes or, `outwards`, back: four classes of four rows at a time. The last four classes may
 * have been moved in part before: so nothing beyond a row is read or written. Fewer than four go one by one.
 * From the last lane to the first, because what lanes without a row of their own have for it is not its
 * gradient.
 */
// @ts-ignore: decorator
@inline
function transpose(all: usize, pad: usize, outwards: bool): void {
  if (classes < 4) {
    for (let lane: usize = 16; lane; ) {
      lane -= 4;
      let inRow = ofRow(all, lanes + lane, rowBytes);
      let inLane = pad + lane;
      for (const behind = inRow + rowBytes; inRow < behind; inRow += 4) {
        if (outwards) store<f32>(inRow, load<f32>(inLane));
        else store<f32>(inLane, load<f32>(inRow));
        inLane += 16;
      }
    }
    return;
  }
  const row0 = ofRow(all, lanes, rowBytes);
  const row1 = ofRow(all, lanes + 4, rowBytes);
  const row2 = ofRow(all, lanes + 8, rowBytes);
  const row3 = ofRow(all, lanes + 12, rowBytes);
  let i = 0;
  do {
    const inRow = <usize>min(i, classes - 4) << 2;
    const inLanes = pad + (inRow << 2);
    const x0 = outwards ? v128.load(inLanes) : v128.load(row0 + inRow);
    const x1 = outwards ? v128.load(inLanes, 16) : v128.load(row1 + inRow);
    const x2 = outwards ? v128.load(inLanes, 32) : v128.load(row2 + inRow);
    const x3 = outwards ? v128.load(inLanes, 48) : v128.load(row3 + inRow);
    const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    const y3 = v128.shuffle<f64>(high01, high23, 1, 3);
    const y2 = v128.shuffle<f64>(high01, high23, 0, 2);
    const y1 = v128.shuffle<f64>(low01, low23, 1, 3);
    const y0 = v128.shuffle<f64>(low01, low23, 0, 2);
    if (outwards) {
      v128.store(row3 + inRow, y3);
      v128.store(row2 + inRow, y2);
      v128.store(row1 + inRow, y1);
      v128.store(row0 + inRow, y0);
    } else {
      v128.store(inLanes, y0);
      v128.store(inLanes, y1, 16);
      v128.store(inLanes, y2, 32);
      v128.store(inLanes, y3, 48);
    }
    i += 4;
  } while (i < classes);
}

function transposeIn(all: usize, pad: usize): void {
  transpose(all, pad, false);
}

export function transposeOut(all: usize, pad: usize): void {
  transpose(all, pad, true);
}
