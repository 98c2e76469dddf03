// The metrics of every row from one dispatch: eight numbers, kernels/metrics.ts.
//
// Equations: MATH (12), (13), (18), (20)-(25), (28)-(32).
// Who owns a row: a team of LANES threads, WORKGROUP / LANES teams to a workgroup. Lane k takes classes k, k + LANES, ...
// Sweeps: 1. the maxima and which class has them first; 2. the sums, close enough behind to find the row in cache.
// Bytes per row: 8 classes read once from memory (4 more with a label distribution), 32 written.
// Barriers: in `teamMax` and `teamSum` alone; all threads of a workgroup reach them, those without a row too.
// Not finite: values are read as bits and classified by bits, so no arithmetic here meets a NaN or an infinity; results that are one come from the uniforms.

// Filled in when the pipeline is made.
override LANES: u32 = 1;
override WORKGROUP: u32 = 64;
override TARGETS: u32 = 0;  // 0 logits, 1 probabilities
override LABELS: u32 = 0;   // 0 none, 1 class ids, 2 a distribution

// As tfjs lays them out: NaN, infinity, shape and stride of each tensor (all passed with rank 1), then ours.
struct Uniforms {
  nan: f32,
  infinity: f32,
  teacherShape: vec2<i32>,
  studentShape: vec2<i32>,
  temperatureShape: vec2<i32>,
  labelsShape: vec2<i32>,
  weightsShape: vec2<i32>,
  resultShape: vec2<i32>,
  rows: u32,
  classes: u32,
  temperatures: u32,  // how many: 0 if `inverseTemperature` is of all rows, 1, or one per row
  weights: u32,       // how many: 0 for all 1, 1, or one per row
  inverseTemperature: f32,
  padding: u32,       // to a multiple of 16 bytes, as WebGPU measures the struct
}

@group(0) @binding(0) var<storage, read_write> result: array<f32>;
@group(0) @binding(1) var<storage, read> teacher: array<u32>;
@group(0) @binding(2) var<storage, read> student: array<u32>;
@group(0) @binding(3) var<storage, read> temperature: array<u32>;
@group(0) @binding(4) var<storage, read> labels: array<u32>;
@group(0) @binding(5) var<storage, read> weights: array<u32>;
@group(0) @binding(6) var<uniform> uniforms: Uniforms;

const LOGITS = 0u;
const NO_LABELS = 0u;
const CLASS_IDS = 1u;
const DISTRIBUTION = 2u;

const MINUS_INFINITY_BITS = 0xff800000u;
const LOWEST = -3.4e38;
const EXP_FLOOR = -87.0;   // MATH.md, "Rows that are not finite"
const NEAR = 0.125;        // MATH (20)
const FAR = 1.0;

var<workgroup> exchange: array<vec4<f32>, WORKGROUP>;

// The row that this thread works on.
var<private> lane: u32;
var<private> local: u32;
var<private> base: u32;
var<private> end: u32;
var<private> inverseT: f32;
var<private> invalid: f32;
var<private> labelId: u32;
var<private> referenceHigh: f32;
var<private> referenceLow: f32;

// What sweep 1 collects: the largest value of teacher, student and labels, and C - i of the first class that has it.
var<private> top: vec3<f32> = vec3(LOWEST);
var<private> place: vec3<f32>;
var<private> spread: f32;  // the largest |y|, or FAR after a one-sided mask

// What sweep 2 collects.
var<private> sums: vec4<f32>;         // sz, sv, A, B
var<private> studentSums: vec2<f32>;  // D, s1
var<private> nearSums: vec2<f32>;     // M, R
var<private> labelSums: vec2<f32>;    // Y, sum y (mz - z)
var<private> studentLacks: f32;       // p > 0 meets a masked class
var<private> labelLacks: f32;         // y > 0 meets one

fn isInvalid(bits: u32) -> bool {
  return (bits & 0x7fffffffu) > 0x7f800000u || bits == 0x7f800000u;
}

fn isNotFinite(bits: u32) -> bool {
  return (bits & 0x7f800000u) == 0x7f800000u;
}

// exp(x), and 0 where a class has no mass.
fn mass(x: f32) -> f32 {
  return select(exp(x), 0.0, x < EXP_FLOOR);
}

// (x - maximum)/T, kept finite.
fn scaledDifference(x: f32, maximum: f32) -> f32 {
  return max(max(x - maximum, LOWEST) * inverseT, LOWEST);
}

// exp(x) - 1 - x, for |x| <= 1/8.
fn expm1MinusX(x: f32) -> f32 {
  return x * x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0)))));
}

// x - log(1 + x), for |x| <= 0.15.
fn xMinusLog1p(x: f32) -> f32 {
  return x * x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x * (1.0 / 6.0 - x * (1.0 / 7.0 - x * (0.125 - x / 9.0)))))));
}

