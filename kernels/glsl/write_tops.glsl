// Program: who comes first among each lane of each row; behind all rows, among the labels where they are a
// distribution.

void main() {
  ivec2 place = quotient(outNumber(), lanes);
  int line = place.x;
  setOutput(NO_TOPS);
  if (line < rows) setOutput(sweepTops(line, place.y, lanes));
#if LABELS == DISTRIBUTION
  else if (line < lines) setOutput(sweepLabelTop(line - rows, place.y, lanes));
#endif
}
