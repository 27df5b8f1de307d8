/* Reshape, Flatten, Squeeze, Unsqueeze, Identity, BitCast, Transpose: the same elements seen otherwise; each lowers to one view.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

#define VIEW_ARGS(name, in_name, out_name)                                                                                                           \
  static const ig_op_arg name##_in[] = {{in_name, 'T', IG_TYPES_TENSOR, 0}};                                                                         \
  static const ig_op_arg name##_out[] = {{out_name, 'T', IG_TYPES_TENSOR, 0}}
static const ig_op_arg view_out[] = {{"output", 'T', IG_TYPES_TENSOR, 0}};

/* The input with the result's dims. */
static ig_status reshape_lower(ig_lower *l, const ig_node *n) {
  const ig_val *y = n->out[0];
  ig_lo_result(l, 0, ig_lo_reshape(l, ig_node_in(n, 0), (uint32_t)y->rank, y->dims));
  return NULL;
}

static ig_status same_elems(ig_node *n) { return ig_elems_copy(n, 0, ig_node_in(n, 0)); }

/* ---- Reshape ---- */

typedef struct target {
  ig_dims *t;
  const ig_val *x;
  ig_dim factor[IG_MAX_RANK]; /* extent without the meaning of -1, 1 where it is -1 */
  ig_dim is_rest[IG_MAX_RANK];
  uint32_t rank;
  bool has_rest;
} target;

/* What element e of the shape input says about dim i: 0 copies the input's dim (without allowzero), -1 takes the rest. */
static ig_status read_extent(const ig_node *n, target *g, uint32_t i, ig_dim e, bool allow_zero) {
  ig_dims *t = g->t;
  const ig_dim zero = ig_dim_const(t, 0), one = ig_dim_const(t, 1), own = (int)i < g->x->rank ? g->x->dims[i] : IG_DIM_BAD;
  int64_t c, lo, hi;
  g->is_rest[i] = zero;
  g->factor[i] = e;
  if (ig_dim_is_const(t, e, &c)) {
    IG_NODE_REQUIRE(n, c >= -1, IG_ERROR_BAD_MODEL, "element %u of the shape is %lld", i, (long long)c);
    IG_NODE_REQUIRE(n, c != 0 || allow_zero || own != IG_DIM_BAD, IG_ERROR_BAD_MODEL,
                    "element %u of the shape is 0 (copy), but the input has %d dims", i, g->x->rank);
    if (c == 0 && !allow_zero) g->factor[i] = own;
    if (c != -1) return NULL;
    IG_NODE_REQUIRE(n, !g->has_rest, IG_ERROR_BAD_MODEL, "the shape has more than one -1");
    g->has_rest = true;
    g->is_rest[i] = g->factor[i] = one;
    return NULL;
  }
  ig_dim_range(t, e, &lo, &hi);
  if (lo < 1 && !allow_zero && e != own && own != IG_DIM_BAD) g->factor[i] = ig_dim_select(t, ig_dim_eq(t, e, zero), own, e);
  if (lo >= 0) return NULL;
  g->is_rest[i] = ig_dim_eq(t, e, ig_dim_const(t, -1));
  g->factor[i] = ig_dim_select(t, g->is_rest[i], one, g->factor[i]);
  return NULL;
}

/* Extent of dim i where it takes what the others leave. */
static ig_status rest_extent(const ig_node *n, target *g, uint32_t i, ig_dim total, ig_dim *out) {
  ig_dim others = ig_dim_const(g->t, 1);
  for (uint32_t k = 0; k < g->rank; k++)
    if (k != i) others = ig_dim_mul(g->t, others, g->factor[k]);
  int64_t a, b;
  if (ig_dim_is_const(g->t, others, &b)) {
    IG_NODE_REQUIRE(n, b != 0, IG_ERROR_BAD_MODEL, "-1 beside an extent of 0 is not defined");
    IG_NODE_REQUIRE(n, !ig_dim_is_const(g->t, total, &a) || a % b == 0, IG_ERROR_BAD_MODEL,
                    "%lld elements do not divide by %lld, the product of the other dims", (long long)a, (long long)b);
  }
  *out = ig_dim_floordiv(g->t, total, others);
  return NULL;
}

