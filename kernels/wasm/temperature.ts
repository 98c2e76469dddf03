/** What a lane keeps of the temperatures of its row. */
import { FIRST_INVERSE_T, FIRST_TO_LOG2, LIMIT, SECOND_INVERSE_T, SECOND_TO_LOG2 } from './lanes';
import {
  CENTRED,
  CROSS_ENTROPY,
  divergence,
  isExchanged,
  OF_STUDENT,
  PROBABILITIES,
  reading,
  teacherTemperature,
  temperature,
  written,
} from './objective';
import { LOG2_E } from './vectors';

/** The widest range of d of a near row, in units of T; NaN where none may be near. */
let widest: f64 = 0;

/**
 * A row is near within a quarter of T: MATH (20). Not one of a single class, where the plain form is exact.
 */
export function setWidest(classes: i32): void {
  // The gradient of a cross entropy to its teacher has no difference of probabilities in it.
  const hasDifference = divergence != CROSS_ENTROPY || written != CENTRED;
  widest = hasDifference && reading != PROBABILITIES && classes > 1 ? 0.25 : NaN;
}

/** The widest range of d of a near row at this T; NaN where the teacher has another. */
// @ts-ignore: decorator
@inline
export function limitAt(ofStudent: f64, ofTeacher: f64): f32 {
  return <f32>ofStudent == <f32>ofTeacher ? <f32>(ofStudent * widest) : NaN;
}

/**
 * T of a row, where the next rows' T lie one float32 behind the other; 0 if all have that of the objective.
 */
// @ts-ignore: decorator
@inline
export function studentTemperatureAt(temperatures: usize): f64 {
  return temperatures ? load<f32>(temperatures) : temperature;
}

/** T of its teacher. */
// @ts-ignore: decorator
@inline
export function teacherTemperatureAt(teacherTemperatures: usize, ofStudent: f64): f64 {
  if (teacherTemperatures) return load<f32>(teacherTemperatures);
  return teacherTemperature == OF_STUDENT ? ofStudent : teacherTemperature;
}

// @ts-ignore: decorator
@inline
export function isTemperature(t: f64): bool {
  return t > 0 && t < Infinity;
}

/** Keeps what a lane needs of its row's temperatures. */
export function setTemperatures(at: usize, temperatureOfStudent: f64, temperatureOfTeacher: f64): void {
  const ofStudent = min(1 / temperatureOfStudent, 2e38); // finite in float32, so that 0 times it is 0
  const ofTeacher = min(1 / temperatureOfTeacher, 2e38);
  const ofFirst = isExchanged ? ofStudent : ofTeacher;
  const ofSecond = isExchanged ? ofTeacher : ofStudent;
  v128.store(at, f32x4.splat(<f32>(LOG2_E * ofFirst)), FIRST_TO_LOG2);
  v128.store(at, f32x4.splat(<f32>(LOG2_E * ofSecond)), SECOND_TO_LOG2);
  v128.store(at, f32x4.splat(<f32>ofFirst), FIRST_INVERSE_T);
  v128.store(at, f32x4.splat(<f32>ofSecond), SECOND_INVERSE_T);
  v128.store(at, f32x4.splat(limitAt(temperatureOfStudent, temperatureOfTeacher)), LIMIT);
}
