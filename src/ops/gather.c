/* Gather, GatherND, GatherElements and ml ArrayFeatureExtractor: one gather request; Gather with one index known as a dim expression is a slice.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

#define TYPES_13 (IG_TYPES_NUMERIC | IG_T(STRING) | IG_T(BOOL) | IG_T(C64) | IG_T(C128))
#define INDEX_TYPES (IG_T(I32) | IG_T(I64))

static ig_val *gather(ig_lower *l, int64_t mode, int64_t axis, int64_t batch_dims, ig_val *x, ig_val *index) {
  const ig_gather_params p = {.mode = mode, .axis = axis, .batch_dims = batch_dims};
  ig_val *in[2] = {x, index};
  return x && index ? ig_lo_kernel1(l, IG_KIND_gather, &p, in, 2, x->dtype) : NULL;
}

/* ---- Gather ---- */

static ig_status gather_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1);
  int64_t axis;
  ig_dim dims[2 * IG_MAX_RANK];
  uint32_t rank = 0;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), x->rank, &axis));
  for (int k = 0; k < axis; k++)
    dims[rank++] = x->dims[k];
  for (int k = 0; k < index->rank; k++)
    dims[rank++] = index->dims[k];
  for (int k = (int)axis + 1; k < x->rank; k++)
    dims[rank++] = x->dims[k];
  return ig_infer_set(n, 0, x->dtype, rank, dims);
}

static ig_status gather_dims(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1);
  ig_dim elems[IG_MAX_ELEMS];
  if (!x->elems || x->rank != 1 || !index->elems || index->rank > 1) return NULL;
  for (uint32_t i = 0; i < index->n_elems; i++) {
    int64_t at;
    elems[i] = IG_DIM_BAD;
    if (!index->elems[i] || !ig_dim_is_const(ig_node_dims(n), index->elems[i], &at)) continue;
    if (at < 0) at += x->n_elems;
    IG_NODE_REQUIRE(n, at >= 0 && at < (int64_t)x->n_elems, IG_ERROR_BAD_MODEL, "index %lld is outside of %u elements", (long long)at, x->n_elems);
    elems[i] = x->elems[at];
  }
  return ig_elems_set(n, 0, elems, index->n_elems);
}

/* Where a single index is an expression of known sign, the slice that it picks; NULL without error where it is not. */
static ig_val *as_slice(ig_lower *l, const ig_node *n, ig_val *x, const ig_val *index, int64_t axis) {
  ig_dims *t = &l->ir->dims;
  int64_t lo, hi;
  if (index->n_elems != 1 || !index->elems || !index->elems[0]) return NULL;
  ig_dim at = index->elems[0];
  ig_dim_range(t, at, &lo, &hi);
  if (lo < 0 && hi >= 0) return NULL;
  if (hi < 0) at = ig_dim_add(t, at, x->dims[axis]);
  /* refuted bounds are left to the kernel, which reports them when the node runs; it may lie in an arm that never does */
  if (ig_dim_prove_ge(t, x->dims[axis], ig_dim_add_c(t, at, 1)) != 1 || ig_dim_prove_ge(t, at, ig_dim_const(t, 0)) != 1) return NULL;
  ig_dim start[IG_MAX_RANK], dims[IG_MAX_RANK];
  for (int k = 0; k < x->rank; k++) {
    start[k] = k == axis ? at : ig_dim_const(t, 0);
    dims[k] = k == axis ? ig_dim_const(t, 1) : x->dims[k];
  }
  const ig_val *y = n->out[0];
  return ig_lo_reshape(l, ig_lo_slice(l, x, start, NULL, dims), (uint32_t)y->rank, y->dims);
}

static ig_status gather_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1);
  int64_t axis;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), x->rank, &axis));
  ig_val *y = as_slice(l, n, x, index, axis);
  ig_lo_result(l, 0, y ? y : gather(l, IG_GATHER_ROWS, axis, 0, x, index));
  return NULL;
}

