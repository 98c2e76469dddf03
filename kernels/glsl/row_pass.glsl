// The row pass for WebGL2. A program of tfjs has one output, so there are up to three passes: statistics of every row, the gradient that reads them, and
// the loss picked out of them; or the loss alone in one pass.
//
// Equations: MATH (1)-(27), names as in kernels/wgsl/row_pass.wgsl.
// Who owns a row: a fragment sweeps a whole row, for PASS_LOSS one a row, for PASS_STATISTICS one for each texel of four statistics. For PASS_GRADIENT a
//   fragment is one class.
// Bytes per row: 8 classes read once for each texel of statistics and once for the gradient, 4 classes written.
// Not finite: values are classified by their bits, and results that are not finite are made of bits.
// Half-precision textures: arithmetic is float32 all the same; statistics are stored as maxima, which are inputs and so exact, and logarithms relative to
//   them, never as sums.
//
// Expects in front: PASS_LOSS, PASS_STATISTICS or PASS_GRADIENT; LOGITS or PROBABILITIES; DIVERGENCE; LABELS; TO_TEACHER if the gradient is the
// teacher's; TEMPERATURE_TENSOR and WEIGHTS_TENSOR if given.

#define CROSS_ENTROPY 0
#define KL 1
#define REVERSE_KL 2
#define JSD 3
#define NO_LABELS 0
#define CLASS_IDS 1
#define DISTRIBUTION 2

const float LOWEST = -3.4e38;
const float EXP_FLOOR = -87.0;
const float NEAR = 0.125;
const float FAR = 1.0;
const uint MINUS_INFINITY = 0xff800000u;
const float STATUS_NEAR = 1.0;
const float STATUS_ZERO = 2.0;
const float STATUS_NONE = 4.0;

int row;
float inverseT;
float rowTemperature;
float referenceHigh;
float referenceLow;

float mz;
float mv;
float logSz;
float logSv;
float sumTeacher;   // S, of probabilities
bool isNear;
float lambda;
float softValue;
float meanA;
float kTeacher;
float kStudent;
float logS1;
float labelSum;

bool isInvalid(float x) {
  uint bits = floatBitsToUint(x);
  return (bits & 0x7fffffffu) > 0x7f800000u || bits == 0x7f800000u;
}

bool isNotFinite(float x) {
  return (floatBitsToUint(x) & 0x7f800000u) == 0x7f800000u;
}

bool isMasked(float x) {
  return floatBitsToUint(x) == MINUS_INFINITY;
}

float notANumber() {
  return uintBitsToFloat(0x7fc00000u);
}

float infinite(float sign) {
  return uintBitsToFloat(sign < 0.0 ? 0xff800000u : 0x7f800000u);
}

// (x - maximum)/T, kept finite.
float scaledDifference(float x, float maximum) {
  return max(max(x - maximum, LOWEST) * inverseT, LOWEST);
}

// exp(x) - 1 - x, for |x| <= 0.3.
float expm1MinusX(float x) {
  return x * x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0 + x * (1.0 / 5040.0 + x * (1.0 / 40320.0)))))));
}

float expm1Small(float x) {
  return x + expm1MinusX(x);
}

// x - log(1 + x), for |x| <= 0.3.
float xMinusLog1p(float x) {
  return x * x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x * (1.0 / 6.0 - x * (1.0 / 7.0 - x * (0.125 - x * (1.0 / 9.0 - x * (0.1 - x / 11.0)))))))));
}

// h of MATH (26), for |x| <= 0.3.
float entropyGap(float x) {
  return x * x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 12.0 - x * (0.05 - x * (1.0 / 30.0 - x * (1.0 / 42.0 - x * (1.0 / 56.0 - x * (1.0 / 72.0 - x / 90.0))))))));
}

// y of MATH (20): z - v with its rounding error, less the same of the reference class.
float disagreement(float z, float v) {
  float d = z - v;
  float c = d - z;
  float e = (z - (d - c)) - (v + c);
  return ((d - referenceHigh) + (e - referenceLow)) * inverseT;
}

