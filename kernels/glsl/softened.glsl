// Probabilities that are softened, MATH (33)-(36): their logarithms are a teacher's logits, and the
// divergence brings what comes of them to their sum S.

#if SOFTENED
// Of p as it was given.
float logit(float p) {
  float x = select(p < SMALLEST_PROBABILITY, uintBitsToFloat(0xff800000u), log(max(p, SMALLEST_PROBABILITY)));
  return select(isNotANumber(p) || isMasked(p) || p < 0.0, notANumber(), x);
}
#else
#define logit(x) x
#endif
