import { add, mul, neg, sub } from '@tensorflow/tfjs-core';
import { difference, infiniteWithoutStudent, studentLacksClass } from './comparison.ts';
import { mean } from './distribution.ts';
import type { ComposedDivergence } from './divergence.ts';
import { productOrZero } from './tensors.ts';

/** MATH (3), (7), (11), (15), (34). */
export const crossEntropy: ComposedDivergence = {
  value: ({ student, teacher, teacherSum }) =>
    add(mul(student.logSum, teacherSum), mean(teacher, neg(student.scaled))),
  isInfinite: studentLacksClass,
  studentSlopes: difference,
  teacherSlopes({ student, teacher }) {
    const slope = neg(student.scaled);
    return productOrZero(teacher.probability, sub(slope, mean(teacher, slope)));
  },
  probabilitySlopes: (row) => infiniteWithoutStudent(row, neg(row.student.logProbability)),
  factor: ({ sum }) => sum,
  summand: null,
  slopesToSum: (row) => crossEntropy.value(row),
};
