/* Structured operators, second part: old opsets' spellings, contents followed as dims, shapes with symbols, If, refusals and their words, memory
 * running out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops_case.h"
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static ig_env *env;

static void check_ok(ig_status st, const char *what) {
  if (st) print_error("%s: %s\n", what, ig_status_message(st));
  assert_null(st);
}

/* ---- import ---- */

typedef struct old_form {
  const char *op;
  int64_t opset;
  const char *text;
  const char *attr[3];
  int64_t values[3][4];
  uint32_t counts[3];
  int64_t dims[4];
  int rank;
  double first, last;
} old_form;

static double element(const ig_data *d, int64_t i) {
  double v = -12345;
  const ig_val one = {.data = d};
  assert_true(ig_const_f64(&one, i, &v));
  return v;
}

static void test_import(void **state) {
  IG_UNUSED(state);
  static const old_form rows[] = {
      {"Slice",
       9,
       "f32[4,5]=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19",
       {"axes", "starts", "ends"},
       {{1, 0}, {-2, 1}, {100, 3}},
       {2, 2, 2},
       {2, 2},
       2,
       8,
       14},
      {"Squeeze", 11, "f32[1,2,1]=3,4", {"axes"}, {{-1}}, {1}, {1, 2}, 2, 3, 4},
      {"Unsqueeze", 7, "f32[2]=3,4", {"axes"}, {{0, 2}}, {2}, {1, 2, 1}, 3, 3, 4},
      {"ReduceSum", 11, "f32[2,3]=1,2,3,4,5,6", {"axes"}, {{1}}, {1}, {2, 1}, 2, 6, 15},
      {"ReduceMean", 13, "f32[2,3]=1,2,3,4,5,6", {"axes"}, {{0}}, {1}, {1, 3}, 2, 2.5, 4.5},
      {"Split", 11, "f32[3]=1,2,3 -> 2", {"split"}, {{2, 1}}, {1 + 1}, {2}, 1, 1, 2},
      {"Pad", 2, "f32[2]=1,2 value=7", {"pads"}, {{1, 2}}, {2}, {5}, 1, 7, 7},
      /* version 11 takes the dims from axis 1 on together: every element of equal input is 1/4, not 1/2 */
      {"Softmax", 11, "f32[1,2,2]=3,3,3,3", {NULL}, {{0}}, {0}, {1, 2, 2}, 3, 0.25, 0.25},
      {"Softmax", 13, "f32[1,2,2]=3,3,3,3", {NULL}, {{0}}, {0}, {1, 2, 2}, 3, 0.5, 0.5},
      /* version 18 scales groups: channels 0 and 1 by 1, 2 and 3 by 10 */
      {"GroupNormalization", 18, "f32[1,4,1]=-1,1,-1,1 f32[2]=1,10 f32[2]=0,0 num_groups=2 epsilon=0", {NULL}, {{0}}, {0}, {1, 4, 1}, 3, -1, 10},
  };
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    const old_form *r = &rows[i];
    ops_case c;
    check_ok(ops_case_begin(&c, env, ig_op_find("", r->op), r->text, OPS_RUNTIME), r->op);
    for (uint32_t k = 0; k < 3 && r->attr[k]; k++) {
      const ig_ir_attr a = {.name = r->attr[k], .type = IG_ATTR_INTS, .n = r->counts[k], .v = {.ints = r->values[k]}};
      check_ok(ig_node_set_attr(c.n, &a), r->op);
    }
    check_ok(c.n->op->import(c.n, r->opset), r->op);
    check_ok(ops_case_run(&c), r->op);
    const ig_data y = ops_result_data(&c, 0);
    int64_t count = 1;
    assert_int_equal(y.rank, r->rank);
    for (int k = 0; k < r->rank; k++) {
      assert_int_equal(y.dims[k], r->dims[k]);
      count *= y.dims[k];
    }
    assert_true(element(&y, 0) == r->first && element(&y, count - 1) == r->last);
    ops_case_end(&c);
  }
}

