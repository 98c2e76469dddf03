// The second sweep: the sums of MATH (12), (13), (18), (21), which share the maxima of the first.

struct Sums {
  float teacher;  // sv, or S
  float student;  // sz; in a near row sum w expm1(y) instead
  float cross;    // what the divergence says
  float one;      // s1
  bool isInfinite;
};

// One class: a, b, u, w of MATH (12), NO_LOGARITHM and 0 where masked; in a near row y, and rest = expm1(y) -
// y.
struct Term {
  float a;
  float b;
  float u;
  float w;
  float y;
  float rest;
  bool hasStudent;
  bool hasTeacher;
};

// What follows from the sums: in a near row s of MATH (22).
struct Logarithms {
  bool isNear;
  float student;  // log sz
  float teacher;  // log sv; 0 for probabilities
  float s;
  float lambda;
};

// What the gradient needs of a row.
struct Statistics {
  bool isNear;
  bool isValid;
  float maxStudent;
  float maxTeacher;
  float logStudent;
  float logTeacher;
  float teacherSum;  // S
  float lambda;
  float level;       // what the divergence says
  float reference;   // of the y of a near row
  float logOne;      // log s1
  float labelSum;    // Y'
};

// One class in the gradient; x = log q - log p, of use where both sides have the class.
struct Class {
  float a;
  float p;
  float q;
  float x;
  float logQ;
  float excess;  // q - p, in a near row alone
  bool hasStudent;
  bool hasTeacher;
};

// Sums, LabelSums and Mixture as RGBA texels that add up channel by channel. Sums.isInfinite is the sign of
// s1, which is never negative, moved away from 0 by a step; the flags of LabelSums are counts.

const float FLAG_STEP = 6.103515625e-5;

float flagged(float sum, bool flag) {
  return flag ? -(sum + FLAG_STEP) : sum;
}

float unflagged(float sum) {
  return sum < 0.0 ? -sum - FLAG_STEP : sum;
}

vec4 addTexels(vec4 sum, vec4 texel) {
  float s1 = flagged(unflagged(sum.a) + unflagged(texel.a), sum.a < 0.0 || texel.a < 0.0);
  return vec4(sum.rgb + texel.rgb, s1);
}
