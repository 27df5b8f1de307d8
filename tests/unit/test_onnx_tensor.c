/* Tensors: every type in every storage form, there and back, sizes that do not fit, and the recorded test data.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx_bytes.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static ig_status read_buf(ig_arena *a, ig_buf b, const char **name, ig_data *out) {
  const ig_status st = ig_onnx_read_tensor(a, b.data, b.n, name, out);
  ig_buf_free(&b); /* nothing may point into it */
  return st;
}

static void expect_fail(ig_buf b, ig_code code, const char *text) {
  ig_arena a;
  ig_data d;
  const char *name;
  ig_arena_init(&a, &ig_libc_allocator, 0);
  ig_status st = read_buf(&a, b, &name, &d);
  assert_int_equal(ig_status_code(st), code);
  if (!strstr(ig_status_message(st), text)) fail_msg("'%s' lacks '%s'", ig_status_message(st), text);
  assert_null(name);
  assert_null(d.bytes);
  ig_status_free(st);
  ig_arena_free(&a);
}

/* dtype, ONNX's number, typed list's field, entries for 3 elements {1, 2, 3} (two per complex number; packed types one byte each) */
static const struct { ig_dtype dtype; int number; uint32_t field; int entries;
} rows[] = {
  { IG_DTYPE_U8, 2, 5, 3 },      { IG_DTYPE_I8, 3, 5, 3 },          { IG_DTYPE_U16, 4, 5, 3 },       { IG_DTYPE_I16, 5, 5, 3 },
  { IG_DTYPE_I32, 6, 5, 3 },     { IG_DTYPE_I64, 7, 7, 3 },         { IG_DTYPE_F16, 10, 5, 3 },      { IG_DTYPE_U32, 12, 11, 3 },
  { IG_DTYPE_U64, 13, 11, 3 },   { IG_DTYPE_BF16, 16, 5, 3 },       { IG_DTYPE_F8E4M3FN, 17, 5, 3 }, { IG_DTYPE_F8E4M3FNUZ, 18, 5, 3 },
  { IG_DTYPE_F8E5M2, 19, 5, 3 }, { IG_DTYPE_F8E5M2FNUZ, 20, 5, 3 }, { IG_DTYPE_U4, 21, 5, 2 },       { IG_DTYPE_I4, 22, 5, 2 },
  { IG_DTYPE_F4E2M1, 23, 5, 2 }, { IG_DTYPE_F8E8M0, 24, 5, 3 },     { IG_DTYPE_U2, 25, 5, 1 },       { IG_DTYPE_I2, 26, 5, 1 },
  { IG_DTYPE_F6E2M3, 27, 5, 3 }, { IG_DTYPE_F6E3M2, 28, 5, 3 },
};

static void test_integer_lists(void **state) {
  (void)state;
  for (size_t r = 0; r < IG_COUNT(rows); r++) {
    ig_arena a;
    ig_data d;
    const char *name;
    ig_arena_init(&a, &ig_libc_allocator, 0);
    ig_buf b = tensor_head("t", rows[r].number, "3");
    for (int i = 1; i <= rows[r].entries; i++) ig_wire_put_int(&b, rows[r].field, i);
    assert_null(read_buf(&a, b, &name, &d));
    assert_int_equal(d.dtype, rows[r].dtype);
    assert_int_equal(ig_dtype_to_onnx(d.dtype), rows[r].number);
    assert_int_equal(ig_dtype_from_onnx(rows[r].number), rows[r].dtype);
    assert_int_equal(d.rank, 1);
    assert_int_equal(d.n_bytes, ig_dtype_bytes(d.dtype, 3));
    const size_t each = d.n_bytes / (size_t)rows[r].entries;
    for (int i = 0; i < rows[r].entries; i++) {
      assert_int_equal(((const uint8_t *)d.bytes)[(size_t)i * each], i + 1);
      for (size_t k = 1; k < each; k++) assert_int_equal(((const uint8_t *)d.bytes)[(size_t)i * each + k], 0);
    }
    assert_string_equal(name, "t");
    ig_arena_free(&a);
  }
}

static void put_float(ig_buf *b, float f) {
  ig_buf_bytes(b, "\x25", 1); /* field 4, four bytes */
  ig_buf_bytes(b, &f, 4);
}
static void put_double(ig_buf *b, double f) {
  ig_buf_bytes(b, "\x51", 1); /* field 10, eight bytes */
  ig_buf_bytes(b, &f, 8);
}

