// The row pass: loss and one gradient of every row from one dispatch.
//
// Equations: MATH (1)-(27).
// Who owns a row: a team of LANES threads, WORKGROUP / LANES teams to a workgroup. Lane k takes classes k, k + LANES, ..., so that a team reads
//   neighbours together. LANES = 1 is a thread per row, without a barrier.
// Sweeps: 1. each lane collects the sums of MATH (12), (13), (21) online; the team then agrees on the maxima, brings its sums over to them by MATH (19)
//   and adds them up. 2. jsd only: its two sums. 3. the gradient, close enough behind the first sweep to find the row in cache.
// Bytes per row: 8 classes read once from memory (once more from cache for the gradient), 4 classes written with a gradient, 4 for the loss.
// Barriers: in `teamMax` and `teamSum` alone; all threads of a workgroup reach them, those without a row too.
// Not finite: values are read as bits and classified by bits, so no arithmetic here meets a NaN or an infinity; results that are one come from the uniforms.

// Filled in when the pipeline is made.
override LANES: u32 = 1;
override WORKGROUP: u32 = 64;
override TARGETS: u32 = 0;     // 0 logits, 1 probabilities
override DIVERGENCE: u32 = 0;  // 0 crossEntropy, 1 kl, 2 reverseKl, 3 jsd
override LABELS: u32 = 0;      // 0 none, 1 class ids, 2 a distribution
override WRITES_LOSS: bool = true;
override GRADIENT: u32 = 0;    // 0 none, 1 to the student, 2 to the teacher

struct RowUniforms {
  rows: u32,
  classes: u32,
  temperatures: u32,  // how many: 0 if `temperature` is it, 1, or one per row
  weights: u32,       // how many: 0 for all 1, 1, or one per row
  temperature: f32,
  inverseTemperature: f32,
  softWeight: f32,
  hardWeight: f32,
  labelSmoothing: f32,
  beta: f32,
  scale: f32,
  temperatureSquared: u32,
}

@group(0) @binding(0) var<storage, read_write> result: array<f32>;
@group(0) @binding(1) var<storage, read> teacher: array<u32>;
@group(0) @binding(2) var<storage, read> student: array<u32>;
@group(0) @binding(3) var<storage, read> temperature: array<u32>;
@group(0) @binding(4) var<storage, read> labels: array<u32>;
@group(0) @binding(5) var<storage, read> weights: array<u32>;

const LOGITS = 0u;
const KL = 1u;
const REVERSE_KL = 2u;
const JSD = 3u;
const NO_LABELS = 0u;
const CLASS_IDS = 1u;
const DISTRIBUTION = 2u;
const TO_STUDENT = 1u;
const TO_TEACHER = 2u;

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
var<private> labelId: u32;
var<private> referenceHigh: f32;
var<private> referenceLow: f32;

// What sweep 1 collects.
var<private> mz: f32;
var<private> mv: f32;
var<private> sz: f32;
var<private> sv: f32;
var<private> s1: f32;
var<private> sumA: f32;
var<private> sumB: f32;
var<private> sumD: f32;
var<private> sumE: f32;
var<private> sumM: f32;
var<private> sumR: f32;
var<private> sumQ: f32;
var<private> labelSum: f32;
var<private> labelTerm: f32;
var<private> smoothingTerm: f32;
var<private> smoothingCount: f32;
var<private> spread: f32;           // the largest |y|, or FAR after a one-sided mask
var<private> studentLacks: f32;     // the largest v (or 3.4e38) whose z is masked
var<private> teacherLacks: f32;     // the largest z whose v is masked or p is 0
var<private> invalid: f32;
var<private> labelLacks: f32;

// What the row comes to.
var<private> logSz: f32;
var<private> logSv: f32;
var<private> isNear: bool;
var<private> lambda: f32;
var<private> meanA: f32;            // E_p[-a]
var<private> softValue: f32;
var<private> kTeacher: f32;
var<private> kStudent: f32;