static ig_status reshape_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  ig_dim e[IG_MAX_RANK], dims[IG_MAX_RANK];
  target g = {.t = t, .x = x};
  IG_TRY(ig_infer_elems(n, 1, e, IG_MAX_RANK, &g.rank));
  const bool allow_zero = ig_node_attr_i(n, "allowzero", 0) != 0;
  for (uint32_t i = 0; i < g.rank; i++)
    IG_TRY(read_extent(n, &g, i, e[i], allow_zero));
  const ig_dim total = ig_dim_product(t, x->dims, (size_t)x->rank);
  for (uint32_t i = 0; i < g.rank; i++) {
    dims[i] = g.factor[i];
    if (ig_dim_equals(t, g.is_rest[i], 0)) continue;
    IG_TRY(rest_extent(n, &g, i, total, &dims[i]));
    dims[i] = ig_dim_select(t, g.is_rest[i], dims[i], g.factor[i]);
  }
  IG_TRY(ig_infer_dims_done(n));
  IG_TRY(ig_infer_equal(n, total, ig_dim_product(t, dims, g.rank), "number of elements before and after", NULL));
  return ig_infer_set(n, 0, x->dtype, g.rank, dims);
}

static const ig_op_arg reshape_in[] = {{"data", 'T', IG_TYPES_TENSOR, 0}, {"shape", 0, IG_T(I64), 0}};
static const ig_op_attr reshape_attrs[] = {{"allowzero", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const reshape_cases[] = {"f32[2,3,4] i64[2]=6,-1", "string[2,3] i64[3]=0,1,-1", "f32[0,3] i64[2]=3,0 allowzero=1",
                                            "c64[1] i64[0]",          "u4[2,4] i64[1]=-1",         NULL};
const ig_op ig_op_Reshape = {.domain = "",
                             .name = "Reshape",
                             .since = 25,
                             .oldest = 5,
                             .cls = IG_CLASS_VIEW,
                             .accuracy = IG_ACCURACY_EXACT,
                             IG_OP_ARGS(reshape_in, view_out),
                             IG_OP_ATTRS(reshape_attrs),
                             .infer = reshape_infer,
                             .dims = same_elems,
                             .lower = reshape_lower,
                             .cases = reshape_cases};

/* ---- Flatten ---- */

static ig_status flatten_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  int64_t axis = ig_node_attr_i(n, "axis", 1);
  IG_NODE_REQUIRE(n, axis >= -x->rank && axis <= x->rank, IG_ERROR_BAD_MODEL, "axis %lld is outside [-%d, %d]", (long long)axis, x->rank, x->rank);
  if (axis < 0) axis += x->rank;
  const ig_dim dims[2] = {ig_dim_product(t, x->dims, (size_t)axis), ig_dim_product(t, x->dims + axis, (size_t)(x->rank - axis))};
  return ig_infer_set(n, 0, x->dtype, 2, dims);
}

VIEW_ARGS(flatten, "input", "output");
static const ig_op_attr flatten_attrs[] = {{"axis", IG_ATTR_INT, false, 1, 0, NULL}};
static const char *const flatten_cases[] = {"f32[2,3,4]", "f32[2,3,4] axis=-1", "bool[0,3] axis=0", "i8[]  axis=0", NULL};
const ig_op ig_op_Flatten = {.domain = "",
                             .name = "Flatten",
                             .since = 25,
                             .oldest = 1,
                             .cls = IG_CLASS_VIEW,
                             .accuracy = IG_ACCURACY_EXACT,
                             IG_OP_ARGS(flatten_in, flatten_out),
                             IG_OP_ATTRS(flatten_attrs),
                             .infer = flatten_infer,
                             .lower = reshape_lower,
                             .cases = flatten_cases};

/* ---- Squeeze, Unsqueeze ---- */

/* Version 13 turned the attribute axes into an input. */
static ig_status axes_import(ig_node *n, int64_t opset) { return opset < 13 ? ig_adapt_ints(n, "axes", 1) : NULL; }

/* Marks the axes that input 1 names, of a tensor of this rank; each at most once. */
static ig_status read_axes(ig_node *n, int64_t rank, uint32_t *out_mask) {
  int64_t axes[IG_MAX_RANK], a;
  uint32_t count;
  *out_mask = 0;
  IG_TRY(ig_infer_ints(n, 1, axes, IG_MAX_RANK, &count));
  for (uint32_t i = 0; i < count; i++) {
    IG_TRY(ig_axis(n, axes[i], rank, &a));
    IG_NODE_REQUIRE(n, !(*out_mask & 1u << a), IG_ERROR_BAD_MODEL, "axis %lld is named twice", (long long)a);
    *out_mask |= 1u << a;
  }
  return NULL;
}

/* Without axes, every extent of 1 goes; an extent that may or may not be 1 would leave the rank open. */
static ig_status find_ones(const ig_node *n, const ig_val *x, uint32_t *out_mask) {
  *out_mask = 0;
  for (int i = 0; i < x->rank; i++) {
    const int is_one = ig_dim_prove_eq(ig_node_dims(n), x->dims[i], ig_dim_const(ig_node_dims(n), 1));
    if (is_one < 0)
      return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type,
                                           "without axes the rank depends on dim %d of '%s'; fix that dim or give axes", i, x->name),
                            IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
    if (is_one) *out_mask |= 1u << i;
  }
  return NULL;
}

