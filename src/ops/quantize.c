/* QuantizeLinear and DequantizeLinear: one scale and zero point per tensor, per slice of an axis, or per block along an axis.
 *
 * y = saturate(rint(x / scale) + zero) for integers, saturate(x / scale) for float8 and float4; back: (x - zero) * scale. All arithmetic is
 * float32: a sum of a rounded quotient and a zero point is exact there wherever saturation does not decide anyway.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

#define QUANTISED (IG_T(I8) | IG_T(U8) | IG_T(I16) | IG_T(U16) | IG_TYPES_SUBBYTE | (IG_TYPES_FLOAT8 & ~IG_T(E8M0)))

/* ---- granularity ---- */

/* Checks v (scale or zero point) against x and the attributes. */
static ig_status check_granularity(ig_node *n, const ig_val *v, const char *what) {
  const ig_val *x = ig_node_in(n, 0);
  const int64_t block = ig_op_attr_i(n, "block_size");
  int64_t axis;
  IG_NODE_REQUIRE(n, block >= 0, IG_ERROR_BAD_MODEL, "attribute 'block_size' is %lld", (long long)block);
  if (v->rank == 0 || (v->rank == 1 && block == 0 && ig_dim_equals(ig_node_dims(n), v->dims[0], 1))) return NULL;
  IG_TRY(ig_axis(n, ig_op_attr_i(n, "axis"), x->rank, &axis));
  if (block == 0) {
    IG_TRY(ig_infer_rank(n, v, what, 1));
    return ig_infer_equal(n, v->dims[0], x->dims[axis], "length of the scale or zero point along the axis", NULL);
  }
  IG_TRY(ig_infer_rank(n, v, what, x->rank));
  for (int k = 0; k < x->rank; k++) {
    ig_dim want = x->dims[k];
    if (k == axis) want = ig_dim_ceildiv(ig_node_dims(n), want, ig_dim_const(ig_node_dims(n), block));
    IG_TRY(ig_infer_equal(n, v->dims[k], want, "dims of a blocked scale or zero point", NULL));
  }
  return NULL;
}

/* The iteration space: x's own dims, or, where blocks divide the axis, the axis split in two so that scales need no copy. */
typedef struct space {
  uint32_t rank;
  ig_dim dims[IG_MAX_RANK];
  uint32_t axis;
  bool split;
} space;

static bool is_blocked(const ig_node *n, const ig_val *scale) { return ig_op_attr_i(n, "block_size") > 0 && scale->rank > 0; }

static void choose_space(ig_lower *l, const ig_node *n, const ig_val *scale, space *s) {
  const ig_val *x = ig_node_in(n, 0);
  const int64_t axis = ig_op_attr_i(n, "axis"), block = ig_op_attr_i(n, "block_size");
  *s = (space){.rank = (uint32_t)x->rank, .axis = (uint32_t)(axis < 0 ? axis + x->rank : axis)};
  memcpy(s->dims, x->dims, sizeof s->dims);
  if (!is_blocked(n, scale) || x->rank == IG_MAX_RANK) return;
  ig_dims *t = &l->ir->dims;
  if (ig_dim_mul_c(t, scale->dims[s->axis], block) != x->dims[s->axis]) return;
  s->split = true;
  s->rank++;
  memmove(&s->dims[s->axis + 2], &x->dims[s->axis + 1], ((size_t)x->rank - 1 - s->axis) * sizeof *s->dims);
  s->dims[s->axis] = scale->dims[s->axis];
  s->dims[s->axis + 1] = ig_dim_const(t, block);
}

