/* Pointwise operators: every record's cases with run-time, constant and symbolic inputs agree bit for bit; samples worked by hand; symbolic
 * contents; rewrites; failures; memory running out.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops_case.h"
#include "ops/pointwise.h"
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static ig_env *env;

static void check_ok(ig_status st, const char *op, const char *text) {
  if (st) print_error("%s: %s: %s\n", op, text, ig_status_message(st));
  assert_null(st);
}

/* ---- all cases ---- */

static void compare(const ops_case *a, const ops_case *b, const char *op, const char *text, const char *mode) {
  for (uint32_t i = 0; i < a->n->n_out; i++) {
    const ig_data x = ops_result_data(a, i), y = ops_result_data(b, i);
    const bool same = x.dtype == y.dtype && x.rank == y.rank && memcmp(x.dims, y.dims, sizeof x.dims) == 0 && x.n_bytes == y.n_bytes &&
                      memcmp(x.bytes, y.bytes, x.n_bytes) == 0;
    if (!same) print_error("%s: %s: result %u differs with %s\n", op, text, i, mode);
    assert_true(same);
  }
}

static void run_case(ops_case *c, const ig_op *op, const char *text, unsigned mode) {
  check_ok(ops_case_begin(c, env, op, text, mode), op->name, text);
  check_ok(ops_case_run(c), op->name, text);
}

/* The records of this family: maps and constants. Others are tested beside their own records. */
static bool is_mine(const ig_op *op) { return op->cls == IG_CLASS_MAP || op->cls == IG_CLASS_CONST; }

static void test_cases(void **state) {
  IG_UNUSED(state);
  uint32_t n_cases = 0;
  for (uint32_t i = 0; i < ig_n_ops; i++) {
    const ig_op *op = ig_ops[i];
    if (!is_mine(op)) continue;
    assert_non_null(op->cases);
    for (const char *const *text = op->cases; *text; text++, n_cases++) {
      ops_case runtime, constant, symbolic;
      run_case(&runtime, op, *text, OPS_RUNTIME);
      run_case(&constant, op, *text, OPS_CONSTANT);
      run_case(&symbolic, op, *text, OPS_SYMBOLIC);
      compare(&runtime, &constant, op->name, *text, "constant inputs");
      compare(&runtime, &symbolic, op->name, *text, "symbolic dims");
      ops_case_end(&runtime);
      ops_case_end(&constant);
      ops_case_end(&symbolic);
    }
  }
  assert_true(n_cases > 180);
}

/* ---- samples by hand ---- */

typedef struct sample {
  const char *op, *text, *want;
  double tolerance;
} sample;

