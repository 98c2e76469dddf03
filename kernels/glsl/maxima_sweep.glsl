// The first sweep: the maxima of a lane's classes.

void includeClass(inout Maxima maxima, float z, float v, vec2 reference, float inverseT) {
  if (isNotANumber(z) || isNotANumber(v)) {
    maxima.flags |= NOT_A_NUMBER;
    return;
  }
  bool hasStudent = !isMasked(z);
  bool hasTeacher = !isMasked(v);
  if (hasStudent) {
    maxima.student = max(maxima.student, z);
    maxima.flags |= HAS_STUDENT;
  }
#if TARGETS == LOGITS
  if (hasTeacher) {
    maxima.teacher = max(maxima.teacher, v);
    maxima.flags |= HAS_TEACHER;
  }
  if (hasStudent && hasTeacher) {
    maxima.spread = min(max(maxima.spread, abs(nearness(z, v, reference, inverseT))), FAR);
  } else if (hasStudent != hasTeacher) {
    maxima.spread = FAR;
  }
#else
  if (!hasTeacher) maxima.flags |= NOT_A_NUMBER;
#endif
}

Maxima sweepMaxima(int row, int lane, int lanes, float inverseT) {
  Maxima maxima = NO_MAXIMA;
  vec2 reference = vec2(0.0);
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
    vec2 v = pairAt(teacher, TEACHER_PACKED, alongTeacher);
    vec2 z = pairAt(student, STUDENT_PACKED, alongStudent);
    includeClass(maxima, z.x, v.x, reference, inverseT);
    if (column + 1 < classes) includeClass(maxima, z.y, v.y, reference, inverseT);
    advance(alongTeacher);
    advance(alongStudent);
  }
  return maxima;
}
