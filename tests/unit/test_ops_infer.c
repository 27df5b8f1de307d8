/* Helpers of inference: reading constants of every type, broadcasting with symbols, values that must be known, replacement of results.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops_case.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static ig_env *env;

static void expect(ig_status st, ig_code code, const char *part) {
  assert_non_null(st);
  if (ig_status_code(st) != code || !strstr(ig_status_message(st), part)) print_error("%s\n", ig_status_message(st));
  assert_int_equal(ig_status_code(st), code);
  assert_non_null(strstr(ig_status_message(st), part));
  ig_status_free(st);
}

static void test_constants(void **state) {
  IG_UNUSED(state);
  ig_arena a;
  ig_arena_init(&a, &ig_libc_allocator, 0);
  static const struct {
    const char *text;
    double f;
    bool integral;
    int64_t i;
  } rows[] = {
      {"i8[2]=0,-128", -128, true, -128}, {"u8[2]=0,200", 200, true, 200},
      {"i4[2]=0,-8", -8, true, -8},       {"u4[3]=0,15,1", 15, true, 15},
      {"i2[2]=0,-2", -2, true, -2},       {"u2[5]=0,3,0,0,0", 3, true, 3},
      {"i64[2]=0,-5", -5, true, -5},      {"u32[2]=0,4294967295", 4294967295.0, true, 4294967295},
      {"f32[2]=0,2.5", 2.5, false, 0},    {"f16[2]=0,-4", -4, true, -4},
      {"bf16[2]=0,0.5", 0.5, false, 0},   {"f64[2]=0,1e300", 1e300, false, 0},
      {"f8e5m2[2]=0,3", 3, true, 3},      {"f4[2]=0,6", 6, true, 6},
      {"bool[2]=0,1", 1, true, 1},        {"u64[2]=0,9223372036854775808", 0x1p63, false, 0},
  };
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    bool given;
    const ig_data *d = ops_data(&a, rows[i].text, strcspn(rows[i].text, " "), 0, &given);
    const ig_val v = {.dtype = d->dtype, .rank = 1, .data = d};
    double f;
    int64_t n = 0;
    if (!ig_const_f64(&v, 1, &f) || f != rows[i].f) print_error("%s: %g\n", rows[i].text, f);
    assert_true(ig_const_f64(&v, 1, &f) && f == rows[i].f);
    assert_true(ig_const_i64(&v, 1, &n) == rows[i].integral);
    if (rows[i].integral) assert_int_equal(n, rows[i].i);
    assert_false(ig_const_f64(&v, 99, &f));
    assert_false(ig_const_i64(&v, -1, &n));
    assert_false(ig_const_single(&v));
  }
  ig_arena_free(&a);
}

static void test_broadcast(void **state) {
  IG_UNUSED(state);
  ops_case c;
  assert_null(ops_case_begin(&c, env, ig_op_find("", "Add"), "f32[4,3] f32[5,1,3]", OPS_RUNTIME));
  ig_dims *t = &c.ir->dims;
  const ig_dim n = ig_dims_symbol(t, "n", IG_SYMBOL_INPUT, 0, 0, 1, 100), m = ig_dims_symbol(t, "m", IG_SYMBOL_INPUT, 0, 1, 2, 100);
  assert_null(ig_op_infer(c.n));
  const ig_val *out = c.n->out[0];
  assert_int_equal(out->rank, 3);
  assert_true(ig_dim_equals(t, out->dims[0], 5) && ig_dim_equals(t, out->dims[1], 4) && ig_dim_equals(t, out->dims[2], 3));
  /* a symbol against 1 is the symbol; two symbols broadcast under a guard */
  c.val[0]->dims[0] = n;
  assert_null(ig_op_infer(c.n));
  assert_int_equal(out->dims[1], n);
  assert_int_equal(t->guards.n, 0);
  c.val[1]->dims[1] = m;
  assert_null(ig_op_infer(c.n));
  assert_int_equal(t->guards.n, 1);
  assert_string_equal(t->guards.data[0].node, "case");
  c.val[1]->dims[2] = ig_dim_const(t, 7);
  expect(ig_op_infer(c.n), IG_ERROR_BAD_MODEL, "'v1' has extent 7 at axis -1 where the inputs before it have 3");
  ops_case_end(&c);
}

