// Program: Sums of each lane of each row, and behind all of them LabelSums where the hard term needs them.

void main() {
  ivec2 place = quotient(outNumber(), lanes);
  int line = place.x;
  int lane = place.y;
  int row = line < rows ? line : line - rows;
  Factors factors = factorsOf(row);
  setOutput(vec4(0.0));
  if (row >= rows || factors.isZero) return;
  Maxima maxima = maximaOfTexel(texelAt(maximaTexels, row));
  if (!isRowOfNumbers(maxima)) return;
#if LABEL_SUMS
  if (line >= rows) {
    LabelSums sums = sweepLabels(row, lane, lanes, maxima);
    setOutput(vec4(sums.linear, sums.labels, sums.isInfinite ? 1.0 : 0.0, sums.isNotANumber ? 1.0 : 0.0));
    return;
  }
#else
  if (line >= rows) return;
#endif
  Sums sums = sweepSums(row, lane, lanes, maxima, factors.inverseTemperatures);
  setOutput(vec4(sums.teacher, sums.student, sums.cross, flagged(sums.one, sums.isInfinite)));
}
