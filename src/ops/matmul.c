/* MatMul, Gemm, MatMulInteger, QLinearMatMul and ml LinearRegressor: all one matmul request, batch dims broadcast by stride 0,
 * transposes as views, bias, beta * C and requantisation as its epilogue.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

/* ---- the shared contraction ---- */

/* Dims of a x b by the rules of numpy.matmul; 1-D operands gain a dim of 1 that the result does not keep. */
static ig_status product_dims(ig_node *n, const ig_val *a, const ig_val *b, ig_dim *out, uint32_t *out_rank) {
  ig_dims *t = ig_node_dims(n);
  IG_NODE_REQUIRE(n, a->rank > 0 && b->rank > 0, IG_ERROR_BAD_MODEL, "operands must have at least one dim: '%s' has %d, '%s' has %d", a->name,
                  a->rank, b->name, b->rank);
  const int batch_a = a->rank > 2 ? a->rank - 2 : 0, batch_b = b->rank > 2 ? b->rank - 2 : 0;
  const int batch = batch_a > batch_b ? batch_a : batch_b;
  for (int i = 0; i < batch; i++) {
    const int ia = i - (batch - batch_a), ib = i - (batch - batch_b);
    out[i] = ia < 0 ? b->dims[ib] : ib < 0 ? a->dims[ia] : ig_dim_broadcast(t, a->dims[ia], b->dims[ib], n->name);
  }
  IG_TRY(ig_infer_equal(n, a->dims[a->rank - 1], b->dims[b->rank > 1 ? b->rank - 2 : 0], "inner dims", NULL));
  uint32_t rank = (uint32_t)batch;
  if (a->rank > 1) out[rank++] = a->dims[a->rank - 2];
  if (b->rank > 1) out[rank++] = b->dims[b->rank - 1];
  *out_rank = rank;
  return ig_infer_dims_done(n);
}

/* Batch dims of v broadcast to those of `full` (rank dims), its last two kept. */
static ig_val *expand_batch(ig_lower *l, ig_val *v, uint32_t rank, const ig_dim *full) {
  if (!v) return NULL;
  ig_dim dims[IG_MAX_RANK];
  memcpy(dims, full, sizeof dims);
  dims[rank - 2] = v->dims[v->rank - 2];
  dims[rank - 1] = v->dims[v->rank - 1];
  return ig_lo_expand(l, v, rank, dims);
}

static ig_val *as_matrix(ig_lower *l, ig_val *v, bool column) {
  if (!v || v->rank != 1) return v;
  const ig_dim one = ig_dim_const(&l->ir->dims, 1);
  const ig_dim dims[2] = {column ? v->dims[0] : one, column ? one : v->dims[0]};
  return ig_lo_reshape(l, v, 2, dims);
}

ig_val *ig_lo_matmul(ig_lower *l, const ig_lo_matmul_desc *d) {
  ig_dims *t = &l->ir->dims;
  ig_val *a = as_matrix(l, ig_lo_widen(l, d->a), false), *b = as_matrix(l, ig_lo_widen(l, d->b), true);
  if (!a || !b) return NULL;
  const uint32_t rank = (uint32_t)(a->rank > b->rank ? a->rank : b->rank);
  ig_dim full[IG_MAX_RANK] = {0};
  for (uint32_t i = 0; i + 2 < rank; i++) {
    const int ia = (int)i - (int)rank + a->rank, ib = (int)i - (int)rank + b->rank;
    full[i] = ia < 0 ? b->dims[ib] : ib < 0 ? a->dims[ia] : ig_dim_broadcast(t, a->dims[ia], b->dims[ib], l->src->name);
  }
  a = expand_batch(l, a, rank, full);
  b = expand_batch(l, b, rank, full);
  if (!a || !b) return NULL;
  ig_val *in[4] = {a, b, d->za, d->zb};
  if (d->za && !(in[2] = ig_lo_expand(l, d->za, rank, a->dims))) return NULL;
  if (d->zb && !(in[3] = ig_lo_expand(l, d->zb, rank, b->dims))) return NULL;
  const ig_matmul_params p = {.acc = ig_acc_type(a->dtype), .alpha = d->alpha};
  ig_val *out = NULL;
  const ig_lo_kernel_desc k = {.kind = IG_KIND_matmul,
                               .params = &p,
                               .in = in,
                               .n_in = d->zb   ? 4
                                       : d->za ? 3
                                               : 2,
                               .extra = d->extra,
                               .n_extra = d->n_extra,
                               .out_dtypes = &d->dtype,
                               .n_out = 1,
                               .epi = d->epi};
  return ig_lo_kernel(l, &k, &out) ? out : NULL;
}

