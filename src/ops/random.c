/* Random tensors and Dropout. Every element is a function of the seed and its index (counter-based), so results are the same on every device
 * and for every number of threads. Without a `seed` attribute the seed is made of the result's name: each node has its own stream, the same in
 * every run.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/generate.h"

static ig_sreg random_bits(ig_pw *c) {
  const ig_ir_attr *a = ig_node_attr(c->n, "seed");
  const ig_val *out = ig_node_out(c->n, 0) ? ig_node_out(c->n, 0) : ig_node_out(c->n, 1);
  int64_t seed = (int64_t)ig_hash(out->name, strlen(out->name), 0);
  uint32_t bits = 0;
  if (a && a->type == IG_ATTR_INT) seed = a->v.i;
  if (a && a->type == IG_ATTR_FLOAT) {
    memcpy(&bits, &a->v.f, sizeof bits);
    seed = bits;
  }
  return ig_s_random(&c->b, ig_s_i64(&c->b, IG_S_I64, seed), 0);
}

/* The top 24 (or 53) bits as a float in [0, 1): exact. */
static ig_sreg unit_interval(ig_pw *c, ig_stype t) {
  const uint32_t keep = t == IG_S_F32 ? 24 : 53;
  const ig_sreg top = ig_pw_2(c, IG_SOP_SHR, random_bits(c), ig_s_i64(&c->b, IG_S_U64, 64 - keep));
  return ig_pw_2(c, IG_SOP_MUL, ig_s_cast(&c->b, top, t), ig_s_f64(&c->b, t, keep == 24 ? 0x1p-24 : 0x1p-53));
}

/* Box and Muller's transformation of the two halves of a word: sqrt(-2 ln u) cos(2 pi v), u in (0, 1]. */
static ig_sreg normal(ig_pw *c, ig_stype t) {
  const ig_sreg bits = random_bits(c), shift = ig_s_i64(&c->b, IG_S_U64, 32), scale = ig_s_f64(&c->b, IG_S_F64, 0x1p-32);
  const ig_sreg high = ig_s_cast(&c->b, ig_pw_2(c, IG_SOP_SHR, bits, shift), IG_S_F64);
  const ig_sreg low = ig_s_cast(&c->b, ig_pw_2(c, IG_SOP_AND, bits, ig_s_i64(&c->b, IG_S_U64, 0xffffffff)), IG_S_F64);
  const ig_sreg u = ig_pw_2(c, IG_SOP_MUL, ig_pw_2(c, IG_SOP_ADD, high, ig_s_f64(&c->b, IG_S_F64, 1)), scale);
  const ig_sreg radius = ig_pw_1(c, IG_SOP_SQRT, ig_pw_2(c, IG_SOP_MUL, ig_s_f64(&c->b, IG_S_F64, -2), ig_pw_1(c, IG_SOP_LOG, u)));
  const ig_sreg angle = ig_pw_2(c, IG_SOP_MUL, low, ig_s_f64(&c->b, IG_S_F64, 6.283185307179586477 * 0x1p-32));
  return ig_s_cast(&c->b, ig_pw_2(c, IG_SOP_MUL, radius, ig_pw_1(c, IG_SOP_COS, angle)), t);
}

/* ---- RandomNormal, RandomUniform and their Like forms ---- */

static ig_status infer_shaped(ig_node *n) {
  ig_dim dims[IG_MAX_RANK];
  uint32_t rank;
  ig_dtype d;
  const int64_t *shape = ig_node_attr_ints(n, "shape", &rank);
  IG_NODE_REQUIRE(n, rank <= IG_MAX_RANK, IG_ERROR_UNSUPPORTED, "attribute 'shape' has %u dims, at most %d are possible", rank, IG_MAX_RANK);
  for (uint32_t k = 0; k < rank; k++)
    dims[k] = ig_dim_const(ig_node_dims(n), shape[k]);
  IG_TRY(ig_op_attr_dtype(n, "dtype", IG_DTYPE_F32, &d));
  IG_NODE_REQUIRE(n, ig_type_bit(d) & IG_TYPES_FLOAT, IG_ERROR_BAD_MODEL, "attribute 'dtype' is %s, which is no float type", ig_dtype_name(d));
  return ig_infer_set(n, 0, d, rank, dims);
}

