/* The ten Reduce operators, ArgMax and ArgMin, GlobalAverage-, GlobalMax- and GlobalLpPool: one reduce request with a program before and one after
 * it; LogSumExp takes a maximum first, so that no exponential overflows.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

/* What is done to each element, how elements are combined, and what is done to the result. */
typedef enum pre { PRE_NONE, PRE_ABS, PRE_SQUARE, PRE_POWER } pre;
typedef enum post { POST_NONE, POST_MEAN, POST_SQRT, POST_LOG, POST_ROOT, POST_CLAMP } post;
typedef struct recipe {
  int64_t op;
  pre pre;
  post post;
  double p;
} recipe;

/* ---- axes ---- */

static ig_status read_axes(ig_node *n, int64_t *out_mask) {
  const int rank = ig_node_in(n, 0)->rank;
  int64_t axes[IG_MAX_RANK], a;
  uint32_t count = 0;
  *out_mask = 0;
  if (ig_node_in(n, 1)) IG_TRY(ig_infer_ints(n, 1, axes, IG_MAX_RANK, &count));
  for (uint32_t i = 0; i < count; i++) {
    IG_TRY(ig_axis(n, axes[i], rank, &a));
    *out_mask |= (int64_t)1 << a;
  }
  if (count == 0 && !ig_node_attr_i(n, "noop_with_empty_axes", 0)) *out_mask = ((int64_t)1 << rank) - 1;
  return NULL;
}

static ig_status set_reduced(ig_node *n, int64_t mask, bool keep, ig_dtype dtype) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dim dims[IG_MAX_RANK];
  uint32_t rank = 0;
  for (int i = 0; i < x->rank; i++) {
    const bool gone = mask >> i & 1;
    if (gone && !keep) continue;
    dims[rank++] = gone ? ig_dim_const(ig_node_dims(n), 1) : x->dims[i];
  }
  return ig_infer_set(n, 0, dtype, rank, dims);
}

static void finish(ig_lower *l, const ig_node *n, ig_val *y) {
  const ig_val *out = n->out[0];
  ig_lo_result(l, 0, ig_lo_reshape(l, y, (uint32_t)out->rank, out->dims));
}

/* ---- programs ---- */

/* Means of integers are taken in 64 bits, roots and logarithms of integers in float64; else the accumulator is the element's own type. */
static ig_stype accumulator(const recipe *r, ig_dtype dtype) {
  const ig_stype s = ig_stype_of(dtype);
  if (s == IG_S_F32 || s == IG_S_F64) return s;
  if (r->post == POST_SQRT || r->post == POST_LOG || r->post == POST_ROOT) return IG_S_F64;
  if (s == IG_S_BOOL) return IG_S_I32;
  return s == IG_S_I32 && r->post == POST_MEAN ? IG_S_I64 : s;
}

static ig_status make_pre(ig_lower *l, const recipe *r, ig_dtype dtype, ig_stype acc, ig_sprog *out) {
  ig_sbuild b;
  ig_sbuild_init(&b, &l->ir->arena);
  ig_sreg v = ig_s_load(&b, 0, dtype);
  if (ig_s_type(&b, v) != acc) v = ig_s_cast(&b, v, acc);
  if (r->pre == PRE_ABS || r->pre == PRE_POWER) v = ig_s_op(&b, IG_SOP_ABS, v, 0, 0);
  if (r->pre == PRE_SQUARE) v = ig_s_op(&b, IG_SOP_MUL, v, v, 0);
  if (r->pre == PRE_POWER) v = ig_s_op(&b, IG_SOP_POW, v, ig_s_f64(&b, acc, r->p), 0);
  ig_s_store(&b, 0, v, 0);
  return ig_sbuild_finish(&b, out);
}

