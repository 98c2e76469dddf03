import {
  equal,
  greater,
  less,
  logicalAnd,
  maximum,
  mul,
  sub,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import { FAR_BELOW } from './distribution.ts';
import type { Rows } from './rows.ts';
import { expm1 } from './series.ts';
import { anyClass } from './tensors.ts';

/** log q - log p; where a class is masked, what multiplies it is 0. */
export const logQuotient = ({ near, student, teacher }: Rows) =>
  where(near.isNear, near.x, sub(student.logProbability, teacher.logProbability));

/** S q - p of MATH (3), (23). */
export const difference = ({ near, student, teacher, teacherSum }: Rows) =>
  where(
    near.isNear,
    mul(teacher.probability, expm1(near.x)),
    sub(mul(student.probability, teacherSum), teacher.probability),
  );

/** Whether p > 0 meets a masked student, which makes CE and KL infinite. */
export const studentLacksClass = ({ student, teacher }: Rows) =>
  anyClass(logicalAnd(student.masked, greater(teacher.probability, 0)));

/** Whether q > 0 meets p = 0, which makes RKL infinite. */
export const teacherLacksClass = ({ student, teacher }: Rows) =>
  anyClass(logicalAnd(less(teacher.scaled, FAR_BELOW / 2), greater(student.probability, 0)));

/** Of two distributions no divergence is negative; rounding may say otherwise. */
export const cutAtZero = ({ reading }: Rows, value: Tensor) =>
  reading === 'probabilities' ? value : maximum(value, 0);

/** `slope`, but minus Infinity where p is 0. */
export const infiniteWithoutTeacher = ({ teacher }: Rows, slope: Tensor) =>
  where(equal(teacher.probability, 0), Number.NEGATIVE_INFINITY, slope);

/** `slope`, but Infinity where the student is masked. */
export const infiniteWithoutStudent = ({ student }: Rows, slope: Tensor) =>
  where(student.masked, Number.POSITIVE_INFINITY, slope);
