/* Network definition: what the calls build runs like an imported model; a wrong call is refused and changes nothing; no allocation that
 * fails leaks or crashes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ingot/ingot.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void expect_code(ig_status st, ig_code code) {
  if (ig_status_code(st) != code) print_error("%s\n", ig_status_message(st));
  assert_int_equal(ig_status_code(st), code);
  ig_status_free(st);
}

#define TRY(x)                                                                                                                                       \
  do {                                                                                                                                               \
    ig_status st_ = (x);                                                                                                                             \
    if (st_) return st_;                                                                                                                             \
  } while (0)

/* y = Clip(x W + b, 0, 6) with x [n, 2]; the bounds are attributes, as before version 11. */
static ig_status define(ig_network *n) {
  static float w[] = {1, 2, 3, 4, 5, 6}, b[] = {0.5f, -100, 100};
  int64_t w_dims[] = {2, 3}, b_dims[] = {3}, x_dims[] = {-1, 2};
  const char *names[] = {"n", NULL};
  const ig_tensor wt = {.data = w, .device_type = 1, .rank = 2, .dtype = IG_DTYPE_F32, .dims = w_dims},
                  bt = {.data = b, .device_type = 1, .rank = 1, .dtype = IG_DTYPE_F32, .dims = b_dims};
  const char *mm[] = {"x", "w"}, *mo[] = {"m"}, *ai[] = {"m", "b"}, *ao[] = {"a"}, *ci[] = {"a"}, *co[] = {"y"};
  const ig_attr clip[] = {{.name = "min", .kind = IG_ATTR_KIND_FLOAT, .f = 0}, {.name = "max", .kind = IG_ATTR_KIND_FLOAT, .f = 6}};
  TRY(ig_network_add_input(n, "x", IG_DTYPE_F32, x_dims, names, 2));
  TRY(ig_network_add_constant(n, "w", &wt));
  TRY(ig_network_add_constant(n, "b", &bt));
  TRY(ig_network_add_node(n, "", "MatMul", mm, 2, mo, 1, NULL, 0));
  TRY(ig_network_add_node(n, NULL, "Add", ai, 2, ao, 1, NULL, 0));
  TRY(ig_network_add_node(n, "ai.onnx", "Clip", ci, 1, co, 1, clip, 2));
  return ig_network_mark_output(n, "y");
}

static ig_status run_model(ig_env *env, const ig_model *m, float *out) {
  ig_build_options o = IG_BUILD_OPTIONS_INIT;
  o.tune = IG_TUNE_GUESS;
  o.n_threads = 1;
  ig_plan *p = NULL;
  ig_engine *e = NULL;
  ig_context *c = NULL;
  const void *bytes;
  size_t n;
  const float x[] = {1, 0, 0, 1};
  const int64_t dims[] = {2, 2};
  const ig_context_options co = {.struct_size = sizeof co, .n_threads = 1};
  ig_status st = ig_build(m, &o, &p);
  if (!st) ig_plan_bytes(p, &bytes, &n);
  if (!st) st = ig_engine_load_memory(env, bytes, n, NULL, &e);
  if (!st) st = ig_context_create(e, &co, &c);
  if (!st) st = ig_context_set_shape(c, "x", dims, 2);
  if (!st) st = ig_context_set_data(c, "x", x, sizeof x);
  if (!st) st = ig_context_run(c);
  ig_tensor t;
  if (!st) st = ig_context_get_tensor(c, "y", &t);
  if (!st) memcpy(out, t.data, 6 * sizeof *out);
  ig_context_release(c);
  ig_engine_release(e);
  ig_plan_release(p);
  return st;
}

static ig_status whole(ig_env *env, float *out) {
  const ig_opset set = {"ai.onnx", 9};
  ig_network *n;
  ig_model *m = NULL;
  TRY(ig_network_create(env, &set, 1, &n));
  ig_status st = define(n);
  if (!st) st = ig_network_finish(n, &m);
  ig_network_release(n);
  if (!st) st = run_model(env, m, out);
  ig_model_release(m);
  return st;
}

static const float expected[] = {1.5f, 0, 6, 4.5f, 0, 6};

static void test_run(void **state) {
  (void)state;
  ig_env *env;
  float out[6];
  assert_null(ig_env_create(NULL, &env));
  expect_code(whole(env, out), IG_OK);
  assert_memory_equal(out, expected, sizeof expected);
  ig_env_release(env);
}