// False if the row's temperature is none.
bool startRow() {
  bool valid = true;
  inverseT = inverseTemperature;
  rowTemperature = temperatureOfAll;
#ifdef TEMPERATURE_TENSOR
  rowTemperature = getTemperature(temperatures == 1 ? 0 : row);
  valid = !isNotFinite(rowTemperature) && rowTemperature > 0.0;
  if (!valid) rowTemperature = 1.0;
  inverseT = min(1.0 / rowTemperature, 3.0e38);
#endif
  referenceHigh = 0.0;
  referenceLow = 0.0;
  float z = getStudent(row, 0);
  float v = getTeacher(row, 0);
  if (!isNotFinite(z) && !isNotFinite(v)) {
    float d = z - v;
    float c = d - z;
    referenceHigh = d;
    referenceLow = (z - (d - c)) - (v + c);
  }
  return valid;
}

// w of MATH (1); 0 and NaN decide the row by themselves.
float rowWeight() {
#ifdef WEIGHTS_TENSOR
  float weight = getWeights(weightCount == 1 ? 0 : row);
  return isNotFinite(weight) ? notANumber() : weight * scale;
#else
  return scale;
#endif
}

// One class as the gradient and the sums of jsd see it.
struct Share {
  float p;
  float q;
  float logP;
  float logQ;
  float logRatio;  // log q - log p
  float a;
  float z;
  bool masked;     // in the student
  bool gone;       // neither side has the class
};

Share shareOf(int i) {
  Share s;
  s.z = getStudent(row, i);
  float v = getTeacher(row, i);
  s.masked = isMasked(s.z);
  s.a = LOWEST;
  s.logQ = LOWEST;
  s.logP = LOWEST;
  s.p = 0.0;
  s.q = 0.0;
  if (!s.masked) {
    s.a = scaledDifference(s.z, mz);
    s.logQ = s.a - logSz;
    s.q = exp(s.logQ);
  }
#ifdef LOGITS
  if (!isMasked(v)) {
    float b = scaledDifference(v, mv);
    s.logP = b - logSv;
    s.p = b < EXP_FLOOR ? 0.0 : exp(s.logP);
  }
#else
  s.p = v;
  if (v > 0.0) s.logP = log(v);
#endif
  s.gone = s.p == 0.0 && s.masked;
  if (isNear) s.logRatio = s.masked ? 0.0 : disagreement(s.z, v) - lambda;
  else s.logRatio = max(s.logQ, -1e37) - max(s.logP, -1e37);
  return s;
}

// x y, and 0 where x is 0.
float times(float x, float y) {
  return x == 0.0 ? 0.0 : x * y;
}

// log(p/m) and log(q/m) of MATH (6), (27).
vec2 mixtureShares(Share s) {
  if (isNear) {
    float u = (1.0 - beta) * expm1Small(s.logRatio);
    float log1pU = u - xMinusLog1p(u);
    return vec2(-log1pU, s.logRatio - log1pU);
  }
  float logM = log(max(beta * s.p + (1.0 - beta) * s.q, 1e-38));
  return vec2(s.logP - logM, s.logQ - logM);
}

#ifndef PASS_GRADIENT

float sz;
float sv;
float s1;
float sumA;
float sumB;
float sumD;
float sumE;
float sumM;
float sumR;
float sumQ;
float labelTerm;
float smoothingTerm;
float smoothingCount;
float spread;
float studentLacks;
float teacherLacks;
bool invalid;
bool labelLacks;

// MATH (19): the sums so far, seen from a larger maximum.
void raiseStudentMaximum(float maximum) {
  if (mz > LOWEST) {
    float shift = maximum - mz;
    float dz = -scaledDifference(mz, maximum);
    float factor = exp(-dz);
    sumA += sv * dz;
    sumD = (sumD + sz * dz) * factor;
    sumE *= factor;
    sz *= factor;
    s1 *= exp(-shift);
    labelTerm += labelSum * shift;
    smoothingTerm += smoothingCount * shift;
  }
  mz = maximum;
}

