/**
 * The row pass in float32 with 128-bit SIMD: `crossEntropy` and `kl` of logits and of probabilities, `reverseKl` of logits, the hard term; the gradient to the
 * student, and for logits the one to the teacher. MATH (1)-(5), (7)-(9), (12)-(18), (20)-(26). kernels/js has the rest.
 *
 * Per row: maxima (read 2C), sums (read 2C, write u and w, 2C), gradient (read 2C, write C), so two exponentials per class. The maxima come with the range of
 * z - v, which tells a near row, until a block of classes says that the row is none; a near row needs one exponential per class.
 * Short rows are worked on four at a time, transposed so that each has a lane: the same sweeps, whose sums are then those of four rows, and few classes that do not
 * exist. A group of rows that are near and rows that are not is worked on twice.
 * Of a row by itself u and w may lie over student and teacher (private memory) or apart from them (the memory of others). Its last classes, if it is no multiple of
 * 16, are worked on in pads, filled up with classes that do not exist. Nothing beyond a row is read or written; the gradient may lie over the student.
 * Nothing is allocated, and no memory is used but what the pointers say: the module may run on a foreign heap.
 *
 * Loops test at their end: then V8 takes what does not change, constants above all, out of them.
 *
 * exp is 2^y with y = (z - mz) (log2(e)/T), within 2 units in the last place of 2^y. y carries two roundings, so a term e^a is off by |a| 1.2e-7 of itself: at
 * most 0.5e-7 of the largest term, because |a| e^a <= 1/e.
 * Rows that are not finite: the sums are NaN where the row must be, and w = 0 takes a class without mass out of the products.
 */
import { addHardGradient, writeDifference, writeNearDifference, writeToTeacher } from './gradients';
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
  SUM_CROSS,
  SUM_EXCESS,
  SUM_HARD,
  SUM_LABELLED,
  SUM_LABELS,
  SUM_OWN,
  SUM_STUDENT,
  SUM_TEACHER,
  setGroup,
  setLanes,
  startLanes,
  startSums,
  TO_LABEL,
  TO_LOG,
  TO_LOG2,
  TO_R,
  TO_U,
  TO_W,
} from './lanes';
import { excessOverLog1p, logOfSum } from './scalars';
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
/** Rows of up to so many classes are worked on in groups of four; of whole sixteens, which need no pads by themselves, up to fewer. */
const MOST_IN_GROUP: i32 = 127;
const MOST_SIXTEENS_IN_GROUP: i32 = 96;
/** Bytes of a group's classes, and a class to make them even. */
const GROUP_BYTES: usize = 16 * (MOST_IN_GROUP + 1);
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
/** Whether rows may be near, and whether those worked on are. */
let measures: bool = false;
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
 * Where the next row passes keep what they need: u and w of row n at `n` steps, r of one row (with a hard term), 13,088 bytes for pads and groups, aligned
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
}