/* ---- symbols ---- */

typedef struct bench {
  ig_ir *ir;
  ig_graph *g;
  ig_dims *t;
  ig_dim b, s;
} bench;

static bench bench_begin(void) {
  bench k = {0};
  check_ok(ig_ir_create(env, 0, &k.ir), "ir");
  k.g = ig_graph_new(k.ir, NULL, "g");
  k.t = &k.ir->dims;
  k.b = ig_dims_symbol(k.t, "b", IG_SYMBOL_INPUT, 0, 0, 1, 64);
  k.s = ig_dims_symbol(k.t, "s", IG_SYMBOL_INPUT, 0, 1, 1, 512);
  return k;
}

static ig_dim cst(const bench *k, int64_t v) { return ig_dim_const(k->t, v); }

static ig_val *tensor(const bench *k, ig_dtype d, int rank, const ig_dim *dims) {
  ig_val *v = ig_val_new(k->g, NULL);
  assert_non_null(v);
  ig_val_set_type(v, d, rank, dims);
  return v;
}

/* An int64 list whose elements are known as dims. */
static ig_val *list(const bench *k, uint32_t n, const ig_dim *elems) {
  const ig_dim count = cst(k, n);
  ig_val *v = tensor(k, IG_DTYPE_I64, 1, &count);
  v->elems = elems;
  v->n_elems = n;
  return v;
}

static ig_node *node(const bench *k, const char *op, ig_val *const *in, uint32_t n_in, const char *attr, int64_t value, ig_status *st) {
  const ig_ir_attr a = {.name = attr, .type = IG_ATTR_INT, .v = {.i = value}};
  return ig_op_node(k->g, NULL, op, in, n_in, 1, &a, attr ? 1 : 0, st);
}

static ig_val *result(const bench *k, const char *op, ig_val *const *in, uint32_t n_in, const char *attr, int64_t value) {
  ig_status st;
  ig_node *n = node(k, op, in, n_in, attr, value, &st);
  check_ok(st, op);
  return n->out[0];
}

static void test_reshape_symbols(void **state) {
  IG_UNUSED(state);
  const bench k = bench_begin();
  const ig_dim dims[3] = {k.b, k.s, cst(&k, 384)}, heads[4] = {k.b, k.s, cst(&k, -1), cst(&k, 32)};
  ig_val *in[2] = {tensor(&k, IG_DTYPE_F32, 3, dims), list(&k, 4, heads)};
  const ig_val *y = result(&k, "Reshape", in, 2, NULL, 0);
  assert_true(y->dims[0] == k.b && y->dims[1] == k.s && ig_dim_equals(k.t, y->dims[2], 12) && ig_dim_equals(k.t, y->dims[3], 32));
  assert_int_equal(k.t->guards.n, 0);
  const ig_dim flat[2] = {cst(&k, 0), cst(&k, -1)};
  in[1] = list(&k, 2, flat);
  y = result(&k, "Reshape", in, 2, NULL, 0);
  assert_true(y->dims[0] == k.b && y->dims[1] == ig_dim_mul_c(k.t, k.s, 384));
  y = result(&k, "Flatten", in, 1, "axis", 2);
  assert_true(y->dims[0] == ig_dim_mul(k.t, k.b, k.s));
  /* a value that may be -1: decided at bind */
  const ig_dim v = ig_dims_symbol(k.t, "v", IG_SYMBOL_VALUE, 1, 0, -1, 1000), open[2] = {v, cst(&k, 384)};
  in[1] = list(&k, 2, open);
  y = result(&k, "Reshape", in, 2, NULL, 0);
  int64_t *at = calloc(k.t->nodes.n, sizeof *at);
  check_ok(ig_dims_eval(k.t->nodes.data, k.t->nodes.n, (const int64_t[]){2, 5, -1}, 3, at), "eval");
  assert_int_equal(at[y->dims[0]], 10);
  check_ok(ig_dims_eval(k.t->nodes.data, k.t->nodes.n, (const int64_t[]){2, 5, 10}, 3, at), "eval");
  assert_int_equal(at[y->dims[0]], 10);
  free(at);
  ig_ir_destroy(k.ir);
}

