// The team's statistics from its lanes', by MATH (19), and what follows from them.

var<private> logSz: f32;
var<private> logSv: f32;
var<private> perSz: f32;           // 1/sz
var<private> perSv: f32;           // 1/sv for logits, 1 for probabilities
var<private> mass: f32;            // S of MATH (3); 1 of what is softened, see softened.wgsl
var<private> totalSz: f32;
var<private> totalSv: f32;
var<private> totalSoft: f32;       // in natural units
var<private> highestOfTeam: f32;
var<private> lowestOfTeam: f32;
var<private> reference: f32;       // d_ref of MATH (20), the middle of the range of d
var<private> isNear: bool;
var<private> studentLacksMass: bool;
var<private> teacherLacksMass: bool;

const STUDENT_LACKS = 1.0;
const TEACHER_LACKS = 2048.0;      // more than there are lanes: two counts in one sum

fn counts(lacking: f32, maximum: f32, perT: f32) -> bool {
  return lacking > LOWEST && max((lacking - maximum) * perT, ABYSS) >= EXP_FLOOR;
}

fn mergeTeam() {
  let top = teamMax(vec4(select(mz, HIGHEST, invalid), mv, maxOf(highest), maxOf(-lowest)));
  invalid = top.x >= HIGHEST;
  if (!invalid) {
    if (top.x > mz) {
      raiseStudent(top.x);
    }
    if (top.y > mv) {
      raiseTeacher(top.y);
    }
  }
  highestOfTeam = top.z;
  lowestOfTeam = -top.w;
  // A probability that the student lacks is lacked whatever its size.
  let studentLack = select(studentLacks > LOWEST, counts(studentLacks, mv, inverseTeacherT()), TARGETS == LOGITS);
  let lacks = select(0.0, STUDENT_LACKS, studentLack) + select(0.0, TEACHER_LACKS, counts(teacherLacks, mz, inverseT));
  let sums = teamSum(vec4(sumOf(sz), sumOf(sv), sumOf(soft), lacks));
  totalSz = sums.x;
  totalSv = sums.y;
  totalSoft = sums.z * LN_2;
  teacherLacksMass = sums.w >= TEACHER_LACKS;
  studentLacksMass = sums.w - floor(sums.w / TEACHER_LACKS) * TEACHER_LACKS > 0.5;
  mergeHard();
  mergeGiven();
  logSz = log(max(totalSz, SMALLEST));
  perSz = 1.0 / max(totalSz, SMALLEST);
  if (TARGETS == LOGITS) {
    logSv = log(max(totalSv, SMALLEST));
    perSv = 1.0 / max(totalSv, SMALLEST);
    mass = 1.0;
  } else {
    logSv = 0.0;
    perSv = 1.0;
    mass = totalSv;
  }
  reference = rounded(vec4(0.5 * highestOfTeam + 0.5 * lowestOfTeam)).x;
  isNear = NEEDS_RANGE && hasOneTemperature() && !invalid && highestOfTeam < HIGHEST && (highestOfTeam - lowestOfTeam) * inverseT <= 2.0 * NEAR;
}