// (d, e) with d + e = z - v exactly: Knuth's TwoSum.
fn difference(z: f32, v: f32) -> vec2<f32> {
  let d = z - v;
  let c = d - z;
  return vec2(d, (z - (d - c)) - (v + c));
}

// y of MATH (20).
fn disagreement(z: f32, v: f32) -> f32 {
  let d = difference(z, v);
  return ((d.x - referenceHigh) + (d.y - referenceLow)) * inverseT;
}

fn startRow(row: u32) {
  let inRange = row < uniforms.rows;
  base = select(0u, row * uniforms.classes, inRange);
  end = select(0u, base + uniforms.classes, inRange);
  inverseT = uniforms.inverseTemperature;
  if (!inRange) {
    return;
  }
  if (uniforms.temperatures != 0u) {
    let bits = temperature[select(row, 0u, uniforms.temperatures == 1u)];
    let t = bitcast<f32>(bits);
    let isValid = !isNotFinite(bits) && t > 0.0;
    invalid = select(1.0, 0.0, isValid);
    inverseT = select(1.0, min(1.0 / t, 3.0e38), isValid);
  }
  let v = teacher[base];
  let z = student[base];
  if (!isNotFinite(v) && !isNotFinite(z)) {
    let d = difference(bitcast<f32>(z), bitcast<f32>(v));
    referenceHigh = d.x;
    referenceLow = d.y;
  }
  if (LABELS == CLASS_IDS) {
    labelId = labels[row];
    if (labelId >= uniforms.classes) {
      invalid = 1.0;
    }
  }
}

fn includeTop(k: u32, x: f32, i: u32) {
  if (x > top[k]) {
    top[k] = x;
    place[k] = f32(end - i);
  }
}

fn sweepTops(i: u32) {
  let zBits = student[i];
  let vBits = teacher[i];
  let zMasked = zBits == MINUS_INFINITY_BITS;
  let vMasked = vBits == MINUS_INFINITY_BITS;
  if (isInvalid(zBits) || isInvalid(vBits) || (TARGETS != LOGITS && vMasked)) {
    invalid = 1.0;
    return;
  }
  let z = bitcast<f32>(zBits);
  let v = bitcast<f32>(vBits);
  if (!vMasked) {
    includeTop(0u, v, i);
  }
  if (!zMasked) {
    includeTop(1u, z, i);
  }
  if (LABELS == DISTRIBUTION) {
    let bits = labels[i];
    if (isNotFinite(bits)) {
      invalid = 1.0;
    } else {
      includeTop(2u, bitcast<f32>(bits), i);
    }
  }
  if (zMasked != vMasked) {
    spread = FAR;
  } else if (!zMasked && TARGETS == LOGITS) {
    spread = max(spread, min(abs(disagreement(z, v)), FAR));
  }
}

fn sweepSums(i: u32, isNear: bool) {
  let zBits = student[i];
  let vBits = teacher[i];
  let zMasked = zBits == MINUS_INFINITY_BITS;
  let vMasked = vBits == MINUS_INFINITY_BITS;
  let z = bitcast<f32>(zBits);
  let v = bitcast<f32>(vBits);
  var a = 0.0;
  if (!zMasked) {
    a = scaledDifference(z, top.y);
    let u = mass(a);
    sums.x += u;
    studentSums.x -= u * a;
    if (LABELS != NO_LABELS) {
      studentSums.y += mass(max(z - top.y, LOWEST));
    }
  }
  var w = 0.0;
  var b = 0.0;
  if (TARGETS != LOGITS) {
    w = v;
    if (v > 0.0) {
      b = log(v);
    }
  } else if (!vMasked) {
    b = scaledDifference(v, top.x);
    w = mass(b);
  }
  sums.y += w;
  sums.w -= w * b;
  if (w != 0.0) {
    sums.z -= w * a;
    if (zMasked) {
      studentLacks = 1.0;
    }
  }
  if (isNear && !zMasked) {
    let y = disagreement(z, v);
    nearSums += w * vec2(y, expm1MinusX(y));
  }
  if (LABELS == NO_LABELS) {
    return;
  }
  var label = select(0.0, 1.0, i - base == labelId);
  if (LABELS == DISTRIBUTION) {
    label = bitcast<f32>(labels[i]);
  }
  if (label != 0.0) {
    labelSums.x += label;
    if (zMasked) {
      labelLacks = 1.0;
    } else {
      labelSums.y += label * (top.y - z);
    }
  }
}

// The largest of each component over the team; every lane gets it.
fn teamMax(value: vec4<f32>) -> vec4<f32> {
  if (LANES == 1u) {
    return value;
  }
  exchange[local] = value;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (lane < step) {
      exchange[local] = max(exchange[local], exchange[local + step]);
    }
    workgroupBarrier();
  }
  let total = exchange[local - lane];
  workgroupBarrier();  // before the next exchange overwrites it
  return total;
}

