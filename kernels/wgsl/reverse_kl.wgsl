// MATH (5), (9), (11), (17), (26). soft = sum u (a - b).

override NEEDS_TEACHER_LACKS: bool = TARGETS != LOGITS;  // a probability of 0 is finite, so its row must be looked at for it
const SOFT_NEEDS_RANGE = true;

fn softTerm(w: vec4<f32>, u: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return u * (a - b);
}

// What a lane has summed before its first class of the student is of classes that do not exist: u weighs them, and was 1.
fn startSoftStudent() {
  soft = vec4(0.0);
}

fn raiseSoftStudent(shift: f32, factor: f32) {
  soft = (soft - sz * shift) * factor;
}

fn raiseSoftTeacher(shift: f32, factor: f32) {
  soft += sz * shift;
}

fn softValue() -> f32 {
  if (isNear) {
    return max((meanQ - rho - entropyGap(vec4(meanShift)).x) / (1.0 + meanShift), 0.0);
  }
  let value = totalSoft * perSz - logSz + logSv;
  return select(value, max(value, 0.0), TARGETS == LOGITS);
}

// MATH (34), (36). Where the mass is 0 the value is infinite, and there is no slope.
fn massFactor() -> f32 {
  return 1.0;
}

fn valueOfMass() -> f32 {
  return softTotal - log(max(givenMass, SMALLEST));
}

fn slopeToMass() -> f32 {
  return -1.0 / max(givenMass, SMALLEST);
}

fn softIsInfinite() -> bool {
  return teacherLacksMass;
}

fn studentSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return times(studentShare(z), logRatio(z, v) - softTotal);
}

fn nearStudentSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return times(studentShare(z), nearLogRatio(z, v) - softTotal);
}

fn teacherSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return -shareDifference(z, v);
}

fn nearTeacherSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return -nearShareDifference(z, v);
}

fn probabilitySlopes(z: vec4<f32>, p: vec4<f32>, factor: f32) -> vec4<f32> {
  let q = studentShare(z);
  let slopes = select(-q / p * factor, -infinityLike(factor), p == vec4(0.0));
  return select(slopes, vec4(0.0), q == vec4(0.0));
}
