// The hard term, MATH (2), (18): sums relative to the maximum, and what becomes of them. The labels_*.wgsl file of the variant says what a label is.

const HAS_HARD = true;

var<private> s1: vec4<f32>;
var<private> smoothingTerm: f32;   // sum of mz - z over unmasked classes
var<private> smoothingCount: f32;
var<private> labelTerm: f32;       // sum of y (mz - z)
var<private> labelSum: f32;
var<private> labelLacks: bool;     // a class with a share of the label is masked
var<private> totalS1: f32;

fn startHard() {
  smoothingCount = 0.0;
  labelSum = 0.0;
  labelLacks = false;
  startHardSums();
  startLabels();
}

fn startHardSums() {
  s1 = vec4(0.0);
  smoothingTerm = 0.0;
  labelTerm = 0.0;
}

fn raiseHardSums(shift: f32) {
  s1 *= exp2(-shift * LOG2_E);
  smoothingTerm += smoothingCount * shift;
  labelTerm += labelSum * shift;
}

fn hardExponential(z: vec4<f32>) -> vec4<f32> {
  return exp2(max((z - mz) * LOG2_E, vec4(ABYSS)));
}

fn collectHard(k: u32, z: vec4<f32>) {
  s1 += hardExponential(z);
  collectLabel(k, z);
  if (uniforms.labelSmoothing != 0.0) {
    smoothingTerm += sumOf(select(mz - z, vec4(0.0), isMasked(z)));
    smoothingCount += sumOf(select(vec4(1.0), vec4(0.0), isMasked(z)));
  }
}

fn inspectHard(k: u32, zMasked: vec4<bool>) {
  if (uniforms.labelSmoothing != 0.0 && any(zMasked)) {
    labelLacks = true;
  }
  inspectLabel(k, zMasked);
}

fn mergedHardState() -> vec4<f32> {
  return vec4(totalS1, smoothingTerm, smoothingCount, labelTerm);
}

fn labelState() -> vec4<f32> {
  return vec4(labelSum, select(0.0, 1.0, labelLacks), 0.0, 0.0);
}

fn setHardState(first: vec4<f32>, second: vec4<f32>) {
  s1 = vec4(first.x, 0.0, 0.0, 0.0);
  smoothingTerm = first.y;
  smoothingCount = first.z;
  labelTerm = first.w;
  labelSum = second.x;
  labelLacks = second.y > 0.5;
}

fn mergeHard() {
  let sums = teamSum(vec4(sumOf(s1), smoothingTerm, smoothingCount, labelTerm));
  let labelSums = teamSum(labelState());
  totalS1 = sums.x;
  smoothingTerm = sums.y;
  smoothingCount = sums.z;
  labelTerm = sums.w;
  labelSum = labelSums.x;
  labelLacks = labelSums.y > 0.5;
  finishLabels();
}

fn hardValue() -> f32 {
  let eps = uniforms.labelSmoothing;
  let total = (1.0 - eps) * labelSum + eps;
  return total * log(max(totalS1, SMALLEST)) + (1.0 - eps) * labelTerm + eps / f32(uniforms.classes) * smoothingTerm;
}

fn hardIsInfinite() -> bool {
  return labelLacks;
}

fn hardSlopes(k: u32, z: vec4<f32>) -> vec4<f32> {
  let eps = uniforms.labelSmoothing;
  let r = hardExponential(z) / max(totalS1, SMALLEST);
  return ((1.0 - eps) * labelSum + eps) * r - ((1.0 - eps) * labelVector(k) + eps / f32(uniforms.classes));
}
