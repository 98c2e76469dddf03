// Texels by number: tfjs lays a tensor out over a texture row by row, so number / width and number % width find it.

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

ivec2 texelOf(int number, int width) {
  int y = number / width;
  return ivec2(number - y * width, y);
}

vec4 texelAt(sampler2D source, int number) {
  return texelFetch(source, texelOf(number, textureSize(source, 0).x), 0);
}
