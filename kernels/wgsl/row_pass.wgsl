// The row pass: loss and one gradient of every row, and the sum of the losses, from one dispatch (few rows of many classes: see split.wgsl).
//
// Equations: MATH (1)-(27).
// Who owns a row: rows.wgsl.
// Sweeps: 1. statistics (statistics.wgsl), then the team agrees (merge.wgsl). 2. near rows only: near.wgsl; 3. jsd only: its sums. 4. the gradient.
//   All but the first go backwards, so that they meet first what was read last and is still in cache. Where a block is the whole row (RESIDENT), or the
//   rows lie in a tile (inputs_tile.wgsl), it is read once.
// Bytes per row: 8 classes read from memory, 4 classes written with a gradient, 4 for the loss or, when it is summed, 4 per workgroup.
// Barriers: in the team_*.wgsl file of the variant, in inputs_tile.wgsl and in reduce.wgsl; all threads of a workgroup reach them, those without a row too.
// Not finite: values are classified by bits when loaded; then -Infinity is LOWEST, and rows that come to NaN or an infinity get it written explicitly.
// Accuracy: on SwiftShader within 1e-5 of max(1, loss), gradient within 1e-5/T; near rows and edge rows as MATH.md says (test/conformance).

var<private> softTotal: f32;       // D
var<private> slopeFactor: f32;
var<private> hardFactor: f32;
var<private> massSlope: f32;       // to S of MATH (33)

fn softFactor() -> f32 {
  let t = temperatureOfRow;
  return weight * uniforms.softWeight * select(1.0, t * t, uniforms.temperatureSquared != 0u);
}

// D of what was given.
fn softLoss() -> f32 {
  if (SOFTENED) {
    return valueOfMass();
  }
  return softTotal;
}

fn lossBits() -> u32 {
  if (isZeroRow()) {
    return 0u;
  }
  if (isNaNRow()) {
    return NAN_BITS;
  }
  let hasSoft = uniforms.softWeight != 0.0;
  let hasHard = HAS_HARD && uniforms.hardWeight != 0.0;
  if ((hasSoft && softIsInfinite()) || (hasHard && hardIsInfinite())) {
    return select(MINUS_INFINITY_BITS, INFINITY_BITS, weight > 0.0);
  }
  var value = 0.0;
  if (hasSoft) {
    value += softFactor() * softLoss();
  }
  if (hasHard) {
    value += weight * uniforms.hardWeight * hardValue();
  }
  return bitcast<u32>(value);
}

fn slopesOf(k: u32, z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  if (GRADIENT == TO_STUDENT) {
    return withHard(k, z, studentSlopes(z, v));
  }
  if (TARGETS == LOGITS) {
    return throughSoftening(k, slopeFactor * teacherSlopes(z, v));
  }
  if (slopeFactor == 0.0) {
    return vec4(0.0);
  }
  let isGone = isMasked(z) & (v == vec4(0.0));
  return select(probabilitySlopes(z, v, slopeFactor), vec4(0.0), isGone);
}

fn nearSlopesOf(k: u32, z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  if (GRADIENT == TO_STUDENT) {
    return withHard(k, z, nearStudentSlopes(z, v));
  }
  return throughSoftening(k, slopeFactor * nearTeacherSlopes(z, v));
}

// MATH (36), from the slopes to the logarithms; elsewhere the slopes themselves. A class without mass stays so.
fn throughSoftening(k: u32, slopes: vec4<f32>) -> vec4<f32> {
  if (!SOFTENED) {
    return slopes;
  }
  let p = givenMasses(k);
  let isNone = p == vec4(0.0);
  return select(massSlope + slopes / select(p, vec4(1.0), isNone), vec4(0.0), isNone);
}

fn withHard(k: u32, z: vec4<f32>, slopes: vec4<f32>) -> vec4<f32> {
  if (HAS_HARD) {
    return slopeFactor * slopes + hardFactor * hardSlopes(k, z);
  }
  return slopeFactor * slopes;
}