static void test_float_lists(void **state) {
  (void)state;
  ig_arena a;
  ig_data d;
  ig_arena_init(&a, &ig_libc_allocator, 0);
  ig_buf b = tensor_head("t", 1, "2");
  put_float(&b, 1.5f);
  put_float(&b, -2.0f);
  assert_null(read_buf(&a, b, NULL, &d));
  assert_true(((const float *)d.bytes)[0] == 1.5f && ((const float *)d.bytes)[1] == -2.0f);
  b = tensor_head("t", 14, "1");
  put_float(&b, 3);
  put_float(&b, 4);
  assert_null(read_buf(&a, b, NULL, &d));
  assert_int_equal(d.dtype, IG_DTYPE_C64);
  assert_true(((const float *)d.bytes)[1] == 4);
  b = tensor_head("t", 11, "");
  put_double(&b, 0.1);
  assert_null(read_buf(&a, b, NULL, &d));
  assert_int_equal(d.rank, 0);
  assert_true(*(const double *)d.bytes == 0.1);
  b = tensor_head("t", 15, "1");
  put_double(&b, 5);
  put_double(&b, 6);
  assert_null(read_buf(&a, b, NULL, &d));
  assert_true(((const double *)d.bytes)[1] == 6);
  ig_arena_free(&a);
}

static void test_bools_and_strings(void **state) {
  (void)state;
  ig_arena a;
  ig_data d;
  ig_arena_init(&a, &ig_libc_allocator, 0);
  ig_buf b = tensor_head("t", 9, "3");
  ig_wire_put_bytes(&b, 9, "\x00\x07\x01", 3);
  assert_null(read_buf(&a, b, NULL, &d));
  assert_memory_equal(d.bytes, "\x00\x01\x01", 3);
  b = tensor_head("t", 9, "2");
  ig_wire_put_int(&b, 5, 256);
  ig_wire_put_int(&b, 5, 0);
  assert_null(read_buf(&a, b, NULL, &d));
  assert_memory_equal(d.bytes, "\x01\x00", 2);
  b = tensor_head("t", 8, "2");
  put_text(&b, 6, "ab");
  put_text(&b, 6, "");
  assert_null(read_buf(&a, b, NULL, &d));
  const struct { const char *p; size_t n; } *s = d.bytes;
  assert_int_equal(d.n_bytes, 2 * sizeof *s);
  assert_int_equal(s[0].n, 2);
  assert_memory_equal(s[0].p, "ab", 2);
  assert_int_equal(s[1].n, 0);
  ig_buf out = make();
  ig_onnx_write_tensor(&out, "t", &d);
  ig_data again;
  assert_null(read_buf(&a, out, NULL, &again));
  assert_memory_equal(((const struct { const char *p; size_t n; } *)again.bytes)[0].p, "ab", 2);
  ig_arena_free(&a);
}

static void test_round_trip(void **state) {
  (void)state;
  for (int number = 1; number <= 28; number++) {
    const ig_dtype dtype = ig_dtype_from_onnx(number);
    assert_int_not_equal(dtype, IG_DTYPE_NONE);
    if (dtype == IG_DTYPE_STRING) continue;
    ig_arena a;
    ig_arena_init(&a, &ig_libc_allocator, 0);
    uint8_t bytes[16 * 15];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = dtype == IG_DTYPE_BOOL ? i & 1 : (uint8_t)(i * 37);
    if (number >= 27)
      for (size_t i = 0; i < sizeof bytes; i++) bytes[i] &= 0x3f;
    const ig_data d = { .dtype = dtype, .rank = 2, .dims = { 3, 5 }, .bytes = bytes, .n_bytes = ig_dtype_bytes(dtype, 15) };
    ig_buf b = make();
    ig_onnx_write_tensor(&b, "name", &d);
    ig_data back;
    const char *name;
    assert_null(read_buf(&a, b, &name, &back));
    assert_string_equal(name, "name");
    assert_int_equal(back.dtype, dtype);
    assert_int_equal(back.rank, 2);
    assert_int_equal(back.dims[1], 5);
    assert_int_equal(back.n_bytes, d.n_bytes);
    assert_memory_equal(back.bytes, bytes, d.n_bytes);
    assert_int_equal((uintptr_t)back.bytes % 16, 0);
    ig_arena_free(&a);
  }
  assert_int_equal(ig_dtype_from_onnx(0), IG_DTYPE_NONE);
  assert_int_equal(ig_dtype_from_onnx(29), IG_DTYPE_NONE);
  assert_int_equal(ig_dtype_from_onnx(-1), IG_DTYPE_NONE);
}

