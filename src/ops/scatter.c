/* ScatterElements, ScatterND, Scatter, TensorScatter and MaxUnpool: one scatter request each.
 *
 * TensorScatter's positions depend on batch and sequence only, so its index is made at that size and broadcast. MaxUnpool scatters into a
 * flat row of zeros, since its indices count through the whole tensor.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

#define TYPES_13 (IG_TYPES_NUMERIC | IG_T(STRING) | IG_T(BOOL) | IG_T(C64) | IG_T(C128))
#define INDEX_TYPES (IG_T(I32) | IG_T(I64))

static ig_status reduction_of(const ig_node *n, int64_t *out) {
  static const char *const names[] = {"none", "add", "mul", "min", "max"};
  const char *s = ig_node_attr_s(n, "reduction", "none");
  const ig_val *x = ig_node_in(n, 0);
  for (size_t i = 0; i < IG_COUNT(names); i++) {
    if (strcmp(s, names[i]) != 0) continue;
    IG_NODE_REQUIRE(n, i == IG_SCATTER_SET || (ig_type_bit(x->dtype) & IG_TYPES_NUMERIC), IG_ERROR_UNSUPPORTED,
                    "elements of type %s cannot be combined by '%s'", ig_dtype_name(x->dtype), s);
    *out = (int64_t)i;
    return NULL;
  }
  IG_NODE_FAIL(n, IG_ERROR_BAD_MODEL, "reduction '%s' is none of none, add, mul, min, max", s);
}

static ig_val *scatter(ig_lower *l, int64_t mode, int64_t axis, int64_t reduction, ig_val *x, ig_val *index, ig_val *updates) {
  const ig_scatter_params p = {.mode = mode, .axis = axis, .reduction = reduction};
  ig_val *in[3] = {x, index, updates};
  return x && index && updates ? ig_lo_kernel1(l, IG_KIND_scatter, &p, in, 3, x->dtype) : NULL;
}

/* ---- ScatterElements, Scatter ---- */

static ig_status elements_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1), *updates = ig_node_in(n, 2);
  int64_t axis, reduction;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), x->rank, &axis));
  IG_TRY(reduction_of(n, &reduction));
  IG_TRY(ig_infer_rank(n, index, "indices", x->rank));
  IG_TRY(ig_infer_rank(n, updates, "updates", x->rank));
  for (int k = 0; k < x->rank; k++)
    IG_TRY(ig_infer_equal(n, updates->dims[k], index->dims[k], "dims of updates and indices", NULL));
  return ig_infer_same(n, 0, x);
}

static ig_status elements_lower(ig_lower *l, const ig_node *n) {
  int64_t axis, reduction;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), ig_node_in(n, 0)->rank, &axis));
  IG_TRY(reduction_of(n, &reduction));
  ig_lo_result(l, 0, scatter(l, IG_SCATTER_ELEMENTS, axis, reduction, ig_node_in(n, 0), ig_node_in(n, 1), ig_node_in(n, 2)));
  return NULL;
}

static const ig_op_arg elements_in[] = {{"data", 'T', TYPES_13, 0}, {"indices", 0, INDEX_TYPES, 0}, {"updates", 'T', TYPES_13, 0}};
static const ig_op_arg elements_out[] = {{"output", 'T', TYPES_13, 0}};
static const ig_op_attr elements_attrs[] = {{"axis", IG_ATTR_INT, false, 0, 0, NULL}, {"reduction", IG_ATTR_STRING, false, 0, 0, "none"}};
static const char *const elements_cases[] = {"f32[3,3] i64[2,3]=1,0,2,0,2,1 f32[2,3]", "f32[1,5] i64[1,2]=1,-1 f32[1,2] axis=1 reduction=add",
                                             "i32[4] i32[3]=0,3,0 i32[3] reduction=max", "string[3] i64[1]=2 string[1]", NULL};
const ig_op ig_op_ScatterElements = {.domain = "",
                                     .name = "ScatterElements",
                                     .since = 18,
                                     .oldest = 11,
                                     .cls = IG_CLASS_KIND,
                                     .accuracy = IG_ACCURACY_EXACT,
                                     IG_OP_ARGS(elements_in, elements_out),
                                     IG_OP_ATTRS(elements_attrs),
                                     .infer = elements_infer,
                                     .lower = elements_lower,
                                     .cases = elements_cases};

