/* Elementary functions: largest error in units of the last place against libm in double, over the whole range of float, and special values.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/scalar_math.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define WRONG 1e9

/* Error of got in units of the last place of want; values that must be equal (NaN, infinities) are WRONG if they are not. */
static double ulps(float got, double want) {
  if (isnan(want) || isnan(got)) return isnan(want) && isnan(got) ? 0 : WRONG;
  const float w = (float)want;
  if (isinf(w) || isinf(got)) return w == got || (isinf(got) && fabs(want) > 3.40282346e38 && (got > 0) == (want > 0)) ? 0 : WRONG;
  const double unit = fabs(want) < 1.17549435e-38 ? 1.4012984643248171e-45 : ldexp(1, ilogb(want) - 23);
  return fabs((double)got - want) / unit;
}

static double sigmoid64(double x) { return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x)); }
static double softplus64(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }

typedef struct function { const char *name; float (*f)(float); double (*want)(double); double bound; } function;
static const function functions[] = {
  {"exp", ig_f32_exp, exp, 1.0}, {"expm1", ig_f32_expm1, expm1, 2.0}, {"log", ig_f32_log, log, 1.0}, {"log1p", ig_f32_log1p, log1p, 2.0},
  {"tanh", ig_f32_tanh, tanh, 2.0}, {"erf", ig_f32_erf, erf, 2.0}, {"sigmoid", ig_f32_sigmoid, sigmoid64, 3.0},
  {"softplus", ig_f32_softplus, softplus64, 3.0}, {"sin", ig_f32_sin, sin, 0.6}, {"cos", ig_f32_cos, cos, 0.6}, {"tan", ig_f32_tan, tan, 0.6},
  {"asin", ig_f32_asin, asin, 0.6}, {"acos", ig_f32_acos, acos, 0.6}, {"atan", ig_f32_atan, atan, 0.6}, {"sinh", ig_f32_sinh, sinh, 0.6},
  {"cosh", ig_f32_cosh, cosh, 0.6}, {"asinh", ig_f32_asinh, asinh, 0.6}, {"acosh", ig_f32_acosh, acosh, 0.6}, {"atanh", ig_f32_atanh, atanh, 0.6},
};

static void check(const function *f, float x) {
  const double error = ulps(f->f(x), f->want(x));
  if (error >= f->bound) fail_msg("%s(%a) = %a, expected %a: %g ulp", f->name, (double)x, (double)f->f(x), f->want(x), error);
}

/* Every pattern of bits in steps of a prime: all exponents, denormals, NaNs, both signs. */
static void whole_range(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    for (uint64_t u = 0; u < 1ull << 32; u += 4099) check(&functions[i], ig_f32_from_bits((uint32_t)u));
}

/* Where functions are used, and around the places where the formulas change. */
static void dense(void **state) {
  (void)state;
  static const float centres[] = {0,        0.625f,     0.925f,     1,           -1,         4,        88.72f,    -87.33f,
                                  -103.97f, 1.5707964f, 3.1415927f, 0.70710677f, 1.4142135f, 0.34657f, -0.34657f, 134217728.0f};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    for (float x = -20; x < 20; x += 0.00317f) check(&functions[i], x);
    for (size_t c = 0; c < sizeof centres / sizeof *centres; c++)
      for (uint32_t d = 0; d < 400; d++) check(&functions[i], ig_f32_from_bits(ig_f32_bits(centres[c]) + d - 200u * (centres[c] != 0)));
  }
}

static void special_values(void **state) {
  (void)state;
  static const float xs[] = {0.0f, -0.0f, 1e-45f, -1e-45f, 1.17549435e-38f, 3.40282346e38f, -3.40282346e38f, 1.0f, -1.0f, INFINITY, -INFINITY, NAN};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    for (size_t k = 0; k < sizeof xs / sizeof *xs; k++) check(&functions[i], xs[k]);
  static float (*const odd[])(float) = {ig_f32_expm1, ig_f32_log1p, ig_f32_tanh, ig_f32_erf,   ig_f32_sin,  ig_f32_tan,
                                        ig_f32_asin,  ig_f32_atan,  ig_f32_sinh, ig_f32_asinh, ig_f32_atanh};
  for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
    assert_int_equal(ig_f32_bits(odd[i](-0.0f)), 0x80000000u);
    assert_int_equal(ig_f32_bits(odd[i](0.0f)), 0);
  }
}

static void two_arguments(void **state) {
  (void)state;
  static const float xs[] = {0.0f, -0.0f, 1,      -1,     2,          -2,          0.5f,        -0.5f,    3,         -3,
                             2.5f, 1e30f, -1e30f, 1e-40f, 8388609.0f, -8388609.0f, 16777216.0f, INFINITY, -INFINITY, NAN};
  const size_t n = sizeof xs / sizeof *xs;
  for (size_t i = 0; i < n * n; i++) {
    const float x = xs[i / n], y = xs[i % n];
    assert_true(ulps(ig_f32_pow(x, y), pow(x, y)) < 0.6);
    assert_true(ulps(ig_f32_atan2(x, y), atan2(x, y)) < 0.6);
  }
  uint32_t s = 1;
  for (int i = 0; i < 200000; i++) {
    s = s * 1664525u + 1013904223u;
    const float x = i & 1 ? 0.5f + (float)(s >> 20) / 1024.0f : ig_f32_from_bits(s);
    s = s * 1664525u + 1013904223u;
    const float y = i & 1 ? (float)(int32_t)s / 4e7f : ig_f32_from_bits(s);
    assert_true(ulps(ig_f32_pow(x, y), pow(x, y)) < 0.6);
    assert_true(ulps(ig_f32_atan2(x, y), atan2(x, y)) < 0.6);
  }
  assert_true(ig_f32_pow(3.0f, 4.0f) == 81.0f && ig_f32_pow(-2.0f, 3.0f) == -8.0f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(whole_range), cmocka_unit_test(dense), cmocka_unit_test(special_values),
                                     cmocka_unit_test(two_arguments)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
