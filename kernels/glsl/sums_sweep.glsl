// Adds up the sums of a lane's classes. `share` is 1, or 0 for the class behind the last one.

Term farTermOf(float z, float v, float share, Maxima maxima, vec2 inverseT) {
  Term term;
  term.hasStudent = !isMasked(z);
  term.a = select(term.hasStudent, (z - maxima.student) * inverseT.x, NO_LOGARITHM);
  term.u = mass(term.a) * share;
#if TARGETS == LOGITS
  term.hasTeacher = !isMasked(v);
  term.b = select(term.hasTeacher, (v - maxima.teacher) * inverseT.y, NO_LOGARITHM);
  term.w = mass(term.b) * share;
#else
  term.hasTeacher = abs(v) >= SMALLEST;
  term.w = select(term.hasTeacher, v * share, 0.0);
  term.b = select(term.hasTeacher, log(max(v, SMALLEST)), NO_LOGARITHM);
#endif
  term.y = 0.0;
  term.rest = 0.0;
  return term;
}

// Where all is finite: no masks to look for.
Term plainTermOf(float z, float v, float share, Maxima maxima, vec2 inverseT) {
  float a = (z - maxima.student) * inverseT.x;
  float b = (v - maxima.teacher) * inverseT.y;
  return Term(a, b, exp(a) * share, exp(b) * share, 0.0, 0.0, true, true);
}

Term nearTermOf(float z, float v, float share, Maxima maxima, float reference, vec2 inverseT) {
  Term term = farTermOf(z, v, share, maxima, inverseT);
  term.y = select(term.hasStudent, nearness(z, v, reference, inverseT), 0.0);
  term.rest = expm1Rest(term.y);
  return term;
}

void addOne(inout Sums sums, float z, float share, Maxima maxima) {
#if HAS_HARD
  sums.one += mass(select(isMasked(z), NO_LOGARITHM, z - maxima.student)) * share;
#endif
}

void addFar(inout Sums sums, float z, float v, float share, Maxima maxima, vec2 inverseT) {
#if HAS_SOFT
  Term term = farTermOf(z, v, share, maxima, inverseT);
  bool isUnbounded = isInfinite(term);
  sums.teacher += term.w;
  sums.student += term.u;
  sums.isInfinite = sums.isInfinite || isUnbounded;
  sums.cross += select(isUnbounded, 0.0, farTerm(term));
#endif
  addOne(sums, z, share, maxima);
}

void addPlain(inout Sums sums, float z, float v, float share, Maxima maxima, vec2 inverseT) {
#if HAS_SOFT
  Term term = plainTermOf(z, v, share, maxima, inverseT);
  sums.teacher += term.w;
  sums.student += term.u;
  sums.cross += farTerm(term);
#endif
  addOne(sums, z, share, maxima);
}

void addNear(inout Sums sums, float z, float v, float share, Maxima maxima, float reference, vec2 inverseT) {
#if HAS_SOFT
  Term term = nearTermOf(z, v, share, maxima, reference, inverseT);
  sums.teacher += term.w;
  sums.student += term.w * (term.y + term.rest);
  sums.cross += nearTerm(term);
#endif
  addOne(sums, z, share, maxima);
}

// Loops, of which a row goes through one: software renderers skip a loop that no fragment enters, but no
// branch.
Sums sweepSums(int row, int lane, int lanes, Maxima maxima, vec2 inverseT) {
  Sums sums = Sums(0.0, 0.0, 0.0, 0.0, false);
  Walk alongTeacher = teacherWalk(row, lane, lanes);
  Walk alongStudent = studentWalk(row, lane, lanes);
  int begin = 2 * lane;
#if TARGETS == LOGITS
  bool isPlain = !isNear(maxima, inverseT) && !hasMasks(maxima);
  int plainEnd = isPlain ? classes : 0;
  for (int column = begin; column < plainEnd; column += 2 * lanes) {
    bool hasSecond = hasSecondClass(column);
    vec2 v = teacherPair(alongTeacher);
    vec2 z = studentPair(alongStudent);
    addPlain(sums, z.x, v.x, 1.0, maxima, inverseT);
    z.x = select(hasSecond, z.y, z.x);
    v.x = select(hasSecond, v.y, v.x);
    addPlain(sums, z.x, v.x, float(hasSecond), maxima, inverseT);
    advance(alongTeacher);
    advance(alongStudent);
  }
  if (isPlain) begin = classes;
#endif
  int end = isNear(maxima, inverseT) ? 0 : classes;
  for (int column = begin; column < end; column += 2 * lanes) {
    bool hasSecond = hasSecondClass(column);
    vec2 v = teacherPair(alongTeacher);
    vec2 z = studentPair(alongStudent);
    addFar(sums, z.x, v.x, 1.0, maxima, inverseT);
    z.x = select(hasSecond, z.y, z.x);
    v.x = select(hasSecond, v.y, v.x);
    addFar(sums, z.x, v.x, float(hasSecond), maxima, inverseT);
    advance(alongTeacher);
    advance(alongStudent);
  }
#if TARGETS == LOGITS
  float reference = referenceOf(maxima);
  end = classes - end;
  for (int column = 2 * lane; column < end; column += 2 * lanes) {
    vec2 v = teacherPair(alongTeacher);
    vec2 z = studentPair(alongStudent);
    bool hasSecond = hasSecondClass(column);
    addNear(sums, z.x, v.x, 1.0, maxima, reference, inverseT);
    z.x = select(hasSecond, z.y, z.x);
    v.x = select(hasSecond, v.y, v.x);
    addNear(sums, z.x, v.x, float(hasSecond), maxima, reference, inverseT);
    advance(alongTeacher);
    advance(alongStudent);
  }
#endif
  return sums;
}

// The part of H that is linear in z, (1 - eps) sum y (mz - z) + (eps / C) sum (mz - z), and Y.
struct LabelSums {
  float linear;
  float labels;
  bool isInfinite;
  bool isNotANumber;
};

#if LABEL_SUMS
void addLabel(inout LabelSums sums, float z, float label, Maxima maxima) {
  float share = smoothingShare;
  if (isNotANumber(label) || isMasked(label)) {
    sums.isNotANumber = true;
    return;
  }
  sums.labels += label;
  share += (1.0 - labelSmoothing) * label;
  if (!isMasked(z)) sums.linear += share * (maxima.student - z);
  else if (share != 0.0) sums.isInfinite = true;
}

LabelSums sweepLabels(int row, int lane, int lanes, Maxima maxima) {
  LabelSums sums = LabelSums(0.0, 0.0, false, false);
  Walk alongStudent = studentWalk(row, lane, lanes);
#if LABELS == DISTRIBUTION
  Walk alongLabels = labelWalk(row, lane, lanes);
#endif
  vec2 label = vec2(0.0);
  for (int column = 2 * lane; column < classes; column += 2 * lanes) {
    vec2 z = studentPair(alongStudent);
#if LABELS == DISTRIBUTION
    label = labelPair(alongLabels);
    advance(alongLabels);
#endif
    addLabel(sums, z.x, label.x, maxima);
    if (column + 1 < classes) addLabel(sums, z.y, label.y, maxima);
    advance(alongStudent);
  }
  return sums;
}
#endif