static const sample samples[] = {
    {"Add", "i8[3]=127,-128,5 i8[3]=1,-1,5", "-128,127,10", 0},
    {"Add", "f16[2]=2048,1 f16[]=1", "2048,2", 0},
    {"Sub", "u8[2]=1,200 u8[2]=2,100", "255,100", 0},
    {"Sub", "u32[1]=0 u32[1]=1", "4294967295", 0},
    {"Mul", "u16[1]=65535 u16[1]=65535", "1", 0},
    {"Div", "i32[4]=7,-7,7,-7 i32[4]=2,2,-2,-2", "3,-3,-3,3", 0},
    {"Div", "f32[2]=1,-1 f32[1]=0", "inf,-inf", 0},
    {"Mod", "i32[4]=7,-7,7,-7 i32[4]=3,3,-3,-3", "1,2,-2,-1", 0},
    {"Mod", "i32[4]=7,-7,7,-7 i32[4]=3,3,-3,-3 fmod=1", "1,-1,1,-1", 0},
    {"Mod", "f32[2]=-4.5,4.5 f32[1]=2 fmod=1", "-0.5,0.5", 0},
    {"Pow", "f32[3]=2,3,4 i64[1]=-1", "0.5,0.33333334,0.25", 1e-7},
    {"Pow", "i32[3]=2,-3,4 i32[1]=3", "8,-27,64", 0},
    {"Pow", "f32[3]=2,-3,0.5 f32[1]=3", "8,-27,0.125", 0},
    {"Pow", "f64[2]=-0.1,3 i64[1]=3", "-0.001,27", 1e-15},
    {"Pow", "i64[2]=4,9 f32[1]=0.5", "2,3", 0},
    {"Max", "f32[2]=nan,1 f32[2]=0,nan", "nan,nan", 0},
    {"Max", "u64[2]=18446744073709549568,1 u64[2]=0,3", "18446744073709549568,3", 0},
    {"Min", "i8[2]=-3,4 i8[1]=1 i8[2]=0,0", "-3,0", 0},
    {"Mean", "f32[2]=1,2 f32[2]=3,4 f32[1]=5", "3,3.6666667", 1e-7},
    {"Clip", "f32[3]=-1,0.5,9 f32[]=2 f32[]=1", "1,1,1", 0},
    {"Clip", "i32[3]=-9,0,9 - i32[1]=3", "-9,0,3", 0},
    {"BitShift", "u8[3]=1,128,255 u8[3]=7,1,9 direction=LEFT", "128,0,0", 0},
    {"BitShift", "i8[3]=-8,-1,64 i8[3]=1,9,3 direction=RIGHT", "-4,-1,8", 0},
    {"BitShift", "u64[2]=18446744073709549568,4 u64[2]=63,64 direction=RIGHT", "1,0", 0},
    {"BitwiseNot", "u8[2]=0,85", "255,170", 0},
    {"BitwiseXor", "i16[1]=-1 i16[1]=15", "-16", 0},
    {"Abs", "i8[2]=-128,-5", "-128,5", 0},
    {"Sign", "f32[3]=-2,0,3", "-1,0,1", 0},
    {"Round", "f32[4]=0.5,1.5,2.5,-0.5", "0,2,2,0", 0},
    {"IsInf", "f32[3]=inf,-inf,nan detect_negative=0", "1,0,0", 0},
    {"IsNaN", "f16[3]=inf,nan,1", "0,1,0", 0},
    {"Equal", "bool[2]=1,0 bool[1]=0", "0,1", 0},
    {"GreaterOrEqual", "f32[3]=nan,1,2 f32[1]=1", "0,1,1", 0},
    {"Where", "bool[2]=1,0 i64[1]=5 i64[2]=6,7", "5,7", 0},
    {"Relu", "i32[3]=-4,0,4", "0,0,4", 0},
    {"Elu", "f32[2]=-1,2 alpha=2", "-1.2642411,2", 1e-6},
    {"Celu", "f32[2]=-1,2 alpha=2", "-0.7869387,2", 1e-6},
    {"Selu", "f32[2]=-1,1", "-1.1113307,1.050701", 1e-6},
    {"Gelu", "f32[3]=-1,0,1", "-0.15865526,0,0.8413447", 1e-6},
    {"Gelu", "f32[2]=-1,1 approximate=tanh", "-0.15880801,0.841192", 1e-6},
    {"HardSwish", "f32[4]=-4,-1,1,4", "0,-0.33333334,0.6666667,4", 1e-6},
    {"Mish", "f32[2]=-1,1", "-0.30340147,0.8650984", 1e-6},
    {"Swish", "f32[1]=1 alpha=2", "0.880797", 1e-6},
    {"SwiGLU", "f32[1]=1 f32[1]=3", "2.1931758", 1e-6},
    {"Shrink", "f32[3]=-2,0.5,2 lambd=1 bias=0.5", "-1.5,0,1.5", 0},
    {"Softsign", "f32[2]=-1,3", "-0.5,0.75", 0},
    {"ThresholdedRelu", "f32[3]=1,2,3 alpha=2", "0,0,3", 0},
    {"PRelu", "f32[2,2]=-1,2,-3,4 f32[2]=0.5,2", "-0.5,2,-1.5,4", 0},
    {"Cast", "f32[4]=2.9,-2.9,3e9,nan to=6", "2,-2,2147483647,0", 0},
    {"Cast", "f32[2]=448,500 to=17", "448,448", 0},
    {"Cast", "f32[2]=448,500 to=17 saturate=0", "448,nan", 0},
    {"Cast", "f32[3]=1.5,3,5 to=24 round_mode=down", "1,2,4", 0},
    {"Cast", "f32[3]=1.5,3,5 to=24", "2,4,8", 0},
    {"Cast", "i8[3]=-1,2,0 to=9", "1,1,0", 0},
    {"Cast", "i32[2]=7,-8 to=22", "7,-8", 0},
    {"Cast", "i64[1]=65519 to=10", "65504", 0},
    {"CastLike", "f32[2]=1.9,-1.9 i8[1]", "1,-1", 0},
    {"QuantizeLinear", "f32[6]=0,2,3,1000,-254,-1000 f32[]=2 u8[]=128", "128,129,130,255,1,0", 0},
    {"QuantizeLinear", "f32[2,2]=3,-3,100,5 f32[2]=1,10 i8[2]=1,-1 axis=0", "4,-2,9,-1", 0},
    {"QuantizeLinear", "f32[4]=-100,-3,3,100 f32[]=2 i4[]=1", "-8,-1,3,7", 0},
    {"QuantizeLinear", "f32[1,5]=1,2,3,4,5 f32[1,3]=1,2,5 u8[1,3]=0,0,1 axis=1 block_size=2", "1,2,2,2,2", 0},
    {"DequantizeLinear", "u8[4]=0,3,128,255 f32[]=2 u8[]=128", "-256,-250,0,254", 0},
    {"DequantizeLinear", "i8[2,4]=1,2,3,4,5,6,7,8 f32[2,2]=1,10,100,1000 axis=1 block_size=2", "1,2,30,40,500,600,7000,8000", 0},
    {"DequantizeLinear", "u2[5]=0,1,2,3,3 f32[]=0.5 u2[]=1", "-0.5,0,0.5,1,1", 0},
    {"BatchNormalization", "f32[1,2,2]=1,2,3,4 f32[2]=1,2 f32[2]=0,1 f32[2]=1,3 f32[2]=1,4 epsilon=0", "0,1,1,2", 0},
    {"BatchNormalization", "f32[2,1]=1,3 f32[1]=1 f32[1]=0 f32[1]=0 f32[1]=0 epsilon=0 training_mode=1 -> 3", "-1,1", 0},
    {"Range", "i64[]=10 i64[]=4 i64[]=-2", "10,8,6", 0},
    {"Range", "f32[]=1 f32[]=2 f32[]=0.25", "1,1.25,1.5,1.75", 0},
    {"EyeLike", "i32[2,3] k=1", "0,1,0,0,0,1", 0},
    {"Trilu", "i64[2,3]=1,2,3,4,5,6 i64[]=1", "0,2,3,0,0,6", 0},
    {"Trilu", "i64[2,3]=1,2,3,4,5,6 upper=0", "1,0,0,4,5,0", 0},
    {"OneHot", "i64[3]=0,-1,7 i64[]=3 f32[2]=2,5", "5,2,2,2,2,5,2,2,2", 0},
    {"ConstantOfShape", "i64[1]=3", "0,0,0", 0},
    {"Shape", "f32[2,3,4] start=-2", "3,4", 0},
    {"Size", "f32[2,3,4]", "24", 0},
    {"HannWindow", "i32[]=4", "0,0.5,1,0.5", 1e-7},
    {"BlackmanWindow", "i32[]=3 periodic=0", "0,1,0", 1e-7},
    {"Constant", "value_ints=4,5", "4,5", 0},
    {"Dropout", "f32[3]=1,2,3", "1,2,3", 0},
    {"Binarizer", "f32[3]=1,2,3 threshold=2", "0,0,1", 0},
    {"Imputer", "f32[4]=nan,1,nan,2 imputed_value_floats=9 replaced_value_float=nan", "9,1,9,2", 0},
    {"Scaler", "f32[1,2]=1,2 offset=1,1 scale=3,4", "0,4", 0},
    {"Adagrad", "f32[]=0.5 i64[]=1 f32[1]=1 f32[1]=-2 f32[1]=5 epsilon=1 -> 2", "1.25", 0},
    {"Momentum", "f32[]=0.5 i64[]=0 f32[1]=1 f32[1]=-2 f32[1]=4 alpha=0.5 beta=9 norm_coefficient=0 mode=standard -> 2", "1", 0},
};

