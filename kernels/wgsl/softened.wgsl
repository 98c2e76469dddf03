// Probabilities P that are softened, MATH (33)-(36): their logarithms are a teacher's logits, as if these had been given, and the divergence brings what comes of them to S,
// the sum of P. Variants without SOFTENED read what was given, and have nothing of this.

const SMALLEST_MASS_BITS = 0x00800000u;  // of the least normal number: below it P counts as 0
const LEAST_LOGARITHM = -88.0;           // below that of any P
const MINUS_ZERO_BITS = 0x80000000u;
const ROUNDING_OF_SUM = 1e-6;            // S this close to 1 is 1

var<private> given: vec4<f32>;      // the lane's sum of P
var<private> givenOfTeam: f32;
var<private> givenMass: f32;        // S of MATH (33)

// The bits of the teacher's logits.
fn teacherBits(k: u32) -> vec4<u32> {
  let bits = givenBits(k);
  if (SOFTENED) {
    return logarithmBits(bits);
  }
  return bits;
}

// -Infinity where there is no mass, NaN where P is no probability.
fn logarithmBits(bits: vec4<u32>) -> vec4<u32> {
  let p = bitcast<vec4<f32>>(clamp(bits, vec4(SMALLEST_MASS_BITS), vec4(INFINITY_BITS - 1u)));
  let isNone = (bits < vec4(SMALLEST_MASS_BITS)) | (bits == vec4(MINUS_ZERO_BITS));
  let logarithms = select(bitcast<vec4<u32>>(log(p)), vec4(MINUS_INFINITY_BITS), isNone);
  return select(logarithms, vec4(NAN_BITS), (bits >= vec4(INFINITY_BITS)) & (bits != vec4(MINUS_ZERO_BITS)));
}

// P, and 0 where it counts as 0, is no probability or does not exist.
fn givenMasses(k: u32) -> vec4<f32> {
  let bits = givenBits(k);
  let isMass = present(k) & (bits >= vec4(SMALLEST_MASS_BITS)) & (bits < vec4(INFINITY_BITS));
  return bitcast<vec4<f32>>(select(vec4(0u), bits, isMass));
}

// A block by itself first: its sum is rounded once against all that came before.
fn collectGiven(first: u32) {
  var block = vec4(0.0);
  for (var k = first; k < first + VECTORS; k++) {
    block += givenMasses(k);
  }
  given += block;
}

fn mergeGiven() {
  if (!SOFTENED) {
    return;
  }
  givenOfTeam = teamSum(vec4(sumOf(given), 0.0, 0.0, 0.0)).x;
  givenMass = select(givenOfTeam, 1.0, abs(givenOfTeam - 1.0) <= ROUNDING_OF_SUM);
}

// x log x.
fn timesLog(x: f32) -> f32 {
  return x * log(max(x, SMALLEST));
}
