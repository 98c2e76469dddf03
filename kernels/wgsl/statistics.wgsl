// Sweep 1: MATH (12), (13), (18) of a row, each lane for the classes of its own, and then of the team. Lanes work block by block: a block's maxima first,
// so that sums are brought over to a larger maximum at most once a block, and seldom after the first few; then its exponentials, four sums side by side.
// Exponents are in units of log 2, for exp2: (z - mz) (log2 e)/T, so `soft` is too.

const ABYSS = -1e28;  // the exponent of a masked class: exp2 gives 0, and times the largest weight that counts as 0 (e^-87) it vanishes

var<private> inverseT: f32;
var<private> scale2: f32;          // (log2 e)/T

// The block that the lane holds.
var<private> z0: vec4<f32>;
var<private> z1: vec4<f32>;
var<private> z2: vec4<f32>;
var<private> z3: vec4<f32>;
var<private> v0: vec4<f32>;
var<private> v1: vec4<f32>;
var<private> v2: vec4<f32>;
var<private> v3: vec4<f32>;
var<private> peaks: vec4<u32>;

var<private> mz: f32;
var<private> mv: f32;
var<private> sz: vec4<f32>;
var<private> sv: vec4<f32>;
var<private> soft: vec4<f32>;      // the sum of the divergence
var<private> lowest: vec4<f32>;    // of d = z - v
var<private> highest: vec4<f32>;   // of d; HIGHEST after a one-sided mask
var<private> studentLacks: f32;    // the largest v (or HIGHEST) whose z is masked
var<private> teacherLacks: f32;    // the largest z whose v is masked or p is 0
var<private> invalid: bool;

fn scaled(x: vec4<f32>, maximum: f32) -> vec4<f32> {
  return max((x - maximum) * scale2, vec4(ABYSS));
}

// 1/T of the teacher.
fn inverseTeacherT() -> f32 {
  if (HAS_TEACHER_TEMPERATURE) {
    return uniforms.inverseTeacherTemperature;
  }
  return inverseT;
}

// Whether a row's temperature is the teacher's, but for the rounding of the quotients.
fn hasOneTemperature() -> bool {
  if (HAS_TEACHER_TEMPERATURE) {
    return abs(inverseT - uniforms.inverseTeacherTemperature) <= ROUNDING * inverseT;
  }
  return true;
}

fn teacherScale2() -> f32 {
  if (HAS_TEACHER_TEMPERATURE) {
    return uniforms.teacherScale2;
  }
  return scale2;
}

// b of MATH (13) for a logit.
fn scaledTeacher(v: vec4<f32>) -> vec4<f32> {
  return max((v - mv) * teacherScale2(), vec4(ABYSS));
}

fn startStatistics() {
  mz = LOWEST;
  mv = teacherStart();
  sz = vec4(0.0);
  sv = vec4(0.0);
  soft = vec4(0.0);
  lowest = vec4(HIGHEST);
  highest = vec4(LOWEST);
  studentLacks = LOWEST;
  teacherLacks = LOWEST;
  given = vec4(0.0);
}

// mv before the first class.
fn teacherStart() -> f32 {
  if (SOFTENED) {
    return LEAST_LOGARITHM;
  }
  return select(0.0, LOWEST, TARGETS == LOGITS);
}

// MATH (19): the sums so far, seen from a larger mz. Before the first class they hold nothing.
fn raiseStudent(maximum: f32) {
  if (mz == LOWEST) {
    sz = vec4(0.0);
    startSoftStudent();
    startHardSums();
  } else {
    let shift = max((maximum - mz) * scale2, 0.0);
    let factor = exp2(-shift);
    raiseSoftStudent(min(shift, -ABYSS), factor);
    sz *= factor;
    raiseHardSums(maximum - mz);
  }
  mz = maximum;
}