static const ig_op *op_named(const char *name) {
  static const char *const domains[] = {"", "ai.onnx.ml", "ai.onnx.preview.training"};
  for (size_t i = 0; i < IG_COUNT(domains); i++)
    if (ig_op_find(domains[i], name)) return ig_op_find(domains[i], name);
  return NULL;
}

static void check_sample(const sample *s) {
  ops_case c;
  run_case(&c, op_named(s->op), s->text, OPS_RUNTIME);
  ig_data d = ops_result_data(&c, 0);
  const ig_val shim = {.dtype = d.dtype, .rank = (int8_t)d.rank, .data = &d};
  int64_t count = 0;
  for (const char *p = s->want; *p; count++) {
    const size_t m = strcspn(p, ",");
    double want = 0, got = 0;
    assert_true(ig_parse_f64(p, m, &want));
    assert_true(ig_const_f64(&shim, count, &got));
    const bool good = want != want  ? got != got
                      : isinf(want) ? got == want
                                    : fabs(got - want) <= s->tolerance * fabs(want) + (s->tolerance > 0 ? 1e-9 : 0);
    if (!good) print_error("%s %s: element %d is %.9g, expected %.9g\n", s->op, s->text, (int)count, got, want);
    assert_true(good);
    p += m + (p[m] == ',');
  }
  int64_t n;
  assert_true(ig_data_count(&d, &n));
  assert_int_equal(n, count);
  ops_case_end(&c);
}

