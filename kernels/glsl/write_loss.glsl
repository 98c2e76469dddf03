// Program: the loss of each row.

void main() {
  int row = outNumber();
  if (row >= rows) {
    setOutput(0.0);
    return;
  }
#if SOURCE == STATISTICS
  setOutput(texelAt(statistics, row * STATISTICS_TEXELS + 1).g);
#else
  float loss;
  statisticsOf(row, factorsOf(row), loss);
  setOutput(loss);
#endif
}
