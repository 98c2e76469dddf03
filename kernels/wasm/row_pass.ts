/**
 * The row pass in float32 with 128-bit SIMD: `crossEntropy` and `kl` of logits and of probabilities, `reverseKl` of logits, the hard term; the gradient to the
 * student, and for logits the one to the teacher. MATH (1)-(5), (7)-(9), (12)-(18), (20)-(26). kernels/js has the rest.
 *
 * Per row three sweeps: maxima (read 2C), sums (read 2C, write u and w, 2C), gradient (read 2C, write C); two exponentials per class. The maxima come with the range of
 * z - v, which tells whether the row is near, until a block of classes shows that it is not. A near row needs one exponential per class.
 * Short rows are computed four at a time, transposed so that each has a lane: the sweeps are the same, and their sums belong to four rows. All rows of a group are near or
 * none is, so that no row depends on its neighbours: once a group turns out to be mixed, rows are sorted by kind before they are transposed.
 * A row by itself stays in place. Its u and w may overwrite student and teacher (private memory) or lie elsewhere (memory of others); its last classes, if it is no multiple
 * of 16, go to pads that are filled up with classes of no mass. Nothing behind a row is read or written. The gradient may overwrite the student.
 * Nothing is allocated, and no memory is touched but what the pointers say, so the module may run on a foreign heap.
 *
 * Loops test at their end, because V8 then hoists what does not change, constants above all.
 *
 * exp is 2^y with y = (z - mz) (log2(e)/T), within 2 units in the last place of 2^y. y carries two roundings, so a term e^a is off by |a| 1.2e-7 of itself: at
 * most 0.5e-7 of the largest term, because |a| e^a <= 1/e.
 * Rows that are not finite: the sums are NaN where the row must be, and w = 0 takes a class without mass out of the products.
 */
import { addHardGradient, writeDifference, writeToTeacher } from './gradients';
import {
  CONSTANT,
  FILLING,
  foldMaximum,
  HIGHEST,
  INVERSE_T,
  isGroup,
  LANES_BYTES,
  LIMIT,
  lanes,
  MAX_FIRST,
  MAX_SECOND,
  MEAN,
  MINUS_LOWEST,
  ROW,
  SUM_CROSS,
  SUM_HARD,
  SUM_LABELLED,
  SUM_LABELS,
  SUM_OWN,
  SUM_STUDENT,
  SUM_TEACHER,
  setGroup,
  setLanes,
  startMaxima,
  startSums,
  TO_LABEL,
  TO_LOG,
  TO_LOG2,
  TO_R,
  TO_U,
  TO_W,
} from './lanes';
import { klOfNear, logOfSum } from './scalars';
import {
  sweepCrossEntropy,
  sweepEntropy,
  sweepHard,
  sweepKl,
  sweepLabels,
  sweepMaxima,
  sweepNear,
  sweepProbabilities,
  sweepToTeacher,
} from './sweeps';
import { LN_2, LOG2_E } from './vectors';

/** Bits of `mode`. Those for reverseKl exchange teacher and student in the soft term: it is kl with the roles exchanged. */
const PROBABILITIES: i32 = 1;
const KL: i32 = 2;
const EXCHANGED: i32 = 4;
/** The gradient wanted is the one to the soft term's first argument: the teacher's, the student's if exchanged. */
const TO_FIRST: i32 = 8;
const SCALE_BY_T_SQUARED: i32 = 16;
const CLASS_IDS: i32 = 32;
const DISTRIBUTION: i32 = 64;
/** The hard term has a part in what is wanted. */
const HARD: i32 = 128;

/** Bytes of classes whose terms are added up in float32: 128 in each lane. */
const BLOCK: usize = 2048;
/** Rows of up to so many classes are worked on in groups of four. */
const MOST_IN_GROUP: i32 = 255;
/** Bytes of a group's classes, and a class to make them even. */
const GROUP_BYTES: usize = 16 * (MOST_IN_GROUP + 1);
/** So many rows are told apart at once at most. */
const MOST_SORTED: i32 = 256;
/** Bytes of a pad: sixteen classes. */
const PAD: usize = 64;

/** What is done with classes, block by block. */
const FIND_MAXIMA: i32 = 0;
const SUM_HARD_TERM: i32 = 1;
const SUM_LABELS_OF: i32 = 2;
const SUM_SOFT_TERM: i32 = 3;
const WRITE_GRADIENT: i32 = 4;