static void test_samples(void **state) {
  IG_UNUSED(state);
  for (size_t i = 0; i < IG_COUNT(samples); i++)
    check_sample(&samples[i]);
}

/* ---- symbolic contents ---- */

static ig_val *apply(ig_graph *g, const char *op, ig_val *a, ig_val *b, ig_val *c) {
  ig_val *in[3] = {a, b, c};
  ig_status st;
  ig_node *n = ig_op_node(g, NULL, op, in, c ? 3 : b ? 2 : 1, 1, NULL, 0, &st);
  check_ok(st, op, "symbolic");
  return ig_val_resolve(n->out[0]);
}

static ig_val *cast(ig_graph *g, ig_val *x, ig_dtype to) {
  const ig_ir_attr a = {.name = "to", .type = IG_ATTR_INT, .v = {.i = ig_dtype_to_onnx(to)}};
  ig_status st;
  ig_node *n = ig_op_node(g, NULL, "Cast", &x, 1, 1, &a, 1, &st);
  check_ok(st, "Cast", "symbolic");
  return ig_val_resolve(n->out[0]);
}

static ig_val *ints(ig_graph *g, int64_t a, int64_t b) { return ig_val_const_i64(g, (const int64_t[]){a, b}, 2); }

static void test_elems(void **state) {
  IG_UNUSED(state);
  ig_ir *ir;
  check_ok(ig_ir_create(env, 0, &ir), "ir", "");
  ig_graph *g = ig_graph_new(ir, NULL, "g");
  ig_dims *t = &ir->dims;
  const ig_dim b = ig_dims_symbol(t, "b", IG_SYMBOL_INPUT, 0, 0, 1, IG_DIM_UNBOUNDED), four = ig_dim_const(t, 4), dims[2] = {b, four};
  ig_val *x = ig_val_new(g, "x");
  ig_val_set_type(x, IG_DTYPE_F32, 2, dims);
  ig_val *shape = apply(g, "Shape", x, NULL, NULL);
  assert_int_equal(shape->n_elems, 2);
  assert_int_equal(shape->elems[0], b);
  assert_false(ig_val_is_const(shape));

  ig_val *v = apply(g, "Add", shape, ints(g, 1, 2), NULL);
  assert_int_equal(v->elems[0], ig_dim_add_c(t, b, 1));
  assert_int_equal(v->elems[1], ig_dim_const(t, 6));
  v = apply(g, "Div", apply(g, "Mul", shape, ints(g, 6, 6), NULL), ints(g, 3, 3), NULL);
  assert_int_equal(v->elems[0], ig_dim_mul_c(t, b, 2));
  /* torch's expand: where(shape == -1, other, shape) is shape, since no extent is negative */
  v = apply(g, "Where", apply(g, "Equal", shape, ints(g, -1, -1), NULL), ints(g, 7, 7), shape);
  assert_int_equal(v->elems[0], b);
  /* sizes scaled in float: floor(b * 2.5), and exact when cut off by a cast */
  ig_val *scale = ig_val_const_bytes(g, NULL, IG_DTYPE_F32, 0, NULL, &(float){2.5f});
  ig_val *scaled = apply(g, "Mul", cast(g, shape, IG_DTYPE_F32), scale, NULL);
  assert_int_equal(cast(g, apply(g, "Floor", scaled, NULL, NULL), IG_DTYPE_I64)->elems[0], ig_dim_scale(t, b, 2.5, true));
  ig_val *size = cast(g, scaled, IG_DTYPE_I64);
  assert_int_equal(size->elems[0], ig_dim_scale(t, b, 2.5, true));
  assert_true(ig_dim_equals(t, size->elems[1], 10));
  /* contents that are all known become a constant, bools too */
  const ig_dim fixed[2] = {ig_dim_const(t, 3), four};
  ig_val *y = ig_val_new(g, "y");
  ig_val_set_type(y, IG_DTYPE_F32, 2, fixed);
  v = apply(g, "Less", apply(g, "Shape", y, NULL, NULL), ints(g, 4, 4), NULL);
  assert_true(ig_val_is_const(v));
  assert_int_equal(v->dtype, IG_DTYPE_BOOL);
  assert_memory_equal(v->data->bytes, "\1\0", 2);
  /* what overflows is unknown, not an error */
  v = apply(g, "Mul", shape, ints(g, INT64_MAX, INT64_MAX), NULL);
  assert_true(!v->elems || v->elems[1] == IG_DIM_BAD);
  /* a range over a symbolic limit has that many elements */
  v = apply(g, "Range", ig_val_const_bytes(g, NULL, IG_DTYPE_I64, 0, NULL, &(int64_t){0}), apply(g, "Size", x, NULL, NULL),
            ig_val_const_bytes(g, NULL, IG_DTYPE_I64, 0, NULL, &(int64_t){4}));
  assert_int_equal(v->dims[0], b);
  /* -1 * ones is -1 */
  v = apply(g, "Mul", apply(g, "ConstantOfShape", ints(g, 2, 3), NULL, NULL), scale, NULL);
  assert_int_equal(v->rank, 2);
  ig_ir_destroy(ir);
}

