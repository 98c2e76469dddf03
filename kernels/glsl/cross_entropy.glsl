// crossEntropy: MATH (3), (7), (15), (23).

// A of MATH (13).
float farTerm(Term term) {
  return -term.w * term.a;
}

float nearTerm(Term term) {
  return -term.w * term.a;
}

bool isInfinite(Term term) {
  return term.w != 0.0 && !term.hasStudent;
}

float divergenceOf(Logarithms logs, Sums sums) {
#if TARGETS == LOGITS
  return logs.student + sums.cross / sums.teacher;
#else
  return sums.teacher * logs.student + sums.cross;
#endif
}

// E_p[-a], which the slope to a teacher logit is measured from.
float levelOf(float divergence, Logarithms logs, Sums sums) {
  return sums.cross / sums.teacher;
}

float studentSlope(Statistics row, Class c) {
  return row.isNear ? c.excess : row.teacherSum * c.q - c.p;
}

float teacherSlope(Statistics row, Class c) {
#if TARGETS == LOGITS
  return c.p == 0.0 ? 0.0 : c.p * (-c.a - row.level);
#else
  return c.hasStudent ? -c.logQ : infinity(1.0);
#endif
}

#if SOFTENED
// MATH (34), (36).
float slopeFactor(float mass) {
  return mass;
}

float ofMass(float mass, float divergence) {
  return mass * divergence;
}

float slopeToMass(float mass, Statistics row) {
  return (row.isNear ? row.logTeacher + row.lambda : row.logStudent) + row.level;
}
#endif