static void test_slice_symbols(void **state) {
  IG_UNUSED(state);
  const bench k = bench_begin();
  const ig_dim dims[1] = {k.s};
  const int64_t one = 1, last = -1, far = INT64_MAX;
  ig_val *in[3] = {tensor(&k, IG_DTYPE_F32, 1, dims), ig_val_const_i64(k.g, &one, 1), ig_val_const_i64(k.g, &far, 1)};
  assert_true(result(&k, "Slice", in, 3, NULL, 0)->dims[0] == ig_dim_add_c(k.t, k.s, -1));
  in[1] = ig_val_const_i64(k.g, &last, 1);
  assert_true(ig_dim_equals(k.t, result(&k, "Slice", in, 3, NULL, 0)->dims[0], 1));
  in[1] = list(&k, 1, (const ig_dim[]){cst(&k, 0)});
  in[2] = list(&k, 1, &k.b);
  assert_true(result(&k, "Slice", in, 3, NULL, 0)->dims[0] == ig_dim_min(k.t, k.b, k.s));
  ig_ir_destroy(k.ir);
}

/* Lists of dims through every operator that follows them. */
static void test_elems(void **state) {
  IG_UNUSED(state);
  const bench k = bench_begin();
  const ig_dim shape[3] = {k.b, cst(&k, 3), k.s};
  const int64_t index[2] = {-1, 0}, one = 1, zero = 0, far = INT64_MAX, two = 2;
  ig_val *x = list(&k, 3, shape), *i0 = ig_val_const_i64(k.g, &zero, 1), *i1 = ig_val_const_i64(k.g, &one, 1);
  const ig_val *y = result(&k, "Gather", (ig_val *[]){x, ig_val_const_i64(k.g, index, 2)}, 2, NULL, 0);
  assert_true(y->n_elems == 2 && y->elems[0] == k.s && y->elems[1] == k.b);
  ig_val *tail = result(&k, "Slice", (ig_val *[]){x, i1, ig_val_const_i64(k.g, &far, 1)}, 3, NULL, 0);
  assert_true(tail->n_elems == 2 && tail->elems[1] == k.s);
  y = result(&k, "Concat", (ig_val *[]){tail, x}, 2, "axis", 0);
  assert_true(y->n_elems == 5 && y->elems[1] == k.s && y->elems[2] == k.b);
  ig_val *product = result(&k, "ReduceProd", (ig_val *[]){x}, 1, "keepdims", 0);
  assert_true(product->rank == 0 && product->elems[0] == ig_dim_mul_c(k.t, ig_dim_mul(k.t, k.b, k.s), 3));
  y = result(&k, "Unsqueeze", (ig_val *[]){product, i0}, 2, NULL, 0);
  assert_true(y->rank == 1 && y->elems[0] == product->elems[0]);
  y = result(&k, "ReduceMax", (ig_val *[]){tail}, 1, NULL, 0);
  assert_true(y->rank == 1 && y->elems[0] == ig_dim_max(k.t, cst(&k, 3), k.s));
  y = result(&k, "Tile", (ig_val *[]){tail, ig_val_const_i64(k.g, &two, 1)}, 2, NULL, 0);
  assert_true(y->n_elems == 4 && y->elems[3] == k.s);
  y = result(&k, "Expand", (ig_val *[]){product, ig_val_const_i64(k.g, &two, 1)}, 2, NULL, 0);
  assert_true(y->n_elems == 2 && y->elems[1] == product->elems[0]);
  ig_ir_destroy(k.ir);
}

/* ---- If ---- */