/* Drops the dims that 1-D operands added. */
static void product_result(ig_lower *l, const ig_node *n, ig_val *y) {
  const ig_val *out = n->out[0];
  if (y && y->rank != out->rank) y = ig_lo_reshape(l, y, (uint32_t)out->rank, out->dims);
  ig_lo_result(l, 0, y);
}

/* ---- MatMul ---- */

#define MATMUL_TYPES (IG_TYPES_FLOAT | IG_T(I32) | IG_T(I64) | IG_T(U32) | IG_T(U64))

static ig_status matmul_infer(ig_node *n) {
  ig_dim dims[IG_MAX_RANK];
  uint32_t rank;
  IG_TRY(product_dims(n, ig_node_in(n, 0), ig_node_in(n, 1), dims, &rank));
  return ig_infer_set(n, 0, ig_node_in(n, 0)->dtype, rank, dims);
}

static ig_status matmul_lower(ig_lower *l, const ig_node *n) {
  const ig_lo_matmul_desc d = {.a = ig_node_in(n, 0), .b = ig_node_in(n, 1), .alpha = 1, .dtype = n->out[0]->dtype};
  product_result(l, n, ig_lo_matmul(l, &d));
  return NULL;
}

static const ig_op_arg matmul_in[] = {{"A", 'T', MATMUL_TYPES, 0}, {"B", 'T', MATMUL_TYPES, 0}};
static const ig_op_arg matmul_out[] = {{"Y", 'T', MATMUL_TYPES, 0}};
static const char *const matmul_cases[] = {
    "f32[2,3] f32[3,4]", "f32[3] f32[3]", "f32[3] f32[2,3,4]", "f32[2,1,4,3] f32[5,3,2]", "f16[0,3] f16[3,2]", "i32[2,0] i32[0,3]", NULL};
const ig_op ig_op_MatMul = {.domain = "",
                            .name = "MatMul",
                            .since = 13,
                            .oldest = 1,
                            .cls = IG_CLASS_KIND,
                            IG_OP_ARGS(matmul_in, matmul_out),
                            .infer = matmul_infer,
                            .lower = matmul_lower,
                            .cases = matmul_cases};

/* ---- Gemm ---- */

static ig_status gemm_infer(ig_node *n) {
  const ig_val *a = ig_node_in(n, 0), *b = ig_node_in(n, 1), *c = ig_node_in(n, 2);
  IG_TRY(ig_infer_rank(n, a, "A", 2));
  IG_TRY(ig_infer_rank(n, b, "B", 2));
  const int ta = ig_node_attr_i(n, "transA", 0) != 0, tb = ig_node_attr_i(n, "transB", 0) != 0;
  IG_TRY(ig_infer_equal(n, a->dims[!ta], b->dims[tb], "inner dims", NULL));
  const ig_dim dims[2] = {a->dims[ta], b->dims[!tb]};
  for (int i = 0; c && i < c->rank; i++) {
    IG_NODE_REQUIRE(n, c->rank <= 2, IG_ERROR_BAD_MODEL, "C has %d dims, at most 2 are allowed", c->rank);
    const ig_dim target = dims[2 - c->rank + i];
    if (!ig_dim_equals(ig_node_dims(n), c->dims[i], 1)) IG_TRY(ig_dims_guard(ig_node_dims(n), IG_GUARD_BROADCAST, c->dims[i], target, n->name, "C"));
  }
  return ig_infer_set(n, 0, a->dtype, 2, dims);
}

static ig_val *transposed(ig_lower *l, ig_val *v, bool yes) {
  static const uint8_t perm[IG_MAX_RANK] = {1, 0};
  return yes ? ig_lo_permute(l, v, perm) : v;
}

