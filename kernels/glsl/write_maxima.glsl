// Program: Maxima of each lane of each row.

void main() {
  ivec2 place = quotient(outNumber(), lanes);
  int row = place.x;
  int lane = place.y;
  if (row >= rows) {
    setOutput(vec4(0.0));
    return;
  }
  setOutput(texelOfMaxima(sweepMaxima(row, lane, lanes)));
}
