// The names that the header of a program uses, and the thresholds of MATH.md.

#define LOGITS 0
#define PROBABILITIES 1

#define NO_LABELS 0
#define CLASS_IDS 1
#define DISTRIBUTION 2

#define TO_STUDENT 0
#define TO_TEACHER 1

// Where the statistics of a row come from: this program sweeps the row; texels of sums that lanes left;
// texels of finished statistics.
#define SWEEP 0
#define CELLS 1
#define STATISTICS 2

// By their bits: ANGLE in Firefox reads a literal with an exponent below -37 as 0. Not constants, since
// glslang takes no such initializer for constant.
#define SMALLEST uintBitsToFloat(0x0082ab1eu)              // 1.2e-38
#define SMALLEST_PROBABILITY uintBitsToFloat(0x00800000u)  // 2^-126, MATH (33)

const float EXP_FLOOR = -87.0;  // MATH.md, "Rows that are not finite"
const float NEAR = 0.125;       // MATH (20)
const float FAR = 3.4e38;
const float LOWEST = -3.4e38;
const float NO_LOGARITHM = -1e30;  // stands for log 0, finite so that 0 times it is 0
#if HALF_TEXTURES
const float ROUNDING_OF_SUM = 2e-3;
#else
const float ROUNDING_OF_SUM = 1e-6;
#endif
const float ROUNDING = 3e-7;      // of a quotient
const float INVALID = 1000.0;   // in place of a log sum: the row is NaN. log sums lie in [-1, 20].

// Of Maxima.flags.
const int NOT_A_NUMBER = 1;
const int HAS_STUDENT = 2;
const int HAS_TEACHER = 4;
const int HAS_MASKS = 8;  // some class is not finite
