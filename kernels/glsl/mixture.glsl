// The third sweep, of jsd: Kp and Kq of MATH (10), (6), and J of a near row (27).

struct Mixture {
  float teacher;
  float student;
  float near;
};

void addMixture(inout Mixture mixture, Term term, Logarithms logs) {
  float p = term.w;
#if TARGETS == LOGITS
  p = term.w == 0.0 ? 0.0 : exp(term.b - logs.teacher);
#endif
  if (logs.isNear) {
    if (!term.hasStudent) return;
    float x = term.y - logs.lambda;
    float u = expm1Series(x);
    vec2 shares = mixtureLogarithms(true, x);
    mixture.teacher += p * shares.x;
    mixture.student += p * (1.0 + u) * shares.y;
    mixture.near += p * ((1.0 - beta) * hSeries(u) - hSeries((1.0 - beta) * u));
    return;
  }
  float q = term.u == 0.0 ? 0.0 : exp(term.a - logs.student);
  if (term.hasTeacher && term.hasStudent) {
    vec2 shares = mixtureLogarithms(false, (term.a - logs.student) - (term.b - logs.teacher));
    mixture.teacher += p * shares.x;
    mixture.student += q * shares.y;
  } else if (term.hasTeacher) {
    mixture.teacher -= p * log(beta);
  } else if (term.hasStudent) {
    mixture.student -= q * log(1.0 - beta);
  }
}

Mixture sweepMixture(int row, int lane, int lanes, Maxima maxima, Logarithms logs, float inverseT) {
  Mixture mixture = Mixture(0.0, 0.0, 0.0);
  vec2 reference = logs.isNear ? referenceOf(row) : vec2(0.0);
  Walk alongTeacher = teacherWalk(row, lane, lanes);
  Walk alongStudent = studentWalk(row, lane, lanes);
  for (int column = 2 * lane; column < classes; column += 2 * lanes) {
    vec2 v = pairAt(teacher, TEACHER_PACKED, alongTeacher);
    vec2 z = pairAt(student, STUDENT_PACKED, alongStudent);
    addMixture(mixture, termOf(z.x, v.x, maxima, reference, inverseT), logs);
    if (column + 1 < classes) addMixture(mixture, termOf(z.y, v.y, maxima, reference, inverseT), logs);
    advance(alongTeacher);
    advance(alongStudent);
  }
  return mixture;
}
