import { add, mul, neg, sub, where } from '@tensorflow/tfjs-core';
import {
  cutAtZero,
  difference,
  infiniteWithoutStudent,
  infiniteWithoutTeacher,
  logQuotient,
  studentLacksClass,
} from './comparison.ts';
import { mean } from './distribution.ts';
import type { ComposedDivergence } from './divergence.ts';
import { xMinusLog1p } from './series.ts';
import { productOrZero } from './tensors.ts';

/** MATH (4), (8), (11), (17), (25), (34). */
export const kl: ComposedDivergence = {
  value(row) {
    const { student, teacher, teacherSum, near } = row;
    const far = sub(
      mul(student.logSum, teacherSum),
      add(teacher.logSum, mean(teacher, sub(student.scaled, teacher.scaled))),
    );
    return cutAtZero(row, where(near.isNear, sub(near.rho, xMinusLog1p(near.s)), far));
  },
  isInfinite: studentLacksClass,
  studentSlopes: difference,
  teacherSlopes: (row) => neg(productOrZero(row.teacher.probability, add(logQuotient(row), kl.value(row)))),
  probabilitySlopes: (row) =>
    infiniteWithoutStudent(row, infiniteWithoutTeacher(row, sub(1, logQuotient(row)))),
  factor: ({ sum }) => sum,
  summand: ({ sum, logSum }) => mul(sum, logSum),
  slopesToSum: (row, { logSum }) => add(add(kl.value(row), logSum), 1),
};