/* Integers with a factor other than 1 are scaled in float64, as numpy does. */
static ig_status gemm_epilogue(ig_lower *l, ig_dtype dtype, ig_stype acc, double alpha, double beta, bool with_c, ig_sprog *out) {
  ig_sbuild b;
  ig_sbuild_init(&b, &l->ir->arena);
  const bool is_float = acc == IG_S_F32 || acc == IG_S_F64, scaled = !is_float && (alpha != 1 || beta != 1);
  const ig_stype s = scaled ? IG_S_F64 : acc;
  ig_sreg y = ig_s_cast(&b, ig_s_load(&b, 0, ig_stype_dtype(acc)), s);
  if (scaled) y = ig_s_op(&b, IG_SOP_MUL, y, ig_s_f64(&b, s, alpha), 0);
  if (with_c) {
    ig_sreg c = ig_s_cast(&b, ig_s_load(&b, 1, dtype), s);
    if (beta != 1) c = ig_s_op(&b, IG_SOP_MUL, c, ig_s_f64(&b, s, beta), 0);
    y = ig_s_op(&b, IG_SOP_ADD, y, c, 0);
  }
  if (scaled) y = ig_s_cast(&b, y, acc);
  ig_s_store(&b, 0, y, 0);
  return ig_sbuild_finish(&b, out);
}

static ig_status gemm_lower(ig_lower *l, const ig_node *n) {
  const ig_val *y = n->out[0];
  ig_val *c = ig_node_in(n, 2);
  const double alpha = (double)ig_node_attr_f(n, "alpha", 1), beta = (double)ig_node_attr_f(n, "beta", 1);
  const ig_stype acc = ig_acc_type(y->dtype);
  const bool is_float = acc == IG_S_F32 || acc == IG_S_F64;
  if (beta == 0) c = NULL;
  const bool needs_epilogue = c || (!is_float && alpha != 1);
  ig_sprog epi = {0};
  if (needs_epilogue) IG_TRY(gemm_epilogue(l, y->dtype, acc, alpha, beta, c != NULL, &epi));
  if (c) c = ig_lo_expand(l, c, 2, y->dims);
  const ig_lo_matmul_desc d = {.a = transposed(l, ig_node_in(n, 0), ig_node_attr_i(n, "transA", 0) != 0),
                               .b = transposed(l, ig_node_in(n, 1), ig_node_attr_i(n, "transB", 0) != 0),
                               .alpha = is_float ? alpha : 1,
                               .dtype = y->dtype,
                               .epi = needs_epilogue ? &epi : NULL,
                               .extra = &c,
                               .n_extra = c ? 1 : 0};
  if (!d.a || !d.b) return NULL;
  ig_lo_result(l, 0, ig_lo_matmul(l, &d));
  return NULL;
}

/* Before version 7 `broadcast` says whether C may be smaller than the result; now it may. */
static ig_status gemm_import(ig_node *n, int64_t opset) {
  if (opset < 7) ig_adapt_drop(n, "broadcast");
  return NULL;
}

