// Program: fewer lanes; lane k takes over lanes k, k + lanes, ... of the tops that came. Of equal values the
// larger place wins: the first class.

vec2 mergedTop(vec2 top, vec2 other) {
  return mix(top, other, bvec2(other.x > top.x || (other.x == top.x && other.y > top.y)));
}

void main() {
  ivec2 place = quotient(outNumber(), lanes);
  int line = place.x;
  vec4 tops = vec4(LOWEST, 0.0, LOWEST, 0.0);
  if (line < lines) {
    for (int lane = place.y; lane < lanesBefore; lane += lanes) {
      vec4 other = texelAt(texels, line * lanesBefore + lane);
      tops = vec4(mergedTop(tops.xy, other.xy), mergedTop(tops.zw, other.zw));
    }
  }
  setOutput(tops);
}
