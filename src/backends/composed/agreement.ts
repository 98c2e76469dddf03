import {
  abs,
  add,
  div,
  equal,
  lessEqual,
  logicalAnd,
  logicalNot,
  logicalXor,
  max,
  mul,
  sub,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import type { TeacherReading } from '../../../kernels/objective.ts';
import type { Distribution } from './distribution.ts';
import { expm1MinusX, xMinusLog1p } from './series.ts';
import { sumClasses } from './tensors.ts';

const NEAR = 1 / 8;

/**
 * How closely teacher and student agree: MATH (20)-(24). In rows that are not near, all numbers are those of
 * v = z.
 */
export interface Agreement {
  isNear: Tensor;
  rho: Tensor;
  s: Tensor;
  /** y - lambda = log q - log p. */
  x: Tensor;
  y: Tensor;
}

/** Logits, and their softmax. */
interface Side {
  logits: Tensor;
  distribution: Distribution;
}

export function agreementOf(
  teacher: Side,
  student: Side,
  temperature: Tensor | number,
  mayBeNear: Tensor | boolean,
): Agreement {
  const { masked: maskedStudent, maximum: mz } = student.distribution;
  const { masked: maskedTeacher, maximum: mv, probability } = teacher.distribution;
  const [d, error] = difference(
    where(maskedStudent, 0, student.logits),
    where(maskedTeacher, 0, teacher.logits),
  );
  const [reference, referenceError] = difference(mz, mv); // within the range of d
  const distance = add(sub(d, reference), sub(error, referenceError));
  const scaled =
    typeof temperature === 'number' ? mul(distance, 1 / temperature) : div(distance, temperature);
  const spread = where(logicalXor(maskedStudent, maskedTeacher), 1, where(maskedStudent, 0, abs(scaled)));
  const isClose = lessEqual(max(spread, 1, true), mayBeNear === false ? -1 : NEAR);
  const isNear = typeof mayBeNear === 'boolean' ? isClose : logicalAnd(isClose, mayBeNear);
  const y = where(logicalAnd(isNear, logicalNot(maskedStudent)), scaled, 0);
  const meanOf = (x: Tensor) => sumClasses(mul(probability, x));
  const rho = meanOf(expm1MinusX(y));
  const s = add(meanOf(y), rho);
  return { isNear, rho, s, x: sub(y, sub(s, xMinusLog1p(s))), y };
}

/**
 * Whether the centred form of near rows holds: for logits, or their like, of one temperature. [rows, 1], or
 * for all rows.
 */
export function mayBeNear(
  reading: TeacherReading,
  temperature: Tensor | number,
  teacherTemperature: Tensor | number,
): Tensor | boolean {
  if (reading === 'probabilities') return false;
  if (temperature === teacherTemperature) return true;
  return typeof temperature === 'number' ? false : equal(temperature, teacherTemperature);
}

/** (d, e) with d + e = z - v exactly: Knuth's TwoSum. */
function difference(z: Tensor | number, v: Tensor | number): [Tensor, Tensor] {
  const d: Tensor = sub(z, v);
  const c = sub(d, z);
  return [d, sub(sub(z, sub(d, c)), add(v, c))];
}