/* v with an axis of 1 after `axis`, or, in an unsplit space, repeated and cut to x's dims. */
static ig_val *spread_blocks(ig_lower *l, const ig_node *n, ig_val *v, const space *s) {
  ig_dims *t = &l->ir->dims;
  const uint32_t rank = (uint32_t)v->rank;
  ig_dim dims[IG_MAX_RANK + 1];
  memcpy(dims, v->dims, (s->axis + 1) * sizeof *dims);
  dims[s->axis + 1] = ig_dim_const(t, 1);
  memcpy(&dims[s->axis + 2], &v->dims[s->axis + 1], (rank - 1 - s->axis) * sizeof *dims);
  if (s->split) return ig_lo_expand(l, ig_lo_reshape(l, v, rank + 1, dims), s->rank, s->dims);
  const ig_dim block = ig_dim_const(t, ig_op_attr_i(n, "block_size"));
  /* three merged axes keep the rank within its limit */
  ig_dim merged[3] = {ig_dim_product(t, v->dims, s->axis + 1), ig_dim_const(t, 1), ig_dim_product(t, &v->dims[s->axis + 1], rank - 1 - s->axis)};
  ig_val *r = ig_lo_reshape(l, v, 3, merged);
  merged[1] = block;
  r = ig_lo_copy(l, ig_lo_expand(l, r, 3, merged));
  memcpy(dims, v->dims, rank * sizeof *dims);
  dims[s->axis] = ig_dim_mul(t, dims[s->axis], block);
  return ig_lo_slice(l, ig_lo_reshape(l, r, rank, dims), NULL, NULL, s->dims);
}

/* v laid out over the iteration space; one element stays one element. */
static ig_val *spread(ig_lower *l, const ig_node *n, ig_val *v, const space *s) {
  if (!v || v->rank == 0 || ig_const_single(v)) return v;
  if (is_blocked(n, v)) return spread_blocks(l, n, v, s);
  if (ig_dim_equals(&l->ir->dims, v->dims[0], 1)) return ig_lo_reshape(l, v, 0, NULL);
  return ig_lo_along(l, v, s->axis, s->rank, s->dims);
}

/* ---- programs ---- */

static bool is_integer(ig_dtype d) { return ig_stype_of(d) == IG_S_I32; }

static void integer_range(ig_dtype d, double *out_lo, double *out_hi) {
  const uint32_t n_bits = IG_DTYPE_BITS(d);
  const bool has_sign = ig_type_bit(d) & (IG_TYPES_SIGNED | IG_T(I4) | IG_T(I2));
  *out_lo = has_sign ? -(double)(1u << (n_bits - 1)) : 0;
  *out_hi = (double)(1u << (has_sign ? n_bits - 1 : n_bits)) - 1;
}

/* The dtype whose precision the division has: attribute, else the scale's type where that is a float that computes. */
static ig_dtype precision_of(const ig_node *n) {
  const ig_dtype given = ig_dtype_from_onnx(ig_op_attr_i(n, "precision")), scale = ig_node_in(n, 1)->dtype;
  if (given != IG_DTYPE_NONE) return given;
  return scale == IG_DTYPE_F16 || scale == IG_DTYPE_BF16 ? scale : IG_DTYPE_F32;
}

static void quantise(ig_pw *c, ig_sreg x, ig_sreg scale, const ig_sreg *zero, ig_dtype out) {
  const ig_dtype precision = precision_of(c->n);
  const ig_stype t = precision == IG_DTYPE_F64 ? IG_S_F64 : IG_S_F32;
  ig_sreg q = ig_pw_2(c, IG_SOP_DIV, ig_s_cast(&c->b, x, t), ig_s_cast(&c->b, scale, t));
  q = ig_s_round(&c->b, q, precision);
  if (!is_integer(out)) {
    const bool unsaturated = !(ig_type_bit(out) & IG_TYPES_FLOAT6_4); /* those have no NaN, and their zero points count */
    if (zero && !unsaturated) q = ig_pw_2(c, IG_SOP_ADD, q, ig_s_cast(&c->b, *zero, t));
    ig_pw_store(c, 0, q, out, ig_op_attr_i(c->n, "saturate") || !unsaturated ? IG_STORE_SATURATE : 0);
    return;
  }
  double lo, hi;
  integer_range(out, &lo, &hi);
  q = ig_pw_1(c, IG_SOP_RINT, q);
  if (zero) q = ig_pw_2(c, IG_SOP_ADD, q, ig_s_cast(&c->b, *zero, t));
  q = ig_pw_2(c, IG_SOP_MIN, ig_pw_2(c, IG_SOP_MAX, q, ig_s_f64(&c->b, t, lo)), ig_s_f64(&c->b, t, hi));
  ig_pw_store(c, 0, ig_s_cast(&c->b, q, IG_S_I32), out, 0);
}