fn raiseTeacher(maximum: f32) {
  if (mv == LOWEST) {
    sv = vec4(0.0);
    soft = vec4(0.0);
  } else {
    let shift = max((maximum - mv) * teacherScale2(), 0.0);
    let factor = exp2(-shift);
    raiseSoftTeacher(min(shift, -ABYSS), factor);
    sv *= factor;
  }
  mv = maximum;
}

fn widen(d: vec4<f32>, counts: vec4<bool>) {
  highest = max(highest, select(vec4(LOWEST), d, counts));
  lowest = min(lowest, select(vec4(HIGHEST), d, counts));
}

// -Infinity becomes LOWEST, as if the class did not exist.
fn toStudent(k: u32, bits: vec4<u32>) -> vec4<f32> {
  return select(vec4(LOWEST), bitcast<vec4<f32>>(min(bits, vec4(LOWEST_BITS))), present(k));
}

fn toTeacher(k: u32, bits: vec4<u32>) -> vec4<f32> {
  return select(bitcast<vec4<f32>>(vec4(ABSENT_TEACHER_BITS)), bitcast<vec4<f32>>(min(bits, vec4(LOWEST_BITS))), present(k));
}

fn loadBlock(block: u32) {
  let k = block * VECTORS;
  z0 = toStudent(k, studentBits(k));
  v0 = toTeacher(k, teacherBits(k));
  if (VECTORS > 1u) {
    z1 = toStudent(k + 1u, studentBits(k + 1u));
    v1 = toTeacher(k + 1u, teacherBits(k + 1u));
  }
  if (VECTORS > 2u) {
    z2 = toStudent(k + 2u, studentBits(k + 2u));
    v2 = toTeacher(k + 2u, teacherBits(k + 2u));
  }
  if (VECTORS > 3u) {
    z3 = toStudent(k + 3u, studentBits(k + 3u));
    v3 = toTeacher(k + 3u, teacherBits(k + 3u));
  }
}

// What the bits tell before -Infinity and what does not exist are replaced. A class that stands in for one that does not exist changes no extreme.
fn look(sBits: vec4<u32>, tBits: vec4<u32>) {
  peaks = max(peaks, max(sBits & vec4(0x7fffffffu), tBits & vec4(0x7fffffffu)));
  if (NEEDS_RANGE) {
    let d = bitcast<vec4<f32>>(sBits) - bitcast<vec4<f32>>(tBits);
    highest = max(highest, d);
    lowest = min(lowest, d);
  }
}

// loadBlock, and a look at each vector.
fn admitBlock(block: u32) {
  let k = block * VECTORS;
  let s0 = studentBits(k);
  let t0 = teacherBits(k);
  look(s0, t0);
  z0 = toStudent(k, s0);
  v0 = toTeacher(k, t0);
  if (VECTORS > 1u) {
    let s = studentBits(k + 1u);
    let t = teacherBits(k + 1u);
    look(s, t);
    z1 = toStudent(k + 1u, s);
    v1 = toTeacher(k + 1u, t);
  }
  if (VECTORS > 2u) {
    let s = studentBits(k + 2u);
    let t = teacherBits(k + 2u);
    look(s, t);
    z2 = toStudent(k + 2u, s);
    v2 = toTeacher(k + 2u, t);
  }
  if (VECTORS > 3u) {
    let s = studentBits(k + 3u);
    let t = teacherBits(k + 3u);
    look(s, t);
    z3 = toStudent(k + 3u, s);
    v3 = toTeacher(k + 3u, t);
  }
}