/* Lowest and highest value of an integer type that is narrower than its accumulator; false for others. */
static bool narrow_range(ig_dtype dtype, int64_t *lo, int64_t *hi) {
  const uint32_t bits = IG_DTYPE_BITS(dtype), code = dtype & 0xffu;
  if (dtype == IG_DTYPE_BOOL) return *lo = 0, *hi = 1, true;
  if (code == 0 && bits < 32) return *lo = -((int64_t)1 << (bits - 1)), *hi = ((int64_t)1 << (bits - 1)) - 1, true;
  if (code == 1 && bits <= 32) return *lo = 0, *hi = ((int64_t)1 << bits) - 1, true;
  return false;
}

/* n_reduced: elements that went into each result. */
static ig_status make_post(ig_lower *l, const recipe *r, ig_dtype dtype, ig_stype acc, ig_dim n_reduced, ig_sprog *out) {
  ig_sbuild b;
  ig_sbuild_init(&b, &l->ir->arena);
  ig_sreg v = ig_s_load(&b, 0, ig_stype_dtype(acc));
  int64_t lo, hi;
  switch (r->post) {
  case POST_MEAN:
    v = ig_s_op(&b, IG_SOP_DIV, v, ig_s_cast(&b, ig_s_dim(&b, n_reduced), acc), 0);
    break;
  case POST_SQRT:
    v = ig_s_op(&b, IG_SOP_SQRT, v, 0, 0);
    break;
  case POST_LOG:
    v = ig_s_op(&b, IG_SOP_LOG, v, 0, 0);
    break;
  case POST_ROOT:
    v = ig_s_op(&b, IG_SOP_POW, v, ig_s_f64(&b, acc, 1 / r->p), 0);
    break;
  case POST_CLAMP: /* the neutral element of the accumulator becomes that of the type */
    if (!narrow_range(dtype, &lo, &hi)) break;
    v = ig_s_op(&b, IG_SOP_MAX, ig_s_op(&b, IG_SOP_MIN, v, ig_s_i64(&b, acc, hi), 0), ig_s_i64(&b, acc, lo), 0);
    break;
  case POST_NONE:
    break;
  }
  const ig_stype stored = ig_stype_of(dtype);
  if (stored != acc) v = ig_s_cast(&b, v, stored);
  ig_s_store(&b, 0, v, 0);
  return ig_sbuild_finish(&b, out);
}

/* Reduced x with 1 in place of the axes of mask; NULL on failure. */
static ig_val *reduce(ig_lower *l, const recipe *r, ig_val *x, int64_t mask, ig_dtype dtype) {
  ig_dim n_reduced = ig_dim_const(&l->ir->dims, 1);
  for (int i = 0; i < x->rank; i++)
    if (mask >> i & 1) n_reduced = ig_dim_mul(&l->ir->dims, n_reduced, x->dims[i]);
  const ig_stype acc = accumulator(r, x->dtype);
  const bool converts = ig_stype_of(x->dtype) != acc;
  int64_t lo, hi;
  const bool clamps = r->post == POST_CLAMP && narrow_range(dtype, &lo, &hi),
             needs_post = clamps || converts || (r->post != POST_NONE && r->post != POST_CLAMP);
  ig_sprog before = {0}, after = {0};
  ig_status st = r->pre != PRE_NONE || converts ? make_pre(l, r, x->dtype, acc, &before) : NULL;
  if (!st && needs_post) st = make_post(l, r, dtype, acc, n_reduced, &after);
  if (st) return ig_lo_fail(l, st), NULL;
  const ig_reduce_params p = {.axes_mask = mask, .op = r->op, .acc = (int64_t)acc};
  ig_val *y = NULL;
  const ig_lo_kernel_desc d = {.kind = IG_KIND_reduce,
                               .params = &p,
                               .in = &x,
                               .n_in = 1,
                               .out_dtypes = &dtype,
                               .n_out = 1,
                               .prog = before.n ? &before : NULL,
                               .epi = after.n ? &after : NULL};
  return ig_lo_kernel(l, &d, &y) ? y : NULL;
}

/* ---- Reduce* ---- */

