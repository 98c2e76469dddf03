// Program: Maxima of each lane of each row.

void main() {
  int row = outNumber() / lanes;
  int lane = outNumber() - row * lanes;
  if (row >= rows) {
    setOutput(vec4(0.0));
    return;
  }
  setOutput(texelOfMaxima(sweepMaxima(row, lane, lanes, factorsOf(row).inverseTemperature)));
}