static void dequantise(ig_pw *c, ig_sreg x, ig_sreg scale, const ig_sreg *zero, ig_dtype out) {
  if (zero) x = ig_pw_2(c, IG_SOP_SUB, x, *zero);
  ig_pw_store(c, 0, ig_pw_2(c, IG_SOP_MUL, ig_s_cast(&c->b, x, IG_S_F32), ig_s_cast(&c->b, scale, IG_S_F32)), out, 0);
}

static ig_status lower_both(ig_lower *l, const ig_node *n, void (*program)(ig_pw *c, ig_sreg x, ig_sreg scale, const ig_sreg *zero, ig_dtype out)) {
  const ig_val *out = ig_node_out(n, 0);
  ig_val *in[3], *scale = ig_node_in(n, 1), *zero = ig_node_in(n, 2);
  uint32_t n_in = 0;
  space s;
  ig_pw c;
  if (!out) return NULL;
  choose_space(l, n, scale, &s);
  ig_val *x = ig_lo_reshape(l, ig_node_in(n, 0), s.rank, s.dims);
  scale = spread(l, n, scale, &s);
  zero = spread(l, n, zero, &s);
  if (l->error) return NULL;
  ig_pw_begin(&c, l, n);
  const ig_sreg rx = ig_pw_operand(&c, x, in, &n_in), rs = ig_pw_operand(&c, scale, in, &n_in), rz = zero ? ig_pw_operand(&c, zero, in, &n_in) : 0;
  program(&c, rx, rs, zero ? &rz : NULL, out->dtype);
  ig_val *y = ig_pw_map(&c, l, in, n_in, out->dtype, s.rank, s.dims);
  ig_lo_result(l, 0, ig_lo_reshape(l, y, (uint32_t)out->rank, out->dims));
  return NULL;
}
static ig_status lower_quantise(ig_lower *l, const ig_node *n) { return lower_both(l, n, quantise); }
static ig_status lower_dequantise(ig_lower *l, const ig_node *n) { return lower_both(l, n, dequantise); }

/* ---- infer ---- */

static ig_status infer_common(ig_node *n) {
  const ig_val *scale = ig_node_in(n, 1), *zero = ig_node_in(n, 2);
  IG_TRY(check_granularity(n, scale, "scale"));
  if (!zero) return NULL;
  IG_TRY(check_granularity(n, zero, "zero point"));
  const bool both_single = (scale->rank == 0 || zero->rank == 0) && scale->rank + zero->rank <= 1;
  IG_NODE_REQUIRE(n, scale->rank == zero->rank || both_single, IG_ERROR_BAD_MODEL, "scale has %d dims, zero point has %d", scale->rank, zero->rank);
  return NULL;
}

static ig_status infer_quantise(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *zero = ig_node_in(n, 2);
  ig_dtype d;
  IG_TRY(infer_common(n));
  const int64_t precision = ig_op_attr_i(n, "precision");
  IG_NODE_REQUIRE(n, !precision || ig_type_bit(ig_dtype_from_onnx(precision)) & IG_TYPES_FLOAT, IG_ERROR_BAD_MODEL,
                  "attribute 'precision' names no float type (%lld)", (long long)precision);
  IG_TRY(ig_op_attr_dtype(n, "output_dtype", zero ? zero->dtype : IG_DTYPE_U8, &d));
  IG_NODE_REQUIRE(n, !zero || d == zero->dtype, IG_ERROR_BAD_MODEL, "attribute 'output_dtype' says %s, the zero point is %s", ig_dtype_name(d),
                  ig_dtype_name(zero->dtype));
  IG_NODE_REQUIRE(n, ig_type_bit(d) & QUANTISED, IG_ERROR_BAD_MODEL, "attribute 'output_dtype' is %s, which is no quantised type", ig_dtype_name(d));
  return ig_infer_set(n, 0, d, (uint32_t)x->rank, x->dims);
}

