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

// Textures of texels, which no tensor of the user is, are 2^TEXELS_SHIFT wide.
int outNumber() {
  ivec2 at = outTexel();
#if TEXEL_OUTPUT
  return (at.y << TEXELS_SHIFT) + at.x;
#else
  return at.y * outWidth() + at.x;
#endif
}

// (n / d, n % d) for 0 <= n < 2^28 and n / d < 2^21, where the first guess is off by one at most. GPUs
// emulate integer division.
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

vec4 texelAt(sampler2D source, int number) {
  return texelFetch(source, ivec2(number & ((1 << TEXELS_SHIFT) - 1), number >> TEXELS_SHIFT), 0);
}
