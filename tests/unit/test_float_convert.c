/* Storage conversions against tables made by ml_dtypes (float_tables_*.h), and half and bfloat16 against formulas that share nothing with
 * the implementation: every code, and the neighbourhood of every rounding point.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include "float_tables_e4m3.h"
#include "float_tables_e5m2.h"
#include "float_tables_others.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static uint32_t float_bits(float f) {
  uint32_t u;
  memcpy(&u, &f, 4);
  return u;
}

static float float_from(uint32_t u) {
  float f;
  memcpy(&f, &u, 4);
  return f;
}

/* Value of a code by the definition of IEEE 754's binary formats. */
static double define(uint32_t code, int n_exponent, int n_mantissa) {
  const int bias = (1 << (n_exponent - 1)) - 1;
  const int exponent = (int)(code >> n_mantissa) & ((1 << n_exponent) - 1);
  const double mantissa = code & ((1u << n_mantissa) - 1);
  const double sign = code >> (n_exponent + n_mantissa) ? -1 : 1;
  if (exponent == (1 << n_exponent) - 1) return mantissa > 0 ? NAN : sign * INFINITY;
  if (exponent == 0) return sign * mantissa * pow(2, 1 - bias - n_mantissa);
  return sign * (pow(2, n_mantissa) + mantissa) * pow(2, exponent - bias - n_mantissa);
}

typedef uint16_t (*encode64)(double d);
typedef uint16_t (*encode32)(float f);

/* Codes i and i + 1 and what lies between them; i + 1 may be infinity's, which then stands for the next power of two. */
static void check_between(uint32_t i, int n_exponent, int n_mantissa, encode64 from64, encode32 from32) {
  const double low = define(i, n_exponent, n_mantissa);
  const uint32_t infinity = ((1u << n_exponent) - 1) << n_mantissa;
  const double high = i + 1 < infinity ? define(i + 1, n_exponent, n_mantissa) : pow(2, 1 << (n_exponent - 1));
  const double middle = (low + high) / 2;
  const uint32_t even = i & 1 ? i + 1 : i;
  const uint32_t sign = 0x8000;
  assert_int_equal(from64(low), i);
  assert_int_equal(from64(-low), sign | i);
  assert_int_equal(from64(middle), even);
  assert_int_equal(from64(-middle), sign | even);
  assert_int_equal(from64(nextafter(middle, 0)), i);
  assert_int_equal(from64(nextafter(middle, INFINITY)), i + 1);
  assert_int_equal(from32((float)low), i);
  if ((float)middle == middle) {
    assert_int_equal(from32((float)middle), even);
    assert_int_equal(from32(nextafterf((float)middle, 0)), i);
    assert_int_equal(from32(nextafterf((float)middle, INFINITY)), i + 1);
  }
}

static void test_f16(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 65536; i++) {
    const double want = define(i, 5, 10);
    const float got = ig_f16_to_f32((uint16_t)i);
    if (isnan(want)) {
      assert_true(isnan(got));
      assert_true(isnan(ig_f16_to_f32(ig_f32_to_f16(got))));
      assert_int_equal(ig_f32_to_f16(got) & 0x8000, i & 0x8000);
    } else {
      assert_int_equal(float_bits(got), float_bits((float)want));
    }
  }
  for (uint32_t i = 0; i < 0x7c00; i++) check_between(i, 5, 10, ig_f64_to_f16, ig_f32_to_f16);
  for (uint64_t u = 0; u < UINT64_C(1) << 32; u += 4093)
    if (ig_f32_to_f16(float_from((uint32_t)u)) != ig_f64_to_f16((double)float_from((uint32_t)u))) fail_msg("float %08x", (unsigned)u);
  assert_int_equal(ig_f32_to_f16(INFINITY), 0x7c00);
  assert_int_equal(ig_f32_to_f16(-1e30f), 0xfc00);
  assert_int_equal(ig_f64_to_f16(5e-324), 0);
  assert_int_equal(ig_f64_to_f16(1e300), 0x7c00);
}

static void test_bf16(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 65536; i++) {
    const double want = define(i, 8, 7);
    const float got = ig_bf16_to_f32((uint16_t)i);
    if (isnan(want)) {
      assert_true(isnan(got));
      assert_true(isnan(ig_bf16_to_f32(ig_f32_to_bf16(got))));
      assert_true(isnan(ig_bf16_to_f32(ig_f64_to_bf16((double)got))));
    } else {
      assert_int_equal(float_bits(got), float_bits((float)want));
    }
  }
  assert_true(isnan(ig_bf16_to_f32(ig_f32_to_bf16(float_from(0x7f800001)))));
  for (uint32_t i = 0; i < 0x7f80; i++) check_between(i, 8, 7, ig_f64_to_bf16, ig_f32_to_bf16);
}