static void test_values(void **state) {
  IG_UNUSED(state);
  ops_case c;
  uint32_t count;
  ig_dim dims[4];
  int64_t ints[4], axis;
  assert_null(ops_case_begin(&c, env, ig_op_find("", "Max"), "i64[2] i64[3]=4,5,6 f32[2]=1,2.5 i64[2,2] i32[]=7", OPS_RUNTIME));
  assert_null(ig_infer_elems(c.n, 1, dims, 4, &count));
  assert_true(count == 3 && ig_dim_equals(&c.ir->dims, dims[2], 6));
  assert_null(ig_infer_ints(c.n, 4, ints, 4, &count));
  assert_true(count == 1 && ints[0] == 7);
  ig_status st = ig_infer_elems(c.n, 0, dims, 4, &count);
  assert_string_equal(ig_status_detail(st, IG_DETAIL_ISSUE_CODE), "UNSUPPORTED_SHAPE");
  assert_non_null(strstr(ig_status_detail(st, IG_DETAIL_HINT), "--values v0="));
  expect(st, IG_ERROR_UNSUPPORTED, "the value of input data_0 ('v0') decides shapes and is not known at build time");
  expect(ig_infer_ints(c.n, 0, ints, 4, &count), IG_ERROR_UNSUPPORTED, "not known");
  expect(ig_infer_ints(c.n, 1, ints, 2, &count), IG_ERROR_BAD_MODEL, "has 3 elements, at most 2");
  expect(ig_infer_elems(c.n, 2, dims, 4, &count), IG_ERROR_UNSUPPORTED, "not known");
  expect(ig_infer_ints(c.n, 3, ints, 4, &count), IG_ERROR_BAD_MODEL, "has 2 dims, at most 1");
  expect(ig_infer_ints(c.n, 9, ints, 4, &count), IG_ERROR_BAD_MODEL, "is missing");
  assert_null(ig_axis(c.n, -1, 3, &axis));
  assert_int_equal(axis, 2);
  expect(ig_axis(c.n, 3, 3, &axis), IG_ERROR_BAD_MODEL, "axis 3 is outside [-3, 3)");
  expect(ig_axis(c.n, 0, 0, &axis), IG_ERROR_BAD_MODEL, "axis 0 is outside [0, 0)");
  ops_case_end(&c);
}

static void test_set_and_replace(void **state) {
  IG_UNUSED(state);
  ops_case c;
  assert_null(ops_case_begin(&c, env, ig_op_find("", "Relu"), "f32[2,3]", OPS_RUNTIME));
  const ig_dim negative[1] = {ig_dim_const(&c.ir->dims, -4)}, many[9] = {negative[0]};
  expect(ig_infer_set(c.n, 0, IG_DTYPE_F32, 1, negative), IG_ERROR_BAD_MODEL, "is -4");
  expect(ig_infer_set(c.n, 0, IG_DTYPE_F32, 9, many), IG_ERROR_UNSUPPORTED, "has 9 dims");
  assert_null(ig_infer_set(c.n, 7, IG_DTYPE_F32, 9, many));
  assert_null(ig_op_infer(c.n));
  ig_val *other = ig_val_new(c.g, "other");
  ig_val_set_type(other, IG_DTYPE_F64, 2, c.val[0]->dims);
  expect(ig_op_replace(c.n, 0, other), IG_ERROR_INTERNAL, "is replaced by 'other' (double, 2 dims)");
  ig_val_set_type(other, IG_DTYPE_F32, 2, (const ig_dim[]){c.val[0]->dims[1], c.val[0]->dims[0]});
  expect(ig_op_replace(c.n, 0, other), IG_ERROR_SHAPE, "case");
  assert_null(ig_op_replace(c.n, 0, c.val[0]));
  assert_ptr_equal(ig_val_resolve(c.n->out[0]), c.val[0]);
  ig_status st;
  assert_null(ig_op_node(c.g, NULL, "NoSuchOperator", NULL, 0, 1, NULL, 0, &st));
  expect(st, IG_ERROR_INTERNAL, "NoSuchOperator");
  ops_case_end(&c);
}

static int setup(void **state) {
  IG_UNUSED(state);
  ig_status st = ig_env_create(NULL, &env);
  const int failed = st != NULL;
  ig_status_free(st);
  return failed;
}
static int teardown(void **state) {
  IG_UNUSED(state);
  ig_env_release(env);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_constants), cmocka_unit_test(test_broadcast), cmocka_unit_test(test_values),
                                     cmocka_unit_test(test_set_and_replace)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