fn isInvalid(bits: u32) -> bool {
  return (bits & 0x7fffffffu) > 0x7f800000u || bits == 0x7f800000u;
}

fn isNotFinite(bits: u32) -> bool {
  return (bits & 0x7f800000u) == 0x7f800000u;
}

// (x - maximum)/T, kept finite.
fn scaledDifference(x: f32, maximum: f32) -> f32 {
  return max(max(x - maximum, LOWEST) * inverseT, LOWEST);
}

// exp(x) - 1 - x, for |x| <= 0.3.
fn expm1MinusX(x: f32) -> f32 {
  return x * x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0 + x * (1.0 / 5040.0 + x * (1.0 / 40320.0)))))));
}

fn expm1Small(x: f32) -> f32 {
  return x + expm1MinusX(x);
}

// x - log(1 + x), for |x| <= 0.3.
fn xMinusLog1p(x: f32) -> f32 {
  return x * x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x * (1.0 / 6.0 - x * (1.0 / 7.0 - x * (0.125 - x * (1.0 / 9.0 - x * (0.1 - x / 11.0)))))))));
}

// h of MATH (26): (1 + x) log(1 + x) - x, for |x| <= 0.3.
fn entropyGap(x: f32) -> f32 {
  return x * x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 12.0 - x * (0.05 - x * (1.0 / 30.0 - x * (1.0 / 42.0 - x * (1.0 / 56.0 - x * (1.0 / 72.0 - x / 90.0))))))));
}

// y of MATH (20): z - v with its rounding error, less the same of the reference class.
fn disagreement(z: f32, v: f32) -> f32 {
  let d = z - v;
  let c = d - z;
  let e = (z - (d - c)) - (v + c);
  return ((d - referenceHigh) + (e - referenceLow)) * inverseT;
}

fn startRow(row: u32) {
  let u = uniforms.row;
  let inRange = row < u.rows;
  base = select(0u, row * u.classes, inRange);
  end = select(0u, base + u.classes, inRange);
  inverseT = u.inverseTemperature;
  invalid = 0.0;
  if (u.temperatures != 0u && inRange) {
    let bits = temperature[select(row, 0u, u.temperatures == 1u)];
    let t = bitcast<f32>(bits);
    if (isNotFinite(bits) || !(t > 0.0)) {
      invalid = 1.0;
      inverseT = 1.0;
    } else {
      inverseT = min(1.0 / t, 3.0e38);
    }
  }
  mz = LOWEST;
  mv = select(0.0, LOWEST, TARGETS == LOGITS);
  studentLacks = LOWEST;
  teacherLacks = LOWEST;
  if (inRange) {
    let v = teacher[base];
    let z = student[base];
    if (!isNotFinite(v) && !isNotFinite(z)) {
      let zf = bitcast<f32>(z);
      let vf = bitcast<f32>(v);
      let d = zf - vf;
      let c = d - zf;
      referenceHigh = d;
      referenceLow = (zf - (d - c)) - (vf + c);
    }
    if (LABELS == CLASS_IDS) {
      labelId = labels[row];
      if (labelId >= u.classes) {
        invalid = 1.0;
      }
    }
  }
}

// MATH (19): the sums so far, seen from a larger mz.
fn raiseStudentMaximum(maximum: f32) {
  if (mz > LOWEST) {
    let shift = maximum - mz;
    let dz = -scaledDifference(mz, maximum);
    let factor = exp(-dz);
    sumA += sv * dz;
    if (DIVERGENCE == REVERSE_KL) {
      sumD = (sumD + sz * dz) * factor;
      sumE *= factor;
    }
    sz *= factor;
    if (LABELS != NO_LABELS) {
      s1 *= exp(-shift);
      labelTerm += labelSum * shift;
      smoothingTerm += smoothingCount * shift;
    }
  }
  mz = maximum;
}

