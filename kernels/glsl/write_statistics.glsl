// Program: the statistics of each row, STATISTICS_TEXELS texels side by side.

void main() {
  ivec2 place = quotient(outNumber(), STATISTICS_TEXELS);
  int row = place.x;
  if (row >= rows) {
    setOutput(vec4(0.0));
    return;
  }
  float loss;
  Statistics found = statisticsOf(row, factorsOf(row), loss);
  setOutput(texelOfStatistics(found, loss, place.y));
}
