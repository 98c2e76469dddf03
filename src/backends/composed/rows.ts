import {
  abs,
  cast,
  equal,
  greater,
  greaterEqual,
  type KernelBackend,
  less,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalOr,
  mul,
  notEqual,
  range,
  reshape,
  sub,
  type Tensor,
  type TensorInfo,
  util,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import {
  type Objective,
  OF_STUDENT,
  type TeacherReading,
  teacherReadingOf,
} from '../../../kernels/objective.ts';
import type { RowPassRequest } from '../row_pass.ts';
import { type Agreement, agreementOf, mayBeNear } from './agreement.ts';
import { asGiven, type Distribution, FAR_BELOW, FINITE, softmaxOf } from './distribution.ts';
import {
  logitsOf,
  mixtureBeta,
  type SoftenedProbabilities,
  softenedProbabilities,
} from './softened_probabilities.ts';
import { anyClass, asTensor, everyClass, sumClasses } from './tensors.ts';

/** What a request says of its rows, read and softened. All tensors are [rows, classes] or [rows, 1]. */
export interface Rows {
  objective: Objective;
  temperature: Tensor | number;
  teacherTemperature: Tensor | number;
  /** Weights of the two terms of MATH (1). */
  softWeight: Tensor | number;
  hardWeight: Tensor | number;
  reading: TeacherReading;
  weight: Tensor | number;
  /** Rows that MATH.md calls invalid. */
  invalid: Tensor;
  student: Distribution;
  /** Of probabilities that are softened s of MATH (33), whatever they sum to. */
  teacher: Distribution;
  /** S of probabilities that are used as they are, else 1. */
  teacherSum: Tensor | number;
  /** null: the teacher is read otherwise. */
  softened: SoftenedProbabilities | null;
  /** Of `jsd`: beta, or beta' of MATH (35). */
  beta: Tensor | number;
  near: Agreement;
  /** y, [rows, classes]; null without labels. */
  labels: Tensor | null;
  /** z - mz, FAR_BELOW where masked. */
  belowMaximum: Tensor;
}

export function readRows(request: RowPassRequest<KernelBackend>): Rows {
  const { rows, classes, objective } = request;
  const student = asTensor(request.student, [rows, classes]);
  const teacher = asTensor(request.teacher, [rows, classes]);
  const perRow = (info: TensorInfo) => asTensor(info, [util.sizeFromShape(info.shape), 1]);
  const temperature =
    typeof request.temperature === 'number' ? request.temperature : perRow(request.temperature);
  const teacherTemperature = request.teacherTemperature
    ? perRow(request.teacherTemperature)
    : objective.teacherTemperature === OF_STUDENT
      ? temperature
      : objective.teacherTemperature;
  const alpha = request.alpha && perRow(request.alpha);
  const reading = teacherReadingOf(objective);
  const softened = reading === 'softenedProbabilities' ? softenedProbabilities(teacher) : null;
  const teacherLogits = softened === null ? teacher : logitsOf(softened);
  const ofStudent = softmaxOf(student, temperature);
  const ofTeacher =
    reading === 'probabilities' ? asGiven(teacher) : softmaxOf(teacherLogits, teacherTemperature);
  const labels = request.labels && readLabels(request.labels, request);
  const conditions = [
    anyClass(notBelowInfinity(student)),
    anyClass(notBelowInfinity(teacher)),
    everyClass(ofStudent.masked),
  ];
  if (reading === 'logits') conditions.push(everyClass(ofTeacher.masked));
  if (reading === 'softenedProbabilities') conditions.push(anyClass(less(teacher, 0)));
  if (labels) conditions.push(alpha ? logicalAnd(labels.invalid, notEqual(alpha, 0)) : labels.invalid);
  for (const t of [temperature, teacherTemperature])
    if (typeof t !== 'number') conditions.push(logicalNot(logicalAnd(greater(t, 0), lessEqual(t, FINITE))));
  if (alpha) conditions.push(logicalNot(logicalAnd(greaterEqual(alpha, 0), lessEqual(alpha, 1))));
  return {
    objective,
    temperature,
    teacherTemperature,
    softWeight: alpha && objective.softWeight !== 0 ? sub(1, alpha) : objective.softWeight,
    hardWeight: alpha && objective.hardWeight !== 0 ? alpha : objective.hardWeight,
    reading,
    weight: request.weights ? mul(perRow(request.weights), objective.scale) : objective.scale,
    invalid: conditions.reduce((a, b) => logicalOr(a, b)),
    student: ofStudent,
    teacher: ofTeacher,
    teacherSum: reading === 'probabilities' ? sumClasses(teacher) : 1,
    softened,
    beta: softened === null ? objective.beta : mixtureBeta(softened, objective),
    near: agreementOf(
      { logits: teacherLogits, distribution: ofTeacher },
      { logits: student, distribution: ofStudent },
      temperature,
      mayBeNear(reading, temperature, teacherTemperature),
    ),
    labels: labels?.distribution ?? null,
    belowMaximum: where(ofStudent.masked, FAR_BELOW, sub(student, ofStudent.maximum)),
  };
}

const notBelowInfinity = (x: Tensor) => logicalNot(lessEqual(x, FINITE));

/** y, and which rows have labels that are none. */
function readLabels(
  info: TensorInfo,
  { rows, classes, objective }: RowPassRequest<KernelBackend>,
): { distribution: Tensor; invalid: Tensor } {
  if (objective.labels === 'classIds') {
    const ids = asTensor(info, [rows]);
    const outside = logicalOr(less(ids, 0), greaterEqual(ids, classes));
    // Not tf.oneHot, which wants two classes.
    const isLabel = equal(reshape(ids, [rows, 1]), range(0, classes, 1, 'int32'));
    return { distribution: cast(isLabel, 'float32'), invalid: reshape(outside, [rows, 1]) };
  }
  const distribution = asTensor(info, [rows, classes]);
  return { distribution, invalid: anyClass(notBelowInfinity(abs(distribution))) };
}

/** `value` times w; NaN in rows that MATH.md calls invalid, 0 in rows of weight 0, whatever they hold. */
export function weighted({ invalid, weight }: Rows, value: Tensor): Tensor {
  if (weight === 0) return zerosLike(where(invalid, 0, value));
  const result = mul(where(invalid, Number.NaN, value), weight);
  return typeof weight === 'number' ? result : where(equal(weight, 0), 0, result);
}