fn raiseTeacherMaximum(maximum: f32) {
  if (mv > LOWEST) {
    let dv = -scaledDifference(mv, maximum);
    let factor = exp(-dv);
    sumA *= factor;
    sumB = (sumB + sv * dv) * factor;
    sumE += sz * dv;
    sv *= factor;
    sumM *= factor;
    sumR *= factor;
    sumQ *= factor;
  }
  mv = maximum;
}

// MATH (12), (13), (18), (21) for class i.
fn collect(i: u32) {
  let zBits = student[i];
  let vBits = teacher[i];
  if (isInvalid(zBits) || isInvalid(vBits)) {
    invalid = 1.0;
    return;
  }
  let zMasked = zBits == MINUS_INFINITY_BITS;
  let vMasked = vBits == MINUS_INFINITY_BITS;
  if (TARGETS != LOGITS && vMasked) {
    invalid = 1.0;
    return;
  }
  let z = bitcast<f32>(zBits);
  let v = bitcast<f32>(vBits);
  // Both maxima first: the sums that are brought over must not hold this class yet.
  if (!zMasked && z > mz) {
    raiseStudentMaximum(z);
  }
  if (TARGETS == LOGITS && !vMasked && v > mv) {
    raiseTeacherMaximum(v);
  }
  var a = 0.0;
  var u = 0.0;
  if (!zMasked) {
    a = scaledDifference(z, mz);
    u = exp(a);
    sz += u;
    if (DIVERGENCE == REVERSE_KL) {
      sumD -= u * a;
    }
  }
  if (LABELS != NO_LABELS) {
    collectLabel(i, z, zMasked);
  }
  var w = 0.0;
  var b = 0.0;
  if (TARGETS == LOGITS) {
    if (!vMasked) {
      b = scaledDifference(v, mv);
      w = exp(b);
    }
  } else {
    w = v;
    if (v > 0.0) {
      b = log(v);
    }
  }
  sv += w;
  sumB -= w * b;
  sumA -= w * a;
  let teacherHas = select(v != 0.0, !vMasked, TARGETS == LOGITS);
  if (zMasked && teacherHas) {
    studentLacks = max(studentLacks, select(3.4e38, v, TARGETS == LOGITS));
    spread = FAR;
  } else if (!zMasked && !teacherHas) {
    teacherLacks = max(teacherLacks, z);
    spread = FAR;
  } else if (!zMasked) {
    if (DIVERGENCE == REVERSE_KL) {
      sumE -= u * b;
    }
    if (TARGETS == LOGITS) {
      let y = disagreement(z, v);
      spread = max(spread, abs(y));
      let bounded = clamp(y, -NEAR, NEAR);
      let remainder = expm1MinusX(bounded);
      sumM += w * bounded;
      sumR += w * remainder;
      if (DIVERGENCE == REVERSE_KL) {
        sumQ += w * (bounded + remainder) * bounded;
      }
    }
  }
}