/**
 * Writes loss and gradient of every row, those whose pointer is not 0, and returns the sum of the losses. `gradient` may be the room for u.
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
  const hasLogits = !(mode & PROBABILITIES);
  // The gradient of a cross entropy to its first argument has no difference of probabilities in it.
  measures = hasLogits && (mode & (KL | TO_FIRST)) != TO_FIRST && classes > 1;
  const labelBytes = mode & DISTRIBUTION ? rowBytes : 4;
  const isExchanged = (mode & EXCHANGED) != 0;
  firstPad = isExchanged ? studentPad : teacherPad;
  secondPad = isExchanged ? teacherPad : studentPad;
  setTemperature(lanes, temperatureOfAll);
  let uOfRow = roomForU;
  let wOfRow = roomForW;
  const most = classes & 15 ? MOST_IN_GROUP : MOST_SIXTEENS_IN_GROUP;
  // A group takes about as long as one row by itself, of 4 to 19 classes as two, of 20 to 35 as three.
  const fewest = classes <= most ? 1 + min(3, (classes + 12) >> 4) : i32.MAX_VALUE;
  let total: f64 = 0;
  while (rows) {
    setGroup(rows >= fewest);
    let count = 1;
    if (isGroup) {
      count = min(rows, 4);
      rest = 0;
      wholeBytes = <usize>((classes + 1) & ~1) << 4;
      u = uPad;
      w = wPad;
      r = rPad;
    } else {
      rest = classes & 15;
      wholeBytes = rowBytes - (<usize>rest << 2);
      u = uOfRow;
      w = wOfRow;
      r = roomForR;
    }
    if (temperatures) {
      for (let lane: usize = 0; lane < <usize>count << 2; lane += 4) {
        setTemperature(lanes + lane, load<f32>(temperatures + lane));
      }
    }
    const all = (1 << count) - 1;
    startLanes(hasLogits);
    const teacherAt = bringIn(teacher, all, teacherPad, hasLogits ? -Infinity : 0);
    const studentAt = bringIn(student, all, studentPad, -Infinity);
    first = isExchanged ? studentAt : teacherAt;
    second = isExchanged ? teacherAt : studentAt;
    const areNear = findMaxima();
    if (mode & HARD) sumHardTerm(labels, all);
    if (mode & CLASS_IDS) {
      for (let lane: usize = 0; lane < <usize>count << 2; lane += 4) {
        addLabel(lane, load<i32>(labels + lane), studentAt);
      }
    }
    // Rows that are near and others in turn, each in its lane, so that no row depends on what is beside it.
    let left = all;
    do {
      near = ((areNear >> ctz(left)) & 1) != 0;
      const alike = left & (near ? areNear : ~areNear);
      left ^= alike;
      forEachBlock(SUM_SOFT_TERM);
      takeLogs();
      for (let n = 0; n < count; n++) {
        if (!((alike >> n) & 1)) continue;
        const lane = <usize>n << 2;
        const at = lanes + lane;
        const temperature: f64 = temperatures ? load<f32>(temperatures + lane) : temperatureOfAll;
        const weight: f64 = weights ? scale * load<f32>(weights + lane) : scale;
        let value: f64 = 0;
        if (weight != 0) value = passOfLane(at, at + lane, temperature, weight);
        if (weight == 0 || value != value) v128.store(at, f32x4.splat(<f32>value), FILLING);
        total += value;
        if (loss) store<f32>(loss + lane, <f32>value);
      }
      if (gradient) writeGradient(gradient, labels, alike);
      if (left) startSums(SUM_STUDENT, SUM_LABELS);
    } while (left);
    if (gradient) gradient += rowBytes * count;
    if (loss) loss += count << 2;
    if (temperatures) temperatures += count << 2;
    if (weights) weights += count << 2;
    if (labels) labels += labelBytes * count;
    teacher += rowBytes * count;
    student += rowBytes * count;
    uOfRow += stepOfU * count;
    wOfRow += stepOfW * count;
    rows -= count;
  }
  return total;
}

/** The rest first: what its gradient is merged into was stored long ago then, and need not be waited for. */
function forEachBlock(step: i32): void {
  const isLast = step == WRITE_GRADIENT;
  if (rest) {
    work(step, secondPad, firstPad, secondPad, firstPad, secondPad, rPad, labelPad, 16, PAD);
    if (isLast) mergeRest(target + rowBytes - PAD, secondPad);
  }
  const most = isLast ? wholeBytes : BLOCK;
  for (let at: usize = 0; at < wholeBytes; at += most) {
    const bytes = min(most, wholeBytes - at);
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
    sweepMaxima(second, first, bytes, !(mode & PROBABILITIES), measures);
  } else if (step == SUM_HARD_TERM) {
    sweepHard(student, r, bytes, maxStudent);
  } else if (step == SUM_LABELS_OF) {
    sweepLabels(student, y, yStep, isGroup ? <usize>classes << 4 : bytes, maxStudent, partOfLabels);
  } else if (step == SUM_SOFT_TERM) {
    sweepSoft(second, first, u, w, bytes);
  } else {
    // MATH (3), (4), (7), (8), (23).
    if (mode & TO_FIRST) writeToTeacher(u, w, target, bytes);
    else if (near) writeNearDifference(u, w, target, bytes);
    else writeDifference(u, w, target, bytes);
    if (mode & HARD) addHardGradient(r, mode & DISTRIBUTION ? y : r, target, bytes, (mode & DISTRIBUTION) != 0);
  }
}