/* ---- rewrites ---- */

/* The case's result after one simplify of its node; *out_changed says whether it fired. */
static ig_val *simplified(ops_case *c, const char *op, const char *text, unsigned mode, bool *out_changed) {
  const ig_op *record = op_named(op);
  check_ok(ops_case_begin(c, env, record, text, mode), op, text);
  check_ok(ig_op_infer(c->n), op, text);
  assert_non_null(record->simplify);
  *out_changed = false;
  check_ok(record->simplify(c->n, out_changed), op, text);
  return ig_val_resolve(c->n->out[0]);
}

static void test_simplify(void **state) {
  IG_UNUSED(state);
  static const struct {
    const char *op, *text;
    int to; /* input; -1: another node; -2: does not fire */
  } rows[] = {
      {"Add", "f32[2,3] f32[]=0", 0},
      {"Add", "i64[1]=0 i64[3]", 1},
      {"Add", "f32[3] f32[1,1]=0", -2},
      {"Mul", "f32[2] f32[1]=1", 0},
      {"Mul", "f32[2] f32[1]=2", -2},
      {"Sub", "f32[]=0 f32[2]", -2},
      {"Div", "i32[2] i32[]=1", 0},
      {"Pow", "f32[3] f32[]=1", 0},
      {"Pow", "f32[3] f32[]=2", -1},
      {"Pow", "f32[3] i32[]=3", -2},
      {"Cast", "f32[2] to=1", 0},
      {"Cast", "f32[2] to=7", -2},
      {"Clip", "f32[2]", 0},
      {"Clip", "f32[2] f32[]", -2},
      {"Max", "f32[2]", 0},
      {"Dropout", "f32[2]", 0},
      {"Dropout", "f32[2] - bool[]=1", -2},
      {"Where", "bool[2]=1,1 f32[2] f32[2]", 1},
      {"Where", "bool[]=0 f32[1] f32[2]", 2},
      {"Where", "bool[2]=1,0 f32[2] f32[2]", -2},
  };
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    ops_case c;
    bool changed;
    const ig_val *v = simplified(&c, rows[i].op, rows[i].text, OPS_RUNTIME, &changed);
    if (changed != (rows[i].to != -2)) print_error("%s %s: %s\n", rows[i].op, rows[i].text, changed ? "fires" : "does not fire");
    assert_true(changed == (rows[i].to != -2));
    if (rows[i].to >= 0) assert_ptr_equal(v, c.val[rows[i].to]);
    if (rows[i].to == -1) assert_string_equal(v->producer->op->name, "Mul");
    ops_case_end(&c);
  }
}