static ig_status infer_like(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dtype d;
  IG_TRY(ig_op_attr_dtype(n, "dtype", x->dtype, &d));
  IG_NODE_REQUIRE(n, ig_type_bit(d) & IG_TYPES_FLOAT, IG_ERROR_BAD_MODEL, "the result would be %s, which is no float type: give attribute 'dtype'",
                  ig_dtype_name(d));
  return ig_infer_set(n, 0, d, (uint32_t)x->rank, x->dims);
}

/* unit * scale + offset, where unit is one of the two distributions. */
static ig_status lower_random(ig_lower *l, const ig_node *n, bool is_normal, double scale, double offset) {
  const ig_val *out = ig_node_out(n, 0);
  ig_pw c;
  if (!out) return NULL;
  const ig_stype t = ig_stype_of(out->dtype);
  ig_pw_begin(&c, l, n);
  const ig_sreg unit = is_normal ? normal(&c, t) : unit_interval(&c, t);
  return ig_pw_finish(&c, l, ig_pw_2(&c, IG_SOP_ADD, ig_pw_2(&c, IG_SOP_MUL, unit, ig_s_f64(&c.b, t, scale)), ig_s_f64(&c.b, t, offset)), NULL, 0);
}
static ig_status lower_normal(ig_lower *l, const ig_node *n) {
  return lower_random(l, n, true, (double)ig_op_attr_f(n, "scale"), (double)ig_op_attr_f(n, "mean"));
}
static ig_status lower_uniform(ig_lower *l, const ig_node *n) {
  const double low = (double)ig_op_attr_f(n, "low"), high = (double)ig_op_attr_f(n, "high");
  return lower_random(l, n, false, high - low, low);
}

static const ig_op_arg like_in[] = {{"input", 'S', IG_TYPES_TENSOR & ~(IG_TYPES_FLOAT8 | IG_TYPES_SUBBYTE), 0}};
static const ig_op_arg float_out[] = {{"output", 'T', IG_TYPES_FLOAT, 0}};
#define SEED                                                                                                                                         \
  { "seed", IG_ATTR_FLOAT, false, 0, 0, NULL }
#define DTYPE(default_)                                                                                                                              \
  { "dtype", IG_ATTR_INT, false, default_, 0, NULL } /* 1 = float; 0 = the input's */
#define NORMAL                                                                                                                                       \
  {"mean", IG_ATTR_FLOAT, false, 0, 0, NULL}, { "scale", IG_ATTR_FLOAT, false, 0, 1, NULL }
#define UNIFORM                                                                                                                                      \
  {"low", IG_ATTR_FLOAT, false, 0, 0, NULL}, { "high", IG_ATTR_FLOAT, false, 0, 1, NULL }
#define SHAPE                                                                                                                                        \
  { "shape", IG_ATTR_INTS, true, 0, 0, NULL }
static const ig_op_attr normal_attrs[] = {SEED, DTYPE(1), NORMAL, SHAPE}, uniform_attrs[] = {SEED, DTYPE(1), UNIFORM, SHAPE};
static const ig_op_attr normal_like_attrs[] = {SEED, DTYPE(0), NORMAL}, uniform_like_attrs[] = {SEED, DTYPE(0), UNIFORM};
static const char *const shaped_cases[] = {"shape=2,3 seed=1.0", "shape=4 dtype=11", NULL};
static const char *const like_cases[] = {"f32[2,3]", "i32[4] dtype=10", NULL};
const ig_op ig_op_RandomNormal = {.domain = "",
                                  .name = "RandomNormal",
                                  .since = 22,
                                  .oldest = 1,
                                  .cls = IG_CLASS_MAP,
                                  .accuracy = IG_ACCURACY_RANDOM,
                                  .out = float_out,
                                  .n_out = 1,
                                  IG_OP_ATTRS(normal_attrs),
                                  .infer = infer_shaped,
                                  .lower = lower_normal,
                                  .cases = shaped_cases};
const ig_op ig_op_RandomUniform = {.domain = "",
                                   .name = "RandomUniform",
                                   .since = 22,
                                   .oldest = 1,
                                   .cls = IG_CLASS_MAP,
                                   .accuracy = IG_ACCURACY_RANDOM,
                                   .out = float_out,
                                   .n_out = 1,
                                   IG_OP_ATTRS(uniform_attrs),
                                   .infer = infer_shaped,
                                   .lower = lower_uniform,
                                   .cases = shaped_cases};
