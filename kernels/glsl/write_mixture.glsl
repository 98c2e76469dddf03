// Program: Mixture of each lane of each row, jsd only.

void main() {
  ivec2 place = quotient(outNumber(), lanes);
  int row = place.x;
  int lane = place.y;
  Factors factors = factorsOf(row);
  setOutput(vec4(0.0));
  if (row >= rows || factors.isZero) return;
  vec2 inverseT = factors.inverseTemperatures;
  Maxima maxima = collectMaxima(row);
  if (!isRowOfNumbers(maxima)) return;
#if SOFTENED
  startMass(row);
#endif
  Logarithms logs = logarithmsOf(maxima, collectSums(row, maxima, inverseT), inverseT);
  Mixture mixture = sweepMixture(row, lane, lanes, maxima, logs, inverseT);
  setOutput(vec4(mixture.teacher, mixture.student, mixture.near, 0.0));
}