static void test_simplify_chains(void **state) {
  IG_UNUSED(state);
  ig_ir *ir;
  check_ok(ig_ir_create(env, 0, &ir), "ir", "");
  ig_graph *g = ig_graph_new(ir, NULL, "g");
  const ig_dim d = ig_dim_const(&ir->dims, 3);
  ig_val *x = ig_val_new(g, "x");
  ig_val_set_type(x, IG_DTYPE_F16, 1, &d);
  ig_val *back = cast(g, cast(g, x, IG_DTYPE_F32), IG_DTYPE_F16), *neg = apply(g, "Neg", apply(g, "Neg", x, NULL, NULL), NULL, NULL);
  bool changed = false;
  check_ok(back->producer->op->simplify(back->producer, &changed), "Cast", "back");
  assert_true(changed);
  assert_ptr_equal(ig_val_resolve(back), x);
  check_ok(neg->producer->op->simplify(neg->producer, &changed), "Neg", "twice");
  assert_ptr_equal(ig_val_resolve(neg), x);
  /* float16 -> int8 -> float16 loses, so it stays */
  ig_val *lossy = cast(g, cast(g, x, IG_DTYPE_I8), IG_DTYPE_F16);
  changed = false;
  check_ok(lossy->producer->op->simplify(lossy->producer, &changed), "Cast", "lossy");
  assert_false(changed);
  ig_ir_destroy(ir);
}

/* ---- older spellings ---- */

static void test_import(void **state) {
  IG_UNUSED(state);
  ig_ir *ir;
  check_ok(ig_ir_create(env, 0, &ir), "ir", "");
  ig_graph *g = ig_graph_new(ir, NULL, "g");
  const ig_dim d = ig_dim_const(&ir->dims, 3);
  ig_val *x = ig_val_new(g, "x");
  ig_val_set_type(x, IG_DTYPE_F16, 1, &d);
  ig_node *n = ig_node_new(g, NULL, "clip", IG_FORM_OP, &x, 1, 1);
  n->op = ig_op_find("ai.onnx", "Clip");
  n->type = "Clip";
  n->opset = 6;
  const ig_ir_attr lo = {.name = "min", .type = IG_ATTR_FLOAT, .v = {.f = -1}}, hi = {.name = "max", .type = IG_ATTR_FLOAT, .v = {.f = 2}};
  check_ok(ig_node_set_attr(n, &lo), "Clip", "6");
  check_ok(ig_node_set_attr(n, &hi), "Clip", "6");
  check_ok(n->op->import(n, 6), "Clip", "6");
  assert_int_equal(n->n_in, 3);
  assert_int_equal(n->n_attrs, 0);
  for (ig_node *m = g->first; m; m = m->next)
    check_ok(ig_op_infer(m), "Clip", "6");
  assert_int_equal(n->in[1]->dtype, IG_DTYPE_F16);
  assert_int_equal(n->out[0]->dtype, IG_DTYPE_F16);
  ig_ir_destroy(ir);
}