let mode: i32 = 0;
let temperatureOfAll: f64 = 0;
let scale: f64 = 0;
let softWeight: f64 = 0;
let hardWeight: f64 = 0;
let labelSmoothing: f64 = 0;

let roomForU: usize = 0;
let stepOfU: usize = 0;
let roomForW: usize = 0;
let stepOfW: usize = 0;
let roomForR: usize = 0;
/** A pad, or the classes of a group: those of each row in a lane. */
let teacherPad: usize = 0;
let studentPad: usize = 0;
let labelPad: usize = 0;
let rPad: usize = 0;
let uPad: usize = 0;
let wPad: usize = 0;
/** Numbers of the rows that are next, in the order in which they are worked on. */
let list: usize = 0;

/** Classes of a row, its bytes, and how many classes are left behind the whole sixteens. */
let classes: i32 = 0;
let rowBytes: usize = 0;
let rest: i32 = 0;
/** Bytes of what is worked on where it lies: all of a group, whole sixteens of a row. */
let wholeBytes: usize = 0;
/** Where that lies. `target` is where its gradient goes, `y` where its labels are. First and second are the arguments of the divergence: KL(first || second). */
let first: usize = 0;
let second: usize = 0;
let firstPad: usize = 0;
let secondPad: usize = 0;
let u: usize = 0;
let w: usize = 0;
let r: usize = 0;
let target: usize = 0;
let y: usize = 0;
let yStep: usize = 0;
let partOfLabels: f32 = 0;
/** What rowPass was given. */
let teachers: usize = 0;
let students: usize = 0;
let labelsOfAll: usize = 0;
let temperaturesOfAll: usize = 0;
let weightsOfAll: usize = 0;
let losses: usize = 0;
let gradients: usize = 0;
let total: f64 = 0;
/** Behind the lanes of the rows that are worked on. */
let end: usize = 0;
/** The widest range of d of a near row, in units of T; NaN where none may be near. */
let limit: f64 = 0;
/** Whether the rows that are worked on are near. */
let near: bool = false;

/** What the next row passes cost and write. `temperature` is T of rows that are given none of their own. */
export function setObjective(
  modeBits: i32,
  temperature: f64,
  scaleOfAll: f64,
  soft: f64,
  hard: f64,
  smoothing: f64,
): void {
  mode = modeBits;
  temperatureOfAll = temperature;
  scale = scaleOfAll;
  softWeight = soft;
  hardWeight = hard;
  labelSmoothing = smoothing;
}

/**
 * Where the next row passes keep what they need: u and w of row n at `n` steps, r of one row (with a hard term), 26,416 bytes for pads and groups, aligned
 * to 16.
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

/**
 * Writes loss and gradient of every row, those whose pointer is not 0, and returns the sum of the losses. `gradient` may be the room for u. Teacher and student lie at 8
 * or more.
 * `temperatures`, `weights`: one float32 per row, or 0. `labels`: int32 ids or float32 distributions, or 0.
 */
export function rowPass(
  rows: i32,
  classesOfRow: i32,
  teacher: usize,
  student: usize,
  labels: usize,
  temperatures: usize,
  weights: usize,
  loss: usize,
  gradient: usize,
): f64 {
  classes = classesOfRow;
  rowBytes = <usize>classes << 2;
  teachers = teacher;
  students = student;
  labelsOfAll = labels;
  temperaturesOfAll = temperatures;
  weightsOfAll = weights;
  losses = loss;
  gradients = gradient;
  // The gradient of a cross entropy to its first argument has no difference of probabilities in it.
  limit = !(mode & PROBABILITIES) && (mode & (KL | TO_FIRST)) != TO_FIRST && classes > 1 ? 0.25 : NaN;
  setTemperature(lanes, temperatureOfAll);
  const isExchanged = (mode & EXCHANGED) != 0;
  firstPad = isExchanged ? studentPad : teacherPad;
  secondPad = isExchanged ? teacherPad : studentPad;
  // A group takes about as long as one row by itself, of 4 to 19 classes as two, of 20 to 35 as three.
  const fewest = 1 + min(3, (classes + 12) >> 4);
  const tail = rows & 3;
  const inGroups = classes > MOST_IN_GROUP ? 0 : tail < fewest ? rows - tail : rows;
  let areMixed = false;
  let done = 0;
  total = 0;
  while (done < rows) {
    setGroup(done < inGroups);
    const count = isGroup ? min(inGroups - done, areMixed ? MOST_SORTED : 4) : 1;
    const behind = list + (<usize>count << 2);
    v128.store(list, i32x4.add(i32x4.splat(done), i32x4(0, 1, 2, 3)));
    const others = areMixed ? sortRows(done, count) : behind;
    let next = list;
    do {
      v128.store(lanes, v128.load(next), ROW);
      const mayBeNear = next < others;
      const taken = min(16, (mayBeNear ? others : behind) - next);
      next += taken;
      end = lanes + taken;
      for (let lane = end; lane < lanes + 16; lane += 4) store<u32>(lane, load<u32>(lanes, ROW), ROW);
      bringInRows();
      const areNear = findMaxima(mayBeNear);
      near = mayBeNear && areNear & 1;
      // Some rows of the group are near and some are not: it is taken again, sorted.
      if (!areMixed && areNear % 15) {
        areMixed = true;
      } else {
        passOfLanes();
        done += <i32>(taken >> 2);
      }
    } while (next < behind);
  }
  return total;
}

