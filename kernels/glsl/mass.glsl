// S of MATH (33), which the program of write_masses.glsl has left in texels.

#if SOFTENED
float mixtureBeta;  // beta' of MATH (35), of the row that startMass was called for

// 1 where the rounding of p alone keeps S from it.
float startMass(int row) {
  float sum = texelAt(massTexels, row).r;
  float mass = select(abs(sum - 1.0) <= ROUNDING_OF_SUM, 1.0, sum);
  mixtureBeta = beta * mass / (beta * mass + (1.0 - beta));
  return mass;
}

float timesLog(float x) {
  return x * log(select(x == 0.0, 1.0, x));
}
#else
#define mixtureBeta beta
#endif