static const ig_op_attr scatter_attrs[] = {{"axis", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const scatter_cases[] = {"f32[3,3] i64[2,3]=1,0,2,0,2,1 f32[2,3]", "f64[1,5] i64[1,2]=1,3 f64[1,2] axis=1", NULL};
const ig_op ig_op_Scatter = {.domain = "",
                             .name = "Scatter",
                             .since = 11,
                             .oldest = 9,
                             .cls = IG_CLASS_KIND,
                             .accuracy = IG_ACCURACY_EXACT,
                             IG_OP_ARGS(elements_in, elements_out),
                             IG_OP_ATTRS(scatter_attrs),
                             .infer = elements_infer,
                             .lower = elements_lower,
                             .cases = scatter_cases};

/* ---- ScatterND ---- */

static ig_status nd_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1), *updates = ig_node_in(n, 2);
  int64_t depth, reduction;
  IG_TRY(reduction_of(n, &reduction));
  IG_NODE_REQUIRE(n, index->rank >= 1 && x->rank >= 1, IG_ERROR_BAD_MODEL, "data and indices need at least 1 dim, they have %d and %d", x->rank,
                  index->rank);
  if (!ig_dim_is_const(ig_node_dims(n), index->dims[index->rank - 1], &depth))
    return ig_status_with(
        ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "the last dim of the indices decides the rank and is not known at build time"),
        IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
  IG_NODE_REQUIRE(n, depth >= 1 && depth <= x->rank, IG_ERROR_BAD_MODEL, "indices of %lld coordinates do not fit data of %d dims", (long long)depth,
                  x->rank);
  const int outer = index->rank - 1, inner = x->rank - (int)depth;
  IG_TRY(ig_infer_rank(n, updates, "updates", outer + inner));
  for (int k = 0; k < updates->rank; k++)
    IG_TRY(ig_infer_equal(n, updates->dims[k], k < outer ? index->dims[k] : x->dims[k - outer + depth], "dims of updates", NULL));
  return ig_infer_same(n, 0, x);
}

/* Are the indices constant and rows of the data, one behind the other? So exporters write the assignment to a slice. */
static bool assigns_rows(const ig_node *n, int64_t reduction, int64_t *out_first, int64_t *out_count) {
  const ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1);
  int64_t rows, depth, v;
  if (reduction != IG_SCATTER_SET || !index->data || index->rank != 2 || !ig_dim_is_const(ig_node_dims(n), x->dims[0], &rows)) return false;
  if (!ig_dim_is_const(ig_node_dims(n), index->dims[0], out_count) || !ig_dim_is_const(ig_node_dims(n), index->dims[1], &depth) || depth != 1 || *out_count < 1) return false;
  for (int64_t i = 0; i < *out_count; i++) {
    if (!ig_data_int(index->data, (size_t)i, &v) || v < -rows || v >= rows) return false;
    if (v < 0) v += rows;
    if (i == 0) *out_first = v;
    if (v != *out_first + i) return false;
  }
  return true;
}

static ig_val *rows_of(ig_lower *l, ig_val *x, int64_t first, int64_t count) {
  ig_dim start[IG_MAX_RANK], dims[IG_MAX_RANK];
  int64_t step[IG_MAX_RANK];
  for (int k = 0; k < x->rank; k++) start[k] = ig_dim_const(&l->ir->dims, k == 0 ? first : 0), step[k] = 1, dims[k] = k == 0 ? ig_dim_const(&l->ir->dims, count) : x->dims[k];
  return ig_lo_slice(l, x, start, step, dims);
}

/* The rows before, the updates, the rows behind. */
static ig_val *join_rows(ig_lower *l, const ig_node *n, int64_t first, int64_t count) {
  ig_val *x = ig_node_in(n, 0), *parts[3];
  uint32_t n_parts = 0;
  int64_t rows = 0;
  ig_dim_is_const(&l->ir->dims, x->dims[0], &rows);
  if (first > 0) parts[n_parts++] = rows_of(l, x, 0, first);
  parts[n_parts++] = ig_node_in(n, 2);
  if (first + count < rows) parts[n_parts++] = rows_of(l, x, first + count, rows - first - count);
  return n_parts == 1 ? parts[0] : ig_lo_concat(l, parts, n_parts, 0, x->dims);
}

