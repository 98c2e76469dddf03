// Program: fewer lanes; lane k takes over lanes k, k + lanes, ... of the maxima that came.

void main() {
  ivec2 place = quotient(outNumber(), lanes);
  int row = place.x;
  Maxima maxima = Maxima(LOWEST, LOWEST, 0.0, 0);
  if (row < rows) {
    for (int lane = place.y; lane < lanesBefore; lane += lanes) {
      Maxima other = maximaOfTexel(texelAt(texels, row * lanesBefore + lane));
      maxima.student = max(maxima.student, other.student);
      maxima.teacher = max(maxima.teacher, other.teacher);
      maxima.spread = max(maxima.spread, other.spread);
      maxima.flags |= other.flags;
    }
  }
  setOutput(texelOfMaxima(maxima));
}