static const ig_op_arg gemm_in[] = {{"A", 'T', MATMUL_TYPES, 0}, {"B", 'T', MATMUL_TYPES, 0}, {"C", 'T', MATMUL_TYPES, IG_ARG_OPTIONAL}};
static const ig_op_attr gemm_attrs[] = {{"alpha", IG_ATTR_FLOAT, false, 0, 1.0f, NULL},
                                        {"beta", IG_ATTR_FLOAT, false, 0, 1.0f, NULL},
                                        {"transA", IG_ATTR_INT, false, 0, 0, NULL},
                                        {"transB", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const gemm_cases[] = {"f32[2,3] f32[3,4]",          "f32[3,2] f32[4,3] f32[4] transA=1 transB=1 alpha=0.5 beta=2.0",
                                         "f32[2,3] f32[3,4] f32[2,1]", "i32[2,3] i32[3,2] i32[1,1]",
                                         "f32[2,0] f32[0,3] f32[3]",   NULL};
const ig_op ig_op_Gemm = {.domain = "",
                          .name = "Gemm",
                          .since = 13,
                          .oldest = 1,
                          .cls = IG_CLASS_KIND,
                          IG_OP_ARGS(gemm_in, matmul_out),
                          IG_OP_ATTRS(gemm_attrs),
                          .import = gemm_import,
                          .infer = gemm_infer,
                          .lower = gemm_lower,
                          .cases = gemm_cases};

/* ---- MatMulInteger, QLinearMatMul ---- */

#define BYTE_TYPES (IG_T(I8) | IG_T(U8))

/* A zero point or scale of one operand as something that broadcasts over its last two dims: a scalar, one per row of a, or one per column of b. */
static ig_val *per_line(ig_lower *l, ig_val *z, bool rows) {
  if (!z || z->rank != 1) return z;
  ig_dims *t = &l->ir->dims;
  const ig_dim one = ig_dim_const(t, 1), dims[2] = {rows ? z->dims[0] : one, rows ? one : z->dims[0]};
  return ig_lo_reshape(l, z, 2, dims);
}

/* Dims of the product with the dims of 1 that vectors gain. result, rank: those that product_dims gives. */
static uint32_t matrix_dims(ig_dims *t, const ig_val *a, const ig_val *b, const ig_dim *result, uint32_t rank, ig_dim *out) {
  const uint32_t batch = rank - (a->rank > 1) - (b->rank > 1);
  memcpy(out, result, batch * sizeof *out);
  out[batch] = a->rank > 1 ? a->dims[a->rank - 2] : ig_dim_const(t, 1);
  out[batch + 1] = b->rank > 1 ? b->dims[b->rank - 1] : ig_dim_const(t, 1);
  return batch + 2;
}

/* Input i is what per_line takes: one element, or as many as the product has rows or columns, batch dims before them. */
static ig_status check_line(ig_node *n, uint32_t i, bool rows, uint32_t rank, const ig_dim *dims) {
  const ig_val *v = ig_node_in(n, i);
  const int line = rows ? 2 : 1;
  for (int k = 1; v && k <= v->rank; k++) {
    const int at = v->rank == 1 ? line : k; /* counted from the end */
    const ig_dim d = v->dims[v->rank - k];
    if (ig_dim_equals(ig_node_dims(n), d, 1)) continue;
    IG_NODE_REQUIRE(n, at <= (int)rank && (at > 2 || at == line), IG_ERROR_BAD_MODEL, "input %u ('%s') has neither one element nor one for each %s", i,
                    v->name, rows ? "row" : "column");
    IG_TRY(ig_infer_equal(n, d, dims[rank - (uint32_t)at], v->name, NULL));
  }
  return NULL;
}

static ig_status matmul_integer_infer(ig_node *n) {
  ig_dim dims[IG_MAX_RANK], matrix[IG_MAX_RANK + 2];
  uint32_t rank;
  IG_TRY(product_dims(n, ig_node_in(n, 0), ig_node_in(n, 1), dims, &rank));
  const uint32_t matrix_rank = matrix_dims(ig_node_dims(n), ig_node_in(n, 0), ig_node_in(n, 1), dims, rank, matrix);
  IG_TRY(check_line(n, 2, true, matrix_rank, matrix));
  IG_TRY(check_line(n, 3, false, matrix_rank, matrix));
  return ig_infer_set(n, 0, IG_DTYPE_I32, rank, dims);
}

static ig_status matmul_integer_lower(ig_lower *l, const ig_node *n) {
  const ig_lo_matmul_desc d = {.a = ig_node_in(n, 0),
                               .b = ig_node_in(n, 1),
                               .za = per_line(l, ig_node_in(n, 2), true),
                               .zb = per_line(l, ig_node_in(n, 3), false),
                               .alpha = 1,
                               .dtype = IG_DTYPE_I32};
  product_result(l, n, ig_lo_matmul(l, &d));
  return NULL;
}

static const ig_op_arg matmul_integer_in[] = {{"A", 'A', BYTE_TYPES, 0},
                                              {"B", 'B', BYTE_TYPES, 0},
                                              {"a_zero_point", 'A', BYTE_TYPES, IG_ARG_OPTIONAL},
                                              {"b_zero_point", 'B', BYTE_TYPES, IG_ARG_OPTIONAL}};
static const ig_op_arg matmul_integer_out[] = {{"Y", 0, IG_T(I32), 0}};
static const char *const matmul_integer_cases[] = {"u8[2,3] i8[3,4]", "u8[2,3] u8[3,4] u8[] u8[4]", "i8[5,2,3] i8[3,4] i8[1]", NULL};
const ig_op ig_op_MatMulInteger = {.domain = "",
                                   .name = "MatMulInteger",
                                   .since = 10,
                                   .oldest = 10,
                                   .cls = IG_CLASS_KIND,
                                   .accuracy = IG_ACCURACY_EXACT,
                                   IG_OP_ARGS(matmul_integer_in, matmul_integer_out),
                                   .infer = matmul_integer_infer,
                                   .lower = matmul_integer_lower,
                                   .cases = matmul_integer_cases};

static ig_status qlinear_matmul_infer(ig_node *n) {
  const ig_val *a = ig_node_in(n, 0), *b = ig_node_in(n, 3), *y_zero = ig_node_in(n, 7);
  if (!((ig_type_bit(a->dtype) | ig_type_bit(b->dtype) | ig_type_bit(y_zero->dtype)) & ~(ig_types)BYTE_TYPES)) {
    ig_dim dims[IG_MAX_RANK], matrix[IG_MAX_RANK + 2];
    uint32_t rank;
    IG_TRY(product_dims(n, a, b, dims, &rank));
    const uint32_t matrix_rank = matrix_dims(ig_node_dims(n), a, b, dims, rank, matrix);
    for (uint32_t i = 1; i < 8; i++)
      if (i != 3) IG_TRY(check_line(n, i, i < 3, matrix_rank, matrix));
    return ig_infer_set(n, 0, y_zero->dtype, rank, dims);
  }
  return ig_status_with(
      ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "operands of %s are not done; use 8-bit integers", ig_dtype_name(a->dtype)),
      IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_DATATYPE");
}

static ig_status qlinear_matmul_lower(ig_lower *l, const ig_node *n) {
  const ig_val *y = n->out[0];
  ig_val *a = ig_node_in(n, 0), *b = ig_node_in(n, 3);
  ig_dim dims[IG_MAX_RANK + 2];
  const uint32_t rank = matrix_dims(&l->ir->dims, a, b, y->dims, (uint32_t)y->rank, dims);
  static const struct {
    uint8_t input;
    bool rows;
  } lines[4] = {{1, true}, {4, false}, {6, false}, {7, false}};
  ig_val *extra[4];
  for (int i = 0; i < 4; i++) {
    ig_val *v = per_line(l, ig_node_in(n, lines[i].input), lines[i].rows);
    if (!v || !(extra[i] = ig_lo_expand(l, v, rank, dims))) return NULL;
  }
  ig_sprog epi;
  if (!ig_lo_requantise(l, extra[0]->dtype, y->dtype, false, &epi)) return NULL;
  const ig_lo_matmul_desc d = {.a = a,
                               .b = b,
                               .za = per_line(l, ig_node_in(n, 2), true),
                               .zb = per_line(l, ig_node_in(n, 5), false),
                               .alpha = 1,
                               .dtype = y->dtype,
                               .epi = &epi,
                               .extra = extra,
                               .n_extra = 4};
  product_result(l, n, ig_lo_matmul(l, &d));
  return NULL;
}

#define SCALE_TYPES (IG_T(F32) | IG_T(F16) | IG_T(BF16))
#define QUANTISED_TYPES (BYTE_TYPES | IG_T(E4M3FN) | IG_T(E4M3FNUZ) | IG_T(E5M2) | IG_T(E5M2FNUZ))
static const ig_op_arg qlinear_matmul_in[] = {
    {"a", 'A', QUANTISED_TYPES, 0},   {"a_scale", 'S', SCALE_TYPES, 0},         {"a_zero_point", 'A', QUANTISED_TYPES, 0},
    {"b", 'B', QUANTISED_TYPES, 0},   {"b_scale", 'S', SCALE_TYPES, 0},         {"b_zero_point", 'B', QUANTISED_TYPES, 0},
    {"y_scale", 'S', SCALE_TYPES, 0}, {"y_zero_point", 'Y', QUANTISED_TYPES, 0}};
static const ig_op_arg qlinear_matmul_out[] = {{"y", 'Y', QUANTISED_TYPES, 0}};
static const char *const qlinear_matmul_cases[] = {"u8[2,4] f32[] u8[] u8[4,3] f32[] u8[] f32[] u8[]",
                                                   "i8[2,2,4] f32[1] i8[1] i8[4,3] f32[3] i8[3] f32[1] i8[1]", NULL};
const ig_op ig_op_QLinearMatMul = {.domain = "",
                                   .name = "QLinearMatMul",
                                   .since = 21,
                                   .oldest = 10,
                                   .cls = IG_CLASS_KIND,
                                   IG_OP_ARGS(qlinear_matmul_in, qlinear_matmul_out),
                                   .infer = qlinear_matmul_infer,
                                   .lower = qlinear_matmul_lower,
                                   .cases = qlinear_matmul_cases};

/* ---- ml LinearRegressor ---- */

static ig_status regressor_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  const int64_t targets = ig_node_attr_i(n, "targets", 1);
  ig_dims *t = ig_node_dims(n);
  IG_NODE_REQUIRE(n, x->rank == 1 || x->rank == 2, IG_ERROR_BAD_MODEL, "input has %d dims, expected 1 or 2", x->rank);
  const ig_ir_attr *c = ig_node_attr(n, "coefficients"), *b = ig_node_attr(n, "intercepts");
  IG_NODE_REQUIRE(n, targets > 0 && c && c->n % (uint64_t)targets == 0, IG_ERROR_BAD_MODEL,
                  "coefficients must hold a multiple of `targets` (%lld) numbers", (long long)targets);
  IG_NODE_REQUIRE(n, !b || (int64_t)b->n == targets, IG_ERROR_BAD_MODEL, "%u intercepts for %lld targets", b ? b->n : 0, (long long)targets);
  const char *post = ig_node_attr_s(n, "post_transform", "NONE");
  if (strcmp(post, "NONE") != 0)
    return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "post_transform %s is not done", post), IG_DETAIL_ISSUE_CODE,
                          "UNSUPPORTED_ATTR");
  IG_TRY(ig_infer_equal(n, x->dims[x->rank - 1], ig_dim_const(t, (int64_t)c->n / targets), "features", NULL));
  const ig_dim dims[2] = {x->rank == 2 ? x->dims[0] : ig_dim_const(t, 1), ig_dim_const(t, targets)};
  return ig_infer_set(n, 0, IG_DTYPE_F32, 2, dims);
}

