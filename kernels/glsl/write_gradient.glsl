// Program: the gradient to the student, MATH (2)-(6), or to the teacher, MATH (7)-(11). Reads v and z once,
// writes once.

Class classOf(Statistics row, float z, float v, vec2 inverseT) {
  Class c;
  c.hasStudent = !isMasked(z);
  c.a = select(c.hasStudent, (z - row.maxStudent) * inverseT.x, NO_LOGARITHM);
#if TARGETS == LOGITS
  c.hasTeacher = !isMasked(v);
  float b = select(c.hasTeacher, (v - row.maxTeacher) * inverseT.y, NO_LOGARITHM);
  float logP = b - row.logTeacher;
  c.p = exp(logP) * float(b >= EXP_FLOOR);
#else
  c.hasTeacher = abs(v) >= SMALLEST;
  float logP = select(c.hasTeacher, log(max(v, SMALLEST)), NO_LOGARITHM);
  c.p = select(c.hasTeacher, v, 0.0);
#endif
  c.logQ = c.a - row.logStudent;
  c.x = c.logQ - logP;
  c.q = exp(c.logQ) * float(c.a >= EXP_FLOOR);
#if TARGETS == LOGITS
  if (row.isNear) {
    c.x = select(c.hasStudent, nearness(z, v, row.reference, inverseT) - row.lambda, 0.0);
    c.excess = c.p * expm1Series(c.x);
    c.logQ = logP + c.x;
    c.q = c.p + c.excess;
  }
#endif
  return c;
}

#if HAS_HARD && OUTPUT == TO_STUDENT
// MATH (2).
float hardSlope(Statistics row, float z, float label) {
  float below = select(isMasked(z), NO_LOGARITHM, z - row.maxStudent);
  float r = exp(below - row.logOne) * float(below >= EXP_FLOOR);
  return row.labelSum * r - ((1.0 - labelSmoothing) * label + smoothingShare);
}
#endif

// `given` is v, or p of which v is the logarithm.
float gradientOf(Statistics row, Factors factors, float z, float given, float label, float sumOfGiven) {
  float v = logit(given);
  float gradient = 0.0;
  vec2 inverseT = factors.inverseTemperatures;
#if HAS_SOFT
  if (countsSoft(factors)) {
    Class c = classOf(row, z, v, inverseT);
#if OUTPUT == TO_STUDENT
    gradient = softFactor(factors) * inverseT.x * studentSlope(row, c);
#if SOFTENED
    gradient *= slopeFactor(sumOfGiven);
#endif
#elif SOFTENED
    float own = inverseT.y * slopeFactor(sumOfGiven) * teacherSlope(row, c);
    gradient = softFactor(factors) * (slopeToMass(sumOfGiven, row) + own / max(given, SMALLEST_PROBABILITY));
    if (!c.hasTeacher) gradient = 0.0;
#elif TARGETS == LOGITS
    gradient = softFactor(factors) * inverseT.y * teacherSlope(row, c);
#else
    float slope = c.hasTeacher || c.hasStudent ? teacherSlope(row, c) : 0.0;
    float limit = infinity(isMasked(slope) ? -factors.weight : factors.weight);
    gradient = isFinite(slope) ? softFactor(factors) * slope : limit;
#endif
  }
#endif
#if HAS_HARD && OUTPUT == TO_STUDENT
  if (countsHard(factors)) gradient += factors.weight * factors.hardWeight * hardSlope(row, z, label);
#endif
  return gradient;
}

// What the classes of one row share.
struct RowOfFragment {
  int row;
  Factors factors;
  Statistics statistics;
  int label;  // the class id
};

RowOfFragment rowOfFragment(int row) {
  RowOfFragment found;
  found.row = row;
  found.factors = factorsOf(row);
  found.statistics = statisticsAt(row);
#if HAS_HARD && LABELS == CLASS_IDS && OUTPUT == TO_STUDENT
  found.label = int(getLabels(row));
#endif
  return found;
}

float gradientAt(RowOfFragment row, int column, float z, float v, float label) {
#if HAS_HARD && LABELS == CLASS_IDS && OUTPUT == TO_STUDENT
  label = float(row.label == column);
#endif
  bool isValid = row.factors.isValid && row.statistics.isValid;
  float sumOfGiven = 1.0;
#if SOFTENED
  sumOfGiven = startMass(row.row);
#endif
  float gradient = gradientOf(row.statistics, row.factors, z, v, label, sumOfGiven);
  return select(row.factors.isZero, 0.0, select(isValid, gradient, notANumber()));
}

// Texel n of an input that is laid out as the output is.
vec4 texelHere(sampler2D source, ivec2 texShape) {
  ivec2 at = outTexel();
#if DIRECT
  return texelFetch(source, at, 0);
#endif
  if (texShape[1] != outWidth()) at = texelOf(outNumber(), texShape[1]);
  return texelFetch(source, at, 0);
}

#if TEACHER_ALIGNED
#define teacherHere(row, column) texelHere(teacher, teacherTexShape)
#else
#define teacherHere(row, column) GATHER(teacherAt, row, column)
#endif

#if STUDENT_ALIGNED
#define studentHere(row, column) texelHere(student, studentTexShape)
#else
#define studentHere(row, column) GATHER(studentAt, row, column)
#endif

#if LABELS_ALIGNED
#define labelHere(row, column) texelHere(labels, labelsTexShape)
#else
#define labelHere(row, column) GATHER(labelAt, row, column)
#endif

#if PACKED_OUTPUT

#define PAIR(at, row, column) vec2(at(row, column), at(row, column + 1))
#define GATHER(at, row, column) vec4(PAIR(at, row, column), PAIR(at, row + 1, column))

// A fragment is two classes of two rows. What lies behind the last row or class of a matrix is written and
// never read.
void main() {
#if DIRECT
  ivec2 place = 2 * outTexel();
  int row = place.y;
  int column = place.x;
#else
  ivec2 place = quotient(outNumber(), (classes + 1) >> 1);
  int column = 2 * place.y;
  place = quotient(place.x, (outRows + 1) >> 1);
  int row = place.x * outRows + 2 * place.y;
#endif
  vec4 z = studentHere(row, column);
  vec4 v = teacherHere(row, column);
  vec4 label = vec4(0.0);
#if HAS_HARD && LABELS == DISTRIBUTION && OUTPUT == TO_STUDENT
  label = labelHere(row, column);
#endif
  RowOfFragment upper = rowOfFragment(row);
  RowOfFragment lower = rowOfFragment(min(row + 1, rows - 1));
  setOutput(vec4(
    gradientAt(upper, column, z.r, v.r, label.r),
    gradientAt(upper, column + 1, z.g, v.g, label.g),
    gradientAt(lower, column, z.b, v.b, label.b),
    gradientAt(lower, column + 1, z.a, v.a, label.a)
  ));
}

#else

#define GATHER(at, row, column) vec4(at(row, column))

// A fragment is a class.
void main() {
#if DIRECT
  ivec2 place = outTexel().yx;
#else
  ivec2 place = quotient(outNumber(), classes);
#endif
  int row = min(place.x, rows - 1);
  int column = place.y;
  float label = 0.0;
#if HAS_HARD && LABELS == DISTRIBUTION && OUTPUT == TO_STUDENT
  label = labelHere(row, column).r;
#endif
  float z = studentHere(row, column).r;
  float v = teacherHere(row, column).r;
  setOutput(gradientAt(rowOfFragment(row), column, z, v, label));
}

#endif
