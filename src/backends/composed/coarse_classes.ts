import {
  add,
  cast,
  concat,
  div,
  engine,
  equal,
  gatherND,
  greater,
  greaterEqual,
  less,
  lessEqual,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  max,
  maximum,
  mul,
  notEqual,
  range,
  reshape,
  scatterND,
  slice,
  stack,
  sub,
  sum,
  type Tensor,
  tile,
  where,
} from '@tensorflow/tfjs-core';
import { ROUNDING_OF_SUM } from '../../../kernels/objective.ts';
import { hasHalfTextures } from '../half_textures.ts';
import { FAR_BELOW, FINITE } from './distribution.ts';
import { anyClass, expOrZero, sumClasses } from './tensors.ts';

/** A sparse teacher's rows: MATH (38). */
export interface SparseRows {
  /** z, [rows, classes]. */
  student: Tensor;
  /** int32 [rows, k]; -1 for no entry. */
  indices: Tensor;
  /** p, [rows, k]. */
  probabilities: Tensor;
  /** t, [rows, 1]; null: what the entries leave of 1. A number: of all rows. */
  tail: Tensor | number | null;
  /** T, [rows, 1] or one for all. */
  temperature: Tensor | number;
}

/** Where entries lie among the classes. */
export interface Entries {
  /** Whether an entry counts: it has a class, and none before it in its row has the same. [rows, k]. */
  counts: Tensor;
  /** [rows * k, 2], row and class, that of an entry that does not count is class 0. */
  places: Tensor;
  /** Classes that an entry lists, [rows, classes]. */
  isListed: Tensor;
  /** Rows that name a class which is none, [rows, 1]. */
  areWrong: Tensor;
}

/** Elements of a comparison of entries with each other that are made at a time. */
const MOST_COMPARED = 2 ** 22;

/** Entries that are the first of their class in their row, [rows, k]. */
export function areFirst(indices: Tensor): Tensor {
  const [rows, k = 1] = indices.shape;
  const parts: Tensor[] = [];
  const size = Math.max(1, Math.floor(MOST_COMPARED / Math.max(1, rows * k)));
  const all = reshape(indices, [rows, 1, k]);
  const order = reshape(range(0, k, 1, 'int32'), [1, 1, k]);
  for (let start = 0; start < k; start += size) {
    const count = Math.min(size, k - start);
    const some = reshape(slice(indices, [0, start], [rows, count]), [rows, count, 1]);
    const later = reshape(range(start, start + count, 1, 'int32'), [1, count, 1]);
    const isRepeated = logicalAnd(equal(some, all), less(order, later));
    parts.push(less(max(cast(isRepeated, 'float32'), 2), 0.5));
  }
  return parts.length === 1
    ? parts[0]
    : greater(
        concat(
          parts.map((part) => cast(part, 'float32')),
          1,
        ),
        0.5,
      );
}

export function entriesOf(indices: Tensor, classes: number): Entries {
  const [rows, k = 1] = indices.shape;
  const isClass = logicalAnd(greaterEqual(indices, 0), less(indices, classes));
  const counts = logicalAnd(isClass, areFirst(indices));
  const ofClass = mul(indices, cast(counts, 'int32'));
  const ofRow = tile(reshape(range(0, rows, 1, 'int32'), [rows, 1]), [1, k]);
  const places = reshape(stack([ofRow, ofClass], 2), [rows * k, 2]) as Tensor;
  const marks = scatterND(places, reshape(cast(counts, 'float32'), [rows * k]), [rows, classes]);
  return {
    counts,
    places,
    isListed: greater(marks, 0.5),
    areWrong: anyClass(logicalAnd(logicalNot(isClass), notEqual(indices, -1))),
  };
}

/** Values of entries at their classes, 0 at others. [rows, classes]. */
export function atClasses({ counts, places }: Entries, values: Tensor, classes: number): Tensor {
  const [rows, k = 1] = values.shape;
  return scatterND(places, reshape(where(counts, values, 0), [rows * k]), [rows, classes]);
}

