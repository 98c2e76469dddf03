// Labels that are a distribution, read in step with the logits.

fn startLabels() {}

fn labelBits(k: u32) -> vec4<u32> {
  let start = uniforms.labelsStart + select(0u, row * uniforms.classes, hasRow);
  let i = start + min(classesOf(k), vec4(uniforms.classes - 1u));
  return select(vec4(0u), vec4(labels[i.x], labels[i.y], labels[i.z], labels[i.w]), present(k));
}

fn labelVector(k: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(labelBits(k));
}

fn collectLabel(k: u32, z: vec4<f32>) {
  let bits = labelBits(k);
  if (any(isNotFinite(bits))) {
    invalid = true;
    return;
  }
  let y = bitcast<vec4<f32>>(bits);
  labelSum += sumOf(y);
  labelTerm += sumOf(select(y * (mz - z), vec4(0.0), isMasked(z)));
}

fn inspectLabel(k: u32, zMasked: vec4<bool>) {
  if (any(zMasked & (labelVector(k) != vec4(0.0)))) {
    labelLacks = true;
  }
}

fn finishLabels() {}
