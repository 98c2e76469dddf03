// MATH (3), (7), (11), (15). soft = sum w (-a).

override NEEDS_TEACHER_LACKS: bool = false;
const SOFT_NEEDS_RANGE = false;  // the value; the gradient does

fn softTerm(w: vec4<f32>, u: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return -w * a;
}

fn startSoftStudent() {}

fn raiseSoftStudent(shift: f32, factor: f32) {
  soft += sv * shift;
}

fn raiseSoftTeacher(shift: f32, factor: f32) {
  soft *= factor;
}

fn softValue() -> f32 {
  return mass * logSz + totalSoft * perSv;
}

// MATH (34), (36).
fn massFactor() -> f32 {
  return givenMass;
}

fn valueOfMass() -> f32 {
  return givenMass * softTotal;
}

fn slopeToMass() -> f32 {
  return softTotal;
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
  return times(teacherShare(v), -scaled(z, mz) * LN_2 - totalSoft * perSv);
}

fn nearTeacherSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return teacherSlopes(z, v);
}

fn probabilitySlopes(z: vec4<f32>, p: vec4<f32>, factor: f32) -> vec4<f32> {
  return select(-studentLog(z) * factor, infinityLike(factor), isMasked(z));
}
