/* The registry: names, records, types, checks of nodes that hold for every operator.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops_case.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct {
  const char *domain, *name;
} onnx_names[] = {
#define IG_ONNX(sym, domain, name) {domain, name},
#include "ops/onnx_names.def"
#undef IG_ONNX
};

static void test_names(void **state) {
  IG_UNUSED(state);
  uint32_t n_main = 0;
  for (size_t i = 0; i < IG_COUNT(onnx_names); i++) {
    n_main += *onnx_names[i].domain == '\0';
    assert_true(ig_op_is_onnx(onnx_names[i].domain, onnx_names[i].name));
    if (i == 0) continue;
    const int c = strcmp(onnx_names[i - 1].domain, onnx_names[i].domain);
    assert_true(c < 0 || (c == 0 && strcmp(onnx_names[i - 1].name, onnx_names[i].name) < 0));
  }
  assert_int_equal(n_main, 203);
  assert_true(ig_op_is_onnx("ai.onnx", "Conv"));
  assert_true(ig_op_is_onnx("ai.onnx.ml", "Scaler"));
  assert_false(ig_op_is_onnx("", "Scaler"));
  assert_false(ig_op_is_onnx("", "conv"));
  assert_false(ig_op_is_onnx("com.example", "Conv"));
  assert_null(ig_op_find("", "ImageDecoder"));
  assert_ptr_equal(ig_op_find("ai.onnx", "Add"), ig_op_find("", "Add"));
}

static void check_args(const ig_op *op, const ig_op_arg *args, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    if (!args[i].types || !args[i].name) print_error("%s: argument %u\n", op->name, i);
    assert_non_null(args[i].name);
    assert_true(args[i].types != 0 && (args[i].types & ~IG_TYPES_TENSOR) == 0);
    assert_true(i + 1 == n || !(args[i].flags & IG_ARG_VARIADIC));
  }
}

static void test_records(void **state) {
  IG_UNUSED(state);
  for (uint32_t i = 0; i < ig_n_ops; i++) {
    const ig_op *op = ig_ops[i];
    if (ig_op_find(op->domain, op->name) != op || !op->infer || !op->cases || !op->cls) print_error("record %s is incomplete\n", op->name);
    assert_ptr_equal(ig_op_find(op->domain, op->name), op);
    assert_non_null(op->infer);
    assert_non_null(op->cases);
    assert_true(op->cls != 0 && op->oldest >= 1 && op->since >= op->oldest);
    check_args(op, op->in, op->n_in);
    check_args(op, op->out, op->n_out);
    for (uint32_t k = 0; k < op->n_attrs; k++)
      assert_ptr_equal(ig_op_attr_find(op, op->attrs[k].name), &op->attrs[k]);
  }
}

static void test_types(void **state) {
  IG_UNUSED(state);
  ig_types seen = 0;
  uint32_t count = 0;
  for (int64_t k = -1; k < 40; k++) {
    const ig_dtype d = ig_dtype_from_onnx(k);
    if (d == IG_DTYPE_NONE) continue;
    assert_int_equal(ig_dtype_to_onnx(d), k);
    assert_int_equal(ig_type_only(ig_type_bit(d)), d);
    assert_int_equal(seen & ig_type_bit(d), 0);
    seen |= ig_type_bit(d);
    count++;
  }
  assert_int_equal(count, IG_TB_COUNT);
  assert_int_equal(seen, IG_TYPES_TENSOR);
  assert_int_equal(ig_type_bit(IG_DTYPE_NONE), 0);
  assert_int_equal(ig_type_only(IG_TYPES_FLOAT), IG_DTYPE_NONE);
  assert_int_equal(ig_dtype_to_onnx(IG_DTYPE_NONE), 0);
}

static ig_env *env;

static void expect(ig_status st, ig_code code, const char *part, const char *issue) {
  assert_non_null(st);
  if (ig_status_code(st) != code || !strstr(ig_status_message(st), part)) print_error("%s\n", ig_status_message(st));
  assert_int_equal(ig_status_code(st), code);
  assert_non_null(strstr(ig_status_message(st), part));
  if (issue) assert_string_equal(ig_status_detail(st, IG_DETAIL_ISSUE_CODE), issue);
  ig_status_free(st);
}

static void test_check(void **state) {
  IG_UNUSED(state);
  ops_case c;
  assert_null(ops_case_begin(&c, env, ig_op_find("", "LeakyRelu"), "f32[2]", OPS_RUNTIME));
  assert_null(ig_op_check(c.n));
  assert_true(ig_op_attr_f(c.n, "alpha") == 0.01f);
  c.n->opset = 5;
  expect(ig_op_check(c.n), IG_ERROR_UNSUPPORTED, "version 5 of the operator set is too old: 6", "UNSUPPORTED_NODE");
  c.n->opset = 16;
  const ig_ir_attr odd = {.name = "beta", .type = IG_ATTR_FLOAT}, wrong = {.name = "alpha", .type = IG_ATTR_INT};
  assert_null(ig_node_set_attr(c.n, &odd));
  expect(ig_op_check(c.n), IG_ERROR_BAD_MODEL, "attribute 'beta' is not one of this operator's", "UNSUPPORTED_ATTR");
  c.n->n_attrs = 0;
  assert_null(ig_node_set_attr(c.n, &wrong));
  expect(ig_op_check(c.n), IG_ERROR_BAD_MODEL, "attribute 'alpha' has the wrong type", "UNSUPPORTED_ATTR");
  c.n->n_attrs = 0;
  c.val[0]->rank = -1;
  expect(ig_op_check(c.n), IG_ERROR_UNSUPPORTED, "type or rank of input X", "UNSUPPORTED_INPUT");
  c.val[0]->rank = 1;
  c.val[0]->kind = IG_VAL_SEQUENCE;
  expect(ig_op_check(c.n), IG_ERROR_UNSUPPORTED, "is no tensor", "UNSUPPORTED_INPUT");
  c.n->op = NULL;
  c.n->type = "ImageDecoder";
  expect(ig_op_check(c.n), IG_ERROR_UNSUPPORTED, "this ONNX operator is not done yet", "UNSUPPORTED_NODE");
  c.n->domain = "com.example";
  expect(ig_op_check(c.n), IG_ERROR_UNSUPPORTED, "unknown operator of domain 'com.example'", "UNSUPPORTED_NODE");
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_records), cmocka_unit_test(test_types),
                                     cmocka_unit_test(test_check)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