/* Raw data has 6-bit floats packed, the first in the low bits; what is left of the last byte does not count, nor do an entry's high bits. */
static void test_6bit(void **state) {
  (void)state;
  static const char packed[] = "\x81\x30\xfc\xe1\xff";
  static const uint8_t codes[] = { 0x01, 0x02, 0x03, 0x3f, 0x21, 0x3f };
  static const size_t n_packed[] = { 0, 1, 2, 3, 3, 4, 5 };
  for (int n = 0; n <= 6; n++) {
    ig_arena a;
    ig_data d;
    char dims[8];
    ig_arena_init(&a, &ig_libc_allocator, 0);
    snprintf(dims, sizeof dims, "%d", n);
    ig_buf b = tensor_head("t", 27, dims);
    ig_wire_put_bytes(&b, 9, packed, n_packed[n]);
    assert_null(read_buf(&a, b, NULL, &d));
    assert_int_equal(d.n_bytes, n);
    if (n) assert_memory_equal(d.bytes, codes, n);
    ig_arena_free(&a);
  }
  ig_arena a;
  ig_data d;
  ig_arena_init(&a, &ig_libc_allocator, 0);
  ig_buf b = tensor_head("t", 28, "1");
  ig_wire_put_int(&b, 5, 0x1e5);
  assert_null(read_buf(&a, b, NULL, &d));
  assert_int_equal(*(const uint8_t *)d.bytes, 0x25);
  ig_arena_free(&a);
}

static ig_buf raw(const char *dims, int64_t dtype, size_t n) {
  static const uint8_t zeros[64];
  ig_buf b = tensor_head("w", dtype, dims);
  ig_wire_put_bytes(&b, 9, zeros, n);
  return b;
}

static void test_faults(void **state) {
  (void)state;
  expect_fail(raw("2,3", 1, 10), IG_ERROR_BAD_MODEL, "tensor 'w': raw_data has 10 bytes, float[2,3] takes 24");
  expect_fail(raw("3", 22, 1), IG_ERROR_BAD_MODEL, "int4[3] takes 2");
  expect_fail(raw("5", 27, 5), IG_ERROR_BAD_MODEL, "float6e2m3[5] takes 4");
  expect_fail(raw("-1", 1, 4), IG_ERROR_BAD_MODEL, "dim 0 is -1");
  expect_fail(raw("1", 0, 4), IG_ERROR_BAD_MODEL, "data type is missing");
  expect_fail(raw("1", 99, 4), IG_ERROR_UNSUPPORTED, "data type 99");
  expect_fail(raw("1", 8, 16), IG_ERROR_BAD_MODEL, "strings cannot be raw_data");
  expect_fail(raw("1,1,1,1,1,1,1,1,1", 1, 4), IG_ERROR_UNSUPPORTED, "rank 9");
  expect_fail(raw("0,9223372036854775807,9", 1, 0), IG_ERROR_LIMIT, "limit 'elements'");
  expect_fail(raw("1099511627777", 2, 4), IG_ERROR_LIMIT, "limit 'elements' (1099511627776");
  expect_fail(raw("1099511627776", 2, 4), IG_ERROR_BAD_MODEL, "takes 1099511627776");
  expect_fail(tensor_head("w", 1, "2"), IG_ERROR_BAD_MODEL, "float_data has 0 entries, float[2] takes 2");
  expect_fail(make(), IG_ERROR_BAD_MODEL, "empty");
  ig_buf b = raw("1", 1, 4);
  ig_wire_put_int(&b, 14, 1);
  expect_fail(b, IG_ERROR_UNSUPPORTED, "external data is not read here");
  b = make(); /* a SequenceProto: its tensors lie where a TensorProto has its segment */
  ig_wire_put_int(&b, 2, 1);
  put(&b, 3, raw("1", 1, 4));
  expect_fail(b, IG_ERROR_UNSUPPORTED, "sequence");
}

static void test_recorded(void **state) {
  (void)state;
  static const char *const names[] = { "add", "dynamic", "external", "local_function", "quantised", "recurrent" };
  for (size_t i = 0; i < IG_COUNT(names); i++) {
    char path[200];
    ig_file_map f;
    ig_arena a;
    ig_data d;
    ig_arena_init(&a, &ig_libc_allocator, 0);
    snprintf(path, sizeof path, "tests/models/%s/test_data_set_0/input_0.pb", names[i]);
    assert_null(ig_file_open(&ig_libc_allocator, path, false, &f));
    assert_null(ig_onnx_read_tensor(&a, f.data, f.size, NULL, &d));
    assert_true(d.n_bytes > 0);
    ig_file_close(&f);
    ig_arena_free(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_integer_lists), cmocka_unit_test(test_float_lists), cmocka_unit_test(test_bools_and_strings),
    cmocka_unit_test(test_round_trip), cmocka_unit_test(test_6bit), cmocka_unit_test(test_faults), cmocka_unit_test(test_recorded),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