/* An arm that gives a value of the graph around it. */
static ig_graph *arm(const bench *k, ig_val *v) {
  ig_graph *g = ig_graph_new(k->ir, k->g, "arm");
  g->outputs = IG_NEW(&k->ir->arena, ig_val *);
  g->output_names = IG_NEW(&k->ir->arena, const char *);
  g->outputs[0] = v;
  g->output_names[0] = v->name;
  g->n_outputs = 1;
  return g;
}

static ig_status infer_if(const bench *k, ig_val *cond, ig_val *a, ig_val *b, const ig_val **out) {
  const ig_ir_attr arms[2] = {{.name = "then_branch", .type = IG_ATTR_GRAPH, .v = {.graph = arm(k, a)}},
                              {.name = "else_branch", .type = IG_ATTR_GRAPH, .v = {.graph = arm(k, b)}}};
  ig_status st;
  ig_node *n = ig_op_node(k->g, NULL, "If", &cond, 1, 1, arms, 2, &st);
  *out = n ? n->out[0] : NULL;
  return st;
}

static void test_if(void **state) {
  IG_UNUSED(state);
  const bench k = bench_begin();
  const ig_dim da[1] = {k.b}, db[1] = {k.s}, dc[2] = {k.b, k.s};
  ig_val *a = tensor(&k, IG_DTYPE_F32, 1, da), *b = tensor(&k, IG_DTYPE_F32, 1, db), *c = tensor(&k, IG_DTYPE_F32, 2, dc),
         *cond = tensor(&k, IG_DTYPE_BOOL, 0, NULL);
  const ig_val *y;
  check_ok(infer_if(&k, cond, a, a, &y), "equal arms");
  assert_true(y->rank == 1 && y->dims[0] == k.b);
  ig_status st = infer_if(&k, cond, a, b, &y);
  assert_int_equal(ig_status_code(st), IG_ERROR_UNSUPPORTED);
  assert_non_null(strstr(ig_status_message(st), "(b and s)"));
  ig_status_free(st);
  st = infer_if(&k, cond, a, c, &y);
  assert_int_equal(ig_status_code(st), IG_ERROR_UNSUPPORTED);
  ig_status_free(st);
  const ig_dim decided = ig_dim_ge(k.t, k.b, cst(&k, 9));
  cond->elems = &decided;
  cond->n_elems = 1;
  check_ok(infer_if(&k, cond, a, b, &y), "condition known as a dim");
  assert_true(y->dims[0] == ig_dim_select(k.t, decided, k.b, k.s));
  const uint8_t no = 0;
  check_ok(infer_if(&k, ig_val_const_bytes(k.g, NULL, IG_DTYPE_BOOL, 0, NULL, &no), a, c, &y), "constant condition");
  assert_true(y->rank == 2);
  ig_ir_destroy(k.ir);
}

/* ---- refusals ---- */

