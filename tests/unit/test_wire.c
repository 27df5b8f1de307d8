/* The wire reader: numbers at their ends, order, repetition, packing, groups, and every way for bytes to be wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/wire.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

typedef struct sample { uint32_t seen; int64_t i; float f; ig_wire_bytes s; ig_wire_list ints, floats, doubles, list; } sample;
static const ig_wire_field fields[] = {
  IG_WIRE_FIELD(sample, i, 1, IG_WIRE_INT),     IG_WIRE_FIELD(sample, f, 2, IG_WIRE_FLOAT),       IG_WIRE_FIELD(sample, s, 3, IG_WIRE_BYTES),
  IG_WIRE_FIELD(sample, ints, 4, IG_WIRE_INTS), IG_WIRE_FIELD(sample, floats, 5, IG_WIRE_FLOATS), IG_WIRE_FIELD(sample, doubles, 6, IG_WIRE_DOUBLES),
  IG_WIRE_FIELD(sample, list, 7, IG_WIRE_LIST),
};
static const ig_wire_message sample_message = { "Sample", sizeof(sample), fields, IG_COUNT(fields) };

#define BYTES(literal) ((ig_wire_bytes){ (const uint8_t *)(literal), sizeof(literal) - 1 })

/* On a block of exactly that size, so that a sanitizer sees any read past it. */
static ig_status read_exact(ig_wire_bytes b, sample *out) {
  uint8_t *copy = malloc(b.n ? b.n : 1);
  assert_non_null(copy);
  if (b.n) memcpy(copy, b.p, b.n);
  const ig_status st = ig_wire_read(&sample_message, (ig_wire_bytes){ copy, b.n }, out);
  free(copy);
  return st;
}

static void expect(ig_wire_bytes b, ig_code code, const char *text) {
  sample s;
  ig_status st = read_exact(b, &s);
  assert_int_equal(ig_status_code(st), code);
  if (text && !strstr(ig_status_message(st), text)) fail_msg("'%s' lacks '%s'", ig_status_message(st), text);
  ig_status_free(st);
}

