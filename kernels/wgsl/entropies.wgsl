// What the metrics sum in place of one divergence, MATH (16), (17): soft = sum w (b - a), as in kl.wgsl, and the entropies of both sides.

override NEEDS_TEACHER_LACKS: bool = false;
const SOFT_NEEDS_RANGE = true;

var<private> teacherSoft: vec4<f32>;  // sum of w (-b)
var<private> studentSoft: vec4<f32>;  // sum of u (-a)

fn softTerm(w: vec4<f32>, u: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  teacherSoft -= w * b;
  studentSoft -= u * a;
  return w * (b - a);
}

// Before its first class a side has seen differences of 0 alone.
fn startSoftStudent() {}

fn raiseSoftStudent(shift: f32, factor: f32) {
  soft += sv * shift;
  studentSoft = (studentSoft + sz * shift) * factor;
}

fn raiseSoftTeacher(shift: f32, factor: f32) {
  soft = (soft - sv * shift) * factor;
  teacherSoft = (teacherSoft + sv * shift) * factor;
}
