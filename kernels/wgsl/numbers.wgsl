// Numbers and series. Nothing here meets a NaN or an infinity: values are classified by bits when they are loaded.

const MINUS_INFINITY_BITS = 0xff800000u;
const NAN_BITS = 0x7fc00000u;
const INFINITY_BITS = 0x7f800000u;
const LOWEST = -3.4e38;          // stands for a class that does not exist or is masked
const LOWEST_BITS = 0xff7fc99eu; // of LOWEST
const HIGHEST = 3.4e38;
const SMALLEST = 1.2e-38;        // just above the least normal number: devices may take what is smaller for 0
const ROUNDING = 3e-7;           // of a quotient, relative
const EXP_FLOOR = -87.0;         // MATH.md, "Rows that are not finite"
const NEAR = 0.125;              // MATH (20)
const LOG2_E = 1.44269504;
const LN_2 = 0.69314718;

fn maxOf(x: vec4<f32>) -> f32 {
  return max(max(x.x, x.y), max(x.z, x.w));
}

fn sumOf(x: vec4<f32>) -> f32 {
  return (x.x + x.y) + (x.z + x.w);
}

fn isInvalid(bits: vec4<u32>) -> vec4<bool> {
  return ((bits & vec4(0x7fffffffu)) > vec4(INFINITY_BITS)) | (bits == vec4(INFINITY_BITS));
}

fn isNotFinite(bits: vec4<u32>) -> vec4<bool> {
  return (bits & vec4(INFINITY_BITS)) == vec4(INFINITY_BITS);
}

// A sum or difference as it was rounded. Compilers that may reorder sums (those of Mesa, and of Metal by its default) take (z - v) - z for -v, and
// would leave nothing of a rounding error; none of them sees through this maximum, which changes no number that comes here.
fn rounded(x: vec4<f32>) -> vec4<f32> {
  return max(x, vec4(LOWEST));
}

// exp(x) - 1 - x, for |x| <= 0.3.
fn expm1MinusX(x: vec4<f32>) -> vec4<f32> {
  return x * x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x * (1.0 / 120.0 + x * (1.0 / 720.0 + x * (1.0 / 5040.0 + x * (1.0 / 40320.0)))))));
}

fn expm1Small(x: vec4<f32>) -> vec4<f32> {
  return x + expm1MinusX(x);
}

// x - log(1 + x), for |x| <= 0.3.
fn xMinusLog1p(x: vec4<f32>) -> vec4<f32> {
  return x * x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x * (1.0 / 6.0 - x * (1.0 / 7.0 - x * (0.125 - x * (1.0 / 9.0 - x * (0.1 - x / 11.0)))))))));
}

// h of MATH (26): (1 + x) log(1 + x) - x, for |x| <= 0.3.
fn entropyGap(x: vec4<f32>) -> vec4<f32> {
  return x * x * (0.5 - x * (1.0 / 6.0 - x * (1.0 / 12.0 - x * (0.05 - x * (1.0 / 30.0 - x * (1.0 / 42.0 - x * (1.0 / 56.0 - x * (1.0 / 72.0 - x / 90.0))))))));
}

// x y, and 0 where x is 0.
fn times(x: vec4<f32>, y: vec4<f32>) -> vec4<f32> {
  return select(x * y, vec4(0.0), x == vec4(0.0));
}