static void test_refusals(void **state) {
  IG_UNUSED(state);
  static const struct {
    const char *op, *text;
    ig_code code;
    const char *words;
  } rows[] = {
      {"Reshape", "f32[2,3] i64[1]=7", IG_ERROR_BAD_MODEL, "6"},
      {"Reshape", "f32[2,3] i64[2]=-1,-1", IG_ERROR_BAD_MODEL, "more than one -1"},
      {"Reshape", "f32[2,3] i64[2]=-1,4", IG_ERROR_BAD_MODEL, "do not divide"},
      {"Reshape", "f32[2,3] i64[2]", IG_ERROR_UNSUPPORTED, "--values"},
      {"Transpose", "f32[2,3] perm=0,0", IG_ERROR_BAD_MODEL, "twice"},
      {"Squeeze", "f32[2,3] i64[1]=0", IG_ERROR_BAD_MODEL, "2 does not match 1"},
      {"Slice", "f32[4] i64[1]=0 i64[1]=2 - i64[1]=0", IG_ERROR_BAD_MODEL, "step 0"},
      {"Split", "f32[5] i64[2]=2,2 -> 2", IG_ERROR_BAD_MODEL, "sum of the parts"},
      {"Expand", "f32[2] i64[1]=3", IG_ERROR_BAD_MODEL, "does not expand"},
      {"Concat", "f32[2,3] f32[2,2] axis=0", IG_ERROR_BAD_MODEL, "concatenated"},
      {"Concat", "f32[2,3] f32[2] axis=0", IG_ERROR_BAD_MODEL, "1 dims"},
      {"Pad", "f32[2] i64[2]=1,1 mode=mirror", IG_ERROR_BAD_MODEL, "mirror"},
      {"Pad", "f32[2] i64[2]=1,1 f32[2,3]", IG_ERROR_BAD_MODEL, "input 2 ('v2') must have one element"},
      {"MatMulInteger", "u8[2,3] u8[3,4] u8[3]", IG_ERROR_BAD_MODEL, "v2: 3 does not match 2"},
      {"MatMulInteger", "u8[2,3] u8[3,4] u8[2,3,2,1]", IG_ERROR_BAD_MODEL, "input 2 ('v2') has neither one element nor one for each row"},
      {"MatMulInteger", "u8[2,3] u8[3,4] u8[] u8[2,1]", IG_ERROR_BAD_MODEL, "input 3 ('v3') has neither one element nor one for each column"},
      {"QLinearMatMul", "u8[2,4] f32[5] u8[] u8[4,3] f32[] u8[] f32[] u8[]", IG_ERROR_BAD_MODEL, "v1: 5 does not match 2"},
      {"QLinearMatMul", "u8[2,4] f32[] u8[] u8[4,3] f32[] u8[] f32[2,3,1] u8[]", IG_ERROR_BAD_MODEL, "input 6 ('v6') has neither"},
      {"ConvInteger", "u8[1,1,3,3] u8[1,1,2,2] u8[2]", IG_ERROR_BAD_MODEL, "input 2 ('v2') must have one element"},
      {"ConvInteger", "u8[1,1,3,3] u8[4,1,2,2] u8[] u8[3]", IG_ERROR_BAD_MODEL, "v3: 3 does not match 4"},
      {"QLinearConv", "u8[1,1,3,3] f32[] u8[] u8[4,1,2,2] f32[4,1] u8[] f32[] u8[]", IG_ERROR_BAD_MODEL, "input 4 ('v4') has 2 dims"},
      {"Pad", "f32[2] i64[2]=-2,-1", IG_ERROR_BAD_MODEL, "-1"},
      {"DepthToSpace", "f32[1,6,2,2] blocksize=2", IG_ERROR_BAD_MODEL, "blocksize"},
      {"Gather", "f32[2] i64[1]=0 axis=1", IG_ERROR_BAD_MODEL, "axis 1"},
      {"GatherND", "f32[2] i64[1,2]=0,0", IG_ERROR_BAD_MODEL, "2 coordinates"},
      {"ReduceSum", "f32[2] i64[1]=3", IG_ERROR_BAD_MODEL, "axis 3"},
      {"MatMul", "f32[2,3] f32[4,2]", IG_ERROR_BAD_MODEL, "inner dims: 3 does not match 4"},
      {"Gemm", "f32[2,3] f32[3] f32[1]", IG_ERROR_BAD_MODEL, "B 'v1' has 1 dims"},
      {"Conv", "f32[1,2,5,5] f32[1,3,3,3]", IG_ERROR_BAD_MODEL, "input channels"},
      {"Conv", "f32[1,2,5] f32[1,2,3,3]", IG_ERROR_BAD_MODEL, "weight 'v1' has 4 dims, input 'v0' has 3"},
      {"Conv", "f32[1,1,5] f32[1,1,3] strides=0", IG_ERROR_BAD_MODEL, "strides"},
      {"Conv", "f32[1,1,2,2,2,2] f32[1,1,1,1,1,1]", IG_ERROR_UNSUPPORTED, "spatial dims"},
      {"MaxPool", "f32[1,1,5] kernel_shape=3,3", IG_ERROR_BAD_MODEL, "kernel_shape"},
      {"LSTM", "f32[3,2,4] f32[1,12,4] f32[1,12,5]", IG_ERROR_BAD_MODEL, "W"},
      {"LSTM", "f32[3,2,4] f32[1,12,4] f32[1,12,3] direction=sideways", IG_ERROR_BAD_MODEL, "sideways"},
      {"LayerNormalization", "f32[2,3] f32[2]", IG_ERROR_BAD_MODEL, "scale"},
      {"GroupNormalization", "f32[1,5,2] f32[5] f32[5] num_groups=2", IG_ERROR_BAD_MODEL, "num_groups"},
  };
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    ops_case c;
    check_ok(ops_case_begin(&c, env, ig_op_find("", rows[i].op), rows[i].text, OPS_RUNTIME), rows[i].op);
    ig_status st = ops_case_run(&c);
    const bool good = ig_status_code(st) == rows[i].code && strstr(ig_status_message(st), rows[i].words) && strstr(ig_status_message(st), rows[i].op);
    if (!good) print_error("%s %s: %s\n", rows[i].op, rows[i].text, ig_status_message(st));
    assert_true(good);
    ig_status_free(st);
    ops_case_end(&c);
  }
}