static void test_scalars(void **state) {
  (void)state;
  sample s;
  assert_null(ig_wire_read(&sample_message, BYTES("\x08\x96\x01\x15\x00\x00\xc0\x3f\x1a\x03" "abc"), &s));
  assert_int_equal(s.i, 150);
  assert_true(s.f == 1.5f);
  assert_int_equal(s.s.n, 3);
  assert_memory_equal(s.s.p, "abc", 3);
  assert_int_equal(s.seen, 7);
  /* The last one wins, in any order. */
  assert_null(ig_wire_read(&sample_message, BYTES("\x1a\x01x\x08\x01\x1a\x02yz\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), &s));
  assert_int_equal(s.i, -1);
  assert_int_equal(s.s.n, 2);
  assert_memory_equal(s.s.p, "yz", 2);
  /* Nothing at all, and a string that is there but empty. */
  assert_null(ig_wire_read(&sample_message, (ig_wire_bytes){ NULL, 0 }, &s));
  assert_int_equal(s.seen, 0);
  assert_null(s.s.p);
  assert_null(ig_wire_read(&sample_message, BYTES("\x1a\x00"), &s));
  assert_non_null(s.s.p);
  assert_int_equal(s.s.n, 0);
}

static void test_lists(void **state) {
  (void)state;
  sample s;
  /* 1, packed {2, -1}, packed {}, an unknown field between, 3 */
  assert_null(ig_wire_read(&sample_message, BYTES("\x20\x01\x22\x0b\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x22\x00\x7a\x01?\x20\x03"), &s));
  assert_int_equal(s.ints.n, 4);
  ig_wire_iter it = ig_wire_iterate(&s.ints);
  const int64_t want[] = { 1, 2, -1, 3 };
  int64_t v;
  for (size_t i = 0; i < IG_COUNT(want); i++) {
    assert_true(ig_wire_next_int(&it, &v));
    assert_int_equal(v, want[i]);
  }
  assert_false(ig_wire_next_int(&it, &v));
  assert_false(ig_wire_next_int(&it, &v));

  assert_null(
      ig_wire_read(&sample_message, BYTES("\x2a\x08\x00\x00\x80\x3f\x00\x00\x00\x40\x2d\x00\x00\x40\x40\x31\x00\x00\x00\x00\x00\x00\xf0\x3f"), &s));
  assert_int_equal(s.floats.n, 3);
  assert_int_equal(s.doubles.n, 1);
  it = ig_wire_iterate(&s.floats);
  float f;
  for (int i = 1; i <= 3; i++) {
    assert_true(ig_wire_next_float(&it, &f));
    assert_true(f == (float)i);
  }
  assert_false(ig_wire_next_float(&it, &f));
  double d;
  it = ig_wire_iterate(&s.doubles);
  assert_true(ig_wire_next_double(&it, &d) && d == 1);

  assert_null(ig_wire_read(&sample_message, BYTES("\x3a\x01" "a\x08\x05\x3a\x00\x3a\x02" "bc"), &s));
  assert_int_equal(s.list.n, 3);
  it = ig_wire_iterate(&s.list);
  ig_wire_bytes b;
  size_t n = 0, total = 0;
  for (; ig_wire_next(&it, &b); n++) total += b.n;
  assert_int_equal(n, 3);
  assert_int_equal(total, 3);
  it = ig_wire_iterate(&s.ints);
  assert_false(ig_wire_next_int(&it, &v));
}

static void test_unknown(void **state) {
  (void)state;
  sample s;
  /* Field 99 of every wire type, a group that holds field 1 and another group, then field 1. */
  assert_null(ig_wire_read(&sample_message,
                           BYTES("\x98\x06\x01\x99\x06"
                                 "12345678"
                                 "\x9a\x06\x02xx\x9d\x06"
                                 "1234"
                                 "\x9b\x06\x08\x09\xa3\x06\xa4\x06\x9c\x06\x08\x07"),
                           &s));
  assert_int_equal(s.i, 7);
}

static void test_groups(void **state) {
  (void)state;
  for (int depth = 63; depth <= 66; depth++) {
    ig_buf b;
    ig_buf_init(&b, &ig_libc_allocator);
    for (int i = 0; i < depth; i++) ig_buf_bytes(&b, "\x9b\x06", 2);
    for (int i = 0; i < depth; i++) ig_buf_bytes(&b, "\x9c\x06", 2);
    const ig_wire_bytes bytes = { (const uint8_t *)b.data, b.n };
    if (depth <= IG_WIRE_MAX_GROUPS) expect(bytes, IG_OK, NULL);
    else expect(bytes, IG_ERROR_LIMIT, "limit 'nesting' (64)");
    ig_buf_free(&b);
  }
  expect(BYTES("\x9b\x06"), IG_ERROR_BAD_MODEL, "not closed");
  expect(BYTES("\x9c\x06"), IG_ERROR_BAD_MODEL, "not opened");
  expect(BYTES("\x9b\x06\xa4\x06"), IG_ERROR_BAD_MODEL, "not opened");
}

static void test_faults(void **state) {
  (void)state;
  expect(BYTES("\x00\x00"), IG_ERROR_BAD_MODEL, "field number 0");
  expect(BYTES("\x80\x80\x80\x80\x10\x00"), IG_ERROR_BAD_MODEL, "field number 0 or above");
  expect(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), IG_ERROR_BAD_MODEL, "field 1 (i)");
  expect(BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), IG_ERROR_BAD_MODEL, "longer than 10");
  expect(BYTES("\x0e"), IG_ERROR_BAD_MODEL, "wire types 6 and 7");
  expect(BYTES("\x0f"), IG_ERROR_BAD_MODEL, "wire types 6 and 7");
  expect(BYTES("\x0a\x01x"), IG_ERROR_BAD_MODEL, "another wire type");
  expect(BYTES("\x18\x01"), IG_ERROR_BAD_MODEL, "another wire type");
  expect(BYTES("\x38\x01"), IG_ERROR_BAD_MODEL, "another wire type");
  expect(BYTES("\x1a\x04" "abc"), IG_ERROR_BAD_MODEL, "longer than what is left");
  expect(BYTES("\x1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), IG_ERROR_BAD_MODEL, "longer than what is left");
  expect(BYTES("\x22\x01\x80"), IG_ERROR_BAD_MODEL, "packed varints");
  expect(BYTES("\x2a\x03" "abc"), IG_ERROR_BAD_MODEL, "within an element");
  expect(BYTES("\x32\x04" "abcd"), IG_ERROR_BAD_MODEL, "within an element");
  expect(BYTES("\x08\x01\x15\x00\x00"), IG_ERROR_BAD_MODEL, "Sample, byte 2");
}

/* Cut at every length, and every byte replaced by every value: a status or success, never a read outside. */
static void test_every_damage(void **state) {
  (void)state;
  static const char whole[] = "\x08\x96\x01\x15\x00\x00\xc0\x3f\x1a\x03"
                              "abc\x22\x02\x02\x05\x2a\x04\x00\x00\x80\x3f\x3a\x01"
                              "a\x9b\x06\x08\x09\x9c\x06";
  uint8_t bytes[sizeof whole - 1];
  sample s;
  for (size_t n = 0; n < sizeof bytes; n++) ig_status_free(read_exact((ig_wire_bytes){ (const uint8_t *)whole, n }, &s));
  size_t n_read = 0;
  for (size_t i = 0; i < sizeof bytes; i++) {
    for (int v = 0; v < 256; v++) {
      memcpy(bytes, whole, sizeof bytes);
      bytes[i] = (uint8_t)v;
      ig_status st = ig_wire_read(&sample_message, (ig_wire_bytes){ bytes, sizeof bytes }, &s);
      ig_wire_iter it = ig_wire_iterate(&s.ints);
      uint64_t n = 0;
      for (int64_t x; !st && ig_wire_next_int(&it, &x); n++) n_read++;
      if (!st) assert_int_equal(n, s.ints.n);
      ig_status_free(st);
    }
  }
  assert_true(n_read > 1000);
}

static void test_write(void **state) {
  (void)state;
  ig_buf b;
  ig_buf_init(&b, &ig_libc_allocator);
  ig_wire_put_int(&b, 1, INT64_MIN);
  ig_wire_put_bytes(&b, 3, "xy", 2);
  ig_wire_put_int(&b, 4, 300);
  sample s;
  assert_null(ig_wire_read(&sample_message, (ig_wire_bytes){ (const uint8_t *)b.data, b.n }, &s));
  assert_true(s.i == INT64_MIN);
  assert_int_equal(s.s.n, 2);
  ig_wire_iter it = ig_wire_iterate(&s.ints);
  int64_t v;
  assert_true(ig_wire_next_int(&it, &v) && v == 300);
  ig_buf_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_scalars), cmocka_unit_test(test_lists), cmocka_unit_test(test_unknown),
    cmocka_unit_test(test_groups), cmocka_unit_test(test_faults), cmocka_unit_test(test_every_damage), cmocka_unit_test(test_write),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
