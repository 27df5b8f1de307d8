/* Buffers, number text, maps, hashes, data types, checked arithmetic; numbers also under a locale with a decimal comma.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"
#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static void *fail_always(void *self, void *old, size_t old_size, size_t size) {
  (void)self, (void)old_size, (void)size, (void)old;
  return NULL;
}
static const ig_allocator no_memory = { NULL, fail_always };

static void test_buf(void **state) {
  (void)state;
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  assert_string_equal(ig_buf_cstr(&b), "");
  for (int i = 0; i < 500; i++) ig_buf_printf(&b, "%d,", i);
  ig_buf_bytes(&b, "\0x", 2);
  ig_buf_str(&b, "end");
  assert_int_equal(b.n, 10 * 2 + 90 * 3 + 400 * 4 + 5);
  assert_memory_equal(ig_buf_cstr(&b), "0,1,2,3,", 8);
  assert_string_equal(b.data + b.n - 4, "xend");
  assert_false(b.failed);
  ig_buf_free(&b);
  assert_null(b.data);
}

static void test_buf_out_of_memory(void **state) {
  (void)state;
  ig_buf b;
  ig_buf_init(&b, &no_memory);
  ig_buf_str(&b, "text");
  ig_buf_printf(&b, "%d", 1);
  assert_true(b.failed);
  assert_string_equal(ig_buf_cstr(&b), "");
  ig_buf_free(&b);
}

static void check_f64(double v, const char *want) {
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_buf_f64(&b, v);
  if (want) assert_string_equal(ig_buf_cstr(&b), want);
  double back;
  assert_true(ig_parse_f64(ig_buf_cstr(&b), b.n, &back));
  assert_true(memcmp(&back, &v, sizeof v) == 0 || (isnan(back) && isnan(v)));
  ig_buf_free(&b);
}

static void check_numbers(void) {
  check_f64(0, "0");
  check_f64(-0.0, "-0");
  check_f64(0.1, "0.1");
  check_f64(1.5, "1.5");
  check_f64(-1e300, "-1e+300");
  check_f64(INFINITY, "inf");
  check_f64(-INFINITY, "-inf");
  check_f64(NAN, "nan");
  check_f64(-NAN, "nan");
  check_f64(DBL_MAX, NULL);
  check_f64(DBL_TRUE_MIN, NULL);
  uint64_t u = 1;
  for (int i = 0; i < 2000; i++) {
    double v;
    u = u * 6364136223846793005u + 1442695040888963407u;
    memcpy(&v, &u, 8);
    check_f64(v, NULL);
  }
}

static void test_f64(void **state) {
  (void)state;
  check_numbers();
  static const char *const commas[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "nl_NL.UTF-8" };
  for (size_t i = 0; i < IG_COUNT(commas); i++) {
    if (!setlocale(LC_ALL, commas[i])) continue;
    check_numbers();
    setlocale(LC_ALL, "C");
  }
}

static void test_parse_f64(void **state) {
  (void)state;
  double d = 7;
  static const char *const bad[] = { "", " 1", "1 ", "1,5", "1.5x", "x", "--1", "\n1" };
  for (size_t i = 0; i < IG_COUNT(bad); i++) assert_false(ig_parse_f64(bad[i], strlen(bad[i]), &d));
  assert_false(ig_parse_f64("1\0", 2, &d));
  assert_true(d == 7);
  assert_true(ig_parse_f64("2.5e3zzz", 5, &d) && d == 2500);
}

static void test_parse_i64(void **state) {
  (void)state;
  int64_t v = 7;
  static const char *const bad[] = { "", "-", "+", " 1", "1 ", "1x", "0x1", "9223372036854775808", "-9223372036854775809", "99999999999999999999" };
  for (size_t i = 0; i < IG_COUNT(bad); i++) assert_false(ig_parse_i64(bad[i], strlen(bad[i]), &v));
  assert_int_equal(v, 7);
  assert_true(ig_parse_i64("9223372036854775807", 19, &v) && v == INT64_MAX);
  assert_true(ig_parse_i64("-9223372036854775808", 20, &v) && v == INT64_MIN);
  assert_true(ig_parse_i64("+12x", 3, &v) && v == 12);
}

static void test_strmap(void **state) {
  (void)state;
  enum { N = 2000 };
  static char keys[N][16];
  static int values[N];
  ig_strmap m;
  ig_strmap_init(&m, &ig_libc_allocator);
  assert_null(ig_strmap_get(&m, "absent"));
  for (int i = 0; i < N; i++) {
    snprintf(keys[i], sizeof keys[i], "key_%d", i);
    assert_true(ig_strmap_set(&m, keys[i], &values[i]));
  }
  assert_int_equal(m.n, N);
  for (int i = 0; i < N; i++) assert_ptr_equal(ig_strmap_get(&m, keys[i]), &values[i]);
  assert_true(ig_strmap_set(&m, "key_5", &values[9]));
  assert_ptr_equal(ig_strmap_get(&m, "key_5"), &values[9]);
  assert_int_equal(m.n, N);
  assert_null(ig_strmap_get(&m, "key_2000"));
  assert_true(ig_strmap_set(&m, "", &values[1]));
  assert_ptr_equal(ig_strmap_get(&m, ""), &values[1]);
  ig_strmap_free(&m);
  ig_strmap_init(&m, &no_memory);
  assert_false(ig_strmap_set(&m, "a", &values[0]));
  assert_null(ig_strmap_get(&m, "a"));
  ig_strmap_free(&m);
}

/* The value of no bytes is in xxHash's own tests; it pins the algorithm, which engine files depend on. */
static void test_hash(void **state) {
  (void)state;
  assert_true(ig_hash("", 0, 0) == UINT64_C(0x2d06800538d394c2));
  assert_true(ig_hash("abc", 3, 0) != ig_hash("abc", 3, 1));
  assert_true(ig_hash("abc", 3, 0) != ig_hash("abd", 3, 0));
}