static ig_status squeeze_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  uint32_t mask, rank = 0;
  ig_dim dims[IG_MAX_RANK];
  if (ig_node_in(n, 1))
    IG_TRY(read_axes(n, x->rank, &mask));
  else
    IG_TRY(find_ones(n, x, &mask));
  for (int i = 0; i < x->rank; i++) {
    if (mask & 1u << i)
      IG_TRY(ig_infer_equal(n, x->dims[i], ig_dim_const(ig_node_dims(n), 1), "squeezed dim and 1", NULL));
    else
      dims[rank++] = x->dims[i];
  }
  return ig_infer_set(n, 0, x->dtype, rank, dims);
}

static ig_status unsqueeze_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *axes = ig_node_in(n, 1);
  int64_t count = 1;
  IG_NODE_REQUIRE(n, axes->rank == 0 || ig_dim_is_const(ig_node_dims(n), axes->dims[0], &count), IG_ERROR_UNSUPPORTED,
                  "the number of axes is not known at build time");
  IG_NODE_REQUIRE(n, count + x->rank <= IG_MAX_RANK, IG_ERROR_UNSUPPORTED, "the result would have %lld dims, at most %d are possible",
                  (long long)count + x->rank, IG_MAX_RANK);
  const uint32_t rank = (uint32_t)(x->rank + count);
  uint32_t mask, at = 0;
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(read_axes(n, rank, &mask));
  for (uint32_t i = 0; i < rank; i++)
    dims[i] = mask & 1u << i ? ig_dim_const(ig_node_dims(n), 1) : x->dims[at++];
  return ig_infer_set(n, 0, x->dtype, rank, dims);
}

static const ig_op_arg squeeze_in[] = {{"data", 'T', IG_TYPES_TENSOR, 0}, {"axes", 0, IG_T(I64), IG_ARG_OPTIONAL}};
static const char *const squeeze_cases[] = {"f32[1,3,1] i64[1]=0", "f32[1,3,1]", "string[1,0,1] i64[2]=-1,0", NULL};
const ig_op ig_op_Squeeze = {.domain = "",
                             .name = "Squeeze",
                             .since = 25,
                             .oldest = 1,
                             .cls = IG_CLASS_VIEW,
                             .accuracy = IG_ACCURACY_EXACT,
                             IG_OP_ARGS(squeeze_in, view_out),
                             .import = axes_import,
                             .infer = squeeze_infer,
                             .dims = same_elems,
                             .lower = reshape_lower,
                             .cases = squeeze_cases};
static const ig_op_arg unsqueeze_in[] = {{"data", 'T', IG_TYPES_TENSOR, 0}, {"axes", 0, IG_T(I64), 0}};
static const char *const unsqueeze_cases[] = {"f32[3] i64[2]=0,2", "bool[] i64[1]=0", "f32[0,2] i64[1]=-1", NULL};
const ig_op ig_op_Unsqueeze = {.domain = "",
                               .name = "Unsqueeze",
                               .since = 25,
                               .oldest = 1,
                               .cls = IG_CLASS_VIEW,
                               .accuracy = IG_ACCURACY_EXACT,
                               IG_OP_ARGS(unsqueeze_in, view_out),
                               .import = axes_import,
                               .infer = unsqueeze_infer,
                               .dims = same_elems,
                               .lower = reshape_lower,
                               .cases = unsqueeze_cases};

/* ---- Identity ---- */

static ig_status identity_infer(ig_node *n) { return ig_infer_same(n, 0, ig_node_in(n, 0)); }

VIEW_ARGS(identity, "input", "output");
static const char *const identity_cases[] = {"f32[2,3]", "string[2]", "i64[]", NULL};
const ig_op ig_op_Identity = {.domain = "",
                              .name = "Identity",
                              .since = 25,
                              .oldest = 1,
                              .cls = IG_CLASS_VIEW,
                              .accuracy = IG_ACCURACY_EXACT,
                              IG_OP_ARGS(identity_in, identity_out),
                              .infer = identity_infer,
                              .dims = same_elems,
                              .lower = reshape_lower,
                              .cases = identity_cases};