/* ---- memory ---- */

typedef struct meter {
  long left;
} meter;

static void *metered(void *self, void *old, size_t old_size, size_t size) {
  meter *m = self;
  if (size && m->left-- <= 0) return NULL;
  return ig_libc_allocator.realloc(ig_libc_allocator.self, old, old_size, size);
}

static ig_status whole_case(ig_env *e, const char *op, const char *text) {
  ops_case c = {0};
  ig_status st = ops_case_begin(&c, e, ig_op_find("", op), text, OPS_RUNTIME);
  if (!st) st = ig_op_infer(c.n);
  if (!st) st = ops_lower_all(c.g);
  ig_ir_destroy(c.ir);
  return st;
}

static void test_memory(void **state) {
  IG_UNUSED(state);
  static const char *const rows[][2] = {{"Conv", "f32[2,4,7,5] f32[6,2,3,2] f32[6] group=2"},
                                        {"LSTM", "f32[3,2,4] f32[1,12,4] f32[1,12,3] f32[1,24] -> 3"},
                                        {"Concat", "f32[2,3] f32[1,3] axis=0"},
                                        {"ReduceLogSumExp", "i32[2,3]"},
                                        {"GroupNormalization", "f32[2,4,3,3] f32[4] f32[4] num_groups=2"},
                                        {"ConvTranspose", "f32[1,4,5] f32[4,2,3] group=2"}};
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    meter m = {1000000};
    ig_env_options opt = IG_ENV_OPTIONS_INIT;
    ig_env *e;
    opt.allocator = (ig_allocator){&m, metered};
    check_ok(ig_env_create(&opt, &e), "env");
    bool passed = false;
    for (long n = 0; n < 600 && !passed; n++) {
      m.left = n;
      ig_status st = whole_case(e, rows[i][0], rows[i][1]);
      passed = !st;
      if (st && ig_status_code(st) != IG_ERROR_OUT_OF_MEMORY) print_error("%s, allocation %ld: %s\n", rows[i][0], n, ig_status_message(st));
      if (st) assert_int_equal(ig_status_code(st), IG_ERROR_OUT_OF_MEMORY);
      ig_status_free(st);
    }
    assert_true(passed);
    ig_env_release(e);
  }
}

static int setup(void **state) {
  IG_UNUSED(state);
  return ig_env_create(NULL, &env) != NULL;
}

static int teardown(void **state) {
  IG_UNUSED(state);
  ig_env_release(env);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_import), cmocka_unit_test(test_reshape_symbols), cmocka_unit_test(test_slice_symbols), cmocka_unit_test(test_elems),
      cmocka_unit_test(test_if),     cmocka_unit_test(test_refusals),        cmocka_unit_test(test_memory)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
