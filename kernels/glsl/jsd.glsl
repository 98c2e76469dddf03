// jsd: MATH (6), (10), (27). The two sums come from a sweep of their own: mixture.glsl.

float farTerm(Term term) {
  return 0.0;
}

float nearTerm(Term term) {
  return 0.0;
}

bool isInfinite(Term term) {
  return false;
}

// log(p/m) and log(q/m), from x = log(q/p).
vec2 mixtureLogarithms(bool isNearRow, float x) {
  // From q/p or p/q, whichever does not overflow.
  float e = exp(-abs(x));
  float alpha = 1.0 - mixtureBeta;
  float l = log(select(x > 0.0, mixtureBeta * e + alpha, mixtureBeta + alpha * e));
  vec2 logarithms = vec2(-max(x, 0.0), min(x, 0.0)) - l;
  if (isNearRow) logarithms = vec2(0.0, x) - log1pSeries((1.0 - mixtureBeta) * expm1Series(x));
  return logarithms;
}

float studentSlope(Statistics row, Class c) {
  if (c.q == 0.0) return 0.0;
  float logShare = c.hasTeacher ? mixtureLogarithms(row.isNear, c.x).y : -log(1.0 - mixtureBeta);
  return (1.0 - mixtureBeta) * c.q * (logShare - row.level);
}

float teacherSlope(Statistics row, Class c) {
  float logShare = c.hasStudent ? mixtureLogarithms(row.isNear, c.x).x : -log(mixtureBeta);
#if TARGETS == LOGITS
  return c.p == 0.0 ? 0.0 : mixtureBeta * c.p * (logShare - row.level);
#else
  return c.hasTeacher ? mixtureBeta * logShare : infinity(-1.0);
#endif
}

#if SOFTENED
// c of MATH (35).
float slopeFactor(float mass) {
  return beta * mass + (1.0 - beta);
}

float ofMass(float mass, float divergence) {
  float c = slopeFactor(mass);
  return c * divergence + (beta * timesLog(mass) - timesLog(c));
}

// MATH (36).
float slopeToMass(float mass, Statistics row) {
  return beta * (log(mass / slopeFactor(mass)) + row.level);
}
#endif