fn collectBlock(block: u32) {
  let k = block * VECTORS;
  let highestBefore = highest;
  let lowestBefore = lowest;
  peaks = vec4(0u);
  admitBlock(block);
  if (any(peaks >= vec4(INFINITY_BITS))) {
    highest = highestBefore;
    lowest = lowestBefore;
    for (var j = k; j < k + VECTORS; j++) {
      inspect(j);
    }
  }
  if (SOFTENED) {
    collectGiven(k);
  }
  if (NEEDS_TEACHER_LACKS) {
    for (var j = k; j < k + VECTORS; j++) {
      lookForZeros(j);
    }
  }

  // Both maxima before any sum: what is brought over must not hold this block yet.
  var zTop = z0;
  var vTop = v0;
  if (VECTORS > 1u) {
    zTop = max(zTop, z1);
    vTop = max(vTop, v1);
  }
  if (VECTORS > 2u) {
    zTop = max(zTop, z2);
    vTop = max(vTop, v2);
  }
  if (VECTORS > 3u) {
    zTop = max(zTop, z3);
    vTop = max(vTop, v3);
  }
  let zMost = maxOf(zTop);
  if (zMost > mz) {
    raiseStudent(zMost);
  }
  if (TARGETS == LOGITS) {
    let vMost = maxOf(vTop);
    if (vMost > mv) {
      raiseTeacher(vMost);
    }
  }
  collect(k, z0, v0);
  if (VECTORS > 1u) { collect(k + 1u, z1, v1); }
  if (VECTORS > 2u) { collect(k + 2u, z2, v2); }
  if (VECTORS > 3u) { collect(k + 3u, z3, v3); }
}

fn collect(k: u32, z: vec4<f32>, v: vec4<f32>) {
  let a = scaled(z, mz);
  let u = exp2(a);
  sz += u;
  let b = teacherExponent(v);
  let w = teacherWeight(v, b);
  sv += w;
  soft += softTerm(w, u, a, b);
  collectHard(k, z);
}

// b of MATH (13); for a probability log2 p.
fn teacherExponent(v: vec4<f32>) -> vec4<f32> {
  if (TARGETS == LOGITS) {
    return scaledTeacher(v);
  }
  return select(vec4(ABYSS), log2(max(v, vec4(SMALLEST))), v > vec4(0.0));
}

fn teacherWeight(v: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  if (TARGETS == LOGITS) {
    return exp2(b);
  }
  return v;
}

// Probabilities of 0, which are finite.
fn lookForZeros(k: u32) {
  let zeros = present(k) & (teacherBits(k) << vec4(1u) == vec4(0u));
  teacherLacks = max(teacherLacks, maxOf(select(vec4(LOWEST), toStudent(k, studentBits(k)), zeros)));
}

// A vector of a block that holds a value that is not finite.
fn inspect(k: u32) {
  let sBits = studentBits(k);
  let tBits = teacherBits(k);
  let exists = present(k);
  let zMasked = sBits == vec4(MINUS_INFINITY_BITS);
  let vMasked = tBits == vec4(MINUS_INFINITY_BITS);
  if (any(isInvalid(sBits) | isInvalid(tBits)) || (TARGETS != LOGITS && any(vMasked))) {
    invalid = true;
    return;
  }
  let z = bitcast<vec4<f32>>(min(sBits, vec4(LOWEST_BITS)));
  let v = bitcast<vec4<f32>>(min(tBits, vec4(LOWEST_BITS)));
  var teacherHas = !vMasked;
  var mass = v;
  if (TARGETS != LOGITS) {
    teacherHas = v != vec4(0.0);
    mass = vec4(HIGHEST);
  }
  let studentOnly = exists & !zMasked & !teacherHas;
  let teacherOnly = exists & zMasked & teacherHas;
  studentLacks = max(studentLacks, maxOf(select(vec4(LOWEST), mass, teacherOnly)));
  teacherLacks = max(teacherLacks, maxOf(select(vec4(LOWEST), z, studentOnly)));
  if (any(studentOnly | teacherOnly)) {
    highest = vec4(HIGHEST);
  }
  widen(z - v, exists & !zMasked & !vMasked);
  inspectHard(k, zMasked);
}

fn sweepStatistics(first: u32, end: u32) {
  for (var block = first; block < end; block++) {
    collectBlock(block);
  }
}