static void test_refusals(void **state) {
  (void)state;
  ig_env *env;
  ig_network *n;
  assert_null(ig_env_create(NULL, &env));
  assert_null(ig_network_create(env, NULL, 0, &n));
  const int64_t dims[] = {2, 2}, bad_dims[] = {2, -3};
  const char *x[] = {"x"}, *xx[] = {"x", "x"}, *q[] = {"q"}, *y[] = {"y"}, *yy[] = {"y", "y"};
  const ig_attr bad = {.name = "axes", .kind = IG_ATTR_KIND_INT, .i = 1}, wrong_type = {.name = "axis", .kind = IG_ATTR_KIND_STRING, .s = "1"},
                axis = {.name = "axis", .kind = IG_ATTR_KIND_INT, .i = 5};
  ig_model *m;
  expect_code(ig_network_finish(n, &m), IG_ERROR_INVALID_ARGUMENT);
  assert_null(m);
  assert_null(ig_network_add_input(n, "x", IG_DTYPE_F32, dims, NULL, 2));
  expect_code(ig_network_add_input(n, "x", IG_DTYPE_F32, dims, NULL, 2), IG_ERROR_INVALID_ARGUMENT);
  expect_code(ig_network_add_input(n, "z", IG_DTYPE_F32, bad_dims, NULL, 2), IG_ERROR_INVALID_ARGUMENT);
  expect_code(ig_network_add_input(n, "z", IG_DTYPE_NONE, dims, NULL, 2), IG_ERROR_INVALID_ARGUMENT);
  expect_code(ig_network_add_node(n, "", "Nonsense", x, 1, y, 1, NULL, 0), IG_ERROR_UNSUPPORTED);
  expect_code(ig_network_add_node(n, "my.own", "Relu", x, 1, y, 1, NULL, 0), IG_ERROR_INVALID_ARGUMENT);
  expect_code(ig_network_add_node(n, "", "Relu", q, 1, y, 1, NULL, 0), IG_ERROR_INVALID_ARGUMENT);
  expect_code(ig_network_add_node(n, "", "Relu", xx, 2, y, 1, NULL, 0), IG_ERROR_BAD_MODEL);
  expect_code(ig_network_add_node(n, "", "Relu", x, 1, yy, 2, NULL, 0), IG_ERROR_INVALID_ARGUMENT);
  expect_code(ig_network_add_node(n, "", "Softmax", x, 1, y, 1, &bad, 1), IG_ERROR_BAD_MODEL);
  expect_code(ig_network_add_node(n, "", "Softmax", x, 1, y, 1, &wrong_type, 1), IG_ERROR_BAD_MODEL);
  expect_code(ig_network_add_node(n, "", "Softmax", x, 1, y, 1, &axis, 1), IG_ERROR_BAD_MODEL);
  expect_code(ig_network_mark_output(n, "y"), IG_ERROR_INVALID_ARGUMENT);
  /* After all that, the name is free and the network good. */
  assert_null(ig_network_add_node(n, "", "Relu", x, 1, y, 1, NULL, 0));
  expect_code(ig_network_add_node(n, "", "Relu", x, 1, y, 1, NULL, 0), IG_ERROR_INVALID_ARGUMENT);
  assert_null(ig_network_mark_output(n, "y"));
  expect_code(ig_network_mark_output(n, "y"), IG_ERROR_INVALID_ARGUMENT);
  assert_null(ig_network_finish(n, &m));
  expect_code(ig_network_mark_output(n, "x"), IG_ERROR_INVALID_ARGUMENT);
  ig_io_info io = {.struct_size = sizeof io};
  assert_int_equal(ig_model_n_io(m), 2);
  assert_null(ig_model_io(m, 1, &io));
  assert_string_equal(io.name, "y");
  assert_int_equal(io.is_output, 1);
  assert_int_equal(io.dims[1], 2);
  ig_network_release(n);
  ig_model_release(m);
  ig_env_release(env);
}

/* A value that decides a shape may come at build: the node is taken. */
static void test_value_comes_later(void **state) {
  (void)state;
  ig_env *env;
  ig_network *n;
  ig_model *m;
  ig_plan *p;
  assert_null(ig_env_create(NULL, &env));
  assert_null(ig_network_create(env, NULL, 0, &n));
  int64_t x_dims[] = {6}, s_dims[] = {1}, s[] = {0};
  const char *in[] = {"x", "s"}, *out[] = {"y"};
  assert_null(ig_network_add_input(n, "x", IG_DTYPE_F32, x_dims, NULL, 1));
  assert_null(ig_network_add_input(n, "s", IG_DTYPE_I64, s_dims, NULL, 1));
  assert_null(ig_network_add_node(n, "", "ReduceSum", in, 2, out, 1, NULL, 0));
  assert_null(ig_network_mark_output(n, "y"));
  assert_null(ig_network_finish(n, &m));
  ig_build_options o = IG_BUILD_OPTIONS_INIT;
  o.tune = IG_TUNE_GUESS;
  expect_code(ig_build(m, &o, &p), IG_ERROR_UNSUPPORTED);
  assert_null(p);
  const ig_tensor t = {.data = s, .device_type = 1, .rank = 1, .dtype = IG_DTYPE_I64, .dims = s_dims};
  const ig_fixed_input fixed = {"s", &t};
  o.fixed = &fixed;
  o.n_fixed = 1;
  expect_code(ig_build(m, &o, &p), IG_OK);
  ig_plan_release(p);
  ig_model_release(m);
  ig_network_release(n);
  ig_env_release(env);
}

/* ---- every allocation fails once ---- */

typedef struct faults {
  size_t n, fail_at;
} faults;

static void *faulty_realloc(void *self, void *old, size_t old_size, size_t size) {
  faults *f = self;
  (void)old_size;
  if (!size) {
    free(old);
    return NULL;
  }
  if (f->n++ == f->fail_at) return NULL;
  return realloc(old, size);
}

static void test_out_of_memory(void **state) {
  (void)state;
  size_t n_points = 0;
  for (size_t at = 0;; at += at > 200 ? 7 : 1) {
    faults f = {0, at};
    const ig_env_options o = {.struct_size = sizeof o, .allocator = {&f, faulty_realloc}, .n_threads = 1};
    ig_env *env;
    float out[6];
    ig_status st = ig_env_create(&o, &env);
    if (!st) st = whole(env, out);
    const bool over = f.n <= at;
    if (!st)
      assert_memory_equal(out, expected, sizeof expected);
    else
      expect_code(st, IG_ERROR_OUT_OF_MEMORY);
    ig_env_release(env);
    n_points++;
    if (over) break;
  }
  assert_true(n_points > 100);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_run), cmocka_unit_test(test_refusals), cmocka_unit_test(test_value_comes_later),
                                     cmocka_unit_test(test_out_of_memory)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