void raiseTeacherMaximum(float maximum) {
  if (mv > LOWEST) {
    float dv = -scaledDifference(mv, maximum);
    float factor = exp(-dv);
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

void collectLabel(int i, float z, bool zMasked) {
#if LABELS == CLASS_IDS
  float label = float(i) == floor(getLabels(row) + 0.5) ? 1.0 : 0.0;
#elif LABELS == DISTRIBUTION
  float label = getLabels(row, i);
  if (isNotFinite(label)) {
    invalid = true;
    return;
  }
#endif
#if LABELS != NO_LABELS
  labelSum += label;
  if (zMasked) {
    if (label != 0.0 || labelSmoothing != 0.0) labelLacks = true;
    return;
  }
  s1 += exp(max(z - mz, LOWEST));
  if (label != 0.0) labelTerm += label * (mz - z);
  smoothingTerm += mz - z;
  smoothingCount += 1.0;
#endif
}

// MATH (12), (13), (18), (21) for class i.
void collect(int i) {
  float z = getStudent(row, i);
  float v = getTeacher(row, i);
  bool zMasked = isMasked(z);
  bool vMasked = isMasked(v);
#ifdef LOGITS
  if (isInvalid(z) || isInvalid(v)) {
#else
  if (isInvalid(z) || isNotFinite(v)) {
#endif
    invalid = true;
    return;
  }
  // Both maxima first: the sums that are brought over must not hold this class yet.
  if (!zMasked && z > mz) raiseStudentMaximum(z);
#ifdef LOGITS
  if (!vMasked && v > mv) raiseTeacherMaximum(v);
#endif
  float a = 0.0;
  float u = 0.0;
  if (!zMasked) {
    a = scaledDifference(z, mz);
    u = exp(a);
    sz += u;
    sumD -= u * a;
  }
  collectLabel(i, z, zMasked);
  float w = 0.0;
  float b = 0.0;
#ifdef LOGITS
  bool teacherHas = !vMasked;
  if (!vMasked) {
    b = scaledDifference(v, mv);
    w = exp(b);
  }
#else
  bool teacherHas = v != 0.0;
  w = v;
  if (v > 0.0) b = log(v);
#endif
  sv += w;
  sumB -= w * b;
  sumA -= w * a;
  if (zMasked && teacherHas) {
#ifdef LOGITS
    studentLacks = max(studentLacks, v);
#else
    studentLacks = 3.4e38;
#endif
    spread = FAR;
  } else if (!zMasked && !teacherHas) {
    teacherLacks = max(teacherLacks, z);
    spread = FAR;
  } else if (!zMasked) {
    sumE -= u * b;
#ifdef LOGITS
    float y = disagreement(z, v);
    spread = max(spread, abs(y));
    float bounded = clamp(y, -NEAR, NEAR);
    float remainder = expm1MinusX(bounded);
    sumM += w * bounded;
    sumR += w * remainder;
    sumQ += w * (bounded + remainder) * bounded;
#endif
  }
}

// D of MATH (15)-(17), (25)-(27), and what the gradient needs of the row. True if D is +Infinity.
bool finishSoft() {
  logSz = log(max(sz, 1e-38));
#ifdef LOGITS
  logSv = log(max(sv, 1e-38));
  isNear = spread <= NEAR;
  float mass = max(sv, 1e-38);
  bool studentLacksMass = studentLacks > LOWEST && scaledDifference(studentLacks, mv) >= EXP_FLOOR;
#else
  logSv = 0.0;
  isNear = false;
  float mass = 1.0;
  bool studentLacksMass = studentLacks > LOWEST;
#endif
  bool teacherLacksMass = teacherLacks > LOWEST && scaledDifference(teacherLacks, mz) >= EXP_FLOOR;
  sumTeacher = sv;
  float mu = sumM / mass;
  float rho = sumR / mass;
  float s = mu + rho;
  lambda = isNear ? s - xMinusLog1p(s) : 0.0;
  meanA = sumA / mass;
  softValue = sv / mass * logSz + meanA;
#if DIVERGENCE == KL
  softValue -= logSv + sumB / mass;
#ifdef LOGITS
  softValue = isNear ? rho - xMinusLog1p(s) : max(softValue, 0.0);
#endif
#elif DIVERGENCE == REVERSE_KL
  softValue = (logSv + sumE / sz) - (logSz + sumD / sz);
#ifdef LOGITS
  softValue = isNear ? (sumQ / mass - rho - entropyGap(s)) / (1.0 + s) : max(softValue, 0.0);
#endif
  return teacherLacksMass;
#elif DIVERGENCE == JSD
  kTeacher = 0.0;
  kStudent = 0.0;
  float gaps = 0.0;
  for (int i = 0; i < classes; i++) {
    Share share = shareOf(i);
    vec2 shares = mixtureShares(share);
    kTeacher += times(share.p, shares.x);
    kStudent += times(share.q, shares.y);
    if (isNear) {
      float u = expm1Small(share.logRatio);
      gaps += share.p * ((1.0 - beta) * entropyGap(u) - entropyGap((1.0 - beta) * u));
    }
  }
  softValue = isNear ? gaps : beta * kTeacher + (1.0 - beta) * kStudent;
  return false;
#endif
  return studentLacksMass;
}

// H of MATH (18).
float hardValue() {
  float total = (1.0 - labelSmoothing) * labelSum + labelSmoothing;
  return total * logS1 + (1.0 - labelSmoothing) * labelTerm + labelSmoothing / float(classes) * smoothingTerm;
}

// Sweeps the row; afterwards the globals hold what it comes to. Returns the loss; status is 0 or a sum of STATUS_*.
float sweepRow(out float status) {
  invalid = !startRow();
  labelLacks = false;
  mz = LOWEST;
#ifdef LOGITS
  mv = LOWEST;
#else
  mv = 0.0;
#endif
  studentLacks = LOWEST;
  teacherLacks = LOWEST;
  sz = sv = s1 = sumA = sumB = sumD = sumE = sumM = sumR = sumQ = 0.0;
  labelSum = labelTerm = smoothingTerm = smoothingCount = spread = 0.0;
#if LABELS == CLASS_IDS
  float id = getLabels(row);
  if (isNotFinite(id) || id < 0.0 || id >= float(classes)) invalid = true;
#endif
  for (int i = 0; i < classes; i++) collect(i);
  bool softIsInfinite = finishSoft();
  logS1 = log(max(s1, 1e-38));

  float weight = rowWeight();
  bool weightIsNaN = isInvalid(weight);
  bool isZero = !weightIsNaN && weight == 0.0;
  bool isNaN = !isZero && (weightIsNaN || invalid || mz == LOWEST || mv == LOWEST);
  bool hasSoft = softWeight != 0.0;
  bool hasHard = LABELS != NO_LABELS && hardWeight != 0.0;
  status = isNear ? STATUS_NEAR : 0.0;
  bool none = isNaN;
#ifdef TO_TEACHER
#if DIVERGENCE != REVERSE_KL && defined(LOGITS)
  none = none || (softIsInfinite && hasSoft);
#endif
#elif DIVERGENCE == REVERSE_KL
  none = none || (softIsInfinite && hasSoft);
#endif
  if (isZero) status += STATUS_ZERO;
  else if (none) status += STATUS_NONE;

  if (isZero) return 0.0;
  if (isNaN) return notANumber();
  if ((hasSoft && softIsInfinite) || (hasHard && labelLacks)) return infinite(weight);
  float value = 0.0;
  if (hasSoft) value += softWeight * (temperatureSquared != 0 ? rowTemperature * rowTemperature : 1.0) * softValue;
  if (hasHard) value += hardWeight * hardValue();
  return weight * value;
}

#endif

#ifdef PASS_LOSS
void main() {
  row = getOutputCoords();
  float status;
  setOutput(sweepRow(status));
}
#endif

#ifdef PASS_STATISTICS
// Texel k of a row: a block of two by two of the packed tensor [2 rows, 2 texels].
void main() {
  ivec2 corner = getOutputCoords();
  row = corner.x / 2;
  int texel = corner.y / 2;
  float status;
  float loss = sweepRow(status);
  vec4 statistics = vec4(mz, logSz, mv, logSv);
#ifdef PROBABILITIES
  statistics.a = sumTeacher;
#endif
  if (texel == 1) statistics = vec4(loss, status, lambda, softValue);
#ifdef TO_TEACHER
  if (texel == 2) statistics = vec4(meanA, kTeacher, 0.0, 0.0);
#else
  if (texel == 2) statistics = vec4(logS1, labelSum, kStudent, 0.0);
#endif
  setOutput(statistics);
}
#endif

#ifdef PASS_GRADIENT

#ifndef TO_TEACHER
// MATH (3)-(6), (23), without 1/T.
float slopeOf(Share s) {
#if DIVERGENCE == REVERSE_KL
  return times(s.q, s.logRatio - softValue);
#elif DIVERGENCE == JSD
  return (1.0 - beta) * times(s.q, mixtureShares(s).y - kStudent);
#else
  if (isNear) return s.p * expm1Small(s.logRatio);
#ifdef LOGITS
  return s.q - s.p;
#else
  return sumTeacher * s.q - s.p;
#endif
#endif
}
#elif defined(LOGITS)
// MATH (7)-(10), without 1/T.
float slopeOf(Share s) {
#if DIVERGENCE == REVERSE_KL
  return isNear ? -s.p * expm1Small(s.logRatio) : s.p - s.q;
#elif DIVERGENCE == JSD
  return beta * times(s.p, mixtureShares(s).x - kTeacher);
#elif DIVERGENCE == KL
  return -times(s.p, s.logRatio + softValue);
#else
  return times(s.p, -s.a - meanA);
#endif
}
#else
// MATH (11), times factor.
float slopeOf(Share s, float factor) {
  if (s.gone) return 0.0;
#if DIVERGENCE == REVERSE_KL
  if (s.q == 0.0) return 0.0;
  return s.p == 0.0 ? infinite(-factor) : -s.q / s.p * factor;
#elif DIVERGENCE == JSD
  return s.p == 0.0 ? infinite(-factor) : beta * mixtureShares(s).x * factor;
#else
  if (s.masked) return infinite(factor);
#if DIVERGENCE == KL
  return s.p == 0.0 ? infinite(-factor) : (1.0 - s.logRatio) * factor;
#else
  return -s.logQ * factor;
#endif
#endif
}
#endif

void main() {
  ivec2 coords = getOutputCoords();
  row = coords.x;
  float status = getStatistics(2 * row, 3);
  if (status >= STATUS_NONE) {
    setOutput(notANumber());
    return;
  }
  if (status >= STATUS_ZERO) {
    setOutput(0.0);
    return;
  }
  startRow();
  isNear = status >= STATUS_NEAR;
  mz = getStatistics(2 * row, 0);
  logSz = getStatistics(2 * row, 1);
  mv = getStatistics(2 * row + 1, 0);
  logSv = getStatistics(2 * row + 1, 1);
#ifdef PROBABILITIES
  sumTeacher = logSv;
  logSv = 0.0;
#endif
  lambda = getStatistics(2 * row + 1, 2);
  softValue = getStatistics(2 * row + 1, 3);
#ifdef TO_TEACHER
  meanA = getStatistics(2 * row, 4);
  kTeacher = getStatistics(2 * row, 5);
#elif LABELS != NO_LABELS || DIVERGENCE == JSD
  logS1 = getStatistics(2 * row, 4);
  labelSum = getStatistics(2 * row, 5);
  kStudent = getStatistics(2 * row + 1, 4);
#endif
  float weight = rowWeight();
  float softFactor = weight * softWeight * (temperatureSquared != 0 ? rowTemperature * rowTemperature : 1.0);
  Share s = shareOf(coords.y);
  float slope = 0.0;
  if (softWeight != 0.0) {
#if defined(TO_TEACHER) && defined(PROBABILITIES)
    slope = slopeOf(s, softFactor);
#else
    slope = softFactor * inverseT * slopeOf(s);
#endif
  }
#if LABELS != NO_LABELS && !defined(TO_TEACHER)
  if (hardWeight != 0.0) {
#if LABELS == CLASS_IDS
    float label = float(coords.y) == floor(getLabels(row) + 0.5) ? 1.0 : 0.0;
#else
    float label = getLabels(row, coords.y);
#endif
    float r = s.masked ? 0.0 : exp(max(s.z - mz, LOWEST) - logS1);
    float total = (1.0 - labelSmoothing) * labelSum + labelSmoothing;
    slope += weight * hardWeight * (total * r - ((1.0 - labelSmoothing) * label + labelSmoothing / float(classes)));
  }
#endif
  setOutput(slope);
}
#endif