static const ig_op_arg gather_in[] = {{"data", 'T', TYPES_13, 0}, {"indices", 0, INDEX_TYPES, 0}};
static const ig_op_arg gather_out[] = {{"output", 'T', TYPES_13, 0}};
static const ig_op_attr gather_attrs[] = {{"axis", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const gather_cases[] = {"f32[5,4] i64[2,2]=0,-1,4,2", "f32[5,4] i64[]=-1 axis=1",   "string[3] i32[2]=2,0",
                                           "f32[0,3] i64[0]=",           "f32[2,3,4] i64[1]=1 axis=1", NULL};
const ig_op ig_op_Gather = {.domain = "",
                            .name = "Gather",
                            .since = 13,
                            .oldest = 1,
                            .cls = IG_CLASS_KIND,
                            .accuracy = IG_ACCURACY_EXACT,
                            IG_OP_ARGS(gather_in, gather_out),
                            IG_OP_ATTRS(gather_attrs),
                            .infer = gather_infer,
                            .dims = gather_dims,
                            .lower = gather_lower,
                            .cases = gather_cases};

/* ---- GatherND ---- */

static ig_status gather_nd_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1);
  const int64_t batch = ig_node_attr_i(n, "batch_dims", 0);
  ig_dim dims[2 * IG_MAX_RANK];
  uint32_t rank = 0;
  int64_t depth;
  IG_NODE_REQUIRE(n, index->rank >= 1 && x->rank >= 1 && batch >= 0 && batch < index->rank && batch < x->rank, IG_ERROR_BAD_MODEL,
                  "batch_dims %lld does not fit data of %d and indices of %d dims", (long long)batch, x->rank, index->rank);
  if (!ig_dim_is_const(ig_node_dims(n), index->dims[index->rank - 1], &depth))
    return ig_status_with(
        ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "the last dim of the indices decides the rank and is not known at build time"),
        IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
  IG_NODE_REQUIRE(n, depth >= 1 && batch + depth <= x->rank, IG_ERROR_BAD_MODEL,
                  "indices of %lld coordinates after %lld batch dims do not fit data of %d dims", (long long)depth, (long long)batch, x->rank);
  for (int64_t k = 0; k < batch; k++)
    IG_TRY(ig_infer_equal(n, x->dims[k], index->dims[k], "batch dims", &dims[k]));
  for (int k = 0; k < index->rank - 1; k++)
    dims[rank++] = k < batch ? dims[k] : index->dims[k];
  for (int64_t k = batch + depth; k < x->rank; k++)
    dims[rank++] = x->dims[k];
  return ig_infer_set(n, 0, x->dtype, rank, dims);
}

static ig_status gather_nd_lower(ig_lower *l, const ig_node *n) {
  ig_lo_result(l, 0, gather(l, IG_GATHER_ND, 0, ig_node_attr_i(n, "batch_dims", 0), ig_node_in(n, 0), ig_node_in(n, 1)));
  return NULL;
}

static const ig_op_arg gather_nd_in[] = {{"data", 'T', TYPES_13, 0}, {"indices", 0, IG_T(I64), 0}};
static const ig_op_attr gather_nd_attrs[] = {{"batch_dims", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const gather_nd_cases[] = {"f32[2,2] i64[2,2]=0,0,1,1", "f32[2,3,4] i64[2,1]=1,2 batch_dims=1", "string[2,2,2] i64[2,1,2]=0,1,1,0",
                                              NULL};
const ig_op ig_op_GatherND = {.domain = "",
                              .name = "GatherND",
                              .since = 13,
                              .oldest = 11,
                              .cls = IG_CLASS_KIND,
                              .accuracy = IG_ACCURACY_EXACT,
                              IG_OP_ARGS(gather_nd_in, gather_out),
                              IG_OP_ATTRS(gather_nd_attrs),
                              .infer = gather_nd_infer,
                              .lower = gather_nd_lower,
                              .cases = gather_nd_cases};

/* ---- GatherElements ---- */

static ig_status gather_elements_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1);
  int64_t axis;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), x->rank, &axis));
  IG_TRY(ig_infer_rank(n, index, "indices", x->rank));
  return ig_infer_set(n, 0, x->dtype, (uint32_t)index->rank, index->dims);
}

