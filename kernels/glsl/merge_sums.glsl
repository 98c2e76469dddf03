// Program: fewer lanes; lane k takes over lanes k, k + lanes, ... of the sums that came.

void main() {
  int line = outNumber() / lanes;
  vec4 sum = vec4(0.0);
  if (line < lines) {
    for (int lane = outNumber() - line * lanes; lane < lanesBefore; lane += lanes) {
      sum = addTexels(sum, texelAt(texels, line * lanesBefore + lane));
    }
  }
  setOutput(sum);
}
