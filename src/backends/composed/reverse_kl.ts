import { add, div, equal, mul, neg, onesLike, sub, where } from '@tensorflow/tfjs-core';
import {
  cutAtZero,
  difference,
  infiniteWithoutTeacher,
  logQuotient,
  teacherLacksClass,
} from './comparison.ts';
import { mean } from './distribution.ts';
import type { ComposedDivergence } from './divergence.ts';
import { expm1, h } from './series.ts';
import { productOrZero } from './tensors.ts';

/** MATH (5), (9), (11), (17), (26), (34). */
export const reverseKl: ComposedDivergence = {
  value(row) {
    const { student, teacher, near } = row;
    const far = sub(add(teacher.logSum, mean(student, sub(student.scaled, teacher.scaled))), student.logSum);
    const q = mean(teacher, mul(expm1(near.y), near.y));
    const close = div(sub(sub(q, near.rho), h(near.s)), add(near.s, 1));
    return cutAtZero(row, where(near.isNear, close, far));
  },
  isInfinite: teacherLacksClass,
  studentSlopes: (row) => productOrZero(row.student.probability, sub(logQuotient(row), reverseKl.value(row))),
  teacherSlopes: (row) => neg(difference(row)),
  probabilitySlopes(row) {
    const q = row.student.probability;
    return where(equal(q, 0), 0, infiniteWithoutTeacher(row, neg(div(q, row.teacher.probability))));
  },
  factor: ({ sum }) => onesLike(sum),
  summand: ({ logSum }) => neg(logSum),
  slopesToSum: (_row, { sum }) => div(-1, sum),
};
