/* Helpers of lowering: views that change nothing are not made, errors stick, results are checked against inference.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops_case.h"
#include "ops/pointwise.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static ig_env *env;
typedef struct fixture {
  ops_case c;
  ig_lower l;
  ig_val *x;
} fixture;

/* A node `Relu` over f32[2,3,4], inferred, ready to be lowered by hand. */
static void begin(fixture *f) {
  assert_null(ops_case_begin(&f->c, env, ig_op_find("", "Relu"), "f32[2,3,4]", OPS_RUNTIME));
  assert_null(ig_op_infer(f->c.n));
  f->x = f->c.val[0];
  f->l = (ig_lower){.ir = f->c.ir, .graph = f->c.g, .before = f->c.n, .src = f->c.n};
}

static void end(fixture *f) {
  ig_status_free(f->l.error);
  ops_case_end(&f->c);
}

static ig_dim k(fixture *f, int64_t v) { return ig_dim_const(&f->c.ir->dims, v); }

static void expect(ig_status st, ig_code code, const char *part) {
  assert_non_null(st);
  if (ig_status_code(st) != code || !strstr(ig_status_message(st), part)) print_error("%s\n", ig_status_message(st));
  assert_int_equal(ig_status_code(st), code);
  assert_non_null(strstr(ig_status_message(st), part));
}

static void test_views(void **state) {
  IG_UNUSED(state);
  fixture f;
  begin(&f);
  const uint8_t same[3] = {0, 1, 2}, turned[3] = {2, 0, 1};
  const ig_dim start[3] = {k(&f, 0), k(&f, 1), k(&f, 3)}, part[3] = {k(&f, 2), k(&f, 2), k(&f, 2)}, flat[2] = {k(&f, 6), k(&f, 4)},
               wide[4] = {k(&f, 5), k(&f, 2), k(&f, 3), k(&f, 4)};
  const int64_t step[3] = {1, 1, -2};
  assert_ptr_equal(ig_lo_permute(&f.l, f.x, same), f.x);
  assert_ptr_equal(ig_lo_reshape(&f.l, f.x, 3, f.x->dims), f.x);
  assert_ptr_equal(ig_lo_slice(&f.l, f.x, NULL, NULL, f.x->dims), f.x);
  assert_ptr_equal(ig_lo_expand(&f.l, f.x, 3, f.x->dims), f.x);
  assert_ptr_equal(ig_lo_bitcast(&f.l, f.x, IG_DTYPE_F32), f.x);
  const ig_val *p = ig_lo_permute(&f.l, f.x, turned), *s = ig_lo_slice(&f.l, f.x, start, step, part), *r = ig_lo_reshape(&f.l, f.x, 2, flat),
               *e = ig_lo_expand(&f.l, f.x, 4, wide), *b = ig_lo_bitcast(&f.l, f.x, IG_DTYPE_I32);
  assert_null(f.l.error);
  assert_true(ig_dim_equals(&f.c.ir->dims, p->dims[0], 4) && p->producer->view.op == IG_VIEW_PERMUTE);
  assert_true(s->producer->view.step[2] == -2 && s->producer->form == IG_FORM_VIEW);
  assert_true(r->rank == 2 && e->rank == 4 && b->dtype == IG_DTYPE_I32);
  assert_string_equal(p->producer->name, "case");
  assert_ptr_equal(b->producer->next, f.c.n);
  end(&f);
}

static void test_constants(void **state) {
  IG_UNUSED(state);
  fixture f;
  begin(&f);
  static const struct {
    ig_dtype d;
    double v;
  } rows[] = {{IG_DTYPE_F32, 0.1},    {IG_DTYPE_F64, 0.1},   {IG_DTYPE_F16, -1.5}, {IG_DTYPE_BF16, 3},       {IG_DTYPE_I8, -7},
              {IG_DTYPE_U64, 0x1p63}, {IG_DTYPE_I64, -9e15}, {IG_DTYPE_BOOL, 1},   {IG_DTYPE_F8E4M3FN, 448}, {IG_DTYPE_U4, 9}};
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    const ig_val *v = ig_lo_scalar(&f.l, rows[i].d, rows[i].v);
    double got = 0;
    assert_true(v && v->rank == 0 && v->dtype == rows[i].d && ig_const_f64(v, 0, &got));
    assert_true(got == (rows[i].d == IG_DTYPE_F32 ? (double)0.1f : rows[i].v));
  }
  end(&f);
}