/** Lists rows, those that are near before the others; returns where these begin. As `findMaxima` and `setTemperature` have it, to the last bit. MATH (20). */
function sortRows(row: i32, count: i32): usize {
  let front = list;
  let back = front + (<usize>count << 2);
  let z = students + <usize>row * rowBytes;
  const toV = teachers - students;
  // Of rows of two or three classes what is before them is read, and left out.
  const notOfRow = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(4 - classes));
  let limitOfRow = load<f32>(lanes, LIMIT);
  do {
    if (temperaturesOfAll) limitOfRow = <f32>(load<f32>(temperaturesOfAll + (<usize>row << 2)) * limit);
    const last = z + rowBytes - 16;
    let d = v128.or(f32x4.sub(v128.load(last), v128.load(last + toV)), notOfRow);
    let low = f32x4.pmin(f32x4.splat(Infinity), d);
    let high = f32x4.pmax(f32x4.splat(-Infinity), d);
    while (z < last) {
      d = f32x4.sub(v128.load(z), v128.load(z + toV));
      low = f32x4.pmin(low, d);
      high = f32x4.pmax(high, d);
      z += 16;
    }
    z = last + 16;
    low = f32x4.neg(low);
    const halves = f32x4.pmax(v128.shuffle<f32>(low, high, 0, 1, 4, 5), v128.shuffle<f32>(low, high, 2, 3, 6, 7));
    const both = f32x4.pmax(halves, v128.shuffle<f32>(halves, halves, 1, 0, 3, 2));
    const isNear = f32x4.extract_lane(both, 0) + f32x4.extract_lane(both, 2) <= limitOfRow;
    back -= 4;
    store<i32>(front, row);
    store<i32>(back, row);
    front += <usize>isNear << 2;
    back += <usize>isNear << 2;
    row++;
  } while (front < back);
  return front;
}

/** Where the row of a lane has its part of what all rows have, so many bytes each. */
// @ts-ignore: decorator
@inline
function ofRow(all: usize, lane: usize, bytes: usize): usize {
  return all + <usize>load<u32>(lane, ROW) * bytes;
}

/** Brings in the rows whose numbers the lanes have. Where a group has fewer than four, the lanes behind have the number of one before them. */
function bringInRows(): void {
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
  const hasLogits = !(mode & PROBABILITIES);
  const isExchanged = (mode & EXCHANGED) != 0;
  if (temperaturesOfAll) {
    for (let at = lanes; at < end; at += 4) setTemperature(at, load<f32>(ofRow(temperaturesOfAll, at, 4)));
  }
  const teacher = bringIn(teachers, teacherPad, hasLogits ? -Infinity : 0);
  const student = bringIn(students, studentPad, -Infinity);
  first = isExchanged ? student : teacher;
  second = isExchanged ? teacher : student;
}

