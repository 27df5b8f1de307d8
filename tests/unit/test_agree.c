/* The rules of agreement: each passes at its bound and fails just over it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "cli/agree.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static agree_result compare(ig_dtype d, int64_t n, const void *a, const void *b, agree_rule rule) {
  int64_t dims[] = {n};
  const ig_tensor x = {.data = (void *)(uintptr_t)a, .device_type = 1, .rank = 1, .dtype = d, .dims = dims},
                  y = {.data = (void *)(uintptr_t)b, .device_type = 1, .rank = 1, .dtype = d, .dims = dims};
  agree_result r;
  agree_compare(&x, &y, &rule, &r);
  return r;
}

static const agree_rule standard = {.elementwise = false};

static void test_floats(void **state) {
  (void)state;
  const double b[] = {1000, 0, -5}, at[] = {1001, 1, -5}, over[] = {1000, 0, -6.01};
  assert_true(compare(IG_DTYPE_F64, 3, at, b, standard).ok);
  const agree_result r = compare(IG_DTYPE_F64, 3, over, b, standard);
  assert_false(r.ok);
  assert_int_equal(r.worst, 2);
  assert_true(fabs(r.max_diff - 1.01) < 1e-12 && r.max_reference == 1000);
  assert_false(compare(IG_DTYPE_F64, 3, at, b, (agree_rule){.elementwise = true, .atol = 0.5, .rtol = 1e-3}).ok);
  assert_true(compare(IG_DTYPE_F64, 3, at, b, (agree_rule){.elementwise = true, .atol = 1, .rtol = 0}).ok);
  assert_int_equal(compare(IG_DTYPE_F64, 3, at, b, (agree_rule){.elementwise = true, .atol = 0.5, .rtol = 0}).n_over, 2);
}

static void test_not_finite(void **state) {
  (void)state;
  const float b[] = {NAN, INFINITY, 1}, moved[] = {1, INFINITY, NAN}, sign[] = {NAN, -INFINITY, 1};
  assert_true(compare(IG_DTYPE_F32, 3, b, b, standard).ok);
  assert_false(compare(IG_DTYPE_F32, 3, moved, b, standard).ok);
  assert_false(compare(IG_DTYPE_F32, 3, sign, b, standard).ok);
  assert_false(compare(IG_DTYPE_F32, 3, sign, b, (agree_rule){.elementwise = true, .atol = 1e30, .rtol = 1e30}).ok);
}

static void test_integers(void **state) {
  (void)state;
  static int32_t a[2000], b[2000];
  assert_true(compare(IG_DTYPE_I32, 2000, a, b, standard).ok);
  a[7] = 1000000, a[9] = -1;
  assert_true(compare(IG_DTYPE_I32, 2000, a, b, standard).ok);
  a[11] = 1;
  const agree_result r = compare(IG_DTYPE_I32, 2000, a, b, standard);
  assert_false(r.ok);
  assert_int_equal(r.n_over, 3);
  assert_int_equal(r.worst, 7);
  const int64_t big[] = {INT64_MAX}, near[] = {INT64_MAX - 1};
  assert_false(compare(IG_DTYPE_I64, 1, big, near, standard).ok);
  const uint8_t i4[] = {0x8f}, other[] = {0x8e};
  assert_true(compare(IG_DTYPE_I4, 2, i4, i4, standard).ok);
  assert_false(compare(IG_DTYPE_I4, 2, i4, other, standard).ok);
  const int64_t dims[] = {2};
  const ig_tensor t = {.data = (void *)(uintptr_t)i4, .rank = 1, .dtype = IG_DTYPE_I4, .dims = (int64_t *)(uintptr_t)dims};
  assert_true(agree_element(&t, 0) == -1 && agree_element(&t, 1) == -8);
}

static void test_form(void **state) {
  (void)state;
  float x[] = {1, 2};
  int64_t d2[] = {2}, d12[] = {1, 2};
  const ig_tensor a = {.data = x, .rank = 1, .dtype = IG_DTYPE_F32, .dims = d2}, b = {.data = x, .rank = 2, .dtype = IG_DTYPE_F32, .dims = d12},
                  c = {.data = x, .rank = 1, .dtype = IG_DTYPE_I32, .dims = d2};
  agree_result r;
  agree_compare(&a, &b, &standard, &r);
  assert_string_equal(r.why, "the shapes differ");
  agree_compare(&a, &c, &standard, &r);
  assert_string_equal(r.why, "the types differ");
  const float p[] = {1, 2, 3, 4}, q[] = {1, 2, 3, 5};
  assert_false(compare(IG_DTYPE_C64, 2, p, q, standard).ok);
  assert_int_equal(compare(IG_DTYPE_C64, 2, p, q, standard).worst, 1);
}

/* A quantised network's outputs: the direction counts. Its steps: one quantisation step, seldom. */
static void test_quantised(void **state) {
  (void)state;
  const agree_rule whole = {.cosine = 0.99};
  const float b[] = {1, 2, 0}, at[] = {1.2f, 2, 0.2f}, over[] = {1, 2, 0.4f}, none[] = {0, 0, 0}, nan[] = {1, 2, NAN}, inf[] = {INFINITY, 1, 1}, twice[] = {INFINITY, 2, 2};
  assert_true(compare(IG_DTYPE_F32, 3, at, b, whole).ok);
  assert_false(compare(IG_DTYPE_F32, 3, at, b, standard).ok);
  assert_false(compare(IG_DTYPE_F32, 3, over, b, whole).ok);
  assert_false(compare(IG_DTYPE_F32, 3, none, b, whole).ok);
  assert_false(compare(IG_DTYPE_F32, 3, b, none, whole).ok);
  assert_true(compare(IG_DTYPE_F32, 3, none, none, whole).ok);
  assert_false(compare(IG_DTYPE_F32, 3, nan, b, whole).ok);
  assert_true(compare(IG_DTYPE_F32, 3, inf, twice, whole).ok);
  const int32_t far[] = {100, 0}, near[] = {99, 1};
  assert_true(compare(IG_DTYPE_I32, 2, far, near, whole).ok);

  const agree_rule step = {.quantised_step = true};
  static uint8_t x[2000], y[2000];
  x[3] = x[4] = 1;
  assert_true(compare(IG_DTYPE_U8, 2000, x, y, step).ok);
  x[4] = 2;
  assert_true(compare(IG_DTYPE_U8, 2000, x, y, standard).ok);
  assert_false(compare(IG_DTYPE_U8, 2000, x, y, step).ok);
  x[4] = x[5] = 1;
  assert_false(compare(IG_DTYPE_U8, 2000, x, y, step).ok);
}