static ig_status regressor_lower(ig_lower *l, const ig_node *n) {
  const ig_val *y = n->out[0];
  const ig_ir_attr *c = ig_node_attr(n, "coefficients"), *b = ig_node_attr(n, "intercepts");
  const int64_t targets = ig_node_attr_i(n, "targets", 1), shape[2] = {targets, (int64_t)c->n / targets};
  ig_val *x = as_matrix(l, ig_lo_cast(l, ig_node_in(n, 0), IG_DTYPE_F32), false);
  ig_val *w = transposed(l, ig_lo_const(l, IG_DTYPE_F32, 2, shape, c->v.floats), true);
  ig_sprog epi = {0};
  ig_val *bias = NULL;
  if (b) {
    IG_TRY(gemm_epilogue(l, IG_DTYPE_F32, IG_S_F32, 1, 1, true, &epi));
    bias = ig_lo_along(l, ig_lo_const(l, IG_DTYPE_F32, 1, &targets, b->v.floats), 1, 2, y->dims);
  }
  if (!x || !w || (b && !bias)) return NULL;
  const ig_lo_matmul_desc d = {.a = x, .b = w, .alpha = 1, .dtype = IG_DTYPE_F32, .epi = b ? &epi : NULL, .extra = &bias, .n_extra = b ? 1 : 0};
  ig_lo_result(l, 0, ig_lo_matmul(l, &d));
  return NULL;
}