/* A double that a float would round up to the tie must not be rounded twice. */
static void test_one_rounding(void **state) {
  (void)state;
  const double just_below_tie = 1 + 0x1p-11 - 0x1p-40;
  assert_int_equal(ig_f32_to_f16((float)(just_below_tie + 0x1p-10)), ig_f64_to_f16(1 + 0x1p-10) + 1);
  assert_int_equal(ig_f64_to_f16(just_below_tie + 0x1p-10), ig_f64_to_f16(1 + 0x1p-10));
  assert_int_equal(ig_f64_to_bf16(1 + 0x1p-7 + 0x1p-8 - 0x1p-40), 0x3f81);
}

static void check_decoded(ig_dtype d, const uint32_t *want, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const float got = ig_small_to_f32(d, (uint8_t)i);
    if (isnan(float_from(want[i]))) assert_true(isnan(got));
    else assert_int_equal(float_bits(got), want[i]);
  }
}

static void check_encoded(ig_dtype d, const float_case *cases, size_t n) {
  for (size_t i = 0; i < n; i++) {
    const float input = float_from(cases[i].input);
    const uint8_t saturated = ig_f32_to_small(d, input, true, 0);
    const uint8_t plain = ig_f32_to_small(d, input, false, 0);
    if (saturated != cases[i].saturated || plain != cases[i].plain) {
      fail_msg("%s: %a gives %d and %d, want %d and %d", ig_dtype_name(d), (double)input, saturated, plain, cases[i].saturated, cases[i].plain);
    }
  }
}

static void test_small(void **state) {
  (void)state;
#define CHECK(name)                                                                \
  check_decoded(IG_DTYPE_##name, decoded_##name, IG_COUNT(decoded_##name)); \
  check_encoded(IG_DTYPE_##name, encoded_##name, IG_COUNT(encoded_##name))
  CHECK(F8E4M3FN);
  CHECK(F8E4M3FNUZ);
  CHECK(F8E5M2);
  CHECK(F8E5M2FNUZ);
  CHECK(F6E2M3);
  CHECK(F6E3M2);
  CHECK(F4E2M1);
#undef CHECK
}

/* ONNX Cast-25's rules for float8e8m0. */
static void test_e8m0(void **state) {
  (void)state;
  enum { UP = 0, DOWN = 1, NEAREST = 2 };
  const ig_dtype d = IG_DTYPE_F8E8M0;
  check_decoded(d, decoded_F8E8M0, IG_COUNT(decoded_F8E8M0));
  for (int i = 0; i < 255; i++) {
    const float value = (float)pow(2, i - 127);
    for (int mode = UP; mode <= NEAREST; mode++) assert_int_equal(ig_f32_to_small(d, value, true, mode), i);
    if (i == 254) continue;
    assert_int_equal(ig_f32_to_small(d, value * 1.25f, true, UP), i + 1);
    assert_int_equal(ig_f32_to_small(d, value * 1.75f, true, DOWN), i);
    assert_int_equal(ig_f32_to_small(d, value * 1.25f, true, NEAREST), i);
    assert_int_equal(ig_f32_to_small(d, value * 1.5f, true, NEAREST), i + 1);
  }
  assert_int_equal(ig_f32_to_small(d, 0, true, UP), 0);
  assert_int_equal(ig_f32_to_small(d, 0, false, NEAREST), 0xff);
  assert_int_equal(ig_f32_to_small(d, 0x1p-140f, true, UP), 0);
  assert_int_equal(ig_f32_to_small(d, 0x1p-140f, false, NEAREST), 0xff);
  assert_int_equal(ig_f32_to_small(d, 0x1.8p127f, true, UP), 0xfe);
  assert_int_equal(ig_f32_to_small(d, 0x1.8p127f, false, NEAREST), 0xff);
  assert_int_equal(ig_f32_to_small(d, INFINITY, true, UP), 0xfe);
  assert_int_equal(ig_f32_to_small(d, INFINITY, false, NEAREST), 0xff);
  assert_int_equal(ig_f32_to_small(d, NAN, true, UP), 0xff);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_f16),   cmocka_unit_test(test_bf16), cmocka_unit_test(test_one_rounding),
    cmocka_unit_test(test_small), cmocka_unit_test(test_e8m0),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
