// Program: fewer lanes; lane k takes over lanes k, k + lanes, ... of the maxima that came. Where their
// references differ, what d spreads around the new one is not known any more but for a bound: a row at the
// limit of (20) may count as apart, where the plain form has its digits.

void main() {
  ivec2 place = quotient(outNumber(), lanes);
  int row = place.x;
  Maxima maxima = NO_MAXIMA;
  if (row < rows) {
    for (int lane = place.y; lane < lanesBefore; lane += lanes) {
      Maxima other = maximaOfTexel(texelAt(texels, row * lanesBefore + lane));
      maxima.student = max(maxima.student, other.student);
      maxima.teacher = max(maxima.teacher, other.teacher);
      maxima.flags |= other.flags;
    }
    float reference = referenceOf(maxima);
    for (int lane = place.y; lane < lanesBefore; lane += lanes) {
      Maxima other = maximaOfTexel(texelAt(texels, row * lanesBefore + lane));
      if ((other.flags & (HAS_STUDENT | HAS_TEACHER)) == 0) continue;  // every class is masked
      float spread = other.spread < FAR ? other.spread + abs(referenceOf(other) - reference) : FAR;
      maxima.spread = max(maxima.spread, spread);
    }
  }
  setOutput(texelOfMaxima(maxima));
}