/* Add-6 with axis 1: [2,3,4] + [3] means [3,1]. Result dims and values follow; without ranks it is refused. */
static void test_import_broadcast(void **state) {
  IG_UNUSED(state);
  for (int known = 0; known < 2; known++) {
    ops_case c;
    check_ok(ops_case_begin(&c, env, op_named("Add"), "f32[1,3,2]=0,0,0,0,0,0 f32[3]=1,2,3", OPS_CONSTANT), "Add", "6");
    const ig_ir_attr axis = {.name = "axis", .type = IG_ATTR_INT, .v = {.i = 1}},
                     broadcast = {.name = "broadcast", .type = IG_ATTR_INT, .v = {.i = 1}};
    check_ok(ig_node_set_attr(c.n, &axis), "Add", "6");
    check_ok(ig_node_set_attr(c.n, &broadcast), "Add", "6");
    c.n->opset = 6;
    if (!known) c.val[1]->rank = -1;
    ig_status st = c.n->op->import(c.n, 6);
    if (!known) {
      assert_int_equal(ig_status_code(st), IG_ERROR_UNSUPPORTED);
      assert_non_null(ig_status_detail(st, IG_DETAIL_HINT));
      ig_status_free(st);
      ops_case_end(&c);
      continue;
    }
    check_ok(st, "Add", "6");
    check_ok(ig_op_infer(c.g->first), "Unsqueeze", "of Add-6");
    check_ok(ops_case_run(&c), "Add", "6");
    assert_memory_equal(ops_result_data(&c, 0).bytes, ((const float[]){1, 1, 2, 2, 3, 3}), 24);
    ops_case_end(&c);
  }
}

/* ---- failures ---- */

static void test_failures(void **state) {
  IG_UNUSED(state);
  static const struct {
    const char *op, *text;
    ig_code code;
    const char *part;
  } rows[] = {
      {"Add", "f32[2,3] f32[4]", IG_ERROR_BAD_MODEL, "node 'case' (Add): shapes do not broadcast"},
      {"Add", "f32[2] i32[2]", IG_ERROR_BAD_MODEL, "has type int32 where float is wanted"},
      {"Add", "f32[2]", IG_ERROR_BAD_MODEL, "input 1 (B) is missing"},
      {"Add", "f32[2] f32[2] f32[2]", IG_ERROR_BAD_MODEL, "3 inputs given, at most 2"},
      {"Add", "f32[2] f32[2] -> 2", IG_ERROR_BAD_MODEL, "2 results named"},
      {"And", "f32[2] f32[2]", IG_ERROR_BAD_MODEL, "must not be of type float"},
      {"BitShift", "u8[2] u8[2]", IG_ERROR_BAD_MODEL, "required attribute 'direction' is missing"},
      {"BitShift", "u8[2] u8[2] direction=UP", IG_ERROR_BAD_MODEL, "attribute 'direction' is 'UP'"},
      {"PRelu", "f32[2] f32[3]", IG_ERROR_BAD_MODEL, "2 does not match 3"},
      {"PRelu", "f32[2] f32[3,2]", IG_ERROR_BAD_MODEL, "has 2 dims, more than the 1"},
      {"Cast", "f32[2] to=99", IG_ERROR_BAD_MODEL, "attribute 'to' names no data type"},
      {"Cast", "f32[2] to=8", IG_ERROR_UNSUPPORTED, "type string cannot be computed with"},
      {"QuantizeLinear", "f32[2,3] f32[2] u8[2]", IG_ERROR_BAD_MODEL, "does not match"},
      {"QuantizeLinear", "f32[2,3] f32[] i8[] output_dtype=2", IG_ERROR_BAD_MODEL, "attribute 'output_dtype' says uint8"},
      {"QuantizeLinear", "f32[2,3] f32[] precision=7", IG_ERROR_BAD_MODEL, "attribute 'precision' names no float type (7)"},
      {"DequantizeLinear", "u8[2,3] f32[2,3] axis=5 block_size=2", IG_ERROR_BAD_MODEL, "axis 5 is outside [-2, 2)"},
      {"Range", "i64[]=0 i64[]=3 i64[]=0", IG_ERROR_BAD_MODEL, "delta is 0"},
      {"Range", "i64[] i64[]=3 i64[]=1", IG_ERROR_UNSUPPORTED, "--values"},
      {"ConstantOfShape", "i64[2]=2,-1", IG_ERROR_BAD_MODEL, "is -1"},
      {"ConstantOfShape", "i64[9]=1,1,1,1,1,1,1,1,1", IG_ERROR_BAD_MODEL, "at most 8"},
      {"OneHot", "i64[2] i64[]=3 f32[3]", IG_ERROR_BAD_MODEL, "length of values"},
      {"EyeLike", "f32[2,2,2]", IG_ERROR_BAD_MODEL, "has 3 dims, expected 2"},
      {"AffineGrid", "f32[2,2,3] i64[3]=2,3,4", IG_ERROR_BAD_MODEL, "size has 3 elements"},
      {"Constant", "value_int=1 value_float=2", IG_ERROR_BAD_MODEL, "exactly one attribute"},
      {"BatchNormalization", "f32[2,3] f32[4] f32[3] f32[3] f32[3]", IG_ERROR_BAD_MODEL, "3 does not match 4"},
      {"Momentum", "f32[] i64[] f32[3] f32[3] alpha=1 beta=1 norm_coefficient=1 mode=standard", IG_ERROR_BAD_MODEL, "expected a multiple of 3"},
      {"Imputer", "i64[3]", IG_ERROR_BAD_MODEL, "imputed_value_int64s"},
  };
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    ops_case c;
    check_ok(ops_case_begin(&c, env, op_named(rows[i].op), rows[i].text, OPS_RUNTIME), rows[i].op, rows[i].text);
    ig_status st = ig_op_infer(c.n);
    const bool good = st && ig_status_code(st) == rows[i].code && strstr(ig_status_message(st), rows[i].part);
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
  ig_status st = ops_case_begin(&c, e, op_named(op), text, OPS_SYMBOLIC);
  if (!st) st = ig_op_infer(c.n);
  if (!st) st = ops_lower_all(c.g);
  ig_ir_destroy(c.ir);
  return st;
}