static ig_status reduce_import(ig_node *n, int64_t opset) {
  return opset < (strcmp(n->type, "ReduceSum") == 0 ? 13 : 18) ? ig_adapt_ints(n, "axes", 1) : NULL;
}

static ig_status reduce_infer(ig_node *n) {
  int64_t mask;
  IG_TRY(read_axes(n, &mask));
  return set_reduced(n, mask, ig_node_attr_i(n, "keepdims", 1) != 0, ig_node_in(n, 0)->dtype);
}

static ig_status lower_recipe(ig_lower *l, const ig_node *n, const recipe *r) {
  int64_t mask;
  ig_val *x = ig_node_in(n, 0);
  IG_TRY(read_axes((ig_node *)(uintptr_t)n, &mask));
  finish(l, n, reduce(l, r, x, mask, x->dtype));
  return NULL;
}

typedef ig_dim (*combine)(ig_dims *t, ig_dim a, ig_dim b);

/* The one element that a list of integers is reduced to. */
static ig_status reduce_elems(ig_node *n, combine fn, int64_t neutral) {
  const ig_val *x = ig_node_in(n, 0);
  int64_t mask;
  if (!x->elems || x->rank > 1) return NULL;
  IG_TRY(read_axes(n, &mask));
  if (mask == 0) return ig_elems_copy(n, 0, x);
  if (x->n_elems == 0 && neutral < 0) return NULL;
  ig_dim d = x->n_elems ? x->elems[0] : ig_dim_const(ig_node_dims(n), neutral);
  for (uint32_t i = 1; i < x->n_elems && d != IG_DIM_BAD; i++)
    d = x->elems[i] == IG_DIM_BAD ? IG_DIM_BAD : fn(ig_node_dims(n), d, x->elems[i]);
  return ig_elems_set(n, 0, &d, 1);
}

static ig_status sum_dims(ig_node *n) { return reduce_elems(n, ig_dim_add, 0); }
static ig_status prod_dims(ig_node *n) { return reduce_elems(n, ig_dim_mul, 1); }
static ig_status max_dims(ig_node *n) { return reduce_elems(n, ig_dim_max, -1); }
static ig_status min_dims(ig_node *n) { return reduce_elems(n, ig_dim_min, -1); }

/* max + log(sum(exp(x - max))); a maximum that is not finite counts as 0, so that no difference of infinities arises. */
static ig_status log_sum_exp_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0);
  int64_t mask;
  IG_TRY(read_axes((ig_node *)(uintptr_t)n, &mask));
  const ig_stype s = ig_stype_of(x->dtype), acc = s == IG_S_F32 ? IG_S_F32 : IG_S_F64;
  const ig_dtype acc_dtype = ig_stype_dtype(acc);
  ig_val *wide = ig_stype_of(x->dtype) == acc ? x : ig_lo_cast(l, x, acc_dtype);
  if (!wide) return NULL;
  ig_sbuild b;
  ig_sprog keep_finite, pre_exp, post_log;
  ig_sbuild_init(&b, &l->ir->arena);
  const ig_sreg m = ig_s_load(&b, 0, acc_dtype);
  const ig_sreg odd = ig_s_op(&b, IG_SOP_OR, ig_s_op(&b, IG_SOP_IS_NAN, m, 0, 0), ig_s_op(&b, IG_SOP_IS_INF, m, 0, 0), 0);
  ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_SELECT, odd, ig_s_f64(&b, acc, 0), m), 0);
  IG_TRY(ig_sbuild_finish(&b, &keep_finite));
  ig_sbuild_init(&b, &l->ir->arena);
  ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_EXP, ig_s_op(&b, IG_SOP_SUB, ig_s_load(&b, 0, wide->dtype), ig_s_load(&b, 1, acc_dtype), 0), 0, 0), 0);
  IG_TRY(ig_sbuild_finish(&b, &pre_exp));
  ig_sbuild_init(&b, &l->ir->arena);
  ig_sreg y = ig_s_op(&b, IG_SOP_LOG, ig_s_load(&b, 0, acc_dtype), 0, 0);
  y = ig_s_op(&b, IG_SOP_ADD, y, ig_s_load(&b, 1, acc_dtype), 0);
  ig_s_store(&b, 0, s == acc ? y : ig_s_cast(&b, y, s), 0);
  IG_TRY(ig_sbuild_finish(&b, &post_log));

  const ig_reduce_params largest = {.axes_mask = mask, .op = IG_REDUCE_MAX, .acc = (int64_t)acc},
                         sum = {.axes_mask = mask, .op = IG_REDUCE_SUM, .acc = (int64_t)acc};
  ig_val *max = NULL, *out = NULL;
  const ig_lo_kernel_desc first = {
      .kind = IG_KIND_reduce, .params = &largest, .in = &wide, .n_in = 1, .out_dtypes = &acc_dtype, .n_out = 1, .epi = &keep_finite};
  if (!ig_lo_kernel(l, &first, &max)) return NULL;
  ig_val *in[2] = {wide, ig_lo_expand(l, max, (uint32_t)wide->rank, wide->dims)};
  const ig_lo_kernel_desc second = {.kind = IG_KIND_reduce,
                                    .params = &sum,
                                    .in = in,
                                    .n_in = 2,
                                    .extra = &max,
                                    .n_extra = 1,
                                    .out_dtypes = &x->dtype,
                                    .n_out = 1,
                                    .prog = &pre_exp,
                                    .epi = &post_log};
  if (in[1] && ig_lo_kernel(l, &second, &out)) finish(l, n, out);
  return NULL;
}

