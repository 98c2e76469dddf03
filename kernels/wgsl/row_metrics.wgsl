// The metrics of every row from one dispatch: eight numbers, kernels/metrics.ts, in `losses`.
//
// Equations: MATH (12), (13), (18)-(22), (28)-(32).
// Sweeps: 1. statistics (statistics.wgsl), with the first vector of the lane that holds each maximum; 2. near rows only: near.wgsl. Then the team agrees, and
//   the lanes that have seen a maximum look into that vector for the first class that has it.
// Bytes per row: 8 classes read (4 more with a label distribution), 32 written.
// Barriers: in the team_*.wgsl file of the variant and in inputs_tile.wgsl; all threads of a workgroup reach them, those without a row too.
// Not finite: as in row_pass.wgsl; of the weight, an infinity has the sign alone.

const NUMBERS = 8u;  // of a row

// Of teacher, student and labels: the largest value of the lane, and the first of its vectors that holds it.
var<private> top: vec3<f32>;
var<private> topVector: vec3<u32>;

fn goesBackwards() -> bool {
  return false;
}

fn finishGroup(groupIndex: u32) {}

fn includeTop(side: u32, k: u32, values: vec4<f32>) {
  if (any(values > vec4(top[side]))) {
    top[side] = maxOf(values);
    topVector[side] = k;
  }
}

// By what classes are ranked: probabilities as they were given, of which two may have the same logarithm.
fn rankedTeacher(k: u32, v: vec4<f32>) -> vec4<f32> {
  if (SOFTENED) {
    return select(vec4(LOWEST), bitcast<vec4<f32>>(min(givenBits(k), vec4(LOWEST_BITS))), present(k));
  }
  return v;
}

fn includeTops(k: u32, z: vec4<f32>, v: vec4<f32>) {
  includeTop(0u, k, rankedTeacher(k, v));
  includeTop(1u, k, z);
  if (HAS_HARD) {
    includeTop(2u, k, labelVector(k));
  }
}

// Of the block that the lane holds.
fn includeTopsOfBlock(block: u32) {
  let k = block * VECTORS;
  includeTops(k, z0, v0);
  if (VECTORS > 1u) { includeTops(k + 1u, z1, v1); }
  if (VECTORS > 2u) { includeTops(k + 2u, z2, v2); }
  if (VECTORS > 3u) { includeTops(k + 3u, z3, v3); }
}

// The first class of a vector that has the value, counted from the end so that the first of a team is the largest; 0 if none has it.
fn placeIn(k: u32, values: vec4<f32>, value: f32) -> f32 {
  let isThere = (values == vec4(value)) & present(k);
  return maxOf(select(vec4(0.0), vec4<f32>(vec4(uniforms.classes) - classesOf(k)), isThere));
}

fn placesOfTops(ofTeam: vec3<f32>) -> vec3<f32> {
  let k = topVector;
  var places = vec3(
    placeIn(k.x, rankedTeacher(k.x, toTeacher(k.x, teacherBits(k.x))), ofTeam.x),
    placeIn(k.y, toStudent(k.y, studentBits(k.y)), ofTeam.y),
    0.0,
  );
  if (HAS_HARD) {
    places.z = placeIn(k.z, labelVector(k.z), ofTeam.z);
  }
  return places;
}

fn writeVectorOfRow(at: u32, bits: vec4<u32>) {
  let start = NUMBERS * (uniforms.firstRow + row) + at;
  losses[start] = bits.x;
  losses[start + 1u] = bits.y;
  losses[start + 2u] = bits.z;
  losses[start + 3u] = bits.w;
}

fn writeMetrics(entropies: vec2<f32>, agrees: bool, isCorrect: bool) {
  if (isZeroRow() || isNaNRow()) {
    let fill = vec4(select(NAN_BITS, 0u, isZeroRow()));
    writeVectorOfRow(0u, fill);
    writeVectorOfRow(4u, fill);
    return;
  }
  let plain = mass * logSz - logSv + totalSoft * perSv;
  var kl = select(plain, max(plain, 0.0), TARGETS == LOGITS);
  if (isNear) {
    kl = max(rho - xMinusLog1p(vec4(meanShift)).x, 0.0);
  }
  var numbers = vec4(plain + entropies.x, kl, entropies);
  if (SOFTENED) {
    // MATH (34), and Hp of S s.
    numbers = vec4(givenMass * numbers.xyz, numbers.w) + timesLog(givenMass) * vec4(0.0, 1.0, -1.0, 0.0);
  }
  let soft = bitcast<vec4<u32>>(weight * numbers);
  let hard = bitcast<vec4<u32>>(weight * vec4(f32(agrees), hardValue(), f32(isCorrect), 1.0));
  let infinity = vec4(select(MINUS_INFINITY_BITS, INFINITY_BITS, weight > 0.0));
  writeVectorOfRow(0u, select(soft, infinity, vec4(vec2(studentLacksMass), vec2(false))));
  writeVectorOfRow(4u, select(hard, infinity, vec4(false, hardIsInfinite(), false, false)));
}

fn workOnRow(part: u32) {
  let blocks = (uniforms.classes + 4u * LANES * VECTORS - 1u) / (4u * LANES * VECTORS);
  startRow();
  teacherSoft = vec4(0.0);
  studentSoft = vec4(0.0);
  top = vec3(LOWEST);
  topVector = vec3(0u);
  for (var block = 0u; block < blocks; block++) {
    collectBlock(block);
    includeTopsOfBlock(block);
  }
  mergeTeam();
  if (NEEDS_RANGE) {
    finishNear(teamSum(sweepNear(0u, blocks)));
  }
  let entropySums = teamSum(vec4(sumOf(teacherSoft), sumOf(studentSoft), 0.0, 0.0)).xy * LN_2;
  let entropies = vec2(logSv, logSz) + entropySums * vec2(perSv, perSz);
  let places = teamMax(vec4(placesOfTops(teamMax(vec4(top, 0.0)).xyz), 0.0));
  if (hasRow && lane == 0u) {
    writeMetrics(entropies, places.x == places.y, HAS_HARD && places.y == places.z);
  }
}
