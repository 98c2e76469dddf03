/*
 * The job of the row pass in C, as a measure for kernels/wasm: value and gradient of -sum p log q for finite logits, MATH (3), (12)-(15).
 * No masks, no near rows, no options. exp is the kernel's: 2^y by a polynomial of degree 5, because gcc does not vectorise expf without its library.
 *
 *     gcc -O3 -march=native -ffast-math native.c -o native && ./native 64 32000
 *
 * Prints the median time of a call in milliseconds of this thread's processor time, after checking the result against float64.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BLOCK = 256 };

static const float TEMPERATURE = 2;

static inline float exp2_nonpositive(float y) {
    y = y > -126 ? y : -126;
    const float n = rintf(y);
    const float f = y - n;
    const float high = f * 0.0013162917457520962f + 0.009671447798609734f;
    const float middle = f * 0.05551088601350784f + 0.24022243916988373f;
    float p = high * (f * f) + middle;
    p = p * f + 0.6931467056274414f;
    p = p * f + 1;
    union {
        int32_t bits;
        float value;
    } power = {((int32_t)n + 127) << 23};
    return p * power.value;
}

static float maximum(const float *restrict x, int classes) {
    float largest = x[0];
    for (int i = 1; i < classes; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

/* One row: u and w are room for exp((z - mz)/T) and exp((v - mv)/T). Returns the loss. */
static double row_pass(const float *restrict v, const float *restrict z, float *restrict gradient, float *restrict w, int classes) {
    const float to_log2 = (float)(M_LOG2E / TEMPERATURE);
    const float mz = maximum(z, classes);
    const float mv = maximum(v, classes);
    double sum_student = 0, sum_teacher = 0, cross = 0;
    for (int start = 0; start < classes; start += BLOCK) {
        const int end = start + BLOCK < classes ? start + BLOCK : classes;
        float su = 0, sw = 0, sx = 0;
        for (int i = start; i < end; i++) {
            const float a = (z[i] - mz) * to_log2;
            const float ui = exp2_nonpositive(a);
            const float wi = exp2_nonpositive((v[i] - mv) * to_log2);
            gradient[i] = ui;
            w[i] = wi;
            su += ui;
            sw += wi;
            sx += wi * a;
        }
        sum_student += su;
        sum_teacher += sw;
        cross += sx;
    }
    const float to_u = (float)(1 / (TEMPERATURE * sum_student));
    const float to_w = (float)(1 / (TEMPERATURE * sum_teacher));
    for (int i = 0; i < classes; i++) gradient[i] = gradient[i] * to_u - w[i] * to_w;
    return log(sum_student) - M_LN2 * cross / sum_teacher;
}

/* Largest error of the first row: of its gradient times T, and of its loss relative to max(1, loss). */
static double error_of_first_row(const float *v, const float *z, const float *gradient, double loss, int classes) {
    double mz = z[0], mv = v[0], sz = 0, sv = 0, cross = 0, worst = 0;
    for (int i = 0; i < classes; i++) {
        mz = fmax(mz, z[i]);
        mv = fmax(mv, v[i]);
    }
    for (int i = 0; i < classes; i++) {
        sz += exp((z[i] - mz) / TEMPERATURE);
        sv += exp((v[i] - mv) / TEMPERATURE);
        cross += exp((v[i] - mv) / TEMPERATURE) * (z[i] - mz) / TEMPERATURE;
    }
    const double truth = log(sz) - cross / sv;
    for (int i = 0; i < classes; i++) {
        const double slope = exp((z[i] - mz) / TEMPERATURE) / sz - exp((v[i] - mv) / TEMPERATURE) / sv;
        worst = fmax(worst, fabs(gradient[i] * TEMPERATURE - slope));
    }
    return fmax(worst, fabs(loss - truth) / fmax(1, truth));
}

/* Uniform in [-6, 6); native.ts makes the same numbers. */
static uint32_t state = 1503;
static float next_logit(void) {
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) * (12.0f / 16777216.0f) - 6.0f;
}

static double milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1e3 + now.tv_nsec * 1e-6;
}

static int ascending(const void *a, const void *b) {
    const double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

int main(int count, char **arguments) {
    if (count != 3) {
        fprintf(stderr, "usage: native ROWS CLASSES\n");
        return 2;
    }
    const int rows = atoi(arguments[1]), classes = atoi(arguments[2]);
    const size_t size = (size_t)rows * classes;
    float *v = malloc(size * 4), *z = malloc(size * 4), *gradient = malloc(size * 4), *w = malloc((size_t)classes * 4);
    if (!v || !z || !gradient || !w) return 2;
    for (size_t i = 0; i < size; i++) v[i] = next_logit();
    for (size_t i = 0; i < size; i++) z[i] = next_logit();
    memset(gradient, 0, size * 4);

    const double loss = row_pass(v, z, gradient, w, classes);
    const double error = error_of_first_row(v, z, gradient, loss, classes);
    if (!(error <= 2e-6)) {
        fprintf(stderr, "native: off by %g\n", error);
        return 1;
    }

    enum { SAMPLES = 25 };
    double times[SAMPLES], total = 0;
    const int calls = 1 + (int)(4e6 / size);
    for (int sample = 0; sample < SAMPLES; sample++) {
        const double start = milliseconds();
        for (int call = 0; call < calls; call++)
            for (int n = 0; n < rows; n++) total += row_pass(v + (size_t)n * classes, z + (size_t)n * classes, gradient + (size_t)n * classes, w, classes);
        times[sample] = (milliseconds() - start) / calls;
    }
    qsort(times, SAMPLES, sizeof *times, ascending);
    printf("%.5f %.9g\n", times[SAMPLES / 2], total / calls / SAMPLES);
    return 0;
}
