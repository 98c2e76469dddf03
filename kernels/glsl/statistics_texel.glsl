// Statistics and loss as RGBA texels, STATISTICS_TEXELS to a row: (mz, mv, log sz or lambda, log sv or S),
// (level, loss, log s1, Y'), and with half-precision textures what their rounding leaves of the sums. A near
// row has a negative log sv, moved away from 0 by 1.

float half_(float x) {
  return unpackHalf2x16(packHalf2x16(vec2(x, 0.0))).x;
}

#if SOURCE != STATISTICS
vec4 texelOfStatistics(Statistics row, float loss, int part) {
  float student = row.isNear ? row.lambda : row.logStudent;
  float teacher = row.isNear ? -1.0 - row.logTeacher : row.logTeacher;
#if TARGETS == PROBABILITIES
  teacher = row.teacherSum;
#endif
  if (!row.isValid) student = INVALID;
  if (part == 1) return vec4(row.level, loss, row.logOne, row.labelSum);
#if HALF_TEXTURES
  if (part == 2) {
    vec4 whole = vec4(student, teacher, row.level, row.logOne);
    return whole - vec4(half_(whole.r), half_(whole.g), half_(whole.b), half_(whole.a));
  }
#endif
  return vec4(row.maxStudent, row.maxTeacher, student, teacher);
}
#else

Statistics statisticsAt(int row) {
  vec4 texel = texelAt(statistics, row * STATISTICS_TEXELS);
  vec4 second = vec4(0.0);
#if NEEDS_LEVEL || HAS_HARD
  second = texelAt(statistics, row * STATISTICS_TEXELS + 1);
#endif
#if HALF_TEXTURES
  vec4 rest = texelAt(statistics, row * STATISTICS_TEXELS + 2);
  texel.ba += rest.rg;
  second.rb += rest.ba;
#endif
  Statistics found;
  found.isValid = texel.b < 0.5 * INVALID;
  found.maxStudent = texel.r;
  found.maxTeacher = texel.g;
  found.reference = rounded(texel.r - texel.g);  // referenceOf
  found.logStudent = texel.b;
  found.lambda = texel.b;
#if TARGETS == LOGITS
  found.isNear = texel.a < 0.0;
  found.logTeacher = found.isNear ? -1.0 - texel.a : texel.a;
  found.teacherSum = 1.0;
#else
  found.isNear = false;
  found.logTeacher = 0.0;
  found.teacherSum = texel.a;
#endif
  found.level = second.r;
  found.logOne = second.b;
  found.labelSum = second.a;
  return found;
}
#endif