#define SUM_TYPES (IG_TYPES_FLOAT | IG_T(I32) | IG_T(I64) | IG_T(U32) | IG_T(U64))
#define MAX_TYPES (SUM_TYPES | IG_T(I8) | IG_T(U8) | IG_T(BOOL))
static const ig_op_attr reduce_attrs[] = {{"keepdims", IG_ATTR_INT, false, 1, 0, NULL}, {"noop_with_empty_axes", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const reduce_cases[] = {"f32[2,3,4] i64[1]=1",
                                           "f32[2,3,4] i64[2]=0,-1 keepdims=0",
                                           "f32[2,3] noop_with_empty_axes=1",
                                           "f32[2,0,3] i64[1]=1",
                                           "f16[3]",
                                           "f64[]",
                                           "i32[2,3] i64[1]=0",
                                           NULL};
#define REDUCE(name_, since_, types_, dims_, lower_)                                                                                                 \
  static const ig_op_arg name_##_in[] = {{"data", 'T', types_, 0}, {"axes", 0, IG_T(I64), IG_ARG_OPTIONAL}};                                         \
  static const ig_op_arg name_##_out[] = {{"reduced", 'T', types_, 0}};                                                                              \
  const ig_op ig_op_##name_ = {.domain = "",                                                                                                         \
                               .name = #name_,                                                                                                       \
                               .since = since_,                                                                                                      \
                               .oldest = 1,                                                                                                          \
                               .cls = IG_CLASS_KIND,                                                                                                 \
                               IG_OP_ARGS(name_##_in, name_##_out),                                                                                  \
                               IG_OP_ATTRS(reduce_attrs),                                                                                            \
                               .import = reduce_import,                                                                                              \
                               .infer = reduce_infer,                                                                                                \
                               .dims = dims_,                                                                                                        \
                               .lower = lower_,                                                                                                      \
                               .cases = reduce_cases}
#define REDUCE_BY(name_, since_, types_, dims_, op_, pre_, post_)                                                                                    \
  static ig_status name_##_lower(ig_lower *l, const ig_node *n) {                                                                                    \
    return lower_recipe(l, n, &(const recipe){.op = op_, .pre = pre_, .post = post_});                                                               \
  }                                                                                                                                                  \
  REDUCE(name_, since_, types_, dims_, name_##_lower)
REDUCE_BY(ReduceSum, 13, SUM_TYPES, sum_dims, IG_REDUCE_SUM, PRE_NONE, POST_NONE);
REDUCE_BY(ReduceMean, 18, SUM_TYPES, NULL, IG_REDUCE_SUM, PRE_NONE, POST_MEAN);
REDUCE_BY(ReduceProd, 18, SUM_TYPES, prod_dims, IG_REDUCE_PROD, PRE_NONE, POST_NONE);
REDUCE_BY(ReduceMax, 20, MAX_TYPES, max_dims, IG_REDUCE_MAX, PRE_NONE, POST_CLAMP);
REDUCE_BY(ReduceMin, 20, MAX_TYPES, min_dims, IG_REDUCE_MIN, PRE_NONE, POST_CLAMP);
REDUCE_BY(ReduceL1, 18, SUM_TYPES, NULL, IG_REDUCE_SUM, PRE_ABS, POST_NONE);
REDUCE_BY(ReduceL2, 18, SUM_TYPES, NULL, IG_REDUCE_SUM, PRE_SQUARE, POST_SQRT);
REDUCE_BY(ReduceSumSquare, 18, SUM_TYPES, NULL, IG_REDUCE_SUM, PRE_SQUARE, POST_NONE);
REDUCE_BY(ReduceLogSum, 28, SUM_TYPES, NULL, IG_REDUCE_SUM, PRE_NONE, POST_LOG);
REDUCE(ReduceLogSumExp, 28, SUM_TYPES, NULL, log_sum_exp_lower);

/* ---- ArgMax, ArgMin ---- */

static ig_status arg_infer(ig_node *n) {
  int64_t axis;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), ig_node_in(n, 0)->rank, &axis));
  return set_reduced(n, (int64_t)1 << axis, ig_node_attr_i(n, "keepdims", 1) != 0, IG_DTYPE_I64);
}