/* ---- BitCast ---- */

/* Elements whose bits fill the place that they take. */
#define BITS (IG_TYPES_TENSOR & ~(IG_T(STRING) | IG_T(F6E2M3) | IG_T(F6E3M2)))

static ig_status bitcast_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dtype to;
  IG_TRY(ig_op_attr_dtype(n, "to", IG_DTYPE_NONE, &to));
  IG_NODE_REQUIRE(n, ig_type_bit(to) & BITS && IG_DTYPE_BITS(to) == IG_DTYPE_BITS(x->dtype), IG_ERROR_BAD_MODEL, "%s and %s are not of one size",
                  ig_dtype_name(x->dtype), ig_dtype_name(to));
  return ig_infer_set(n, 0, to, (uint32_t)x->rank, x->dims);
}

static ig_status bitcast_lower(ig_lower *l, const ig_node *n) {
  ig_lo_result(l, 0, ig_lo_bitcast(l, ig_node_in(n, 0), n->out[0]->dtype));
  return NULL;
}

static const ig_op_arg bitcast_in[] = {{"input", 0, BITS, 0}};
static const ig_op_arg bitcast_out[] = {{"output", 0, BITS, 0}};
static const ig_op_attr bitcast_attrs[] = {{"to", IG_ATTR_INT, true, 0, 0, NULL}};
static const char *const bitcast_cases[] = {"f32[2,3] to=6", "u8[4] to=9", "f64[0] to=7", NULL};
const ig_op ig_op_BitCast = {.domain = "",
                             .name = "BitCast",
                             .since = 26,
                             .oldest = 26,
                             .cls = IG_CLASS_VIEW,
                             .accuracy = IG_ACCURACY_EXACT,
                             IG_OP_ARGS(bitcast_in, bitcast_out),
                             IG_OP_ATTRS(bitcast_attrs),
                             .infer = bitcast_infer,
                             .lower = bitcast_lower,
                             .cases = bitcast_cases};

/* ---- Transpose ---- */

static ig_status read_perm(const ig_node *n, uint8_t *out) {
  const int rank = ig_node_in(n, 0)->rank;
  uint32_t count, seen = 0;
  const int64_t *perm = ig_node_attr_ints(n, "perm", &count);
  IG_NODE_REQUIRE(n, !perm || (int)count == rank, IG_ERROR_BAD_MODEL, "perm has %u entries for %d dims", count, rank);
  for (int k = 0; k < rank; k++) {
    int64_t a = rank - 1 - k;
    if (perm) IG_TRY(ig_axis(n, perm[k], rank, &a));
    IG_NODE_REQUIRE(n, !(seen & 1u << a), IG_ERROR_BAD_MODEL, "perm names axis %lld twice", (long long)a);
    seen |= 1u << a;
    out[k] = (uint8_t)a;
  }
  return NULL;
}

static ig_status transpose_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  uint8_t perm[IG_MAX_RANK];
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(read_perm(n, perm));
  for (int k = 0; k < x->rank; k++)
    dims[k] = x->dims[perm[k]];
  return ig_infer_set(n, 0, x->dtype, (uint32_t)x->rank, dims);
}

static ig_status transpose_lower(ig_lower *l, const ig_node *n) {
  uint8_t perm[IG_MAX_RANK];
  IG_TRY(read_perm(n, perm));
  ig_lo_result(l, 0, ig_lo_permute(l, ig_node_in(n, 0), perm));
  return NULL;
}

VIEW_ARGS(transpose, "data", "transposed");
static const ig_op_attr transpose_attrs[] = {{"perm", IG_ATTR_INTS, false, 0, 0, NULL}};
static const char *const transpose_cases[] = {"f32[2,3]", "f16[2,3,4] perm=2,0,1", "string[2,0,3] perm=1,0,2", "u4[3,3]", "f32[]", NULL};
const ig_op ig_op_Transpose = {.domain = "",
                               .name = "Transpose",
                               .since = 25,
                               .oldest = 1,
                               .cls = IG_CLASS_VIEW,
                               .accuracy = IG_ACCURACY_EXACT,
                               IG_OP_ARGS(transpose_in, transpose_out),
                               IG_OP_ATTRS(transpose_attrs),
                               .infer = transpose_infer,
                               .dims = same_elems,
                               .lower = transpose_lower,
                               .cases = transpose_cases};
