// The third sweep, of jsd: Kp and Kq of MATH (10), (6), and J of a near row (27).

struct Mixture {
  float teacher;
  float student;
  float near;
};

float probabilityOf(Term term, Logarithms logs) {
#if TARGETS == LOGITS
  return term.w == 0.0 ? 0.0 : exp(term.b - logs.teacher);
#else
  return term.w;
#endif
}

void addFarMixture(inout Mixture mixture, float z, float v, Maxima maxima, Logarithms logs, vec2 inverseT) {
  Term term = farTermOf(z, v, 1.0, maxima, inverseT);
  float p = probabilityOf(term, logs);
  float q = term.u == 0.0 ? 0.0 : exp(term.a - logs.student);
  if (term.hasTeacher && term.hasStudent) {
    vec2 shares = mixtureLogarithms(false, (term.a - logs.student) - (term.b - logs.teacher));
    mixture.teacher += p * shares.x;
    mixture.student += q * shares.y;
  } else if (term.hasTeacher) {
    mixture.teacher -= p * log(mixtureBeta);
  } else if (term.hasStudent) {
    mixture.student -= q * log(1.0 - mixtureBeta);
  }
}

void addNearMixture(
  inout Mixture mixture,
  float z,
  float v,
  Maxima maxima,
  Logarithms logs,
  float reference,
  vec2 inverseT
) {
  Term term = nearTermOf(z, v, 1.0, maxima, reference, inverseT);
  if (!term.hasStudent) return;
  float p = probabilityOf(term, logs);
  float x = term.y - logs.lambda;
  float u = expm1Series(x);
  vec2 shares = mixtureLogarithms(true, x);
  mixture.teacher += p * shares.x;
  mixture.student += p * (1.0 + u) * shares.y;
  mixture.near += p * ((1.0 - mixtureBeta) * hSeries(u) - hSeries((1.0 - mixtureBeta) * u));
}

Mixture sweepMixture(int row, int lane, int lanes, Maxima maxima, Logarithms logs, vec2 inverseT) {
  Mixture mixture = Mixture(0.0, 0.0, 0.0);
  Walk alongTeacher = teacherWalk(row, lane, lanes);
  Walk alongStudent = studentWalk(row, lane, lanes);
  int end = logs.isNear ? 0 : classes;
  for (int column = 2 * lane; column < end; column += 2 * lanes) {
    vec2 v = teacherPair(alongTeacher);
    vec2 z = studentPair(alongStudent);
    addFarMixture(mixture, z.x, v.x, maxima, logs, inverseT);
    if (column + 1 < classes) addFarMixture(mixture, z.y, v.y, maxima, logs, inverseT);
    advance(alongTeacher);
    advance(alongStudent);
  }
#if TARGETS == LOGITS
  float reference = referenceOf(maxima);
  end = classes - end;
  for (int column = 2 * lane; column < end; column += 2 * lanes) {
    vec2 v = teacherPair(alongTeacher);
    vec2 z = studentPair(alongStudent);
    addNearMixture(mixture, z.x, v.x, maxima, logs, reference, inverseT);
    if (column + 1 < classes) addNearMixture(mixture, z.y, v.y, maxima, logs, reference, inverseT);
    advance(alongTeacher);
    advance(alongStudent);
  }
#endif
  return mixture;
}