static ig_status nd_lower(ig_lower *l, const ig_node *n) {
  int64_t reduction, first, count;
  IG_TRY(reduction_of(n, &reduction));
  if (assigns_rows(n, reduction, &first, &count)) {
    ig_lo_result(l, 0, join_rows(l, n, first, count));
    return NULL;
  }
  ig_lo_result(l, 0, scatter(l, IG_SCATTER_ND, 0, reduction, ig_node_in(n, 0), ig_node_in(n, 1), ig_node_in(n, 2)));
  return NULL;
}

static const ig_op_arg nd_in[] = {{"data", 'T', TYPES_13, 0}, {"indices", 0, IG_T(I64), 0}, {"updates", 'T', TYPES_13, 0}};
static const ig_op_attr nd_attrs[] = {{"reduction", IG_ATTR_STRING, false, 0, 0, "none"}};
static const char *const nd_cases[] = {"f32[8] i64[4,1]=4,3,1,7 f32[4]", "f32[4,2,3] i64[2,1]=0,-2 f32[2,2,3] reduction=add",
                                       "i64[2,3] i64[2,2]=0,1,0,1 i64[2] reduction=mul", "string[2,2] i64[1,2]=1,0 string[1]",
                                       "f32[5,3] i64[3,1]=1,2,-2 f32[3,3]", "f32[3,2] i64[3,1]=0,1,2 f32[3,2]", NULL};
const ig_op ig_op_ScatterND = {.domain = "",
                               .name = "ScatterND",
                               .since = 18,
                               .oldest = 11,
                               .cls = IG_CLASS_KIND,
                               .accuracy = IG_ACCURACY_EXACT,
                               IG_OP_ARGS(nd_in, elements_out),
                               IG_OP_ATTRS(nd_attrs),
                               .infer = nd_infer,
                               .lower = nd_lower,
                               .cases = nd_cases};

/* ---- TensorScatter ---- */

static ig_status tensor_axis(const ig_node *n, int64_t *out_axis, bool *out_circular) {
  const char *mode = ig_node_attr_s(n, "mode", "linear");
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", -2), ig_node_in(n, 0)->rank, out_axis));
  IG_NODE_REQUIRE(n, *out_axis != 0, IG_ERROR_BAD_MODEL, "axis 0 is the batch, which cannot be the sequence too");
  *out_circular = strcmp(mode, "circular") == 0;
  IG_NODE_REQUIRE(n, *out_circular || strcmp(mode, "linear") == 0, IG_ERROR_BAD_MODEL, "mode '%s' is neither linear nor circular", mode);
  return NULL;
}

static ig_status tensor_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *update = ig_node_in(n, 1), *start = ig_node_in(n, 2);
  int64_t axis;
  bool circular;
  IG_TRY(tensor_axis(n, &axis, &circular));
  IG_TRY(ig_infer_rank(n, update, "update", x->rank));
  for (int k = 0; k < x->rank; k++)
    if (k != axis) IG_TRY(ig_infer_equal(n, update->dims[k], x->dims[k], "dims of update and cache", NULL));
  if (start) IG_TRY(ig_infer_rank(n, start, "write_indices", 1));
  if (start) IG_TRY(ig_infer_equal(n, start->dims[0], x->dims[0], "write_indices and batch", NULL));
  return ig_infer_same(n, 0, x);
}

static ig_status tensor_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *update = ig_node_in(n, 1), *start = ig_node_in(n, 2);
  ig_val *in[1];
  int64_t axis;
  bool circular;
  uint32_t n_in = 0;
  ig_dim dims[IG_MAX_RANK];
  ig_pw c;
  IG_TRY(tensor_axis(n, &axis, &circular));
  for (int k = 0; k < x->rank; k++)
    dims[k] = k == axis || (k == 0 && start) ? update->dims[k] : ig_dim_const(&l->ir->dims, 1);
  start = ig_lo_along(l, start, 0, (uint32_t)x->rank, dims);
  ig_pw_begin(&c, l, n);
  ig_sreg at = ig_s_coord(&c.b, (uint32_t)axis);
  if (start) at = ig_pw_2(&c, IG_SOP_ADD, at, ig_pw_operand(&c, start, in, &n_in));
  if (circular) at = ig_pw_2(&c, IG_SOP_MOD, at, ig_s_dim(&c.b, x->dims[axis]));
  ig_pw_store(&c, 0, at, IG_DTYPE_I64, 0);
  ig_val *index = ig_pw_map(&c, l, in, n_in, IG_DTYPE_I64, (uint32_t)x->rank, dims);
  index = ig_lo_expand(l, index, (uint32_t)x->rank, update->dims);
  ig_lo_result(l, 0, scatter(l, IG_SCATTER_ELEMENTS, axis, IG_SCATTER_SET, x, index, update));
  return NULL;
}

