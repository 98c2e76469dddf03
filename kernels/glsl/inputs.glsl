// The inputs: [rows, classes] textures in either of tfjs's layouts, and one value per row.
//
// Unpacked: a texel is a class. Packed: a texel is the classes 2k, 2k + 1 of two neighbouring rows, and the
// rows of each matrix of `matrixRows` begin a new texel. Sweeps therefore go by pairs of classes; a lane
// takes pairs lane, lane + lanes, ..., so that neighbouring fragments read neighbouring texels.

struct Walk {
  ivec2 at;
  ivec2 stride;
  int width;
  bool isLower;  // packed: the row is the second of its texels
};

Walk unpackedWalk(ivec2 texShape, int offset, int row, int lane, int lanes) {
  int width = texShape[1];
#if DIRECT
  return Walk(ivec2(2 * lane, row), ivec2(2 * lanes, 0), width, false);
#endif
  return Walk(texelOf(offset + row * classes + 2 * lane, width), texelOf(2 * lanes, width), width, false);
}

Walk packedWalk(ivec2 texShape, int matrixRows, int row, int lane, int lanes) {
  int width = texShape[1];
#if DIRECT
  return Walk(ivec2(lane, row >> 1), ivec2(lanes, 0), width, (row & 1) == 1);
#endif
  ivec2 place = quotient(row, matrixRows);
  int line = place.x * ((matrixRows + 1) >> 1) + (place.y >> 1);
  ivec2 first = texelOf(line * ((classes + 1) >> 1) + lane, width);
  return Walk(first, texelOf(lanes, width), width, (place.y & 1) == 1);
}

void advance(inout Walk walk) {
#if DIRECT
  walk.at.x += walk.stride.x;
#else
  ivec2 at = walk.at + walk.stride;
  int over = int(at.x >= walk.width);
  walk.at = ivec2(at.x - over * walk.width, at.y + over);
#endif
}

bool hasSecondClass(int column) {
  return EVEN_CLASSES || column + 1 < classes;
}

// The second value means nothing behind the last class.
vec2 unpackedPair(sampler2D source, Walk walk) {
  ivec2 next = walk.at + ivec2(1, 0);
#if !DIRECT
  next = next.x == walk.width ? ivec2(0, next.y + 1) : next;
#endif
  return vec2(texelFetch(source, walk.at, 0).r, texelFetch(source, next, 0).r);
}

vec2 packedPair(sampler2D source, Walk walk) {
  vec4 texel = texelFetch(source, walk.at, 0);
  return mix(texel.rg, texel.ba, bvec2(walk.isLower));
}

float unpackedValue(sampler2D source, ivec2 texShape, int offset, int row, int column) {
#if DIRECT
  return texelFetch(source, ivec2(column, row), 0).r;
#endif
  return texelFetch(source, texelOf(offset + row * classes + column, texShape[1]), 0).r;
}

float packedValue(sampler2D source, ivec2 texShape, int matrixRows, int row, int column) {
  vec2 pair = packedPair(source, packedWalk(texShape, matrixRows, row, column >> 1, 1));
  return select((column & 1) == 1, pair.y, pair.x);
}

#if TEACHER_PACKED
#define teacherWalk(row, lane, lanes) packedWalk(teacherTexShape, teacherRows, row, lane, lanes)
#define givenPair(walk) packedPair(teacher, walk)
#define teacherAt(row, column) packedValue(teacher, teacherTexShape, teacherRows, row, column)
#else
#define teacherWalk(row, lane, lanes) unpackedWalk(teacherTexShape, offsetteacher, row, lane, lanes)
#define givenPair(walk) unpackedPair(teacher, walk)
#define teacherAt(row, column) unpackedValue(teacher, teacherTexShape, offsetteacher, row, column)
#endif