// What a slope has before the bracket of MATH (3)-(11), besides the weights.
fn slopeScale() -> f32 {
  var scale = select(1.0, inverseTeacherT(), TARGETS == LOGITS);
  if (GRADIENT == TO_STUDENT) {
    scale = inverseT;
  }
  if (SOFTENED) {
    scale *= massFactor();
  }
  return scale;
}

fn writeBlock(block: u32) {
  if (!RESIDENT) {
    loadBlock(block);
  }
  let k = block * VECTORS;
  writeVector(k, slopesOf(k, z0, v0));
  if (VECTORS > 1u) { writeVector(k + 1u, slopesOf(k + 1u, z1, v1)); }
  if (VECTORS > 2u) { writeVector(k + 2u, slopesOf(k + 2u, z2, v2)); }
  if (VECTORS > 3u) { writeVector(k + 3u, slopesOf(k + 3u, z3, v3)); }
}

fn sweepGradient(first: u32, end: u32) {
  let hasSoft = uniforms.softWeight != 0.0;
  let hasNone = isNaNRow() || (hasSoft && softIsInfinite() && LACKS_GRADIENT_AT_INFINITY);
  if (isZeroRow() || hasNone) {
    let fill = vec4(select(uniforms.nan, 0.0, isZeroRow()));
    for (var k = first * VECTORS; k < end * VECTORS; k++) {
      writeVector(k, fill);
    }
    return;
  }
  slopeFactor = softFactor() * slopeScale();
  hardFactor = weight * uniforms.hardWeight;
  if (SOFTENED && GRADIENT == TO_TEACHER) {
    massSlope = softFactor() * slopeToMass();
  }
  if (isNear) {
    for (var k = end * VECTORS; k > first * VECTORS; k--) {
      let z = toStudent(k - 1u, studentBits(k - 1u));
      let v = toTeacher(k - 1u, teacherBits(k - 1u));
      writeVector(k - 1u, nearSlopesOf(k - 1u, z, v));
    }
    return;
  }
  for (var block = end; block > first; block--) {
    writeBlock(block - 1u);
  }
}

fn workOnRow(part: u32) {
  let blocks = (uniforms.classes + 4u * LANES * VECTORS - 1u) / (4u * LANES * VECTORS);
  let ofPart = (blocks + uniforms.parts - 1u) / uniforms.parts;
  let first = min(part * ofPart, blocks);
  let end = min(first + ofPart, blocks);
  startRow();
  if (PHASE == WHOLE || PHASE == STATISTICS) {
    sweepStatistics(first, end);
  } else {
    getStatistics();
  }
  if (PHASE == STATISTICS) {
    let lacking = teamMax(vec4(studentLacks, teacherLacks, 0.0, 0.0));
    mergeTeam();
    putStatistics(part, lacking);
    return;
  }
  mergeTeam();
  if (NEEDS_RANGE) {
    var sums: vec4<f32>;
    if (PHASE == WHOLE || PHASE == NEAR_SUMS) {
      sums = sweepNear(first, end);
    } else {
      sums = getSums(NEAR_AT);
    }
    sums = teamSum(sums);
    if (PHASE == NEAR_SUMS) {
      putSums(part, NEAR_AT, sums);
      return;
    }
    finishNear(sums);
  }
  if (NEEDS_MIXTURE) {
    var sums: vec4<f32>;
    if (PHASE == WHOLE || PHASE == MIXTURE_SUMS) {
      sums = sweepMixture(first, end);
    } else {
      sums = getSums(MIXTURE_AT);
    }
    mixture = teamSum(sums);
    if (PHASE == MIXTURE_SUMS) {
      putSums(part, MIXTURE_AT, mixture);
      return;
    }
  }
  softTotal = softValue();
  if (WRITES_LOSS && hasRow && lane == 0u && part == 0u) {
    writeLoss(lossBits());
  }
  if (GRADIENT != 0u) {
    sweepGradient(first, end);
  }
}

fn goesBackwards() -> bool {
  return PHASE == NEAR_SUMS || PHASE == FINISH;
}

fn finishGroup(groupIndex: u32) {
  if (WRITES_LOSS && (PHASE == WHOLE || PHASE == FINISH)) {
    reduceLosses(groupIndex);
  }
}
