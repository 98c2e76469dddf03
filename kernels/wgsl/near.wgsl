// Rows in which teacher and student nearly agree: MATH (20)-(22), in a sweep that only such rows make.

override NEEDS_RANGE: bool = TARGETS == LOGITS && (SOFT_NEEDS_RANGE || GRADIENT != 0u);

var<private> lambda: f32;
var<private> rho: f32;
var<private> meanShift: f32;       // s of MATH (22)
var<private> meanQ: f32;           // Q/sv of MATH (26)

// The rounding error of d = z - v, by TwoSum. Every step is `rounded`, see there.
fn roundingError(z: vec4<f32>, v: vec4<f32>, d: vec4<f32>) -> vec4<f32> {
  let c = rounded(d - z);
  return rounded(z - rounded(d - c)) - rounded(v + c);
}

// y of MATH (20); held where the series are good, which only classes without mass would leave.
fn disagreement(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  let d = rounded(z - v);
  let y = (rounded(d - reference) + roundingError(z, v, d)) * inverseT;
  return clamp(y, vec4(-2.0 * NEAR), vec4(2.0 * NEAR));
}

fn nearTerms(z: vec4<f32>, v: vec4<f32>) -> vec4<f32> {
  let w = exp2(scaledTeacher(v));
  let y = disagreement(z, v);
  let remainder = expm1MinusX(y);
  return vec4(sumOf(w * y), sumOf(w * remainder), sumOf(w * (y + remainder) * y), 0.0);
}

// One vector at a time: such rows are few, and their blocks are in cache.
fn sweepNear(first: u32, end: u32) -> vec4<f32> {
  var sums = vec4(0.0);
  if (isNear) {
    for (var k = end * VECTORS; k > first * VECTORS; k--) {
      sums += nearTerms(toStudent(k - 1u, studentBits(k - 1u)), toTeacher(k - 1u, teacherBits(k - 1u)));
    }
  }
  return sums;
}

fn finishNear(sums: vec4<f32>) {
  let means = sums * perSv;
  rho = means.y;
  meanShift = means.x + means.y;
  meanQ = means.z;
  lambda = meanShift - xMinusLog1p(vec4(meanShift)).x;
}
