// The inputs: [rows, classes] textures in either of tfjs's layouts, and one value per row.
//
// Unpacked: a texel is a class. Packed: a texel is the classes 2k, 2k + 1 of two neighbouring rows, and the rows of each matrix of
// `matrixRows` begin a new texel. Sweeps therefore go by pairs of classes; a lane takes pairs lane, lane + lanes, ..., so that
// neighbouring fragments read neighbouring texels.

struct Walk {
  ivec2 at;
  ivec2 stride;
  int width;
  bool lower;  // packed: the row is the second of its texels
};

Walk walkOf(sampler2D source, bool isPacked, int matrixRows, int offset, int row, int lane, int lanes) {
  int width = textureSize(source, 0).x;
  int first;
  int stride;
  bool lower = false;
  if (isPacked) {
    int matrix = row / matrixRows;
    int rowOfMatrix = row - matrix * matrixRows;
    lower = (rowOfMatrix & 1) == 1;
    first = (matrix * ((matrixRows + 1) / 2) + rowOfMatrix / 2) * ((classes + 1) / 2) + lane;
    stride = lanes;
  } else {
    first = offset + row * classes + 2 * lane;
    stride = 2 * lanes;
  }
  return Walk(texelOf(first, width), texelOf(stride, width), width, lower);
}

void advance(inout Walk walk) {
  walk.at += walk.stride;
  if (walk.at.x >= walk.width) walk.at = ivec2(walk.at.x - walk.width, walk.at.y + 1);
}

// The second value means nothing behind the last class.
vec2 pairAt(sampler2D source, bool isPacked, Walk walk) {
  vec4 texel = texelFetch(source, walk.at, 0);
  if (isPacked) return walk.lower ? texel.ba : texel.rg;
  ivec2 next = walk.at.x + 1 == walk.width ? ivec2(0, walk.at.y + 1) : ivec2(walk.at.x + 1, walk.at.y);
  return vec2(texel.r, texelFetch(source, next, 0).r);
}

float valueAt(sampler2D source, bool isPacked, int matrixRows, int offset, int row, int column) {
  if (isPacked) {
    vec2 pair = pairAt(source, true, walkOf(source, true, matrixRows, offset, row, column / 2, 1));
    return (column & 1) == 1 ? pair.y : pair.x;
  }
  return texelAt(source, offset + row * classes + column).r;
}

Walk teacherWalk(int row, int lane, int lanes) {
  return walkOf(teacher, TEACHER_PACKED, teacherRows, offsetteacher, row, lane, lanes);
}

Walk studentWalk(int row, int lane, int lanes) {
  return walkOf(student, STUDENT_PACKED, studentRows, offsetstudent, row, lane, lanes);
}

float teacherAt(int row, int column) {
  return valueAt(teacher, TEACHER_PACKED, teacherRows, offsetteacher, row, column);
}

float studentAt(int row, int column) {
  return valueAt(student, STUDENT_PACKED, studentRows, offsetstudent, row, column);
}

#if LABELS == DISTRIBUTION
Walk labelWalk(int row, int lane, int lanes) {
  return walkOf(labels, LABELS_PACKED, labelRows, offsetlabels, row, lane, lanes);
}

float labelAt(int row, int column) {
  return valueAt(labels, LABELS_PACKED, labelRows, offsetlabels, row, column);
}
#endif

struct Factors {
  float temperature;
  float inverseTemperature;
  float weight;  // w of MATH (1), scale included
  bool isZero;   // w = 0: the row counts for nothing, whatever it holds
  bool isValid;
};

Factors factorsOf(int row) {
  Factors factors = Factors(rowTemperature, inverseTemperature, scale, scale == 0.0, true);
#if TEMPERATURE_TENSOR
  float t = getTemperature(row * temperatureStride);
  bool isPositive = !isNotANumber(t) && !isMasked(t) && t > 0.0;
  factors.isValid = isPositive;
  factors.temperature = isPositive ? t : 1.0;
  factors.inverseTemperature = 1.0 / factors.temperature;
#endif
#if WEIGHTS_TENSOR
  float weight = getWeights(row * weightStride);
  bool isFinite = !isNotANumber(weight) && !isMasked(weight);
  factors.isValid = factors.isValid && isFinite;
  factors.weight = isFinite ? scale * weight : 0.0;
  factors.isZero = isFinite && factors.weight == 0.0;
#endif
  return factors;
}

float softFactor(Factors factors) {
#if TEMPERATURE_SQUARED
  return factors.weight * softWeight * factors.temperature * factors.temperature;
#else
  return factors.weight * softWeight;
#endif
}

// d and e of the class that the y of MATH (20) are measured from; 0 where class 0 is masked.
vec2 referenceOf(int row) {
  float v = teacherAt(row, 0);
  float z = studentAt(row, 0);
  if (isMasked(v) || isMasked(z) || isNotANumber(v) || isNotANumber(z)) return vec2(0.0);
  return difference(z, v);
}

// y of MATH (20).
float nearness(float z, float v, vec2 reference, float inverseT) {
  vec2 d = difference(z, v);
  return ((d.x - reference.x) + (d.y - reference.y)) * inverseT;
}
