// reverseKl: MATH (5), (9), (17), (24), (26).

// E - D of MATH (13).
float farTerm(Term term) {
  return term.u * (term.a - term.b);
}

// Q - R of MATH (21).
float nearTerm(Term term) {
  return term.w * (term.y * (term.y + term.rest) - term.rest);
}

bool isInfinite(Term term) {
  return term.u != 0.0 && !term.hasTeacher;
}

float divergenceOf(Logarithms logs, Sums sums) {
  if (logs.isNear) return (sums.cross / sums.teacher - hSeries(logs.s)) / (1.0 + logs.s);
  return (logs.teacher - logs.student) + sums.cross / sums.student;
}

float levelOf(float divergence, Logarithms logs, Sums sums) {
  return divergence;
}

float studentSlope(Statistics row, Class c) {
  return c.q == 0.0 ? 0.0 : c.q * (c.x - row.level);
}

float teacherSlope(Statistics row, Class c) {
#if TARGETS == LOGITS
  return row.isNear ? -c.excess : c.p - c.q;
#else
  if (c.q == 0.0) return 0.0;
  return c.hasTeacher ? -c.q / c.p : infinity(-1.0);
#endif
}

#if SOFTENED
// MATH (34), (36).
float slopeFactor(float mass) {
  return 1.0;
}

float ofMass(float mass, float divergence) {
  return divergence - log(select(mass == 0.0, 1.0, mass));
}

float slopeToMass(float mass, Statistics row) {
  return -1.0 / mass;
}
#endif