const ig_op ig_op_RandomNormalLike = {.domain = "",
                                      .name = "RandomNormalLike",
                                      .since = 22,
                                      .oldest = 1,
                                      .cls = IG_CLASS_MAP,
                                      .accuracy = IG_ACCURACY_RANDOM,
                                      IG_OP_ARGS(like_in, float_out),
                                      IG_OP_ATTRS(normal_like_attrs),
                                      .infer = infer_like,
                                      .lower = lower_normal,
                                      .cases = like_cases};
const ig_op ig_op_RandomUniformLike = {.domain = "",
                                       .name = "RandomUniformLike",
                                       .since = 22,
                                       .oldest = 1,
                                       .cls = IG_CLASS_MAP,
                                       .accuracy = IG_ACCURACY_RANDOM,
                                       IG_OP_ARGS(like_in, float_out),
                                       IG_OP_ATTRS(uniform_like_attrs),
                                       .infer = infer_like,
                                       .lower = lower_uniform,
                                       .cases = like_cases};

/* ---- Bernoulli ---- */

static ig_status infer_bernoulli(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dtype d;
  IG_TRY(ig_op_attr_dtype(n, "dtype", x->dtype, &d));
  IG_TRY(ig_pw_check_type(n, d));
  return ig_infer_set(n, 0, d, (uint32_t)x->rank, x->dims);
}

static ig_status lower_bernoulli(ig_lower *l, const ig_node *n) {
  const ig_val *out = ig_node_out(n, 0);
  ig_val *in[1];
  uint32_t n_in = 0;
  ig_pw c;
  if (!out) return NULL;
  ig_pw_begin(&c, l, n);
  const ig_sreg p = ig_pw_operand(&c, ig_node_in(n, 0), in, &n_in);
  return ig_pw_finish(&c, l, ig_pw_2(&c, IG_SOP_LT, unit_interval(&c, ig_s_type(&c.b, p)), p), in, n_in);
}

static const ig_op_arg bernoulli_in[] = {{"input", 'S', IG_TYPES_FLOAT, 0}};
static const ig_op_arg bernoulli_out[] = {{"output", 'T', IG_TYPES_NUMERIC | IG_T(BOOL), 0}};
static const ig_op_attr bernoulli_attrs[] = {SEED, DTYPE(0)};
static const char *const bernoulli_cases[] = {"f32[2,3]", "f64[4] dtype=9", NULL};
const ig_op ig_op_Bernoulli = {.domain = "",
                               .name = "Bernoulli",
                               .since = 22,
                               .oldest = 15,
                               .cls = IG_CLASS_MAP,
                               .accuracy = IG_ACCURACY_RANDOM,
                               IG_OP_ARGS(bernoulli_in, bernoulli_out),
                               IG_OP_ATTRS(bernoulli_attrs),
                               .infer = infer_bernoulli,
                               .lower = lower_bernoulli,
                               .cases = bernoulli_cases};

/* ---- Dropout ---- */

/* Before version 12 the ratio is an attribute that inference ignores; before 10 the mask has the data's type. */
static ig_status import_dropout(ig_node *n, int64_t opset) {
  if (opset >= 12) return NULL;
  ig_adapt_drop(n, "ratio");
  IG_NODE_REQUIRE(n, opset >= 10 || !ig_node_out(n, 1), IG_ERROR_UNSUPPORTED, "the mask of a Dropout older than version 10 is not done");
  return NULL;
}

static bool trains(const ig_node *n) {
  int64_t v;
  const ig_val *mode = ig_node_in(n, 2);
  return mode && (!ig_const_i64(mode, 0, &v) || v != 0);
}

static ig_status infer_dropout(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  IG_TRY(ig_gen_require_scalar(n, 1));
  IG_TRY(ig_gen_require_scalar(n, 2));
  IG_TRY(ig_infer_same(n, 0, x));
  return ig_infer_set(n, 1, IG_DTYPE_BOOL, (uint32_t)x->rank, x->dims);
}

