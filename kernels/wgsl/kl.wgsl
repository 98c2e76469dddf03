// MATH (4), (8), (11), (17), (25). soft = sum w (b - a).

override NEEDS_TEACHER_LACKS: bool = false;
const SOFT_NEEDS_RANGE = true;

fn softTerm(w: vec4<f32>, u: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return w * (b - a);
}

fn startSoftStudent() {}

fn raiseSoftStudent(shift: f32, factor: f32) {
  soft += sv * shift;
}

fn raiseSoftTeacher(shift: f32, factor: f32) {
  soft = (soft - sv * shift) * factor;
}

fn softValue() -> f32 {
  if (isNear) {
    return max(rho - xMinusLog1p(vec4(meanShift)).x, 0.0);
  }
  let value = mass * logSz - logSv + totalSoft * perSv;
  return select(value, max(value, 0.0), TARGETS == LOGITS);
}

// MATH (34), (36).
fn massFactor() -> f32 {
  return givenMass;
}

fn valueOfMass() -> f32 {
  return givenMass * softTotal + timesLog(givenMass);
}

fn slopeToMass() -> f32 {
  return softTotal + log(max(givenMass, SMALLEST)) + 1.0;
}

fn softIsInfinite() -> bool {
  return studentLacksMass;
}

fn studentSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return shareDifference(z, v);
}

fn nearStudentSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return nearShareDifference(z, v);
}

fn teacherSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return -times(teacherShare(v), logRatio(z, v) + softTotal);
}

fn nearTeacherSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return -times(teacherShare(v), nearLogRatio(z, v) + softTotal);
}

fn probabilitySlopes(z: vec4<f32>, p: vec4<f32>, factor: f32) -> vec4<f32> {
  let slopes = select((1.0 - logRatio(z, p)) * factor, -infinityLike(factor), p == vec4(0.0));
  return select(slopes, infinityLike(factor), isMasked(z));
}