static ig_status gather_elements_lower(ig_lower *l, const ig_node *n) {
  int64_t axis;
  IG_TRY(ig_axis(n, ig_node_attr_i(n, "axis", 0), ig_node_in(n, 0)->rank, &axis));
  ig_lo_result(l, 0, gather(l, IG_GATHER_ELEMENTS, axis, 0, ig_node_in(n, 0), ig_node_in(n, 1)));
  return NULL;
}

static const char *const gather_elements_cases[] = {"f32[2,2] i64[2,2]=0,0,1,0 axis=1", "string[3,3] i32[2,3]=1,2,0,2,0,0", "f32[3] i64[0]=", NULL};
const ig_op ig_op_GatherElements = {.domain = "",
                                    .name = "GatherElements",
                                    .since = 13,
                                    .oldest = 11,
                                    .cls = IG_CLASS_KIND,
                                    .accuracy = IG_ACCURACY_EXACT,
                                    IG_OP_ARGS(gather_in, gather_out),
                                    IG_OP_ATTRS(gather_attrs),
                                    .infer = gather_elements_infer,
                                    .lower = gather_elements_lower,
                                    .cases = gather_elements_cases};

/* ---- ml ArrayFeatureExtractor: columns of the last axis; one row of one dim gives one row of two ---- */

static ig_status extractor_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1);
  ig_dims *t = ig_node_dims(n);
  ig_dim dims[IG_MAX_RANK];
  IG_NODE_REQUIRE(n, x->rank >= 1, IG_ERROR_BAD_MODEL, "input '%s' has no dims", x->name);
  memcpy(dims, x->dims, sizeof dims);
  const ig_dim count = ig_dim_product(t, index->dims, (size_t)index->rank);
  if (x->rank > 1) {
    dims[x->rank - 1] = count;
    return ig_infer_set(n, 0, x->dtype, (uint32_t)x->rank, dims);
  }
  dims[0] = ig_dim_const(t, 1);
  dims[1] = count;
  return ig_infer_set(n, 0, x->dtype, 2, dims);
}

static ig_status extractor_lower(ig_lower *l, const ig_node *n) {
  const ig_val *y = n->out[0];
  ig_val *x = ig_node_in(n, 0), *index = ig_node_in(n, 1);
  const ig_dim count = ig_dim_product(&l->ir->dims, index->dims, (size_t)index->rank);
  ig_val *z = gather(l, IG_GATHER_ROWS, x->rank - 1, 0, x, ig_lo_reshape(l, index, 1, &count));
  ig_lo_result(l, 0, ig_lo_reshape(l, z, (uint32_t)y->rank, y->dims));
  return NULL;
}

#define EXTRACTOR_TYPES (IG_T(F32) | IG_T(F64) | IG_T(I64) | IG_T(I32) | IG_T(STRING))
static const ig_op_arg extractor_in[] = {{"X", 'T', EXTRACTOR_TYPES, 0}, {"Y", 0, IG_T(I64), 0}};
static const ig_op_arg extractor_out[] = {{"Z", 'T', EXTRACTOR_TYPES, 0}};
static const char *const extractor_cases[] = {"f32[3,4] i64[2]=0,2", "string[4] i64[1,2]=3,1", NULL};
const ig_op ig_op_ml_ArrayFeatureExtractor = {.domain = "ai.onnx.ml",
                                              .name = "ArrayFeatureExtractor",
                                              .since = 1,
                                              .oldest = 1,
                                              .cls = IG_CLASS_KIND,
                                              .accuracy = IG_ACCURACY_EXACT,
                                              IG_OP_ARGS(extractor_in, extractor_out),
                                              .infer = extractor_infer,
                                              .lower = extractor_lower,
                                              .cases = extractor_cases};