#define TENSOR_TYPES (IG_TYPES_TENSOR & ~IG_TYPES_SUBBYTE)
static const ig_op_arg tensor_in[] = {
    {"past_cache", 'T', TENSOR_TYPES, 0}, {"update", 'T', TENSOR_TYPES, 0}, {"write_indices", 0, IG_T(I64), IG_ARG_OPTIONAL}};
static const ig_op_arg tensor_out[] = {{"present_cache", 'T', TENSOR_TYPES, 0}};
static const ig_op_attr tensor_attrs[] = {{"axis", IG_ATTR_INT, false, -2, 0, NULL}, {"mode", IG_ATTR_STRING, false, 0, 0, "linear"}};
static const char *const tensor_cases[] = {"f32[2,1,4,5] f32[2,1,2,5] i64[2]=1,2", "f32[2,4,3] f32[2,2,3] i64[2]=3,1 mode=circular",
                                           "f16[2,5] f16[2,3] axis=1", NULL};
const ig_op ig_op_TensorScatter = {.domain = "",
                                   .name = "TensorScatter",
                                   .since = 24,
                                   .oldest = 24,
                                   .cls = IG_CLASS_KIND,
                                   .accuracy = IG_ACCURACY_EXACT,
                                   IG_OP_ARGS(tensor_in, tensor_out),
                                   IG_OP_ATTRS(tensor_attrs),
                                   .infer = tensor_infer,
                                   .lower = tensor_lower,
                                   .cases = tensor_cases};

/* ---- MaxUnpool ---- */

/* Dims of the tensor that MaxPool read: what its indices count through. */
static ig_status pooled_dims(const ig_node *n, ig_dim *out) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  uint32_t n_kernel, n_strides, n_pads;
  const int64_t *kernel = ig_node_attr_ints(n, "kernel_shape", &n_kernel), *strides = ig_node_attr_ints(n, "strides", &n_strides),
                *pads = ig_node_attr_ints(n, "pads", &n_pads);
  IG_NODE_REQUIRE(n, x->rank >= 3 && n_kernel == (uint32_t)x->rank - 2, IG_ERROR_BAD_MODEL, "kernel_shape has %u entries, input has %d dims",
                  n_kernel, x->rank);
  IG_NODE_REQUIRE(n, (!strides || n_strides == n_kernel) && (!pads || n_pads == 2 * n_kernel), IG_ERROR_BAD_MODEL,
                  "strides has %u and pads has %u entries for %u axes", n_strides, n_pads, n_kernel);
  for (int k = 0; k < x->rank; k++) {
    out[k] = x->dims[k];
    if (k < 2) continue;
    const int64_t pad = pads ? pads[k - 2] + pads[(uint32_t)k - 2 + n_kernel] : 0;
    out[k] = ig_dim_add_c(t, ig_dim_mul_c(t, ig_dim_add_c(t, x->dims[k], -1), strides ? strides[k - 2] : 1), kernel[k - 2] - pad);
  }
  return NULL;
}

