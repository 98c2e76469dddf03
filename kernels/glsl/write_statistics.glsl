// Program: the statistics of each row, STATISTICS_TEXELS texels side by side.

void main() {
  int row = outNumber() / STATISTICS_TEXELS;
  if (row >= rows) {
    setOutput(vec4(0.0));
    return;
  }
  float loss;
  Statistics found = statisticsOf(row, factorsOf(row), loss);
  setOutput(texelOfStatistics(found, loss, outNumber() - row * STATISTICS_TEXELS));
}
