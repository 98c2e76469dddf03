// kl: MATH (4), (8), (17), (23)-(25).

// A - B of MATH (13).
float farTerm(Term term) {
  return term.w * (term.b - term.a);
}

// R of MATH (21).
float nearTerm(Term term) {
  return term.w * term.rest;
}

bool isInfinite(Term term) {
  return term.w != 0.0 && !term.hasStudent;
}

float divergenceOf(Logarithms logs, Sums sums) {
#if TARGETS == LOGITS
  if (logs.isNear) return sums.cross / sums.teacher - log1pRest(logs.s);
  return (logs.student - logs.teacher) + sums.cross / sums.teacher;
#else
  return sums.teacher * logs.student + sums.cross;
#endif
}

float levelOf(float divergence, Logarithms logs, Sums sums) {
  return divergence;
}

float studentSlope(Statistics row, Class c) {
  return row.isNear ? c.excess : row.teacherSum * c.q - c.p;
}

float teacherSlope(Statistics row, Class c) {
#if TARGETS == LOGITS
  return c.p == 0.0 ? 0.0 : -c.p * (c.x + row.level);
#else
  if (!c.hasStudent) return infinity(1.0);
  return c.hasTeacher ? 1.0 - c.x : infinity(-1.0);
#endif
}

#if SOFTENED
// MATH (34), (36).
float slopeFactor(float mass) {
  return mass;
}

float ofMass(float mass, float divergence) {
  return mass * divergence + timesLog(mass);
}

float slopeToMass(float mass, Statistics row) {
  return row.level + log(mass) + 1.0;
}
#endif
