// Labels that are class ids. The logit of the label is read once, when the team has its maximum.

var<private> labelId: u32;

fn startLabels() {
  labelId = 0u;
  if (hasRow) {
    labelId = labels[uniforms.firstRow + row];
    if (labelId >= uniforms.classes) {
      invalid = true;
      labelId = 0u;
    }
  }
}

fn collectLabel(k: u32, z: vec4<f32>) {}

fn inspectLabel(k: u32, zMasked: vec4<bool>) {}

fn finishLabels() {
  labelSum = 1.0;
  labelTerm = 0.0;
  if (hasRow) {
    let bits = studentBitsOf(labelId);
    labelLacks = labelLacks || bits == MINUS_INFINITY_BITS;
    labelTerm = mz - bitcast<f32>(min(bits, LOWEST_BITS));
  }
}

fn labelVector(k: u32) -> vec4<f32> {
  return select(vec4(0.0), vec4(1.0), classesOf(k) == vec4(labelId));
}
