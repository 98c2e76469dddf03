// The first sweep: the maxima of a lane's classes.

void includeClass(inout Maxima maxima, float z, float v, float reference, float inverseT) {
  bool hasStudent = isFinite(z);
  bool hasTeacher = isFinite(v);
  maxima.student = max(maxima.student, select(hasStudent, z, LOWEST));
  maxima.flags |= (isNotANumber(z) || isNotANumber(v) ? NOT_A_NUMBER : 0) | (hasStudent ? HAS_STUDENT : 0);
#if TARGETS == LOGITS
  maxima.teacher = max(maxima.teacher, select(hasTeacher, v, LOWEST));
  maxima.flags |= hasTeacher ? HAS_TEACHER : 0;
  float y = select(hasStudent && hasTeacher, abs(nearness(z, v, reference, inverseT)), 0.0);
  maxima.spread = max(maxima.spread, select(hasStudent == hasTeacher, min(y, FAR), FAR));
#else
  maxima.flags |= hasTeacher ? 0 : NOT_A_NUMBER;
#endif
}

Maxima sweepMaxima(int row, int lane, int lanes, float inverseT) {
  Maxima maxima = NO_MAXIMA;
  float reference = 0.0;
#if TARGETS == LOGITS
  reference = referenceOf(row);
#else
  maxima.teacher = 0.0;
  maxima.spread = FAR;
  maxima.flags = HAS_TEACHER;
#endif
  Walk alongTeacher = teacherWalk(row, lane, lanes);
  Walk alongStudent = studentWalk(row, lane, lanes);
  for (int column = 2 * lane; column < classes; column += 2 * lanes) {
    vec2 v = teacherPair(alongTeacher);
    vec2 z = studentPair(alongStudent);
    bool hasSecond = column + 1 < classes;
    includeClass(maxima, z.x, v.x, reference, inverseT);
    includeClass(maxima, select(hasSecond, z.y, z.x), select(hasSecond, v.y, v.x), reference, inverseT);
    advance(alongTeacher);
    advance(alongStudent);
  }
  return maxima;
}