/** The classes as a sparse teacher tells them apart: those of its entries, and all others as one. */
export interface CoarseClasses {
  entries: Entries;
  /** p of each entry, then t. [rows, k + 1]. */
  teacher: Tensor;
  /** z of each entry, then the logit of the others, relative to the largest of the row. [rows, k + 1]. */
  student: Tensor;
  /** Share that a class has of those that are not listed; 0 of one that is. [rows, classes]. */
  shareOfRest: Tensor;
}

/** Half-precision textures hold neither the logit of what is not listed nor the shares in it. */
function checkTextures(): void {
  if (engine().backendName !== 'webgl' || !hasHalfTextures()) return;
  throw new Error(
    'softmaxCrossEntropyWithTemperature: a sparse teacher needs float32 textures, which this WebGL device ' +
      "cannot render to. Say tail: 'uniform', give a dense teacher, or use another backend.",
  );
}

/** MATH (38), (39). */
export function coarseClasses({
  student,
  indices,
  probabilities,
  tail,
  temperature,
}: SparseRows): CoarseClasses {
  checkTextures();
  const [rows, classes = 1] = student.shape;
  const k = indices.shape[1] ?? 1;
  const entries = entriesOf(indices, classes);
  const { counts, places, isListed } = entries;
  const isMasked = less(student, -FINITE);
  const finite = where(isMasked, -FINITE, student);
  const largest = max(finite, 1, true);
  const ofEntries = reshape(gatherND(finite, places), [rows, k]);
  const relative = where(
    logicalAnd(counts, greater(ofEntries, -FINITE)),
    sub(ofEntries, largest),
    Number.NEGATIVE_INFINITY,
  );
  const isRest = logicalNot(logicalOr(isListed, isMasked));
  const largestOfRest = max(where(isRest, student, -FINITE), 1, true);
  const scaled = where(isRest, over(sub(student, largestOfRest), temperature), FAR_BELOW);
  const shares = expOrZero(scaled);
  const total = sumClasses(shares);
  const hasRest = greater(total, 0);
  const ofRest = add(sub(largestOfRest, largest), mul(log(maximum(total, 1)), temperature));
  const listed = sum(cast(counts, 'float32'), 1, true);
  const p = where(counts, probabilities, 0);
  const left = tail === null ? maximum(sub(1, sum(p, 1, true)), 0) : tail;
  const isNothing = logicalOr(greaterEqual(listed, classes), lessEqual(left, ROUNDING_OF_SUM));
  const t = where(logicalAnd(logicalNot(hasRest), isNothing), 0, add(left, mul(total, 0)));
  const invalid = logicalOr(entries.areWrong, anyClass(logicalNot(lessEqual(student, FINITE))));
  const coarse = concat([relative, where(hasRest, ofRest, Number.NEGATIVE_INFINITY)], 1);
  return {
    entries,
    teacher: concat([p, t], 1),
    student: where(invalid, Number.NaN, coarse),
    shareOfRest: where(isRest, div(shares, maximum(total, 1)), 0),
  };
}

/** p of every class, where what the entries leave is spread evenly over the others. [rows, classes]. */
export function spreadEvenly({ student, indices, probabilities, tail }: SparseRows): Tensor {
  const [, classes = 1] = student.shape;
  const entries = entriesOf(indices, classes);
  const isRest = logicalNot(logicalOr(entries.isListed, less(student, -FINITE)));
  const p = where(entries.counts, probabilities, 0);
  const left = tail === null ? maximum(sub(1, sum(p, 1, true)), 0) : tail;
  const others = sumClasses(cast(isRest, 'float32'));
  const each = div(left, maximum(others, 1));
  const spread = add(atClasses(entries, p, classes), mul(cast(isRest, 'float32'), each));
  return where(entries.areWrong, Number.NaN, spread);
}

const over = (x: Tensor, t: Tensor | number) => (typeof t === 'number' ? mul(x, 1 / t) : div(x, t));
