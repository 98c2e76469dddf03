// Program: the sums of p of each lane of each row; behind all of them those of q; behind those LabelSums
// where labels are a distribution.

void main() {
  ivec2 place = quotient(outNumber(), lanes);
  ivec2 kind = quotient(place.x, rows);
  int row = kind.y;
  setOutput(vec4(0.0));
  if (place.x >= lines) return;
  Factors factors = factorsOf(row);
  if (factors.isZero) return;
  Maxima maxima = maximaOfTexel(texelAt(maximaTexels, row));
  if (!isRowOfNumbers(maxima)) return;
  if (kind.x == 0) setOutput(sweepTeacher(row, place.y, lanes, maxima, factors.inverseTemperatures));
  if (kind.x == 1) setOutput(sweepStudent(row, place.y, lanes, maxima, factors.inverseTemperatures));
#if LABEL_SUMS
  if (kind.x == 2) {
    LabelSums sums = sweepLabels(row, place.y, lanes, maxima);
    setOutput(vec4(sums.linear, sums.labels, sums.isInfinite ? 1.0 : 0.0, sums.isNotANumber ? 1.0 : 0.0));
  }
#endif
}
