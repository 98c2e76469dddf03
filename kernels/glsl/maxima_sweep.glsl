// The first sweep: the maxima of a lane's classes. Few rows hold anything that is not finite: one loop is for
// numbers alone and looks for the rest by a carry out of the exponent; a second loop is for what it found.

// `differences` are the least and the largest z - v. A reference may overflow, and is then no number to
// subtract from.
float spreadOf(vec2 differences, float reference) {
  float spread = max(differences.y - reference, reference - differences.x);
  return select(abs(reference) < FAR, clamp(spread, 0.0, FAR), FAR);
}

void includeClass(inout Maxima maxima, inout vec2 differences, float z, float v) {
  bool hasStudent = isFinite(z);
  bool hasTeacher = isFinite(v);
  maxima.student = max(maxima.student, select(hasStudent, z, LOWEST));
  maxima.flags |= (isNotANumber(z) || isNotANumber(v) ? NOT_A_NUMBER : 0) | (hasStudent ? HAS_STUDENT : 0);
#if TARGETS == LOGITS
  maxima.teacher = max(maxima.teacher, select(hasTeacher, v, LOWEST));
  maxima.flags |= hasTeacher ? HAS_TEACHER : 0;
  maxima.spread = select(hasStudent == hasTeacher, maxima.spread, FAR);
  bool hasBoth = hasStudent && hasTeacher;
  float d = z - v;
  differences.x = min(differences.x, select(hasBoth, d, -LOWEST));
  differences.y = max(differences.y, select(hasBoth, d, LOWEST));
#else
  maxima.flags |= hasTeacher ? 0 : NOT_A_NUMBER;
#endif
}

Maxima sweepMaxima(int row, int lane, int lanes) {
  vec2 largest = vec2(LOWEST);
  vec2 differences = vec2(-LOWEST, LOWEST);
  int carry = 0;
  int end = classes;
  Walk alongTeacher = teacherWalk(row, lane, lanes);
  Walk alongStudent = studentWalk(row, lane, lanes);
  for (int column = 2 * lane; column < end; column += 2 * lanes) {
    bool hasSecond = hasSecondClass(column);
    vec2 v = teacherPair(alongTeacher);
    vec2 z = studentPair(alongStudent);
    v.y = select(hasSecond, v.y, v.x);
    z.y = select(hasSecond, z.y, z.x);
    ivec2 carries = exponentCarry(v) | exponentCarry(z);
    carry |= carries.x | carries.y;
    largest.x = max(largest.x, max(z.x, z.y));
#if TARGETS == LOGITS
    largest.y = max(largest.y, max(v.x, v.y));
    vec2 d = z - v;
    differences = vec2(min(differences.x, min(d.x, d.y)), max(differences.y, max(d.x, d.y)));
#endif
    advance(alongTeacher);
    advance(alongStudent);
  }
  Maxima maxima = Maxima(largest.x, 0.0, FAR, HAS_STUDENT | HAS_TEACHER);
#if TARGETS == LOGITS
  maxima.teacher = largest.y;
  maxima.spread = spreadOf(differences, referenceOf(maxima));
#endif
  if (carry >= 0) return maxima;
  maxima = Maxima(LOWEST, LOWEST, 0.0, HAS_MASKS);
  differences = vec2(-LOWEST, LOWEST);
#if TARGETS == PROBABILITIES
  maxima = Maxima(LOWEST, 0.0, FAR, HAS_MASKS | HAS_TEACHER);
#endif
  alongTeacher = teacherWalk(row, lane, lanes);
  alongStudent = studentWalk(row, lane, lanes);
  for (int column = 2 * lane; column < end; column += 2 * lanes) {
    bool hasSecond = hasSecondClass(column);
    vec2 v = teacherPair(alongTeacher);
    vec2 z = studentPair(alongStudent);
    includeClass(maxima, differences, z.x, v.x);
    includeClass(maxima, differences, select(hasSecond, z.y, z.x), select(hasSecond, v.y, v.x));
    advance(alongTeacher);
    advance(alongStudent);
  }
#if TARGETS == LOGITS
  maxima.spread = max(maxima.spread, spreadOf(differences, referenceOf(maxima)));
#endif
  return maxima;
}