static ig_status simplify_dropout(ig_node *n, bool *out_changed) { return trains(n) ? NULL : ig_simplify_to(n, ig_node_in(n, 0), out_changed); }

/* mask = random >= ratio, or everything where training_mode turns out false; output = mask ? x / (1 - ratio) : 0. */
static ig_status lower_training(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *ratio = ig_gen_scalar(l, ig_node_in(n, 1)), *mode = ig_gen_scalar(l, ig_node_in(n, 2)), *in[3], *out[2];
  uint32_t n_in = 0;
  ig_pw c;
  if (l->error) return NULL;
  ig_pw_begin(&c, l, n);
  const ig_sreg v = ig_pw_operand(&c, x, in, &n_in), on = ig_pw_operand(&c, mode, in, &n_in);
  const ig_stype t = ig_s_type(&c.b, v);
  const ig_sreg p = ratio ? ig_s_cast(&c.b, ig_pw_operand(&c, ratio, in, &n_in), t) : ig_s_f64(&c.b, t, 0.5), one = ig_s_f64(&c.b, t, 1);
  const ig_sreg kept = ig_pw_select(&c, on, ig_pw_2(&c, IG_SOP_LE, p, unit_interval(&c, t)), ig_s_i64(&c.b, IG_S_BOOL, 1));
  const ig_sreg scale = ig_pw_select(&c, on, ig_pw_2(&c, IG_SOP_DIV, one, ig_pw_2(&c, IG_SOP_SUB, one, p)), one);
  const ig_sreg y = ig_pw_select(&c, kept, ig_pw_2(&c, IG_SOP_MUL, v, scale), ig_s_f64(&c.b, t, 0));
  const ig_dtype dtypes[2] = {x->dtype, IG_DTYPE_BOOL};
  ig_pw_store(&c, 0, y, x->dtype, 0);
  ig_pw_store(&c, 1, kept, IG_DTYPE_BOOL, 0);
  if (!ig_pw_maps(&c, l, in, n_in, dtypes, 2, (uint32_t)x->rank, x->dims, out)) return NULL;
  for (uint32_t i = 0; i < 2; i++)
    ig_lo_result(l, i, out[i]);
  return NULL;
}

static ig_status lower_dropout(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0);
  ig_pw c;
  if (trains(n)) return ig_node_out(n, 0) || ig_node_out(n, 1) ? lower_training(l, n) : NULL;
  ig_lo_result(l, 0, x);
  if (!ig_node_out(n, 1)) return NULL;
  ig_pw_begin(&c, l, n);
  ig_pw_store(&c, 0, ig_s_i64(&c.b, IG_S_BOOL, 1), IG_DTYPE_BOOL, 0);
  ig_lo_result(l, 1, ig_pw_map(&c, l, NULL, 0, IG_DTYPE_BOOL, (uint32_t)x->rank, x->dims));
  return NULL;
}

#define DROPOUT_TYPES (IG_TYPES_FLOAT | (IG_TYPES_FLOAT8 & ~IG_T(E8M0)))
static const ig_op_arg dropout_in[] = {
    {"data", 'T', DROPOUT_TYPES, 0}, {"ratio", 'R', DROPOUT_TYPES, IG_ARG_OPTIONAL}, {"training_mode", 'B', IG_T(BOOL), IG_ARG_OPTIONAL}};
static const ig_op_arg dropout_out[] = {{"output", 'T', DROPOUT_TYPES, 0}, {"mask", 0, IG_T(BOOL), IG_ARG_OPTIONAL}};
static const ig_op_attr dropout_attrs[] = {{"seed", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const dropout_cases[] = {"f32[2,3]", "f32[2,3] f32[]=0.5 bool[]=1 -> 2", "f16[4] - bool[]=1 seed=3 -> 2", NULL};
const ig_op ig_op_Dropout = {.domain = "",
                             .name = "Dropout",
                             .since = 22,
                             .oldest = 7,
                             .cls = IG_CLASS_MAP,
                             .accuracy = IG_ACCURACY_RANDOM,
                             IG_OP_ARGS(dropout_in, dropout_out),
                             IG_OP_ATTRS(dropout_attrs),
                             .import = import_dropout,
                             .infer = infer_dropout,
                             .simplify = simplify_dropout,
                             .lower = lower_dropout,
                             .cases = dropout_cases};
