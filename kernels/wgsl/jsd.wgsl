// MATH (6), (10), (11), (27). p and q stand inside a logarithm, so the two sums take a sweep of their own once (14) is known.

override NEEDS_TEACHER_LACKS: bool = false;
const SOFT_NEEDS_RANGE = true;
const NEEDS_MIXTURE = true;

var<private> mixture: vec4<f32>;

fn softTerm(w: vec4<f32>, u: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return vec4(0.0);
}

fn startSoftStudent() {}

fn raiseSoftStudent(shift: f32, factor: f32) {}

fn raiseSoftTeacher(shift: f32, factor: f32) {}

// c of MATH (35).
fn mixtureMass() -> f32 {
  return uniforms.beta * givenMass + (1.0 - uniforms.beta);
}

// beta, or beta' of MATH (35).
fn mixtureBeta() -> f32 {
  if (SOFTENED) {
    return uniforms.beta * givenMass / mixtureMass();
  }
  return uniforms.beta;
}

// u of MATH (27), times 1 - beta.
fn mixtureShift(ratio: vec4<f32>) -> vec4<f32> {
  return (1.0 - mixtureBeta()) * expm1Small(ratio);
}

fn logMixture(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  let beta = mixtureBeta();
  return log(max(beta * teacherShare(v) + (1.0 - beta) * studentShare(z), vec4(SMALLEST)));
}

// log(q/m).
fn studentOverMixture(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return studentLog(z) - logMixture(z, v);
}

fn nearStudentOverMixture(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  let ratio = nearLogRatio(z, v);
  let u = mixtureShift(ratio);
  return ratio - (u - xMinusLog1p(u));
}

// log(p/m).
fn teacherOverMixture(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return teacherLog(v) - logMixture(z, v);
}

fn nearTeacherOverMixture(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  let u = mixtureShift(nearLogRatio(z, v));
  return xMinusLog1p(u) - u;
}

fn mixtureTerms(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  let p = teacherShare(v);
  let q = studentShare(z);
  return vec4(sumOf(times(p, teacherOverMixture(z, v))), sumOf(times(q, studentOverMixture(z, v))), 0.0, 0.0);
}

fn nearMixtureTerms(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  let p = teacherShare(v);
  let q = studentShare(z);
  let u = expm1Small(nearLogRatio(z, v));
  let gap = (1.0 - mixtureBeta()) * entropyGap(u) - entropyGap((1.0 - mixtureBeta()) * u);
  return vec4(sumOf(p * nearTeacherOverMixture(z, v)), sumOf(q * nearStudentOverMixture(z, v)), sumOf(p * gap), 0.0);
}

// One vector at a time: the logarithms outweigh what a block would save.
fn sweepMixture(first: u32, end: u32) -> vec4<f32> {
  var sums = vec4(0.0);
  for (var k = end * VECTORS; k > first * VECTORS; k--) {
    let z = toStudent(k - 1u, studentBits(k - 1u));
    let v = toTeacher(k - 1u, teacherBits(k - 1u));
    if (isNear) {
      sums += nearMixtureTerms(z, v);
    } else {
      sums += mixtureTerms(z, v);
    }
  }
  return sums;
}

fn softValue() -> f32 {
  let beta = mixtureBeta();
  let value = select(beta * mixture.x + (1.0 - beta) * mixture.y, mixture.z, isNear);
  return select(value, max(value, 0.0), TARGETS == LOGITS);
}

// MATH (35), (36).
fn massFactor() -> f32 {
  return mixtureMass();
}

fn valueOfMass() -> f32 {
  let c = mixtureMass();
  return c * softTotal + (uniforms.beta * timesLog(givenMass) - timesLog(c));
}

fn slopeToMass() -> f32 {
  return uniforms.beta * (log(max(givenMass, SMALLEST) / mixtureMass()) + mixture.x);
}

fn softIsInfinite() -> bool {
  return false;
}

fn studentSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return (1.0 - mixtureBeta()) * times(studentShare(z), studentOverMixture(z, v) - mixture.y);
}

fn nearStudentSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return (1.0 - mixtureBeta()) * studentShare(z) * (nearStudentOverMixture(z, v) - mixture.y);
}

fn teacherSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return mixtureBeta() * times(teacherShare(v), teacherOverMixture(z, v) - mixture.x);
}

fn nearTeacherSlopes(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return mixtureBeta() * teacherShare(v) * (nearTeacherOverMixture(z, v) - mixture.x);
}

fn probabilitySlopes(z: vec4<f32>, p: vec4<f32>, factor: f32) -> vec4<f32> {
  return select(mixtureBeta() * teacherOverMixture(z, p) * factor, -infinityLike(factor), p == vec4(0.0));
}
