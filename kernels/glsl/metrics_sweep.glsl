// What the metrics of MATH (28)-(32) are made of, for a lane's classes. `place` of a class is C - i, so that
// of equal values the first has the largest place.

// The largest v and its place, the largest z and its place.
const vec4 NO_TOPS = vec4(LOWEST, 0.0, LOWEST, 0.0);

vec2 higher(vec2 top, float x, float place) {
  return mix(top, vec2(x, place), bvec2(isFinite(x) && x > top.x));
}

vec4 sweepTops(int row, int lane, int lanes) {
  vec4 tops = NO_TOPS;
  Walk alongTeacher = teacherWalk(row, lane, lanes);
  Walk alongStudent = studentWalk(row, lane, lanes);
  for (int column = 2 * lane; column < classes; column += 2 * lanes) {
    vec2 v = givenPair(alongTeacher);  // logarithms may be equal where probabilities are not
    vec2 z = studentPair(alongStudent);
    bool hasSecond = column + 1 < classes;
    float place = float(classes - column);
    tops.xy = higher(tops.xy, v.x, place);
    tops.zw = higher(tops.zw, z.x, place);
    tops.xy = higher(tops.xy, select(hasSecond, v.y, v.x), place - 1.0);
    tops.zw = higher(tops.zw, select(hasSecond, z.y, z.x), place - 1.0);
    advance(alongTeacher);
    advance(alongStudent);
  }
  return tops;
}

#if LABELS == DISTRIBUTION
vec4 sweepLabelTop(int row, int lane, int lanes) {
  vec4 tops = NO_TOPS;
  Walk alongLabels = labelWalk(row, lane, lanes);
  for (int column = 2 * lane; column < classes; column += 2 * lanes) {
    vec2 label = labelPair(alongLabels);
    bool hasSecond = column + 1 < classes;
    tops.xy = higher(tops.xy, label.x, float(classes - column));
    tops.xy = higher(tops.xy, select(hasSecond, label.y, label.x), float(classes - column - 1));
    advance(alongLabels);
  }
  return tops;
}
#endif

// Of p: sv, A, B, and by the sign (see `flagged`) whether p > 0 meets a masked student; in a near row sv, M,
// B, R.
void addFarTeacher(
  inout vec4 sums,
  inout bool isUnbounded,
  float z,
  float v,
  float share,
  Maxima maxima,
  vec2 inverseT
) {
  Term term = farTermOf(z, v, share, maxima, inverseT);
  bool isLacking = isInfinite(term);
  isUnbounded = isUnbounded || isLacking;
  sums.xyz += vec3(term.w, select(isLacking, 0.0, -term.w * term.a), -term.w * term.b);
}

void addNearTeacher(
  inout vec4 sums,
  float z,
  float v,
  float share,
  Maxima maxima,
  float reference,
  vec2 inverseT
) {
  Term term = nearTermOf(z, v, share, maxima, reference, inverseT);
  sums += term.w * vec4(1.0, term.y, -term.b, term.rest);
}

// Two loops, of which a row goes through one, as in sums_sweep.glsl.
vec4 sweepTeacher(int row, int lane, int lanes, Maxima maxima, vec2 inverseT) {
  vec4 sums = vec4(0.0);
  bool isUnbounded = false;
  Walk alongTeacher = teacherWalk(row, lane, lanes);
  Walk alongStudent = studentWalk(row, lane, lanes);
  int end = isNear(maxima, inverseT) ? 0 : classes;
  for (int column = 2 * lane; column < end; column += 2 * lanes) {
    vec2 v = teacherPair(alongTeacher);
    vec2 z = studentPair(alongStudent);
    bool hasSecond = column + 1 < classes;
    addFarTeacher(sums, isUnbounded, z.x, v.x, 1.0, maxima, inverseT);
    z.x = select(hasSecond, z.y, z.x);
    v.x = select(hasSecond, v.y, v.x);
    addFarTeacher(sums, isUnbounded, z.x, v.x, float(hasSecond), maxima, inverseT);
    advance(alongTeacher);
    advance(alongStudent);
  }
#if TARGETS == LOGITS
  float reference = referenceOf(maxima);
  end = classes - end;
  for (int column = 2 * lane; column < end; column += 2 * lanes) {
    vec2 v = teacherPair(alongTeacher);
    vec2 z = studentPair(alongStudent);
    bool hasSecond = column + 1 < classes;
    addNearTeacher(sums, z.x, v.x, 1.0, maxima, reference, inverseT);
    z.x = select(hasSecond, z.y, z.x);
    v.x = select(hasSecond, v.y, v.x);
    addNearTeacher(sums, z.x, v.x, float(hasSecond), maxima, reference, inverseT);
    advance(alongTeacher);
    advance(alongStudent);
  }
#endif
  return vec4(sums.xyz, flagged(sums.w, isUnbounded));
}

// Of q: sz, D; of r: s1.
vec4 sweepStudent(int row, int lane, int lanes, Maxima maxima, vec2 inverseT) {
  vec4 sums = vec4(0.0);
  Walk alongStudent = studentWalk(row, lane, lanes);
  for (int column = 2 * lane; column < classes; column += 2 * lanes) {
    vec2 z = studentPair(alongStudent);
    for (int k = 0; k < 2; k++) {
      float share = float(column + k < classes);
      float below = select(share == 0.0 || isMasked(z[k]), NO_LOGARITHM, z[k] - maxima.student);
      float a = max(below * inverseT.x, NO_LOGARITHM);
      float u = mass(a) * share;
      sums += vec4(u, -u * a, 0.0, mass(below) * share);
    }
    advance(alongStudent);
  }
  return sums;
}
