/* Values and their files: what a .npy or .pb file says comes back bit by bit, in every order and type; what must be refused is refused.
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"
#include "ingot/build.h"
#include "ingot/value.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>


/* A .npy file of a version with this header text and data. */
static size_t npy(uint8_t *to, uint8_t version, const char *header, const void *data, size_t n) {
  const size_t length = strlen(header), start = version == 1 ? 10 : 12;
  memcpy(to, "\x93NUMPY", 6);
  to[6] = version;
  to[7] = 0;
  to[8] = (uint8_t)length;
  to[9] = (uint8_t)(length >> 8);
  if (version > 1) to[10] = to[11] = 0;
  memcpy(to + start, header, length);
  if (n) memcpy(to + start + length, data, n);
  return start + length + n;
}

static ig_status read_npy(uint8_t version, const char *header, const void *data, size_t n, ig_arena *arena, ig_data *out) {
  uint8_t bytes[512];
  const size_t size = npy(bytes, version, header, data, n);
  return ig_npy_read(&ig_libc_allocator, arena, bytes, size, out);
}

static void free_data(ig_data *d) { ig_free_aligned(&ig_libc_allocator, (void *)(uintptr_t)d->bytes, d->n_bytes ? d->n_bytes : 1); }

static void expect_code(ig_status st, ig_code code) {
  assert_int_equal(ig_status_code(st), code);
  ig_status_free(st);
}

static void test_read_orders(void **state) {
  (void)state;
  const uint8_t big[] = {0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 255, 250};
  ig_arena arena;
  ig_data d;
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  for (uint8_t version = 1; version <= 3; version++) {
    assert_null(read_npy(version, "{'descr': '>i2', 'fortran_order': False, 'shape': (2, 3), }\n", big, sizeof big, &arena, &d));
    const int16_t want[] = {1, 2, 3, 4, 5, -6};
    assert_int_equal(d.dtype, IG_DTYPE_I16);
    assert_int_equal(d.rank, 2);
    assert_int_equal(d.dims[0], 2);
    assert_int_equal(d.dims[1], 3);
    assert_memory_equal(d.bytes, want, sizeof want);
    free_data(&d);
  }
  assert_null(read_npy(1, "{'fortran_order': True, 'shape': (2, 3), 'descr': '>i2'}", big, sizeof big, &arena, &d));
  const int16_t fortran[] = {1, 3, 5, 2, 4, -6};
  assert_memory_equal(d.bytes, fortran, sizeof fortran);
  free_data(&d);
  const uint8_t complex_big[] = {0x3f, 0x80, 0, 0, 0x40, 0, 0, 0};
  assert_null(read_npy(1, "{'descr': '>c8', 'fortran_order': False, 'shape': (), }", complex_big, sizeof complex_big, &arena, &d));
  const float parts[] = {1, 2};
  assert_int_equal(d.rank, 0);
  assert_memory_equal(d.bytes, parts, sizeof parts);
  free_data(&d);
  ig_arena_free(&arena);
}

static void test_read_strings(void **state) {
  (void)state;
  const uint32_t little[] = {'a', 0xe9, 0x1f600, 'b', 0, 0};
  ig_arena arena;
  ig_data d;
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  assert_null(read_npy(1, "{'descr': '<U3', 'fortran_order': False, 'shape': (2,), }", little, sizeof little, &arena, &d));
  const ig_string *s = d.bytes;
  assert_int_equal(d.dtype, IG_DTYPE_STRING);
  assert_int_equal(s[0].n, 7);
  assert_memory_equal(s[0].data, "a\xc3\xa9\xf0\x9f\x98\x80", 7);
  assert_int_equal(s[1].n, 1);
  ig_buf out;
  bool widened;
  ig_buf_init(&out, &ig_libc_allocator);
  assert_null(ig_npy_write(&d, &out, &widened));
  assert_false(widened);
  assert_memory_equal(out.data + out.n - sizeof little, little, sizeof little);
  assert_non_null(strstr(out.data + 10, "'<U3'"));
  ig_buf_free(&out);
  free_data(&d);
  ig_arena_free(&arena);
}

