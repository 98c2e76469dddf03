// Program: fewer lanes; lane k takes over lanes k, k + lanes, ... of the sums that came.

void main() {
  ivec2 place = quotient(outNumber(), lanes);
  int line = place.x;
  vec4 sum = vec4(0.0);
  if (line < lines) {
    for (int lane = place.y; lane < lanesBefore; lane += lanes) {
      sum = addTexels(sum, texelAt(texels, line * lanesBefore + lane));
    }
  }
  setOutput(sum);
}
