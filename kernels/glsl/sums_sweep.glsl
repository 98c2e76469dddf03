// Adds up the sums of a lane's classes.

Term termOf(float z, float v, Maxima maxima, vec2 reference, float inverseT) {
  Term term;
  term.hasStudent = !isMasked(z);
  term.a = term.hasStudent ? (z - maxima.student) * inverseT : NO_LOGARITHM;
  term.u = mass(term.a);
#if TARGETS == LOGITS
  term.hasTeacher = !isMasked(v);
  term.b = term.hasTeacher ? (v - maxima.teacher) * inverseT : NO_LOGARITHM;
  term.w = mass(term.b);
#else
  term.hasTeacher = abs(v) >= SMALLEST;
  term.w = term.hasTeacher ? v : 0.0;
  term.b = term.hasTeacher ? log(max(v, SMALLEST)) : NO_LOGARITHM;
#endif
  if (isNear(maxima) && term.hasStudent) {
    term.y = nearness(z, v, reference, inverseT);
    term.rest = expm1Rest(term.y);
  } else {
    term.y = 0.0;
    term.rest = 0.0;
  }
  return term;
}

void addClass(inout Sums sums, float z, float v, Maxima maxima, vec2 reference, float inverseT) {
#if HAS_SOFT
  Term term = termOf(z, v, maxima, reference, inverseT);
  sums.teacher += term.w;
  if (isNear(maxima)) {
    sums.student += term.w * (term.y + term.rest);
    sums.cross += nearTerm(term);
  } else {
    sums.student += term.u;
    if (isInfinite(term)) sums.isInfinite = true;
    else sums.cross += farTerm(term);
  }
#endif
#if HAS_HARD
  if (!isMasked(z)) sums.one += mass(z - maxima.student);
#endif
}

Sums sweepSums(int row, int lane, int lanes, Maxima maxima, float inverseT) {
  Sums sums = Sums(0.0, 0.0, 0.0, 0.0, false);
  vec2 reference = isNear(maxima) ? referenceOf(row) : vec2(0.0);
  Walk alongTeacher = teacherWalk(row, lane, lanes);
  Walk alongStudent = studentWalk(row, lane, lanes);
  for (int column = 2 * lane; column < classes; column += 2 * lanes) {
    vec2 v = pairAt(teacher, TEACHER_PACKED, alongTeacher);
    vec2 z = pairAt(student, STUDENT_PACKED, alongStudent);
    addClass(sums, z.x, v.x, maxima, reference, inverseT);
    if (column + 1 < classes) addClass(sums, z.y, v.y, maxima, reference, inverseT);
    advance(alongTeacher);
    advance(alongStudent);
  }
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
    vec2 z = pairAt(student, STUDENT_PACKED, alongStudent);
#if LABELS == DISTRIBUTION
    label = pairAt(labels, LABELS_PACKED, alongLabels);
    advance(alongLabels);
#endif
    addLabel(sums, z.x, label.x, maxima);
    if (column + 1 < classes) addLabel(sums, z.y, label.y, maxima);
    advance(alongStudent);
  }
  return sums;
}
#endif