fn teamSum(value: vec4<f32>) -> vec4<f32> {
  if (LANES == 1u) {
    return value;
  }
  exchange[local] = value;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (lane < step) {
      exchange[local] += exchange[local + step];
    }
    workgroupBarrier();
  }
  let total = exchange[local - lane];
  workgroupBarrier();
  return total;
}

fn mergeTops() {
  let best = teamMax(vec4(top, spread));
  let first = teamMax(vec4(select(vec3(0.0), place, top == best.xyz), invalid));
  top = best.xyz;
  spread = best.w;
  place = first.xyz;
  invalid = first.w;
}

fn mergeSums() {
  sums = teamSum(sums);
  let further = teamSum(vec4(studentSums, nearSums));
  studentSums = further.xy;
  nearSums = further.zw;
  let flags = teamMax(vec4(studentLacks, labelLacks, 0.0, 0.0));
  studentLacks = flags.x;
  labelLacks = flags.y;
  if (LABELS != NO_LABELS) {
    labelSums = teamSum(vec4(labelSums, 0.0, 0.0)).xy;
  }
}

fn write(row: u32, first: vec4<f32>, second: vec4<f32>) {
  for (var k = 0u; k < 4u; k++) {
    result[8u * row + k] = first[k];
    result[8u * row + 4u + k] = second[k];
  }
}

// MATH (31), (32).
fn hardMetrics() -> vec2<f32> {
  if (LABELS == NO_LABELS) {
    return vec2(0.0);
  }
  let hard = labelSums.x * log(max(studentSums.y, 1e-38)) + labelSums.y;
  var isRight = uniforms.classes - labelId == u32(place.y);
  if (LABELS == DISTRIBUTION) {
    isRight = place.y == place.z;
  }
  return vec2(hard, select(0.0, 1.0, isRight));
}

@compute @workgroup_size(WORKGROUP)
fn rowMetrics(
  @builtin(local_invocation_index) localIndex: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  local = localIndex;
  lane = localIndex % LANES;
  let groupIndex = (group.z * groups.y + group.y) * groups.x + group.x;
  let row = groupIndex * (WORKGROUP / LANES) + localIndex / LANES;
  startRow(row);
  for (var i = base + lane; i < end; i += LANES) {
    sweepTops(i);
  }
  mergeTops();
  let isNear = TARGETS == LOGITS && spread <= NEAR;
  for (var i = base + lane; i < end; i += LANES) {
    sweepSums(i, isNear);
  }
  mergeSums();
  if (row >= uniforms.rows || lane != 0u) {
    return;
  }

  var weight = 1.0;
  var isNaN = invalid > 0.0 || top.x == LOWEST || top.y == LOWEST;
  if (uniforms.weights != 0u) {
    let bits = weights[select(row, 0u, uniforms.weights == 1u)];
    let weightIsNaN = isNotFinite(bits);
    weight = bitcast<f32>(select(bits, 0u, weightIsNaN));
    if (weight == 0.0 && !weightIsNaN) {
      write(row, vec4(0.0), vec4(0.0));
      return;
    }
    isNaN = isNaN || weightIsNaN;
  }
  if (isNaN) {
    write(row, vec4(uniforms.nan), vec4(uniforms.nan));
    return;
  }
  let teacherMass = select(1.0, sums.y, TARGETS == LOGITS);
  let logSz = log(max(sums.x, 1e-38));
  let teacherEntropy = select(0.0, log(max(sums.y, 1e-38)), TARGETS == LOGITS) + sums.w / teacherMass;
  let studentEntropy = logSz + studentSums.x / sums.x;
  var crossEntropy = sums.y / teacherMass * logSz + sums.z / teacherMass;
  var kl = crossEntropy - teacherEntropy;
  if (TARGETS == LOGITS) {
    kl = max(kl, 0.0);
  }
  if (isNear) {
    let rho = nearSums.y / teacherMass;
    kl = rho - xMinusLog1p(nearSums.x / teacherMass + rho);
  }
  let hard = weight * hardMetrics();
  // Of the weight, an infinity has the sign alone: it is written, never computed with.
  let infinite = uniforms.infinity * select(-1.0, 1.0, weight > 0.0);
  let soft = weight * vec4(crossEntropy, kl, teacherEntropy, studentEntropy);
  let agreement = select(0.0, weight, place.x == place.y);
  write(
    row,
    select(soft, vec4(infinite), vec4(vec2(studentLacks > 0.0), vec2(false))),
    vec4(agreement, select(hard.x, infinite, labelLacks > 0.0), hard.y, weight),
  );
}