static ig_status unpool_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1);
  ig_dim dims[IG_MAX_RANK], given[IG_MAX_RANK];
  uint32_t count;
  IG_TRY(pooled_dims(n, dims));
  IG_TRY(ig_infer_rank(n, index, "indices", x->rank));
  for (int k = 0; k < x->rank; k++)
    IG_TRY(ig_infer_equal(n, index->dims[k], x->dims[k], "dims of input and indices", NULL));
  if (!ig_node_in(n, 2)) return ig_infer_set(n, 0, x->dtype, (uint32_t)x->rank, dims);
  IG_TRY(ig_infer_elems(n, 2, given, IG_MAX_RANK, &count));
  IG_NODE_REQUIRE(n, count == (uint32_t)x->rank, IG_ERROR_BAD_MODEL, "output_shape has %u entries, input has %d dims", count, x->rank);
  for (int k = 0; k < x->rank; k++) {
    IG_NODE_REQUIRE(n, ig_dim_prove_ge(ig_node_dims(n), given[k], dims[k]) != 0, IG_ERROR_BAD_MODEL,
                    "output_shape is smaller than the pooled tensor at axis %d", k);
    IG_TRY(ig_dims_guard(ig_node_dims(n), IG_GUARD_GE, given[k], dims[k], n->name, "output_shape and the pooled tensor"));
  }
  return ig_infer_set(n, 0, x->dtype, (uint32_t)x->rank, given);
}

static ig_val *zeros(ig_lower *l, const ig_node *n, ig_dtype dtype, ig_dim count) {
  ig_pw c;
  ig_pw_begin(&c, l, n);
  ig_pw_store(&c, 0, ig_s_f64(&c.b, ig_stype_of(dtype), 0), dtype, 0);
  return ig_pw_map(&c, l, NULL, 0, dtype, 1, &count);
}

static ig_status unpool_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1);
  const ig_val *y = n->out[0];
  ig_dims *t = &l->ir->dims;
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(pooled_dims(n, dims));
  const ig_dim count = ig_dim_product(t, x->dims, (size_t)x->rank);
  ig_val *flat = zeros(l, n, x->dtype, ig_dim_product(t, dims, (size_t)x->rank));
  flat = scatter(l, IG_SCATTER_ROWS, 0, IG_SCATTER_SET, flat, ig_lo_reshape(l, index, 1, &count), ig_lo_reshape(l, x, 1, &count));
  ig_val *v = ig_lo_reshape(l, flat, (uint32_t)x->rank, dims);
  if (v && ig_node_in(n, 2)) {
    ig_move_params p = {.border = IG_MOVE_CONSTANT};
    for (int k = 0; k < IG_MAX_RANK; k++)
      p.pad_lo[k] = ig_dim_const(t, 0);
    ig_val *in[2] = {v, NULL};
    const ig_lo_kernel_desc d = {
        .kind = IG_KIND_move, .params = &p, .in = in, .n_in = 2, .out_dtypes = &x->dtype, .n_out = 1, .rank = (uint32_t)y->rank, .dims = y->dims};
    ig_lo_kernel(l, &d, &v);
  }
  ig_lo_result(l, 0, v);
  return NULL;
}

static const ig_op_arg unpool_in[] = {{"X", 'T', IG_TYPES_FLOAT, 0}, {"I", 0, IG_T(I64), 0}, {"output_shape", 0, IG_T(I64), IG_ARG_OPTIONAL}};
static const ig_op_arg unpool_out[] = {{"output", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_attr unpool_attrs[] = {
    {"kernel_shape", IG_ATTR_INTS, true, 0, 0, NULL}, {"strides", IG_ATTR_INTS, false, 0, 0, NULL}, {"pads", IG_ATTR_INTS, false, 0, 0, NULL}};
static const char *const unpool_cases[] = {"f32[1,1,2,2] i64[1,1,2,2]=5,7,13,15 kernel_shape=2,2 strides=2,2",
                                           "f32[1,1,2,2] i64[1,1,2,2]=5,7,13,15 i64[4]=1,1,5,5 kernel_shape=2,2 strides=2,2",
                                           "f64[2,1,3] i64[2,1,3]=0,2,4,6,8,10 kernel_shape=2 strides=2 pads=0,0", NULL};
const ig_op ig_op_MaxUnpool = {.domain = "",
                               .name = "MaxUnpool",
                               .since = 22,
                               .oldest = 9,
                               .cls = IG_CLASS_KIND,
                               .accuracy = IG_ACCURACY_EXACT,
                               IG_OP_ARGS(unpool_in, unpool_out),
                               IG_OP_ATTRS(unpool_attrs),
                               .infer = unpool_infer,
                               .lower = unpool_lower,
                               .cases = unpool_cases};