static void test_memory(void **state) {
  IG_UNUSED(state);
  static const char *const rows[][2] = {{"Add", "f32[2,3] f32[3]"},
                                        {"QuantizeLinear", "f32[2,7] f32[2,2] u8[2,2] axis=1 block_size=4"},
                                        {"Dropout", "f32[2] f32[]=0.5 bool[] -> 2"},
                                        {"BatchNormalization", "f32[2,3,4] f32[3] f32[3] f32[3] f32[3] training_mode=1 -> 3"},
                                        {"OneHot", "i64[2,3] i64[]=5 f32[2]"}};
  for (size_t i = 0; i < IG_COUNT(rows); i++) {
    meter m = {1000000};
    ig_env_options opt = IG_ENV_OPTIONS_INIT;
    ig_env *e;
    opt.allocator = (ig_allocator){&m, metered};
    check_ok(ig_env_create(&opt, &e), "env", "");
    bool passed = false;
    for (long n = 0; n < 400 && !passed; n++) {
      m.left = n;
      ig_status st = whole_case(e, rows[i][0], rows[i][1]);
      passed = !st;
      if (st) assert_int_equal(ig_status_code(st), IG_ERROR_OUT_OF_MEMORY);
      ig_status_free(st);
    }
    assert_true(passed);
    ig_env_release(e);
  }
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
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_cases),
                                     cmocka_unit_test(test_samples),
                                     cmocka_unit_test(test_elems),
                                     cmocka_unit_test(test_simplify),
                                     cmocka_unit_test(test_simplify_chains),
                                     cmocka_unit_test(test_import),
                                     cmocka_unit_test(test_import_broadcast),
                                     cmocka_unit_test(test_failures),
                                     cmocka_unit_test(test_memory)};
  return cmocka_run_group_tests(tests, setup, teardown);
}