#if STUDENT_PACKED
#define studentWalk(row, lane, lanes) packedWalk(studentTexShape, studentRows, row, lane, lanes)
#define studentPair(walk) packedPair(student, walk)
#define studentAt(row, column) packedValue(student, studentTexShape, studentRows, row, column)
#else
#define studentWalk(row, lane, lanes) unpackedWalk(studentTexShape, offsetstudent, row, lane, lanes)
#define studentPair(walk) unpackedPair(student, walk)
#define studentAt(row, column) unpackedValue(student, studentTexShape, offsetstudent, row, column)
#endif

#if LABELS_PACKED
#define labelWalk(row, lane, lanes) packedWalk(labelsTexShape, labelRows, row, lane, lanes)
#define labelPair(walk) packedPair(labels, walk)
#define labelAt(row, column) packedValue(labels, labelsTexShape, labelRows, row, column)
#else
#define labelWalk(row, lane, lanes) unpackedWalk(labelsTexShape, offsetlabels, row, lane, lanes)
#define labelPair(walk) unpackedPair(labels, walk)
#define labelAt(row, column) unpackedValue(labels, labelsTexShape, offsetlabels, row, column)
#endif

vec2 teacherPair(Walk walk) {
  vec2 pair = givenPair(walk);
  return vec2(logit(pair.x), logit(pair.y));
}

struct Factors {
  float temperature;
  vec2 inverseTemperatures;  // `inverseT` elsewhere: 1/T of the student, and of the teacher
  float softWeight;
  float hardWeight;
  float weight;  // w of MATH (1), scale included
  bool isZero;   // w = 0: the row counts for nothing, whatever it holds
  bool isValid;
};

float checkedTemperature(float t, inout bool isValid) {
  bool isPositive = isFinite(t) && t > 0.0;
  isValid = isValid && isPositive;
  return isPositive ? t : 1.0;
}

Factors factorsOf(int row) {
  Factors factors =
    Factors(temperatureOfAll, vec2(inverseTemperature), softWeight, hardWeight, scale, scale == 0.0, true);
#if TEMPERATURE_TENSOR
  factors.temperature = checkedTemperature(getTemperature(row * temperatureStride), factors.isValid);
  factors.inverseTemperatures = vec2(1.0 / factors.temperature);
#endif
#if TEACHER_TEMPERATURE_TENSOR
  factors.inverseTemperatures.y =
    1.0 / checkedTemperature(getTeacherTemperature(row * teacherTemperatureStride), factors.isValid);
#elif OWN_TEMPERATURE
  factors.inverseTemperatures.y = inverseTeacherTemperature;
#endif
#if ALPHA_TENSOR
  float alpha = getAlpha(row * alphaStride);
  factors.isValid = factors.isValid && isFinite(alpha) && alpha >= 0.0 && alpha <= 1.0;
  factors.hardWeight = factors.isValid ? alpha : 0.0;
  factors.softWeight = 1.0 - factors.hardWeight;
#endif
#if WEIGHTS_TENSOR
  float weight = getWeights(row * weightsStride);
  bool isNumber = isFinite(weight);
  factors.isValid = factors.isValid && isNumber;
  factors.weight = isNumber ? scale * weight : 0.0;
  factors.isZero = isNumber && factors.weight == 0.0;
#endif
  return factors;
}

// Whether a term of MATH (1) counts in a row; where there is one alpha for all, programs are without what
// does not.
#if ALPHA_TENSOR
#define countsSoft(factors) (factors.softWeight != 0.0)
#define countsHard(factors) (factors.hardWeight != 0.0)
#else
#define countsSoft(factors) true
#define countsHard(factors) true
#endif

bool hasValidLabel(int row) {
#if LABELS == CLASS_IDS
  float label = getLabels(row);
  return !isNotANumber(label) && !isMasked(label) && label >= 0.0 && label < float(classes);
#else
  return true;
#endif
}

float softFactor(Factors factors) {
  float factor = factors.weight * factors.softWeight;
#if TEMPERATURE_SQUARED
  factor *= factors.temperature * factors.temperature;
#endif
  return factor;
}

// y of MATH (20).
float nearness(float z, float v, float reference, vec2 inverseT) {
  vec2 d = difference(z, v);
  return (rounded(d.x - reference) + d.y) * inverseT.x;
}