static void test_refused(void **state) {
  (void)state;
  static const struct {
    const char *header;
    size_t n;
    ig_code code;
  } cases[] = {{"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, IG_ERROR_INVALID_ARGUMENT},
               {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4, IG_ERROR_INVALID_ARGUMENT},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 7, IG_ERROR_INVALID_ARGUMENT},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", 8, IG_ERROR_INVALID_ARGUMENT},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 8, IG_ERROR_INVALID_ARGUMENT},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", 8, IG_ERROR_UNSUPPORTED},
               {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", 8, IG_ERROR_INVALID_ARGUMENT},
               {"{'descr': '<f4', 'shape': (1,), }", 8, IG_ERROR_INVALID_ARGUMENT},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", 8, IG_ERROR_INVALID_ARGUMENT},
               {"{'descr': '<M8', 'fortran_order': False, 'shape': (1,), }", 8, IG_ERROR_UNSUPPORTED},
               {"{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", 16, IG_ERROR_UNSUPPORTED},
               {"{'descr': '<U0', 'fortran_order': False, 'shape': (1099511627776,), }", 8, IG_ERROR_INVALID_ARGUMENT},
               {"import os", 0, IG_ERROR_INVALID_ARGUMENT}};
  const uint8_t zeros[64] = {0};
  ig_arena arena;
  ig_data d;
  ig_arena_init(&arena, &ig_libc_allocator, 0);
  for (size_t i = 0; i < IG_COUNT(cases); i++) {
    expect_code(read_npy(1, cases[i].header, zeros, cases[i].n, &arena, &d), cases[i].code);
    assert_null(d.bytes);
  }
  expect_code(read_npy(4, cases[0].header, zeros, 8, &arena, &d), IG_ERROR_UNSUPPORTED);
  /* Every length of a good file but the whole is refused without reading past its end. */
  uint8_t bytes[256];
  const size_t n = npy(bytes, 2, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", zeros, 12);
  for (size_t k = 0; k < n; k++) {
    uint8_t *exact = malloc(k + 1);
    memcpy(exact, bytes, k);
    ig_status st = ig_npy_read(&ig_libc_allocator, &arena, exact, k, &d);
    assert_non_null(st);
    ig_status_free(st);
    free(exact);
  }
  ig_arena_free(&arena);
}

static void test_widening(void **state) {
  (void)state;
  char path[] = "/tmp/ingot-value-XXXXXX";
  const int fd = mkstemp(path);
  assert_true(fd >= 0);
  close(fd);
  ig_env *env;
  assert_null(ig_env_create(NULL, &env));
  const uint16_t bf16[] = {0x3fc0, 0xc000, 0x7f80};
  const uint8_t i4[] = {0x8f, 0x07}, e4m3[] = {0x38, 0xb8, 0x7e}, u2[] = {0xe4};
  static const struct {
    ig_dtype dtype, wide;
    int64_t n;
  } cases[] = {{IG_DTYPE_BF16, IG_DTYPE_F32, 3}, {IG_DTYPE_I4, IG_DTYPE_I8, 3}, {IG_DTYPE_F8E4M3FN, IG_DTYPE_F32, 3}, {IG_DTYPE_U2, IG_DTYPE_U8, 4}};
  const void *const data[] = {bf16, i4, e4m3, u2};
  for (size_t i = 0; i < IG_COUNT(cases); i++) {
    int64_t dims[] = {cases[i].n};
    const ig_tensor t = {.data = (void *)(uintptr_t)data[i], .device_type = 1, .rank = 1, .dtype = cases[i].dtype, .dims = dims};
    int widened = 0;
    ig_value *v;
    assert_null(ig_tensor_save_file(env, &t, "x", "npy", path, &widened));
    assert_int_equal(widened, 1);
    assert_null(ig_value_load_file(env, path, &v));
    assert_int_equal(ig_value_tensor(v)->dtype, cases[i].wide);
    if (i == 1) assert_memory_equal(ig_value_tensor(v)->data, ((const int8_t[]){-1, -8, 7}), 3);
    if (i == 2) assert_memory_equal(ig_value_tensor(v)->data, ((const float[]){1, -1, 448}), 12);
    assert_null(ig_value_narrow(v, cases[i].dtype));
    assert_memory_equal(ig_value_tensor(v)->data, data[i], ig_dtype_bytes(cases[i].dtype, (uint64_t)cases[i].n));
    ig_value_release(v);
    assert_null(ig_tensor_save_file(env, &t, "x", "pb", path, &widened));
    assert_int_equal(widened, 0);
    assert_null(ig_value_load_file(env, path, &v));
    assert_int_equal(ig_value_tensor(v)->dtype, cases[i].dtype);
    assert_string_equal(ig_value_name(v), "x");
    assert_memory_equal(ig_value_tensor(v)->data, data[i], ig_dtype_bytes(cases[i].dtype, (uint64_t)cases[i].n));
    ig_value_release(v);
  }
  unlink(path);
  ig_env_release(env);
}

static void test_narrow_refuses(void **state) {
  (void)state;
  ig_env *env;
  assert_null(ig_env_create(NULL, &env));
  int8_t data[] = {7, 8};
  int64_t dims[] = {2};
  const ig_tensor t = {.data = data, .device_type = 1, .rank = 1, .dtype = IG_DTYPE_I8, .dims = dims};
  ig_value *v;
  assert_null(ig_value_create(env, NULL, &t, &v));
  expect_code(ig_value_narrow(v, IG_DTYPE_I4), IG_ERROR_INVALID_ARGUMENT);
  expect_code(ig_value_narrow(v, IG_DTYPE_F32), IG_ERROR_INVALID_ARGUMENT);
  assert_int_equal(ig_value_tensor(v)->dtype, IG_DTYPE_I8);
  assert_memory_equal(ig_value_tensor(v)->data, data, 2);
  ig_value_release(v);
  ig_env_release(env);
}

static void test_strides(void **state) {
  (void)state;
  ig_env *env;
  assert_null(ig_env_create(NULL, &env));
  const int32_t data[] = {1, 2, 3, 4, 5, 6};
  int64_t dims[] = {3, 2}, strides[] = {1, 3};
  const ig_tensor t = {.data = (void *)(uintptr_t)data, .device_type = 1, .rank = 2, .dtype = IG_DTYPE_I32, .dims = dims, .strides = strides};
  ig_value *v;
  assert_null(ig_value_create(env, "t", &t, &v));
  const int32_t want[] = {1, 4, 2, 5, 3, 6};
  assert_memory_equal(ig_value_tensor(v)->data, want, sizeof want);
  assert_null(ig_value_tensor(v)->strides);
  ig_value_release(v);
  ig_tensor bad = t;
  dims[0] = -1;
  expect_code(ig_value_create(env, "t", &bad, &v), IG_ERROR_INVALID_ARGUMENT);
  assert_null(v);
  ig_env_release(env);
}

/* A network of one Identity on strings: values go in and come out whole, also after their source is gone. */
static void test_contexts(void **state) {
  (void)state;
  ig_env *env;
  assert_null(ig_env_create(NULL, &env));
  ig_network *net;
  ig_model *model;
  ig_plan *plan;
  ig_engine *engine;
  ig_context *context;
  const int64_t dims[] = {2};
  const char *in[] = {"x"}, *out[] = {"y"};
  const int64_t perm[] = {0};
  const ig_attr attr = {.name = "perm", .kind = IG_ATTR_KIND_INTS, .ints = perm, .n = 1};
  assert_null(ig_network_create(env, NULL, 0, &net));
  assert_null(ig_network_add_input(net, "x", IG_DTYPE_STRING, dims, NULL, 1));
  assert_null(ig_network_add_node(net, "", "Transpose", in, 1, out, 1, &attr, 1));
  assert_null(ig_network_mark_output(net, "y"));
  assert_null(ig_network_finish(net, &model));
  ig_build_options o = IG_BUILD_OPTIONS_INIT;
  o.tune = IG_TUNE_GUESS;
  assert_null(ig_build(model, &o, &plan));
  const void *bytes;
  size_t n;
  ig_plan_bytes(plan, &bytes, &n);
  assert_null(ig_engine_load_memory(env, bytes, n, NULL, &engine));
  assert_null(ig_context_create(engine, NULL, &context));
  char first[] = "first";
  const ig_string strings[] = {{first, 5}, {"", 0}};
  const ig_tensor t = {.data = (void *)(uintptr_t)strings, .device_type = 1, .rank = 1, .dtype = IG_DTYPE_STRING, .dims = (int64_t *)(uintptr_t)dims};
  ig_value *v, *got;
  assert_null(ig_value_create(env, "x", &t, &v));
  first[0] = '?';
  assert_null(ig_context_set_value(context, "x", v));
  assert_null(ig_context_run(context));
  assert_null(ig_context_get_value(env, context, "y", &got));
  ig_context_release(context);
  ig_value_release(v);
  const char *s;
  assert_int_equal(ig_value_get_kind(got), IG_VALUE_TENSOR);
  assert_null(ig_value_string(got, 0, &s, &n));
  assert_string_equal(s, "first");
  assert_null(ig_value_string(got, 1, &s, &n));
  assert_int_equal(n, 0);
  expect_code(ig_value_string(got, 2, &s, &n), IG_ERROR_INVALID_ARGUMENT);
  ig_value_release(got);
  const float f = 1;
  const int64_t one[] = {1};
  const ig_tensor wrong = {.data = (void *)(uintptr_t)&f, .device_type = 1, .rank = 1, .dtype = IG_DTYPE_F32, .dims = (int64_t *)(uintptr_t)one};
  assert_null(ig_value_create(env, NULL, &wrong, &v));
  assert_null(ig_context_create(engine, NULL, &context));
  expect_code(ig_context_set_value(context, "x", v), IG_ERROR_INVALID_ARGUMENT);
  ig_context_release(context);
  ig_value_release(v);
  ig_engine_release(engine);
  ig_plan_release(plan);
  ig_model_release(model);
  ig_network_release(net);
  ig_env_release(env);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_read_orders), cmocka_unit_test(test_read_strings),   cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_widening),    cmocka_unit_test(test_narrow_refuses), cmocka_unit_test(test_strides), cmocka_unit_test(test_contexts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
