import { add, log, maximum, mul, neg, sub, type Tensor, where } from '@tensorflow/tfjs-core';
import { cutAtZero, infiniteWithoutTeacher } from './comparison.ts';
import { mean, TINY } from './distribution.ts';
import type { ComposedDivergence } from './divergence.ts';
import type { Rows } from './rows.ts';
import { expm1, h, xMinusLog1p } from './series.ts';
import { mixtureSum } from './softened_probabilities.ts';
import { productOrZero } from './tensors.ts';

/** MATH (6), (10), (11), (27), (35). */
export const jsd: ComposedDivergence = {
  value(row) {
    const { student, teacher, near, beta } = row;
    const u = expm1(near.x);
    const close = mean(teacher, sub(mul(h(u), sub(1, beta)), h(mul(u, sub(1, beta)))));
    const { ofTeacher, ofStudent } = logQuotientsToMixture(row);
    const far = add(mul(mean(teacher, ofTeacher), beta), mul(mean(student, ofStudent), sub(1, beta)));
    return cutAtZero(row, where(near.isNear, close, far));
  },
  isInfinite: null,
  studentSlopes(row) {
    const { student, beta } = row;
    const { ofStudent } = logQuotientsToMixture(row);
    return mul(productOrZero(student.probability, sub(ofStudent, mean(student, ofStudent))), sub(1, beta));
  },
  teacherSlopes(row) {
    const { teacher, beta } = row;
    const { ofTeacher } = logQuotientsToMixture(row);
    return mul(productOrZero(teacher.probability, sub(ofTeacher, mean(teacher, ofTeacher))), beta);
  },
  probabilitySlopes: (row) =>
    infiniteWithoutTeacher(row, mul(logQuotientsToMixture(row).ofTeacher, row.beta)),
  factor: mixtureSum,
  summand(softened, objective) {
    const c = mixtureSum(softened, objective);
    return sub(mul(mul(softened.sum, softened.logSum), objective.beta), mul(c, log(c)));
  },
  slopesToSum(row, softened) {
    const { objective, teacher } = row;
    const logMixture = log(mixtureSum(softened, objective));
    return mul(
      add(mean(teacher, logQuotientsToMixture(row).ofTeacher), sub(softened.logSum, logMixture)),
      objective.beta,
    );
  },
};

/** log(p/m) and log(q/m), [rows, classes]. */
function logQuotientsToMixture({ beta, student, teacher, near }: Rows): {
  ofTeacher: Tensor;
  ofStudent: Tensor;
} {
  const mixture = add(mul(teacher.probability, beta), mul(student.probability, sub(1, beta)));
  const logMixture = log(maximum(mixture, TINY));
  const u = mul(expm1(near.x), sub(1, beta));
  const log1pU = sub(u, xMinusLog1p(u));
  return {
    ofTeacher: where(near.isNear, neg(log1pU), sub(teacher.logProbability, logMixture)),
    ofStudent: where(near.isNear, sub(near.x, log1pU), sub(student.logProbability, logMixture)),
  };
}