/** What comes of them, once their maxima are known. */
function passOfLanes(): void {
  startSums();
  const student = mode & EXCHANGED ? first : second;
  if (mode & HARD) sumHardTerm();
  if (mode & CLASS_IDS) {
    for (let at = lanes; at < end; at += 4) addLabel(at, load<i32>(ofRow(labelsOfAll, at, 4)), student);
  }
  forEachBlock(SUM_SOFT_TERM);
  takeLogs();
  for (let at = lanes; at < end; at += 4) {
    const temperature: f64 = temperaturesOfAll ? load<f32>(ofRow(temperaturesOfAll, at, 4)) : temperatureOfAll;
    const weight: f64 = weightsOfAll ? scale * load<f32>(ofRow(weightsOfAll, at, 4)) : scale;
    let value: f64 = 0;
    if (weight != 0) value = passOfLane(at, at + (at - lanes), temperature, weight);
    if (weight == 0 || value != value) v128.store(at, f32x4.splat(<f32>value), FILLING);
    total += value;
    if (losses) store<f32>(ofRow(losses, at, 4), <f32>value);
  }
  if (gradients) writeGradient();
}

/** The rest first: what its gradient is merged into was stored long ago then, and need not be waited for. */
function forEachBlock(step: i32): void {
  if (rest) {
    work(step, secondPad, firstPad, secondPad, firstPad, secondPad, rPad, labelPad, 16, PAD);
    if (step == WRITE_GRADIENT) mergeRest(target + rowBytes - PAD, secondPad);
  }
  for (let at: usize = 0; at < wholeBytes; at += BLOCK) {
    const bytes = min(BLOCK, wholeBytes - at);
    work(step, second + at, first + at, u + at, w + at, target + at, r + at, y + (yStep ? at : 0), yStep, bytes);
  }
}

function work(
  step: i32,
  second: usize,
  first: usize,
  u: usize,
  w: usize,
  target: usize,
  r: usize,
  y: usize,
  yStep: usize,
  bytes: usize,
): void {
  const student = mode & EXCHANGED ? first : second;
  const maxStudent = lanes + (mode & EXCHANGED ? MAX_FIRST : MAX_SECOND);
  if (step == FIND_MAXIMA) {
    sweepMaxima(second, first, bytes, !(mode & PROBABILITIES));
  } else if (step == SUM_HARD_TERM) {
    sweepHard(student, r, bytes, maxStudent);
  } else if (step == SUM_LABELS_OF) {
    sweepLabels(student, y, yStep, isGroup ? min(bytes, studentPad + (<usize>classes << 4) - student) : bytes, maxStudent, partOfLabels);
  } else if (step == SUM_SOFT_TERM) {
    sweepSoft(second, first, u, w, bytes);
  } else {
    // MATH (3), (4), (7), (8).
    if (mode & TO_FIRST) writeToTeacher(u, w, target, bytes);
    else writeDifference(u, w, target, bytes);
    if (mode & HARD) addHardGradient(r, mode & DISTRIBUTION ? y : r, target, bytes, (mode & DISTRIBUTION) != 0);
  }
}

function setTemperature(at: usize, temperature: f64): void {
  const oneOverT = min(1 / temperature, 2e38); // finite in float32, so that 0 times it is 0
  v128.store(at, f32x4.splat(<f32>(LOG2_E * oneOverT)), TO_LOG2);
  v128.store(at, f32x4.splat(<f32>oneOverT), INVERSE_T);
  v128.store(at, f32x4.splat(<f32>(temperature * limit)), LIMIT);
}

