// Program: the sum of the probabilities of each lane of each row, as they were given.

float present(float p) {
  return select(p < SMALLEST_PROBABILITY, 0.0, p);
}

void main() {
  ivec2 place = quotient(outNumber(), lanes);
  int row = place.x;
  int lane = place.y;
  setOutput(vec4(0.0));
  if (row >= rows) return;
  float sum = 0.0;
  Walk walk = teacherWalk(row, lane, lanes);
  for (int column = 2 * lane; column < classes; column += 2 * lanes) {
    vec2 p = givenPair(walk);
    sum += present(p.x) + select(hasSecondClass(column), present(p.y), 0.0);
    advance(walk);
  }
  setOutput(vec4(sum, 0.0, 0.0, 0.0));
}