/* A step that rounds within: one element in a thousand is as far off as the inner step takes it, none further. */
static void test_edges(void **state) {
  (void)state;
  const agree_rule step = {.quantised_step = true, .edge = 2}, within = {.quantised_step = true, .edge = 0.5};
  static uint8_t x[2000], y[2000];
  x[3] = 2, x[4] = 1;
  assert_true(compare(IG_DTYPE_U8, 2000, x, y, step).ok);
  assert_false(compare(IG_DTYPE_U8, 2000, x, y, within).ok);
  x[4] = 3;
  assert_false(compare(IG_DTYPE_U8, 2000, x, y, step).ok);
  static float f[2000], g[2000];
  f[0] = g[0] = 1;
  f[5] = 0.5f, f[6] = -0.5f;
  assert_true(compare(IG_DTYPE_F32, 2000, f, g, within).ok);
  assert_false(compare(IG_DTYPE_F32, 2000, f, g, standard).ok);
  assert_false(compare(IG_DTYPE_F32, 2000, f, g, (agree_rule){.quantised_step = true}).ok);
  f[5] = 0.502f;
  assert_false(compare(IG_DTYPE_F32, 2000, f, g, within).ok);
  f[5] = 0.5f, f[7] = 0.1f;
  const agree_result r = compare(IG_DTYPE_F32, 2000, f, g, within);
  assert_false(r.ok);
  assert_int_equal(r.n_over, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_floats), cmocka_unit_test(test_not_finite), cmocka_unit_test(test_integers), cmocka_unit_test(test_quantised), cmocka_unit_test(test_edges),
                                     cmocka_unit_test(test_form)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
