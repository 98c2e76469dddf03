// What the first sweep finds: mz and mv of MATH (12), whether the row is near (20), and what in it is not
// finite.

struct Maxima {
  float student;
  float teacher;
  // max |d - d_ref| of MATH (20) or somewhat more, at most FAR; FAR also where one side alone masks a class
  float spread;
  int flags;
};

const Maxima NO_MAXIMA = Maxima(LOWEST, LOWEST, 0.0, 0);

bool isRowOfNumbers(Maxima maxima) {
#if SOFTENED
  return (maxima.flags & ~(HAS_MASKS | HAS_TEACHER)) == HAS_STUDENT;  // probabilities may all be 0
#endif
  return (maxima.flags & ~HAS_MASKS) == (HAS_STUDENT | HAS_TEACHER);
}

bool hasMasks(Maxima maxima) {
  return (maxima.flags & HAS_MASKS) != 0;
}

// d_ref of MATH (20), within the range of d as mz - mv is. Rounded: what it lacks moves all y of the row, and
// lambda with them, by the same amount.
float referenceOf(Maxima maxima) {
  return rounded(maxima.student - maxima.teacher);
}

bool isNear(Maxima maxima, vec2 inverseT) {
#if OWN_TEMPERATURE
  if (abs(inverseT.x - inverseT.y) > ROUNDING * inverseT.x) return false;
#endif
  return maxima.spread < FAR && maxima.spread * inverseT.x <= NEAR;
}

vec4 texelOfMaxima(Maxima maxima) {
  return vec4(maxima.student, maxima.teacher, maxima.spread, float(maxima.flags));
}

Maxima maximaOfTexel(vec4 texel) {
  return Maxima(texel.r, texel.g, texel.b, int(texel.a + 0.5));
}