static const ig_op_arg regressor_in[] = {{"X", 0, IG_T(F32) | IG_T(F64) | IG_T(I32) | IG_T(I64), 0}};
static const ig_op_arg regressor_out[] = {{"Y", 0, IG_T(F32), 0}};
static const ig_op_attr regressor_attrs[] = {{"coefficients", IG_ATTR_FLOATS, true, 0, 0, NULL},
                                             {"intercepts", IG_ATTR_FLOATS, false, 0, 0, NULL},
                                             {"post_transform", IG_ATTR_STRING, false, 0, 0, "NONE"},
                                             {"targets", IG_ATTR_INT, false, 1, 0, NULL}};
static const char *const regressor_cases[] = {"f32[3,2] coefficients=0.5,-1.0 intercepts=2.0", "i64[2,2] coefficients=1.0,2.0,3.0,4.0 targets=2",
                                              NULL};
const ig_op ig_op_ml_LinearRegressor = {.domain = "ai.onnx.ml",
                                        .name = "LinearRegressor",
                                        .since = 1,
                                        .oldest = 1,
                                        .cls = IG_CLASS_KIND,
                                        IG_OP_ARGS(regressor_in, regressor_out),
                                        IG_OP_ATTRS(regressor_attrs),
                                        .infer = regressor_infer,
                                        .lower = regressor_lower,
                                        .cases = regressor_cases};