static void test_sticky(void **state) {
  IG_UNUSED(state);
  fixture f;
  begin(&f);
  ig_lo_fail(&f.l, ig_status_new(IG_ERROR_SHAPE, "first"));
  ig_lo_fail(&f.l, ig_status_new(IG_ERROR_DATA, "second"));
  expect(f.l.error, IG_ERROR_SHAPE, "first");
  const uint32_t nodes = f.c.g->n_nodes;
  assert_null(ig_lo_copy(&f.l, f.x));
  assert_null(ig_lo_scalar(&f.l, IG_DTYPE_F32, 1));
  assert_null(ig_lo_reshape(&f.l, f.x, 0, NULL));
  ig_lo_result(&f.l, 0, f.x);
  assert_null(f.c.n->out[0]->forward);
  assert_int_equal(f.c.g->n_nodes, nodes);
  end(&f);
}

static void test_results(void **state) {
  IG_UNUSED(state);
  fixture f;
  begin(&f);
  const ig_dim flat[1] = {k(&f, 24)};
  ig_lo_result(&f.l, 0, ig_lo_reshape(&f.l, f.x, 1, flat));
  expect(f.l.error, IG_ERROR_INTERNAL, "node 'case' (Relu): lowering made result 0 of type float with 1 dims, inference said float with 3");
  end(&f);
  begin(&f);
  ig_lo_result(&f.l, 0, ig_lo_copy(&f.l, f.x));
  assert_null(f.l.error);
  assert_int_equal(ig_val_resolve(f.c.n->out[0])->producer->form, IG_FORM_KERNEL);
  assert_null(ig_op_replace(f.c.n, 0, f.c.n->out[0]));
  end(&f);
}

/* A map of more inputs than one program takes becomes a chain with the same sum. */
static void test_chain(void **state) {
  IG_UNUSED(state);
  char text[512] = "";
  for (int i = 0; i < 39; i++)
    strcat(text, "f64[1]=1 ");
  strcat(text, "f64[1]");
  for (int i = 0; i < 2; i++) {
    ops_case c;
    double got;
    assert_null(ops_case_begin(&c, env, ig_op_find("", i ? "Mean" : "Sum"), text, OPS_RUNTIME));
    assert_null(ops_case_run(&c));
    ig_data d = ops_result_data(&c, 0);
    const ig_val shim = {.dtype = d.dtype, .data = &d};
    double last = 0;
    const ig_val input = {.dtype = d.dtype, .data = c.in[39]};
    assert_true(ig_const_f64(&shim, 0, &got) && ig_const_f64(&input, 0, &last));
    assert_true(got == (39 + last) / (i ? 40 : 1));
    assert_true(c.g->n_nodes >= 3);
    ops_case_end(&c);
  }
}

static void test_refusals(void **state) {
  IG_UNUSED(state);
  ops_case c;
  ig_op none = *ig_op_find("", "Relu");
  none.lower = NULL;
  assert_null(ops_case_begin(&c, env, &none, "f32[2]", OPS_RUNTIME));
  ig_status st = ig_op_lower(c.n, c.g, c.n);
  expect(st, IG_ERROR_UNSUPPORTED, "this operator has no kernels yet");
  assert_string_equal(ig_status_detail(st, IG_DETAIL_ISSUE_CODE), "UNSUPPORTED_NODE");
  ig_status_free(st);
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_views),   cmocka_unit_test(test_constants), cmocka_unit_test(test_sticky),
                                     cmocka_unit_test(test_results), cmocka_unit_test(test_chain),     cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
