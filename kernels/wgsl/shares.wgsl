// p and q of a lane's classes, once the team has its statistics: MATH (14), (23), (24).

fn studentShare(z: vec4<f32>) -> vec4<f32> {
  return exp2(scaled(z, mz)) * perSz;
}

fn teacherShare(v: vec4<f32>) -> vec4<f32> {
  if (TARGETS == LOGITS) {
    return exp2(scaledTeacher(v)) * perSv;
  }
  return v;
}

fn studentLog(z: vec4<f32>) -> vec4<f32> {
  return scaled(z, mz) * LN_2 - logSz;
}

fn teacherLog(v: vec4<f32>) -> vec4<f32> {
  return teacherExponent(v) * LN_2 - logSv;
}

// log q - log p.
fn logRatio(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return studentLog(z) - teacherLog(v);
}

fn nearLogRatio(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return disagreement(z, v) - lambda;
}

// S q - p.
fn shareDifference(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return mass * studentShare(z) - teacherShare(v);
}

fn nearShareDifference(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  return teacherShare(v) * expm1Small(nearLogRatio(z, v));
}

fn isMasked(z: vec4<f32>) -> vec4<bool> {
  return z == vec4(LOWEST);
}

// Infinity with the sign of x.
fn infinityLike(x: f32) -> vec4<f32> {
  return vec4(bitcast<f32>(INFINITY_BITS | (bitcast<u32>(x) & 0x80000000u)));
}
