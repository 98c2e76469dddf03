// Finishes a row: its loss, and what its gradient needs. MATH (1), (2), (6), (15)-(18), (25)-(27).

Statistics invalidRow() {
  return Statistics(false, false, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0);
}

#if HAS_MIXTURE && HAS_SOFT
Mixture collectMixture(int row, Maxima maxima, Logarithms logs, vec2 inverseT) {
#if SOURCE == SWEEP
  return sweepMixture(row, 0, 1, maxima, logs, inverseT);
#else
  vec4 texel = addLanes(mixtureTexels, row, mixtureLanes);
  return Mixture(texel.r, texel.g, texel.b);
#endif
}
#endif

#if HAS_HARD
// H of MATH (18); sets log s1 and Y'.
float hardTerm(int row, Maxima maxima, Sums sums, inout Statistics statistics) {
  float labelSum = 1.0;
  float linear = 0.0;
  bool isUnbounded = false;
#if LABEL_SUMS
  LabelSums labelSums = collectLabels(row, maxima);
  linear = labelSums.linear;
  isUnbounded = labelSums.isInfinite;
  statistics.isValid = statistics.isValid && !labelSums.isNotANumber;
#endif
#if LABELS == CLASS_IDS
  float z = studentAt(row, int(getLabels(row)));
  if (isMasked(z)) isUnbounded = true;
  else linear += (1.0 - labelSmoothing) * (maxima.student - z);
#elif LABEL_SUMS
  labelSum = labelSums.labels;
#endif
  statistics.logOne = log(sums.one);
  statistics.labelSum = (1.0 - labelSmoothing) * labelSum + labelSmoothing;
  if (isUnbounded) return infinity(1.0);
  return statistics.labelSum * statistics.logOne + linear;
}
#endif

// The loss is NaN where the row is not valid.
Statistics statisticsOf(int row, Factors factors, out float loss) {
  loss = 0.0;
  Statistics statistics = invalidRow();
  if (factors.isZero) return statistics;
  loss = notANumber();
  if (!factors.isValid || (countsHard(factors) && !hasValidLabel(row))) return statistics;
  vec2 inverseT = factors.inverseTemperatures;
  Maxima maxima = collectMaxima(row);
  if (!isRowOfNumbers(maxima)) return statistics;
#if SOFTENED
  float sumOfGiven = startMass(row);
#endif
  Sums sums = collectSums(row, maxima, inverseT);
  statistics.isValid = true;
  statistics.maxStudent = maxima.student;
  statistics.maxTeacher = maxima.teacher;
  float total = 0.0;
  bool isUnbounded = false;
#if HAS_SOFT
  Logarithms logs = logarithmsOf(maxima, sums, inverseT);
  statistics.isNear = logs.isNear;
  statistics.logStudent = logs.student;
  statistics.logTeacher = logs.teacher;
  statistics.lambda = logs.lambda;
#if TARGETS == PROBABILITIES
  statistics.teacherSum = sums.teacher;
#endif
#if HAS_MIXTURE
  Mixture mixture = collectMixture(row, maxima, logs, inverseT);
  float divergence = mixture.near;
  if (!logs.isNear)
    divergence = mixtureBeta * mixture.teacher + (1.0 - mixtureBeta) * mixture.student;
#if OUTPUT == TO_TEACHER
  statistics.level = mixture.teacher;
#else
  statistics.level = mixture.student;
#endif
#else
  float divergence = divergenceOf(logs, sums);
  statistics.level = levelOf(divergence, logs, sums);
  isUnbounded = sums.isInfinite && countsSoft(factors);
#endif
#if TARGETS == LOGITS
  divergence = max(divergence, 0.0);  // MATH.md: rounding alone could make it negative
#endif
#if SOFTENED
  divergence = ofMass(sumOfGiven, divergence);
#endif
  if (countsSoft(factors)) total += softFactor(factors) * divergence;
#endif
#if HAS_HARD
  if (countsHard(factors)) {
    float hard = hardTerm(row, maxima, sums, statistics);
    if (isNotANumber(hard)) isUnbounded = true;
    else total += factors.weight * factors.hardWeight * hard;
  }
#endif
  if (statistics.isValid) loss = isUnbounded ? infinity(factors.weight) : total;
  // Where the value is infinite, these gradients do not exist.
#if HAS_SOFT && LACKS_GRADIENT_AT_INFINITY
  if (sums.isInfinite && countsSoft(factors)) statistics.isValid = false;
#endif
  return statistics;
}
