// Program: the gradient to the student, MATH (2)-(6), or to the teacher, MATH (7)-(11). Reads v and z once, writes once.

// A class where p and q are those of a far row, or p and x = y - lambda those of a near one.
Class classOf(Statistics row, float z, float v, vec2 reference, float inverseT) {
  Class c;
  c.hasStudent = !isMasked(z);
  c.a = c.hasStudent ? (z - row.maxStudent) * inverseT : NO_LOGARITHM;
#if TARGETS == LOGITS
  c.hasTeacher = !isMasked(v);
  float b = c.hasTeacher ? (v - row.maxTeacher) * inverseT : NO_LOGARITHM;
  float logP = b - row.logTeacher;
  c.p = b < EXP_FLOOR ? 0.0 : exp(logP);
#else
  c.hasTeacher = abs(v) >= SMALLEST;
  float logP = c.hasTeacher ? log(max(v, SMALLEST)) : NO_LOGARITHM;
  c.p = c.hasTeacher ? v : 0.0;
#endif
  if (row.isNear) {
    c.x = c.hasStudent ? nearness(z, v, reference, inverseT) - row.lambda : 0.0;
    c.logQ = logP + c.x;
    c.q = c.p * (1.0 + expm1Series(c.x));
  } else {
    c.logQ = c.a - row.logStudent;
    c.x = c.logQ - logP;
    c.q = c.a < EXP_FLOOR ? 0.0 : exp(c.logQ);
  }
  return c;
}

#if HAS_HARD && OUTPUT == TO_STUDENT
// MATH (2).
float hardSlope(Statistics row, float z, float label) {
  float below = isMasked(z) ? NO_LOGARITHM : z - row.maxStudent;
  float r = below < EXP_FLOOR ? 0.0 : exp(below - row.logOne);
  return row.labelSum * r - ((1.0 - labelSmoothing) * label + smoothingShare);
}
#endif

float gradientOf(Statistics row, Factors factors, float z, float v, float label, vec2 reference) {
  float gradient = 0.0;
  float inverseT = factors.inverseTemperature;
#if HAS_SOFT
  Class c = classOf(row, z, v, reference, inverseT);
#if OUTPUT == TO_STUDENT
  gradient = softFactor(factors) * inverseT * studentSlope(row, c);
#elif TARGETS == LOGITS
  gradient = softFactor(factors) * inverseT * teacherSlope(row, c);
#else
  float slope = c.hasTeacher || c.hasStudent ? teacherSlope(row, c) : 0.0;
  bool isUnbounded = isNotANumber(slope) || isMasked(slope);
  gradient = isUnbounded ? infinity(isMasked(slope) ? -factors.weight : factors.weight) : softFactor(factors) * slope;
#endif
#endif
#if HAS_HARD && OUTPUT == TO_STUDENT
  gradient += factors.weight * hardWeight * hardSlope(row, z, label);
#endif
  return gradient;
}

float gradientAt(int row, int column, Statistics found, Factors factors, vec2 reference) {
  if (factors.isZero) return 0.0;
  if (!factors.isValid || !found.isValid) return notANumber();
  float label = 0.0;
#if HAS_HARD && OUTPUT == TO_STUDENT
#if LABELS == CLASS_IDS
  label = int(getLabels(row)) == column ? 1.0 : 0.0;
#else
  label = labelAt(row, column);
#endif
#endif
  return gradientOf(found, factors, studentAt(row, column), teacherAt(row, column), label, reference);
}

float gradientOfClass(int row, int column) {
  Factors factors = factorsOf(row);
  Statistics found = statisticsAt(row);
  return gradientAt(row, column, found, factors, found.isNear ? referenceOf(row) : vec2(0.0));
}

void main() {
#if PACKED_OUTPUT
  int pairs = (classes + 1) / 2;
  int line = outNumber() / pairs;
  int column = 2 * (outNumber() - line * pairs);
  int linesOfMatrix = (outRows + 1) / 2;
  int matrix = line / linesOfMatrix;
  int rowOfMatrix = 2 * (line - matrix * linesOfMatrix);
  int row = matrix * outRows + rowOfMatrix;
  vec4 gradient = vec4(0.0);
  if (row < rows) {
    bool hasColumn = column + 1 < classes;
    gradient.r = gradientOfClass(row, column);
    if (hasColumn) gradient.g = gradientOfClass(row, column + 1);
    if (rowOfMatrix + 1 < outRows) {
      gradient.b = gradientOfClass(row + 1, column);
      if (hasColumn) gradient.a = gradientOfClass(row + 1, column + 1);
    }
  }
  setOutput(gradient);
#else
  int row = outNumber() / classes;
  setOutput(row < rows ? gradientOfClass(row, outNumber() - row * classes) : 0.0);
#endif
}