static ig_status infer_dequantise(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dtype d;
  IG_TRY(infer_common(n));
  IG_TRY(ig_op_attr_dtype(n, "output_dtype", ig_node_in(n, 1)->dtype, &d));
  IG_NODE_REQUIRE(n, ig_type_bit(d) & IG_TYPES_FLOAT & ~IG_T(F64), IG_ERROR_BAD_MODEL,
                  "the result would have type %s: attribute 'output_dtype' must name a float type", ig_dtype_name(d));
  return ig_infer_set(n, 0, d, (uint32_t)x->rank, x->dims);
}

#define REAL (IG_T(F32) | IG_T(F16) | IG_T(BF16) | IG_T(I32))
static const ig_op_arg q_in[] = {{"x", 'X', REAL, 0}, {"y_scale", 'S', REAL | IG_T(E8M0), 0}, {"y_zero_point", 'Z', QUANTISED, IG_ARG_OPTIONAL}};
static const ig_op_arg q_out[] = {{"y", 'Z', QUANTISED, 0}};
static const ig_op_arg d_in[] = {{"x", 'X', QUANTISED | IG_T(I32), 0},
                                 {"x_scale", 'S', (REAL & ~IG_T(I32)) | IG_T(E8M0), 0},
                                 {"x_zero_point", 'X', QUANTISED | IG_T(I32), IG_ARG_OPTIONAL}};
static const ig_op_arg d_out[] = {{"y", 'Y', REAL & ~IG_T(I32), 0}};
static const ig_op_attr q_attrs[] = {{"axis", IG_ATTR_INT, false, 1, 0, NULL},
                                     {"block_size", IG_ATTR_INT, false, 0, 0, NULL},
                                     {"output_dtype", IG_ATTR_INT, false, 0, 0, NULL},
                                     {"saturate", IG_ATTR_INT, false, 1, 0, NULL},
                                     {"precision", IG_ATTR_INT, false, 0, 0, NULL}};
static const ig_op_attr d_attrs[] = {
    {"axis", IG_ATTR_INT, false, 1, 0, NULL}, {"block_size", IG_ATTR_INT, false, 0, 0, NULL}, {"output_dtype", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const q_cases[] = {"f32[2,3] f32[] u8[]",
                                      "f32[2,3,4] f32[3] i8[3]",
                                      "f32[2,8] f32[2,2] i4[2,2] axis=1 block_size=4",
                                      "f32[2,7] f32[2,2] u8[2,2] axis=1 block_size=4",
                                      "f32[5] f32[] output_dtype=17",
                                      "f16[5] f16[1] u16[1]",
                                      "f32[6] f32[] output_dtype=23",
                                      "f32[6] f32[] f6e2m3[]",
                                      "f16[5] f32[] output_dtype=28 saturate=0",
                                      NULL};
static const char *const d_cases[] = {"u8[2,3] f32[] u8[]",
                                      "i8[2,3,4] f32[3] i8[3]",
                                      "u4[2,8] f32[2,2] u4[2,2] axis=1 block_size=4",
                                      "i8[2,7] f16[2,2] axis=1 block_size=4",
                                      "f8e4m3fn[5] f32[]",
                                      "f6e3m2[5] f32[] f6e3m2[]",
                                      "i32[4] f32[]",
                                      "u2[6] f32[1] output_dtype=10",
                                      NULL};

const ig_op ig_op_QuantizeLinear = {.domain = "",
                                    .name = "QuantizeLinear",
                                    .since = 28,
                                    .oldest = 10,
                                    .cls = IG_CLASS_MAP,
                                    IG_OP_ARGS(q_in, q_out),
                                    IG_OP_ATTRS(q_attrs),
                                    .infer = infer_quantise,
                                    .lower = lower_quantise,
                                    .cases = q_cases};
const ig_op ig_op_DequantizeLinear = {.domain = "",
                                      .name = "DequantizeLinear",
                                      .since = 28,
                                      .oldest = 10,
                                      .cls = IG_CLASS_MAP,
                                      IG_OP_ARGS(d_in, d_out),
                                      IG_OP_ATTRS(d_attrs),
                                      .infer = infer_dequantise,
                                      .lower = lower_dequantise,
                                      .cases = d_cases};
