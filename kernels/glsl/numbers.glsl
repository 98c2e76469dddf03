// What GLSL may assume away or lacks: NaN and infinities by their bits, and functions near 0 by their series.

float notANumber() {
  return uintBitsToFloat(0x7fc00000u);
}

// +Infinity or -Infinity, by the sign of `factor`.
float infinity(float factor) {
  return uintBitsToFloat(factor < 0.0 ? 0xff800000u : 0x7f800000u);
}

// One of two values, never a branch: software renderers, and some GPUs, run both sides of a branch at more
// than their price.
float select(bool condition, float yes, float no) {
  return mix(no, yes, condition);
}

bool isMasked(float x) {
  return floatBitsToUint(x) == 0xff800000u;
}

// NaN or +Infinity.
bool isNotANumber(float x) {
  uint bits = floatBitsToUint(x);
  return (bits & 0x7f800000u) == 0x7f800000u && bits != 0xff800000u;
}

bool isFinite(float x) {
  return (floatBitsToUint(x) & 0x7f800000u) != 0x7f800000u;
}

// Negative where x is not finite.
ivec2 exponentCarry(vec2 x) {
  return (floatBitsToInt(x) & 0x7fffffff) + 0x00800000;
}

// exp(x), and 0 where a class has no mass.
float mass(float x) {
  return exp(x) * float(x >= EXP_FLOOR);
}

// A sum or difference as it was rounded. Compilers that may reorder sums (those of Mesa, and of Metal by its
// default) take (z - v) - z for -v, and would leave nothing of a rounding error; none of them sees through
// this maximum, which changes no number that comes here.
float rounded(float x) {
  return max(x, LOWEST);
}

// (d, e) with d + e = z - v exactly: Knuth's TwoSum.
vec2 difference(float z, float v) {
  float d = rounded(z - v);
  float c = rounded(d - z);
  return vec2(d, rounded(z - rounded(d - c)) - rounded(v + c));
}

// expm1(y) - y for |y| <= 1/8.
float expm1Rest(float y) {
  return y * y * (0.5 + y * (1.0 / 6.0 + y * (1.0 / 24.0 + y * (1.0 / 120.0 + y * (1.0 / 720.0)))));
}

// |x| <= 0.3.
float expm1Series(float x) {
  return x * (1.0 + x * (1.0 / 2.0 + x * (1.0 / 6.0 + x * (1.0 / 24.0
    + x * (1.0 / 120.0 + x * (1.0 / 720.0 + x * (1.0 / 5040.0)))))));
}

// log(1 + s) = 2 atanh(s / (2 + s)) for |s| <= 0.4.
float log1pSeries(float s) {
  float r = s / (2.0 + s);
  float r2 = r * r;
  return 2.0 * r * (1.0 + r2 * (1.0 / 3.0 + r2 * (1.0 / 5.0 + r2 * (1.0 / 7.0 + r2 * (1.0 / 9.0)))));
}

// s - log(1 + s) for |s| <= 0.15.
float log1pRest(float s) {
  return s * s * (1.0 / 2.0 - s * (1.0 / 3.0 - s * (1.0 / 4.0 - s * (1.0 / 5.0
    - s * (1.0 / 6.0 - s * (1.0 / 7.0 - s * (1.0 / 8.0 - s * (1.0 / 9.0))))))));
}

// h(s) = (1 + s) log(1 + s) - s of MATH (26) for |s| <= 0.35.
float hSeries(float s) {
  return s * s * (1.0 / 2.0 - s * (1.0 / 6.0 - s * (1.0 / 12.0 - s * (1.0 / 20.0 - s * (1.0 / 30.0
    - s * (1.0 / 42.0 - s * (1.0 / 56.0 - s * (1.0 / 72.0 - s * (1.0 / 90.0 - s * (1.0 / 110.0
    - s * (1.0 / 132.0 - s * (1.0 / 156.0))))))))))));
}
