// The maxima and sums of a whole row, swept here or left in texels by lanes.

#if SOURCE == SWEEP
Maxima collectMaxima(int row) {
  return sweepMaxima(row, 0, 1);
}

Sums collectRow(int row, Maxima maxima, vec2 inverseT) {
  return sweepSums(row, 0, 1, maxima, inverseT);
}
#else
Maxima collectMaxima(int row) {
  return maximaOfTexel(texelAt(maximaTexels, row));
}

// Lanes of the same row lie side by side; a second kind of sums follows behind all rows of the first.
vec4 addLanes(sampler2D source, int row, int lanes) {
  vec4 sum = vec4(0.0);
  for (int lane = 0; lane < lanes; lane++) sum = addTexels(sum, texelAt(source, row * lanes + lane));
  return sum;
}

Sums collectRow(int row, Maxima maxima, vec2 inverseT) {
  vec4 texel = addLanes(sumTexels, row, sumLanes);
  return Sums(texel.r, texel.g, texel.b, unflagged(texel.a), texel.a < 0.0);
}
#endif

Sums collectSums(int row, Maxima maxima, vec2 inverseT) {
  Sums sums = collectRow(row, maxima, inverseT);
#if SOFTENED
  sums.teacher = select(sums.teacher == 0.0, 1.0, sums.teacher);  // all probabilities are 0
#endif
  return sums;
}

#if LABEL_SUMS
LabelSums collectLabels(int row, Maxima maxima) {
#if SOURCE == SWEEP
  return sweepLabels(row, 0, 1, maxima);
#else
  vec4 texel = addLanes(sumTexels, rows + row, sumLanes);
  return LabelSums(texel.r, texel.g, texel.b > 0.0, texel.a > 0.0);
#endif
}
#endif

// MATH (22).
Logarithms logarithmsOf(Maxima maxima, Sums sums, vec2 inverseT) {
  Logarithms logs = Logarithms(isNear(maxima, inverseT), 0.0, 0.0, 0.0, 0.0);
#if TARGETS == LOGITS
  logs.teacher = log(sums.teacher);
#endif
  if (!logs.isNear) logs.student = log(sums.student);
  if (logs.isNear) {
    logs.s = sums.student / sums.teacher;
    logs.lambda = log1pSeries(logs.s);
    // log sz - log sv = lambda + (reference - (mz - mv))/T: the reference is mz - mv, rounded.
    logs.student = logs.teacher + logs.lambda - difference(maxima.student, maxima.teacher).y * inverseT.x;
  }
  return logs;
}
