// No labels, no hard term.

const HAS_HARD = false;

fn startHard() {}

fn startHardSums() {}

fn raiseHardSums(shift: f32) {}

fn collectHard(k: u32, z: vec4<f32>) {}

fn inspectHard(k: u32, zMasked: vec4<bool>) {}

fn mergeHard() {}

fn mergedHardState() -> vec4<f32> {
  return vec4(0.0);
}

fn setHardState(first: vec4<f32>, second: vec4<f32>) {}

fn labelState() -> vec4<f32> {
  return vec4(0.0);
}

fn hardValue() -> f32 {
  return 0.0;
}

fn hardIsInfinite() -> bool {
  return false;
}

fn hardSlopes(k: u32, z: vec4<f32>) -> vec4<f32> {
  return vec4(0.0);
}

fn labelVector(k: u32) -> vec4<f32> {
  return vec4(0.0);
}