/** Transposes a group, and makes its classes even; fills the pad of a row. Returns where the classes are. */
function bringIn(all: usize, pad: usize, filler: f32): usize {
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

function fillPad(pad: usize, filler: f32): void {
  const filling = f32x4.splat(filler);
  v128.store(pad, filling);
  v128.store(pad, filling, 16);
  v128.store(pad, filling, 32);
  v128.store(pad, filling, 48);
}

/**
 * Of sixteen classes, the last of a row or a pad, copies those of the rest. By whole vectors, where the row has them, because one that is loaded just after parts of
 * it were stored waits for them.
 */
function mergeRest(to: usize, from: usize): void {
  if (classes < 16) {
    for (let at = PAD - rowBytes; at < PAD; at += 4) store<f32>(to + at, load<f32>(from + at));
    return;
  }
  let others = 16 - rest;
  for (const end = to + PAD; to < end; to += 16) {
    const isOfRest = i32x4.ge_s(i32x4(0, 1, 2, 3), i32x4.splat(others));
    v128.store(to, v128.bitselect(v128.load(from), v128.load(to), isOfRest));
    from += 16;
    others -= 4;
  }
}

/**
 * From rows to lanes or, `outwards`, back: four classes of four rows at a time. The last four classes may have been moved in part before: so nothing beyond a row is
 * read or written. Fewer than four go one by one. From the last lane to the first, because what lanes without a row of their own have for it is not its gradient.
 */
// @ts-ignore: decorator
@inline
function transpose(all: usize, pad: usize, outwards: bool): void {
  if (classes < 4) {
    for (let lane: usize = 16; lane; ) {
      lane -= 4;
      const row = ofRow(all, lanes + lane, rowBytes);
      for (let i = 0; i < classes; i++) {
        const inRow = row + (<usize>i << 2);
        const inLane = pad + lane + (<usize>i << 4);
        if (outwards) store<f32>(inRow, load<f32>(inLane));
        else store<f32>(inLane, load<f32>(inRow));
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

function transposeIn(rows: usize, pad: usize): void {
  transpose(rows, pad, false);
}

function transposeOut(rows: usize, pad: usize): void {
  transpose(rows, pad, true);
}

/** Finds mz and mv; returns the rows that are near, those of `mayBeNear`. */
function findMaxima(mayBeNear: bool): i32 {
  startMaxima(mayBeNear ? -Infinity : Infinity);
  forEachBlock(FIND_MAXIMA);
  if (!isGroup) {
    for (let slot = MAX_SECOND; slot <= HIGHEST; slot += 32) foldMaximum(slot);
  }
  const range = f32x4.add(v128.load(lanes, HIGHEST), v128.load(lanes, MINUS_LOWEST));
  return i32x4.bitmask(f32x4.le(range, v128.load(lanes, LIMIT)));
}

/** What H of MATH (18) needs; comes before the soft term, which may write over the student. */
function sumHardTerm(): void {
  forEachBlock(SUM_HARD_TERM);
  yStep = 0;
  if (labelSmoothing != 0) {
    y = labelPad + PAD;
    fillPad(y, 1);
    fillPad(labelPad, 0);
    if (rest) mergeRest(labelPad, y);
    partOfLabels = <f32>(labelSmoothing / classes);
    forEachBlock(SUM_LABELS_OF);
  }
  if (mode & DISTRIBUTION) {
    y = bringIn(labelsOfAll, labelPad, 0);
    yStep = 16;
    partOfLabels = <f32>(1 - labelSmoothing);
    forEachBlock(SUM_LABELS_OF);
  }
}

/** The label of a row whose others are 0. */
function addLabel(at: usize, label: i32, student: usize): void {
  const lane = at - lanes;
  const sums = at + lane;
  if (<u32>label < <u32>classes) {
    const z = load<f32>(student + (isGroup ? (<usize>label << 4) + lane : <usize>label << 2));
    const maxStudent = load<f32>(at + (mode & EXCHANGED ? MAX_FIRST : MAX_SECOND));
    store<f64>(sums, load<f64>(sums, SUM_LABELS) + (1 - labelSmoothing), SUM_LABELS);
    store<f64>(sums, load<f64>(sums, SUM_LABELLED) + (1 - labelSmoothing) * (z - maxStudent), SUM_LABELLED);
  } else {
    store<f64>(sums, NaN, SUM_LABELS);
  }
}

/** Those that MATH (14)-(18), (25) take of these rows. */
function takeLogs(): void {
  const isKl = (mode & KL) != 0;
  if (near) klOfNear();
  else logOfSum(SUM_STUDENT);
  if (near != isKl) logOfSum(SUM_TEACHER);
  if (mode & HARD) logOfSum(SUM_HARD);
}

/** MATH (12), (13), (21). */
function sweepSoft(second: usize, first: usize, u: usize, w: usize, bytes: usize): void {
  const isKl = (mode & KL) != 0;
  const toFirst = (mode & TO_FIRST) != 0;
  if (near) {
    sweepNear(second, first, u, w, bytes, toFirst);
  } else if (mode & PROBABILITIES) {
    sweepProbabilities(second, first, u, w, bytes);
    if (isKl) sweepEntropy(w, bytes);
  } else if (toFirst) {
    sweepToTeacher(second, first, u, w, bytes, isKl);
  } else if (isKl) {
    sweepKl(second, first, u, w, bytes);
  } else {
    sweepCrossEntropy(second, first, u, w, bytes);
  }
}

/** MATH (1) of a row, NaN if it is one of those that must be, and what its gradient is written with; `weight` is w. `at` and `sums` are where its lane lies. */
function passOfLane(at: usize, sums: usize, temperature: f64, weight: f64): f64 {
  const sumTeacher = load<f64>(sums, SUM_TEACHER);
  const sumStudent = load<f64>(sums, SUM_STUDENT);
  const sumLabels = load<f64>(sums, SUM_LABELS);
  const toSoft = weight * softWeight * (mode & SCALE_BY_T_SQUARED ? temperature * temperature : 1);
  const oneOverTeacher = 1 / sumTeacher;
  let mean = load<f64>(sums, SUM_CROSS) * oneOverTeacher;
  let soft = load<f64>(sums, SUM_STUDENT + TO_LOG);
  let toU = toSoft * load<f32>(at, INVERSE_T);
  let toW = toU * oneOverTeacher;
  if (near) {
    // MATH (22), (23), (25).
    if (!(mode & KL)) soft += load<f64>(sums, SUM_TEACHER + TO_LOG) - LN_2 * load<f64>(sums, SUM_OWN) * oneOverTeacher;
    if (!(mode & TO_FIRST)) {
      const s = mean + sumStudent * oneOverTeacher;
      toU = toW / (1 + s);
      toW = toU * s;
    }
  } else {
    // MATH (14)-(17).
    if (mode & PROBABILITIES) {
      toW = toU;
      toU *= sumTeacher;
      soft = sumTeacher * soft - LN_2 * (load<f64>(sums, SUM_CROSS) - load<f64>(sums, SUM_OWN));
    } else {
      soft -= LN_2 * mean;
      if (mode & KL) soft = max(soft - load<f64>(sums, SUM_TEACHER + TO_LOG), 0); // rounding
    }
    toU /= sumStudent;
    if (mode & TO_FIRST) toW *= LN_2;
  }
  // Such a row must be NaN even if its soft term is left out. What the sums hold is not seen by the products where w = 0, and the logarithm here knows no NaN.
  const isFinite = sumStudent + sumTeacher < Infinity && abs(sumLabels) < Infinity;
  if (!(temperature > 0 && temperature < Infinity && isFinite && soft == soft)) return NaN;
  v128.store(at, f32x4.splat(<f32>toU), TO_U);
  v128.store(at, f32x4.splat(<f32>toW), TO_W);
  v128.store(at, f32x4.splat(<f32>mean), MEAN);
  // No finite gradient exists where the loss has no finite value.
  let value = softWeight != 0 ? toSoft * soft : 0;
  v128.store(at, f32x4.splat(mode & TO_FIRST && abs(value) == Infinity ? NaN : 1), FILLING);
  if (mode & HARD) {
    const sumHard = load<f64>(sums, SUM_HARD);
    const toHard = weight * hardWeight;
    value += toHard * (sumLabels * load<f64>(sums, SUM_HARD + TO_LOG) - load<f64>(sums, SUM_LABELLED));
    v128.store(at, f32x4.splat(<f32>((toHard * sumLabels) / sumHard)), TO_R);
    v128.store(at, f32x4.splat(<f32>(toHard * (1 - labelSmoothing))), TO_LABEL);
    v128.store(at, f32x4.splat(<f32>((toHard * labelSmoothing) / classes)), CONSTANT);
  }
  return value;
}

/** Writes the gradient; then, row by row, takes off the one label where the others are 0, and fills rows that have no gradient. */
function writeGradient(): void {
  target = isGroup ? uPad : ofRow(gradients, lanes, rowBytes);
  forEachBlock(WRITE_GRADIENT);
  if (isGroup) transposeOut(gradients, target);
  const hasOneLabel = (mode & (HARD | CLASS_IDS)) == (HARD | CLASS_IDS);
  if (!hasOneLabel && i32x4.all_true(f32x4.eq(v128.load(lanes, FILLING), f32x4.splat(1)))) return;
  for (let at = lanes; at < end; at += 4) {
    let gradient = ofRow(gradients, at, rowBytes);
    const filling = load<f32>(at, FILLING);
    if (filling != 1) {
      for (const next = gradient + rowBytes; gradient < next; gradient += 4) store<f32>(gradient, filling);
    } else if (hasOneLabel) {
      gradient += <usize>load<i32>(ofRow(labelsOfAll, at, 4)) << 2;
      store<f32>(gradient, load<f32>(gradient) - load<f32>(at, TO_LABEL));
    }
  }
}