fn collectLabel(i: u32, z: f32, zMasked: bool) {
  let smoothing = uniforms.row.labelSmoothing;
  var label = 0.0;
  if (LABELS == CLASS_IDS) {
    label = select(0.0, 1.0, i - base == labelId);
  } else {
    let bits = labels[i];
    if (isNotFinite(bits)) {
      invalid = 1.0;
      return;
    }
    label = bitcast<f32>(bits);
  }
  labelSum += label;
  if (zMasked) {
    if (label != 0.0 || smoothing != 0.0) {
      labelLacks = 1.0;
    }
    return;
  }
  s1 += exp(max(z - mz, LOWEST));
  if (label != 0.0) {
    labelTerm += label * (mz - z);
  }
  smoothingTerm += mz - z;
  smoothingCount += 1.0;
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

// The team's sums, at the team's maxima, in every lane.
fn mergeTeam() {
  let maxima = teamMax(vec4(mz, mv, spread, studentLacks));
  let flags = teamMax(vec4(teacherLacks, invalid, labelLacks, 0.0));
  if (maxima.x > mz) {
    raiseStudentMaximum(maxima.x);
  }
  if (maxima.y > mv) {
    raiseTeacherMaximum(maxima.y);
  }
  spread = maxima.z;
  studentLacks = maxima.w;
  teacherLacks = flags.x;
  invalid = flags.y;
  labelLacks = flags.z;
  let main = teamSum(vec4(sz, sv, sumA, sumB));
  sz = main.x;
  sv = main.y;
  sumA = main.z;
  sumB = main.w;
  let close = teamSum(vec4(sumM, sumR, sumQ, s1));
  sumM = close.x;
  sumR = close.y;
  sumQ = close.z;
  s1 = close.w;
  if (LABELS != NO_LABELS) {
    let hard = teamSum(vec4(labelTerm, labelSum, smoothingTerm, 0.0));
    labelTerm = hard.x;
    labelSum = hard.y;
    smoothingTerm = hard.z;
  }
  if (DIVERGENCE == REVERSE_KL) {
    let reverse = teamSum(vec4(sumD, sumE, 0.0, 0.0));
    sumD = reverse.x;
    sumE = reverse.y;
  }
}

// One class as the second and third sweep see it.
struct Share {
  p: f32,
  q: f32,
  logP: f32,
  logQ: f32,
  logRatio: f32,  // log q - log p
  a: f32,
  r: f32,         // exp(z - mz) / s1
  gone: bool,     // neither side has the class
}

fn shareOf(i: u32) -> Share {
  var s: Share;
  let zBits = student[i];
  let vBits = teacher[i];
  let zMasked = zBits == MINUS_INFINITY_BITS;
  let z = bitcast<f32>(zBits);
  let v = bitcast<f32>(vBits);
  s.a = LOWEST;
  s.logQ = LOWEST;
  s.logP = LOWEST;
  if (!zMasked) {
    s.a = scaledDifference(z, mz);
    s.logQ = s.a - logSz;
    s.q = exp(s.a) / sz;
    if (LABELS != NO_LABELS) {
      s.r = exp(max(z - mz, LOWEST)) / s1;
    }
  }
  if (TARGETS == LOGITS) {
    if (vBits != MINUS_INFINITY_BITS) {
      let b = scaledDifference(v, mv);
      s.logP = b - logSv;
      s.p = select(exp(b) / sv, 0.0, b < EXP_FLOOR);
    }
  } else {
    s.p = v;
    if (v > 0.0) {
      s.logP = log(v);
    }
  }
  s.gone = s.p == 0.0 && zMasked;
  if (isNear) {
    s.logRatio = select(disagreement(z, v) - lambda, 0.0, zMasked);
  } else {
    s.logRatio = max(s.logQ, -1e37) - max(s.logP, -1e37);
  }
  return s;
}

// x y, and 0 where x is 0.
fn times(x: f32, y: f32) -> f32 {
  return select(x * y, 0.0, x == 0.0);
}

// log(p/m) and log(q/m) of MATH (6), (27).
fn mixtureShares(s: Share) -> vec2<f32> {
  let beta = uniforms.row.beta;
  if (isNear) {
    let u = (1.0 - beta) * expm1Small(s.logRatio);
    let log1pU = u - xMinusLog1p(u);
    return vec2(-log1pU, s.logRatio - log1pU);
  }
  let logM = log(max(beta * s.p + (1.0 - beta) * s.q, 1e-38));
  return vec2(s.logP - logM, s.logQ - logM);
}

// D of MATH (15)-(17), (25)-(27), and what the gradient needs of the row. True if D is +Infinity.
fn finishSoft() -> bool {
  logSz = log(max(sz, 1e-38));
  logSv = select(0.0, log(max(sv, 1e-38)), TARGETS == LOGITS);
  isNear = TARGETS == LOGITS && spread <= NEAR;
  let mass = select(1.0, sv, TARGETS == LOGITS);
  let mu = sumM / max(mass, 1e-38);
  let rho = sumR / max(mass, 1e-38);
  let s = mu + rho;
  lambda = select(0.0, s - xMinusLog1p(s), isNear);
  meanA = sumA / mass;
  let crossEntropy = sv / mass * logSz + meanA;
  softValue = crossEntropy;
  let studentLacksMass = studentLacks > LOWEST && (TARGETS != LOGITS || scaledDifference(studentLacks, mv) >= EXP_FLOOR);
  let teacherLacksMass = teacherLacks > LOWEST && scaledDifference(teacherLacks, mz) >= EXP_FLOOR;
  if (DIVERGENCE == KL) {
    if (isNear) {
      softValue = max(rho - xMinusLog1p(s), 0.0);
    } else {
      softValue = crossEntropy - (logSv + sumB / mass);
      if (TARGETS == LOGITS) {
        softValue = max(softValue, 0.0);
      }
    }
  }
  if (DIVERGENCE == REVERSE_KL) {
    if (isNear) {
      softValue = max((sumQ / mass - rho - entropyGap(s)) / (1.0 + s), 0.0);
    } else {
      softValue = (logSv + sumE / sz) - (logSz + sumD / sz);
      if (TARGETS == LOGITS) {
        softValue = max(softValue, 0.0);
      }
    }
    return teacherLacksMass;
  }
  if (DIVERGENCE == JSD) {
    let beta = uniforms.row.beta;
    var sums = vec4(0.0);
    for (var i = base + lane; i < end; i += LANES) {
      let s = shareOf(i);
      let shares = mixtureShares(s);
      let u = select(0.0, expm1Small(s.logRatio), isNear);
      let gap = (1.0 - beta) * entropyGap(u) - entropyGap((1.0 - beta) * u);
      sums += vec4(times(s.p, shares.x), times(s.q, shares.y), s.p * gap, 0.0);
    }
    sums = teamSum(sums);
    kTeacher = sums.x;
    kStudent = sums.y;
    softValue = select(beta * kTeacher + (1.0 - beta) * kStudent, sums.z, isNear);
    if (TARGETS == LOGITS) {
      softValue = max(softValue, 0.0);
    }
    return false;
  }
  return studentLacksMass;
}

// H of MATH (18); labelLacks says whether it is +Infinity.
fn hardValue() -> f32 {
  let eps = uniforms.row.labelSmoothing;
  let total = (1.0 - eps) * labelSum + eps;
  return total * log(max(s1, 1e-38)) + (1.0 - eps) * labelTerm + eps / f32(uniforms.row.classes) * smoothingTerm;
}

// MATH (3)-(6), (23), without 1/T.
fn studentSlope(s: Share) -> f32 {
  if (DIVERGENCE == REVERSE_KL) {
    return times(s.q, s.logRatio - softValue);
  }
  if (DIVERGENCE == JSD) {
    return (1.0 - uniforms.row.beta) * times(s.q, mixtureShares(s).y - kStudent);
  }
  if (isNear) {
    return s.p * expm1Small(s.logRatio);
  }
  return select(sv * s.q - s.p, s.q - s.p, TARGETS == LOGITS);
}

// MATH (7)-(10), without 1/T.
fn teacherSlope(s: Share) -> f32 {
  if (DIVERGENCE == REVERSE_KL) {
    if (isNear) {
      return -s.p * expm1Small(s.logRatio);
    }
    return s.p - s.q;
  }
  if (DIVERGENCE == JSD) {
    return uniforms.row.beta * times(s.p, mixtureShares(s).x - kTeacher);
  }
  if (DIVERGENCE == KL) {
    return -times(s.p, s.logRatio + softValue);
  }
  return times(s.p, -s.a - meanA);
}

// MATH (11), times factor.
fn probabilitySlope(s: Share, factor: f32) -> f32 {
  if (s.gone) {
    return 0.0;
  }
  let up = uniforms.infinity * factor;
  let zMasked = s.a == LOWEST;
  if (DIVERGENCE == REVERSE_KL) {
    if (s.q == 0.0) {
      return 0.0;
    }
    return select(-s.q / s.p * factor, -up, s.p == 0.0);
  }
  if (DIVERGENCE == JSD) {
    return select(uniforms.row.beta * mixtureShares(s).x * factor, -up, s.p == 0.0);
  }
  if (zMasked) {
    return up;
  }
  if (DIVERGENCE == KL) {
    return select((1.0 - s.logRatio) * factor, -up, s.p == 0.0);
  }
  return -s.logQ * factor;
}

// MATH (2).
fn hardSlope(i: u32, r: f32) -> f32 {
  let eps = uniforms.row.labelSmoothing;
  var label = 0.0;
  if (LABELS == CLASS_IDS) {
    label = select(0.0, 1.0, i - base == labelId);
  } else {
    label = bitcast<f32>(labels[i]);
  }
  return ((1.0 - eps) * labelSum + eps) * r - ((1.0 - eps) * label + eps / f32(uniforms.row.classes));
}

@compute @workgroup_size(WORKGROUP)
fn rowPass(
  @builtin(local_invocation_index) localIndex: u32,
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  local = localIndex;
  lane = localIndex % LANES;
  let groupIndex = (group.z * groups.y + group.y) * groups.x + group.x;
  let row = groupIndex * (WORKGROUP / LANES) + localIndex / LANES;
  let u = uniforms.row;
  startRow(row);
  for (var i = base + lane; i < end; i += LANES) {
    collect(i);
  }
  mergeTeam();
  let softIsInfinite = finishSoft();
  if (row >= u.rows) {
    return;
  }

  var weight = u.scale;
  var weightIsNaN = false;
  if (u.weights != 0u) {
    let bits = weights[select(row, 0u, u.weights == 1u)];
    weightIsNaN = isNotFinite(bits);
    weight *= bitcast<f32>(select(bits, 0u, weightIsNaN));
  }
  let isZero = weight == 0.0 && !weightIsNaN;
  let isNaN = !isZero && (weightIsNaN || invalid > 0.0 || mz == LOWEST || mv == LOWEST);
  let t = select(1.0 / inverseT, u.temperature, u.temperatures == 0u);
  let softFactor = weight * u.softWeight * select(1.0, t * t, u.temperatureSquared != 0u);
  let hardFactor = weight * u.hardWeight;
  let hasHard = LABELS != NO_LABELS && u.hardWeight != 0.0;

  if (WRITES_LOSS && lane == 0u) {
    var value = 0.0;
    if (u.softWeight != 0.0) {
      value += softFactor * softValue;
    }
    if (hasHard) {
      value += hardFactor * hardValue();
    }
    if ((u.softWeight != 0.0 && softIsInfinite) || (hasHard && labelLacks > 0.0)) {
      value = uniforms.infinity * select(-1.0, 1.0, weight > 0.0);
    }
    writeLoss(row, select(select(value, uniforms.nan, isNaN), 0.0, isZero));
  }
  if (GRADIENT == 0u) {
    return;
  }
  let none = isNaN
    || (GRADIENT == TO_STUDENT && DIVERGENCE == REVERSE_KL && softIsInfinite && u.softWeight != 0.0)
    || (GRADIENT == TO_TEACHER && DIVERGENCE != REVERSE_KL && softIsInfinite && u.softWeight != 0.0 && TARGETS == LOGITS);
  if (isZero || none) {
    let fill = select(uniforms.nan, 0.0, isZero);
    for (var i = base + lane; i < end; i += LANES) {
      result[i] = fill;
    }
    return;
  }
  for (var i = base + lane; i < end; i += LANES) {
    let s = shareOf(i);
    var slope = 0.0;
    if (u.softWeight != 0.0) {
      if (GRADIENT == TO_STUDENT) {
        slope = softFactor * inverseT * studentSlope(s);
      } else if (TARGETS == LOGITS) {
        slope = softFactor * inverseT * teacherSlope(s);
      } else {
        slope = probabilitySlope(s, softFactor);
      }
    }
    if (hasHard && GRADIENT == TO_STUDENT) {
      slope += hardFactor * hardSlope(i, s.r);
    }
    result[i] = slope;
  }
}