static void test_dtype(void **state) {
  (void)state;
  assert_string_equal(ig_dtype_name(IG_DTYPE_F32), "float");
  assert_string_equal(ig_dtype_name(IG_DTYPE_F8E4M3FN), "float8e4m3fn");
  assert_string_equal(ig_dtype_name(IG_DTYPE_NONE), "?");
  assert_int_equal(ig_dtype_bytes(IG_DTYPE_F32, 3), 12);
  assert_int_equal(ig_dtype_bytes(IG_DTYPE_I4, 3), 2);
  assert_int_equal(ig_dtype_bytes(IG_DTYPE_U2, 5), 2);
  assert_int_equal(ig_dtype_bytes(IG_DTYPE_C128, 2), 32);
  assert_int_equal(ig_dtype_bytes(IG_DTYPE_BOOL, 0), 0);
  assert_int_equal(ig_dtype_bytes(IG_DTYPE_F64, UINT64_MAX / 4), 0);
  assert_int_equal(ig_dtype_bytes(IG_DTYPE_NONE, 4), 0);
}

static void test_checked(void **state) {
  (void)state;
  int64_t v;
  size_t n;
  assert_true(ig_add_i64(INT64_MAX, -1, &v) && v == INT64_MAX - 1);
  assert_false(ig_add_i64(INT64_MAX, 1, &v));
  assert_false(ig_sub_i64(INT64_MIN, 1, &v));
  assert_false(ig_mul_i64(INT64_MIN, -1, &v));
  assert_false(ig_add_size(SIZE_MAX, 1, &n));
  assert_false(ig_mul_size(SIZE_MAX, 2, &n));
  assert_int_equal(ig_align_up(65, 64), 128);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_buf),    cmocka_unit_test(test_buf_out_of_memory), cmocka_unit_test(test_f64),   cmocka_unit_test(test_parse_f64),
    cmocka_unit_test(test_parse_i64), cmocka_unit_test(test_strmap),         cmocka_unit_test(test_hash),  cmocka_unit_test(test_dtype),
    cmocka_unit_test(test_checked),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