static ig_status arg_lower(ig_lower *l, const ig_node *n, int64_t op) {
  ig_val *x = ig_node_in(n, 0);
  int64_t axis;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), x->rank, &axis));
  const ig_reduce_params p = {
      .axes_mask = (int64_t)1 << axis, .op = op, .acc = (int64_t)ig_stype_of(x->dtype), .last = ig_node_attr_i(n, "select_last_index", 0) != 0};
  finish(l, n, ig_lo_kernel1(l, IG_KIND_reduce, &p, &x, 1, IG_DTYPE_I64));
  return NULL;
}

static ig_status arg_max_lower(ig_lower *l, const ig_node *n) { return arg_lower(l, n, IG_REDUCE_ARGMAX); }
static ig_status arg_min_lower(ig_lower *l, const ig_node *n) { return arg_lower(l, n, IG_REDUCE_ARGMIN); }

static const ig_op_arg arg_in[] = {{"data", 'T', IG_TYPES_NUMERIC, 0}};
static const ig_op_arg arg_out[] = {{"reduced", 0, IG_T(I64), 0}};
static const ig_op_attr arg_attrs[] = {
    {"axis", IG_ATTR_INT, false, 0, 0, NULL}, {"keepdims", IG_ATTR_INT, false, 1, 0, NULL}, {"select_last_index", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const arg_cases[] = {"f32[2,3]", "i8[2,3,4] axis=-1 keepdims=0 select_last_index=1", "u64[5]", "f16[0,3] axis=1", NULL};
const ig_op ig_op_ArgMax = {.domain = "",
                            .name = "ArgMax",
                            .since = 13,
                            .oldest = 1,
                            .cls = IG_CLASS_KIND,
                            .accuracy = IG_ACCURACY_EXACT,
                            IG_OP_ARGS(arg_in, arg_out),
                            IG_OP_ATTRS(arg_attrs),
                            .infer = arg_infer,
                            .lower = arg_max_lower,
                            .cases = arg_cases};
const ig_op ig_op_ArgMin = {.domain = "",
                            .name = "ArgMin",
                            .since = 13,
                            .oldest = 1,
                            .cls = IG_CLASS_KIND,
                            .accuracy = IG_ACCURACY_EXACT,
                            IG_OP_ARGS(arg_in, arg_out),
                            IG_OP_ATTRS(arg_attrs),
                            .infer = arg_infer,
                            .lower = arg_min_lower,
                            .cases = arg_cases};

/* ---- GlobalAveragePool, GlobalMaxPool, GlobalLpPool ---- */

static int64_t spatial_mask(const ig_val *x) { return (((int64_t)1 << x->rank) - 1) & ~(int64_t)3; }

static ig_status global_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  IG_NODE_REQUIRE(n, x->rank >= 2, IG_ERROR_BAD_MODEL, "input '%s' has %d dims, at least 2 are needed: batch and channels", x->name, x->rank);
  return set_reduced(n, spatial_mask(x), true, x->dtype);
}

static ig_status global_lower(ig_lower *l, const ig_node *n, const recipe *r) {
  ig_val *x = ig_node_in(n, 0);
  finish(l, n, reduce(l, r, x, spatial_mask(x), x->dtype));
  return NULL;
}

static ig_status global_average_lower(ig_lower *l, const ig_node *n) {
  return global_lower(l, n, &(const recipe){.op = IG_REDUCE_SUM, .post = POST_MEAN});
}
static ig_status global_max_lower(ig_lower *l, const ig_node *n) { return global_lower(l, n, &(const recipe){.op = IG_REDUCE_MAX}); }
static ig_status global_lp_lower(ig_lower *l, const ig_node *n) {
  const int64_t p = ig_node_attr_i(n, "p", 2);
  const recipe r = {.op = IG_REDUCE_SUM,
                    .pre = p == 1   ? PRE_ABS
                           : p == 2 ? PRE_SQUARE
                                    : PRE_POWER,
                    .post = p == 1   ? POST_NONE
                            : p == 2 ? POST_SQRT
                                     : POST_ROOT,
                    .p = (double)p};
  return global_lower(l, n, &r);
}

static const ig_op_arg global_in[] = {{"X", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_arg global_out[] = {{"Y", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_attr global_lp_attrs[] = {{"p", IG_ATTR_INT, false, 2, 0, NULL}};
static const char *const global_cases[] = {"f32[1,3,5,5]", "f16[2,3,4]", "f64[2,0,3,3]", NULL};
static const char *const global_lp_cases[] = {"f32[1,3,5,5]", "f32[2,3,4] p=1", "f64[2,2,3,3] p=3", NULL};
const ig_op ig_op_GlobalAveragePool = {.domain = "",
                                       .name = "GlobalAveragePool",
                                       .since = 22,
                                       .oldest = 1,
                                       .cls = IG_CLASS_KIND,
                                       IG_OP_ARGS(global_in, global_out),
                                       .infer = global_infer,
                                       .lower = global_average_lower,
                                       .cases = global_cases};
const ig_op ig_op_GlobalMaxPool = {.domain = "",
                                   .name = "GlobalMaxPool",
                                   .since = 22,
                                   .oldest = 1,
                                   .cls = IG_CLASS_KIND,
                                   .accuracy = IG_ACCURACY_EXACT,
                                   IG_OP_ARGS(global_in, global_out),
                                   .infer = global_infer,
                                   .lower = global_max_lower,
                                   .cases = global_cases};
const ig_op ig_op_GlobalLpPool = {.domain = "",
                                  .name = "GlobalLpPool",
                                  .since = 22,
                                  .oldest = 2,
                                  .cls = IG_CLASS_KIND,
                                  IG_OP_ARGS(global_in, global_out),
                                  IG_OP_ATTRS(global_lp_attrs),
                                  .infer = global_infer,
                                  .lower = global_lp_lower,
                                  .cases = global_lp_cases};
