// Texels by number: tfjs lays a tensor out over a texture line by line.

int outWidth() {
#if PACKED_OUTPUT
  return (outTexShape[1] + 1) / 2;
#else
  return outTexShape[1];
#endif
}

ivec2 outTexel() {
  return ivec2(gl_FragCoord.xy);
}

int outNumber() {
  ivec2 at = outTexel();
  return at.y * outWidth() + at.x;
}

// (n / d, n % d) for 0 <= n < 2^28 and n / d < 2^21, where the first guess is off by one at most. GPUs emulate integer division.
ivec2 quotient(int n, int d) {
  int q = int(float(n) * (1.0 / float(d)));
  int r = n - q * d;
  int step = int(r >= d) - int(r < 0);
#if MANY_ROWS
  step = r >= 0 ? r / d : -((d - 1 - r) / d);
#endif
  return ivec2(q + step, r - step * d);
}

ivec2 texelOf(int number, int width) {
  return quotient(number, width).yx;
}

// texShape is [height, width], as tfjs gives it for every input.
vec4 texelAt(sampler2D source, ivec2 texShape, int number) {
  return texelFetch(source, texelOf(number, texShape[1]), 0);
}
