/** What a lane keeps of the temperatures of its row. */
import { FIRST_INVERSE_T, FIRST_TO_LOG2, LIMIT, SECOND_INVERSE_T, SECOND_TO_LOG2 } from './lanes';
import {
  CENTRED,
  CROSS_ENTROPY,
  divergence,
  isExchanged,
  PROBABILITIES,
  reading,
  teacherTemperature,
  written,
} from './objective';
import { LOG2_E } from './vectors';

/** The widest range of d of a near row, in units of T; NaN where none may be near. */
let widest: f64 = 0;

/** A row is near within a quarter of T: MATH (20). Not one of a single class, where the plain form is exact. */
export function setWidest(classes: i32): void {
  // The gradient of a cross entropy to its teacher has no difference of probabilities in it.
  const hasDifference = divergence != CROSS_ENTROPY || written != CENTRED;
  widest = hasDifference && reading != PROBABILITIES && classes > 1 ? 0.25 : NaN;
}

/** The widest range of d of a near row at this T; NaN where the teacher has another. */
// @ts-ignore: decorator
@inline
export function limitAt(temperature: f64): f32 {
  const isShared = teacherTemperature == 0 || <f32>temperature == <f32>teacherTemperature;
  return isShared ? <f32>(temperature * widest) : NaN;
}

/** Keeps what a lane needs of its row's temperature. */
export function setTemperature(at: usize, temperature: f64): void {
  const ofStudent = min(1 / temperature, 2e38); // finite in float32, so that 0 times it is 0
  const ofTeacher = teacherTemperature == 0 ? ofStudent : min(1 / teacherTemperature, 2e38);
  const ofFirst = isExchanged ? ofStudent : ofTeacher;
  const ofSecond = isExchanged ? ofTeacher : ofStudent;
  v128.store(at, f32x4.splat(<f32>(LOG2_E * ofFirst)), FIRST_TO_LOG2);
  v128.store(at, f32x4.splat(<f32>(LOG2_E * ofSecond)), SECOND_TO_LOG2);
  v128.store(at, f32x4.splat(<f32>ofFirst), FIRST_INVERSE_T);
  v128.store(at, f32x4.splat(<f32>ofSecond), SECOND_INVERSE_T);
  v128.store(at, f32x4.splat(limitAt(temperature)), LIMIT);
}
