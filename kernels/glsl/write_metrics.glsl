// Program: the eight numbers of each row, kernels/metrics.ts. Fragment k of a row takes no more of its sums
// than number k is made of.

const int CROSS_ENTROPY_NUMBER = 0;
const int KL_NUMBER = 1;
const int TEACHER_ENTROPY_NUMBER = 2;
const int STUDENT_ENTROPY_NUMBER = 3;
const int AGREEMENT_NUMBER = 4;
const int HARD_LOSS_NUMBER = 5;
const int ACCURACY_NUMBER = 6;
const int NUMBERS = 8;

#if SOURCE == SWEEP
vec4 teacherSums(int row, Maxima maxima, vec2 inverseT) { return sweepTeacher(row, 0, 1, maxima, inverseT); }
vec4 studentSums(int row, Maxima maxima, vec2 inverseT) { return sweepStudent(row, 0, 1, maxima, inverseT); }
vec4 tops(int row) { return sweepTops(row, 0, 1); }
#if LABELS == DISTRIBUTION
LabelSums labelSums(int row, Maxima maxima) { return sweepLabels(row, 0, 1, maxima); }
vec4 labelTop(int row) { return sweepLabelTop(row, 0, 1); }
#endif
#else
vec4 lanesOf(int line) { return addLanes(sumTexels, line, sumLanes); }
vec4 teacherSums(int row, Maxima maxima, vec2 inverseT) { return lanesOf(row); }
vec4 studentSums(int row, Maxima maxima, vec2 inverseT) { return lanesOf(rows + row); }
vec4 tops(int row) { return texelAt(topTexels, row); }
#if LABELS == DISTRIBUTION
LabelSums labelSums(int row, Maxima maxima) {
  vec4 texel = lanesOf(2 * rows + row);
  return LabelSums(texel.r, texel.g, texel.b > 0.0, texel.a > 0.0);
}
vec4 labelTop(int row) { return texelAt(topTexels, rows + row); }
#endif
#endif

// MATH (28), (29) where p sums to 1, or is given and not softened; the flag of an infinite value goes to
// isUnbounded.
float numberOf(int number, int row, Maxima maxima, vec2 inverseT, out bool isUnbounded) {
  isUnbounded = false;
  if (number == STUDENT_ENTROPY_NUMBER) {
    vec4 student = studentSums(row, maxima, inverseT);
    return log(student.x) + student.y / student.x;
  }
  vec4 teacher = teacherSums(row, maxima, inverseT);
#if SOFTENED
  teacher.x = select(teacher.x == 0.0, 1.0, teacher.x);  // all probabilities are 0
#endif
#if TARGETS == LOGITS
  float entropy = log(teacher.x) + teacher.z / teacher.x;
#else
  float entropy = teacher.z;
#endif
  if (number == TEACHER_ENTROPY_NUMBER) return entropy;
#if TARGETS == LOGITS
  if (isNear(maxima, inverseT)) {
    float rho = teacher.w / teacher.x;
    // MATH.md: rounding alone could make it negative
    float kl = max(rho - log1pRest(teacher.y / teacher.x + rho), 0.0);
    return number == KL_NUMBER ? kl : entropy + kl;
  }
#endif
  isUnbounded = teacher.w < 0.0;
  float logStudent = log(studentSums(row, maxima, inverseT).x);
#if TARGETS == LOGITS
  float crossEntropy = logStudent + teacher.y / teacher.x;
  return number == KL_NUMBER ? max(crossEntropy - entropy, 0.0) : crossEntropy;
#else
  float crossEntropy = teacher.x * logStudent + teacher.y;
  return number == KL_NUMBER ? crossEntropy - entropy : crossEntropy;
#endif
}

float softNumber(int number, int row, Maxima maxima, vec2 inverseT, out bool isUnbounded) {
  float value = numberOf(number, row, maxima, inverseT, isUnbounded);
#if SOFTENED
  float sumOfGiven = startMass(row);
  if (number == TEACHER_ENTROPY_NUMBER) return sumOfGiven * value - timesLog(sumOfGiven);
  if (number == CROSS_ENTROPY_NUMBER) return sumOfGiven * value;
  if (number == KL_NUMBER) return sumOfGiven * value + timesLog(sumOfGiven);
#endif
  return value;
}

// MATH (31), (32); accuracy is never unbounded.
float hardNumber(int number, int row, Maxima maxima, vec2 inverseT, out bool isUnbounded) {
  isUnbounded = false;
#if LABELS == NO_LABELS
  return 0.0;
#else
  if (number == ACCURACY_NUMBER) {
#if LABELS == DISTRIBUTION
    return float(tops(row).w == labelTop(row).y);
#else
    return float(classes - int(tops(row).w) == int(getLabels(row)));
#endif
  }
  float logOne = log(studentSums(row, maxima, inverseT).w);
#if LABELS == DISTRIBUTION
  LabelSums sums = labelSums(row, maxima);
  isUnbounded = sums.isInfinite;
  return sums.labels * logOne + sums.linear;
#else
  float z = studentAt(row, int(getLabels(row)));
  isUnbounded = isMasked(z);
  return isUnbounded ? 0.0 : logOne + (maxima.student - z);
#endif
#endif
}

float metric(int number, int row) {
  Factors factors = factorsOf(row);
  if (factors.isZero) return 0.0;
  if (!factors.isValid || !hasValidLabel(row)) return notANumber();
  vec2 inverseT = factors.inverseTemperatures;
  Maxima maxima = collectMaxima(row);
  if (!isRowOfNumbers(maxima)) return notANumber();
#if LABELS == DISTRIBUTION
  if (labelSums(row, maxima).isNotANumber) return notANumber();
#endif
  if (number > ACCURACY_NUMBER) return factors.weight;
  if (number == AGREEMENT_NUMBER) {
    vec4 first = tops(row);
    return first.y == first.w ? factors.weight : 0.0;
  }
  bool isUnbounded;
  float value = number < AGREEMENT_NUMBER
    ? softNumber(number, row, maxima, inverseT, isUnbounded)
    : hardNumber(number, row, maxima, inverseT, isUnbounded);
  return isUnbounded ? infinity(factors.weight) : factors.weight * value;
}

void main() {
  ivec2 place = quotient(outNumber(), NUMBERS);
  if (place.x >= rows) {
    setOutput(0.0);
    return;
  }
  setOutput(metric(place.y, place.x));
}