function setTemperature(at: usize, temperature: f64): void {
  const oneOverT = min(1 / temperature, 2e38); // finite in float32, so that 0 times it is 0
  v128.store(at, f32x4.splat(<f32>(LOG2_E * oneOverT)), TO_LOG2);
  v128.store(at, f32x4.splat(<f32>oneOverT), INVERSE_T);
  v128.store(at, f32x4.splat(<f32>(temperature * 0.25)), LIMIT);
}

/** Transposes a group, of which there are the rows `all`, and makes its classes even; fills the pad of a row. Returns where the classes are. */
function bringIn(rows: usize, all: i32, pad: usize, filler: f32): usize {
  if (isGroup) {
    if (classes & 1) v128.store(pad + (<usize>classes << 4), f32x4.splat(filler));
    transpose(rows, pad, all, rows, false);
    return pad;
  }
  if (rest) {
    fillPad(pad, filler);
    mergeRest(pad, rows + rowBytes - PAD);
  }
  return rows;
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
 * From rows to lanes or, `outwards`, back: four classes of four rows at a time, with `other` in the place of rows that are not `chosen`, a bit for each lane. The last four
 * classes may have been moved in part before: so nothing beyond a row is read or written. Fewer than four go one by one.
 */
function transpose(rows: usize, pad: usize, chosen: i32, other: usize, outwards: bool): void {
  if (classes < 4) {
    for (let n = 0; n < 4; n++) {
      if ((chosen >> n) & 1) {
        for (let i = 0; i < classes; i++) {
          const inRow = rows + (<usize>i << 2);
          const inLane = pad + (<usize>i << 4);
          if (outwards) store<f32>(inRow, load<f32>(inLane));
          else store<f32>(inLane, load<f32>(inRow));
        }
      }
      rows += rowBytes;
      pad += 4;
    }
    return;
  }
  const row0 = chosen & 1 ? rows : other;
  const row1 = chosen & 2 ? rows + rowBytes : other;
  const row2 = chosen & 4 ? rows + 2 * rowBytes : other;
  const row3 = chosen & 8 ? rows + 3 * rowBytes : other;
  const from = outwards ? pad : row0;
  const from1 = outwards ? pad + 16 : row1;
  const from2 = outwards ? pad + 32 : row2;
  const from3 = outwards ? pad + 48 : row3;
  const to = outwards ? row0 : pad;
  const to1 = outwards ? row1 : pad + 16;
  const to2 = outwards ? row2 : pad + 32;
  const to3 = outwards ? row3 : pad + 48;
  let i = 0;
  do {
    const inRow = <usize>min(i, classes - 4) << 2;
    const inLanes = inRow << 2;
    const a = outwards ? inLanes : inRow;
    const b = outwards ? inRow : inLanes;
    const x0 = v128.load(from + a);
    const x1 = v128.load(from1 + a);
    const x2 = v128.load(from2 + a);
    const x3 = v128.load(from3 + a);
    const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
    const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
    const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
    const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
    v128.store(to3 + b, v128.shuffle<f64>(high01, high23, 1, 3));
    v128.store(to2 + b, v128.shuffle<f64>(high01, high23, 0, 2));
    v128.store(to1 + b, v128.shuffle<f64>(low01, low23, 1, 3));
    v128.store(to + b, v128.shuffle<f64>(low01, low23, 0, 2));
    i += 4;
  } while (i < classes);
}

/** The rows that are near, MATH (20), a bit for each lane. */
function nearLanes(): i32 {
  if (!measures) return 0;
  const range = f32x4.add(v128.load(lanes, HIGHEST), v128.load(lanes, MINUS_LOWEST));
  return i32x4.bitmask(f32x4.le(range, v128.load(lanes, LIMIT)));
}

/** Finds mz and mv; returns the rows that are near. */
function findMaxima(): i32 {
  forEachBlock(FIND_MAXIMA);
  let areNear = nearLanes();
  if (!isGroup) {
    foldMaximum(MAX_SECOND);
    foldMaximum(MAX_FIRST);
    // Where its lanes are not, the row is not.
    if (areNear == 15) {
      foldMaximum(HIGHEST);
      foldMaximum(MINUS_LOWEST);
      areNear = nearLanes();
    } else {
      areNear = 0;
    }
  }
  return areNear;
}

/** What H of MATH (18) needs; comes before the soft term, which may write over the student. */
function sumHardTerm(labels: usize, all: i32): void {
  forEachBlock(SUM_HARD_TERM);
  yStep = 0;
  if (labelSmoothing != 0) {
    y = labelPad + PAD;
    fillPad(y, 1);
    if (rest) fillPad(labelPad, 0);
    if (rest) mergeRest(labelPad, y);
    partOfLabels = <f32>(labelSmoothing / classes);
    forEachBlock(SUM_LABELS_OF);
  }
  if (mode & DISTRIBUTION) {
    y = bringIn(labels, all, labelPad, 0);
    yStep = 16;
    partOfLabels = <f32>(1 - labelSmoothing);
    forEachBlock(SUM_LABELS_OF);
  }
}

/** The label of a row whose others are 0. */
function addLabel(lane: usize, label: i32, student: usize): void {
  const maxStudent = lanes + (mode & EXCHANGED ? MAX_FIRST : MAX_SECOND);
  const sums = lanes + (lane << 1);
  if (<u32>label < <u32>classes) {
    const z = load<f32>(student + (isGroup ? (<usize>label << 4) + lane : <usize>label << 2));
    store<f64>(sums, load<f64>(sums, SUM_LABELS) + (1 - labelSmoothing), SUM_LABELS);
    store<f64>(sums, load<f64>(sums, SUM_LABELLED) + (1 - labelSmoothing) * (z - load<f32>(maxStudent + lane)), SUM_LABELLED);
  } else {
    store<f64>(sums, NaN, SUM_LABELS);
  }
}

/** Those that MATH (14)-(18), (25) take of these rows. */
function takeLogs(): void {
  const isKl = (mode & KL) != 0;
  if (!near) logOfSum(SUM_STUDENT);
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
  let soft: f64 = 0;
  let toU = toSoft * load<f32>(at, INVERSE_T);
  let toW = toU * oneOverTeacher;
  if (near) {
    // MATH (22), (25).
    const rho = load<f64>(sums, SUM_EXCESS) * oneOverTeacher;
    const s = mean + rho;
    soft = max(rho - excessOverLog1p(s), 0); // rounding
    if (!(mode & KL)) soft += load<f64>(sums, SUM_TEACHER + TO_LOG) - LN_2 * load<f64>(sums, SUM_OWN) * oneOverTeacher;
    if (!(mode & TO_FIRST)) {
      toW /= 1 + s;
      mean = s;
    }
  } else {
    // MATH (14)-(17).
    soft = load<f64>(sums, SUM_STUDENT + TO_LOG);
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

/** Writes the gradient of the rows `alike`, a bit for each; then, one by one, takes off the one label where the others are 0, and fills rows that have no gradient. */
function writeGradient(gradient: usize, labels: usize, alike: i32): void {
  target = isGroup ? uPad : gradient;
  forEachBlock(WRITE_GRADIENT);
  if (isGroup) transpose(gradient, target, alike, wPad, true);
  const hasOneLabel = (mode & (HARD | CLASS_IDS)) == (HARD | CLASS_IDS);
  if (!hasOneLabel && i32x4.all_true(f32x4.eq(v128.load(lanes, FILLING), f32x4.splat(1)))) return;
  for (let at = lanes; alike; at += 4) {
    const next = gradient + rowBytes;
    const filling = load<f32>(at, FILLING);
    if (alike & 1) {
      if (filling != 1) {
        for (; gradient < next; gradient += 4) store<f32>(gradient, filling);
      } else if (hasOneLabel) {
        gradient += <usize>load<i32>(labels) << 2;
        store<f32>(gradient, load<f32>(gradient) - load<f32>(at, TO_LABEL));
      }
    }
    alike >>= 1;
    labels += 4;
    gradient = next;
  }
}
