/* CumSum, CumProd: one prefix request. TopK: one sort request. Col2Im: the window kind's fold.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

/* ---- CumSum, CumProd ---- */

static ig_status prefix_params(ig_node *n, int64_t op, ig_prefix_params *p) {
  const ig_val *axis = ig_node_in(n, 1);
  int64_t v[1];
  uint32_t count;
  IG_NODE_REQUIRE(n, axis->rank == 0 || (axis->rank == 1 && ig_dim_equals(ig_node_dims(n), axis->dims[0], 1)), IG_ERROR_BAD_MODEL,
                  "axis '%s' must have one element", axis->name);
  IG_TRY(ig_infer_ints(n, 1, v, 1, &count));
  *p = (ig_prefix_params){.op = op, .exclusive = ig_op_attr_i(n, "exclusive") != 0, .reverse = ig_op_attr_i(n, "reverse") != 0};
  return ig_axis(n, v[0], ig_node_in(n, 0)->rank, &p->axis);
}

static ig_status prefix_infer(ig_node *n) {
  ig_prefix_params p;
  IG_TRY(prefix_params(n, IG_PREFIX_SUM, &p));
  return ig_infer_same(n, 0, ig_node_in(n, 0));
}

static ig_status prefix_lower(ig_lower *l, const ig_node *n, int64_t op) {
  ig_val *x = ig_node_in(n, 0);
  ig_prefix_params p;
  IG_TRY(prefix_params((ig_node *)(uintptr_t)n, op, &p));
  ig_lo_result(l, 0, ig_lo_kernel1(l, IG_KIND_prefix, &p, &x, 1, x->dtype));
  return NULL;
}

static ig_status sum_lower(ig_lower *l, const ig_node *n) { return prefix_lower(l, n, IG_PREFIX_SUM); }
static ig_status prod_lower(ig_lower *l, const ig_node *n) { return prefix_lower(l, n, IG_PREFIX_PROD); }

#define PREFIX_TYPES (IG_TYPES_FLOAT | IG_T(I32) | IG_T(I64) | IG_T(U32) | IG_T(U64))
static const ig_op_arg prefix_in[] = {{"x", 'T', PREFIX_TYPES, 0}, {"axis", 0, IG_T(I32) | IG_T(I64), 0}};
static const ig_op_arg prefix_out[] = {{"y", 'T', PREFIX_TYPES, 0}};
static const ig_op_attr prefix_attrs[] = {{"exclusive", IG_ATTR_INT, false, 0, 0, NULL}, {"reverse", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const prefix_cases[] = {"f32[5] i32[]=0", "f64[2,3] i32[]=-1 exclusive=1", "i32[2,3,2] i64[1]=1 reverse=1",
                                           "f16[4,0] i32[]=0 exclusive=1 reverse=1", NULL};
const ig_op ig_op_CumSum = {.domain = "",
                            .name = "CumSum",
                            .since = 14,
                            .oldest = 11,
                            .cls = IG_CLASS_KIND,
                            IG_OP_ARGS(prefix_in, prefix_out),
                            IG_OP_ATTRS(prefix_attrs),
                            .infer = prefix_infer,
                            .lower = sum_lower,
                            .cases = prefix_cases};
const ig_op ig_op_CumProd = {.domain = "",
                             .name = "CumProd",
                             .since = 26,
                             .oldest = 26,
                             .cls = IG_CLASS_KIND,
                             IG_OP_ARGS(prefix_in, prefix_out),
                             IG_OP_ATTRS(prefix_attrs),
                             .infer = prefix_infer,
                             .lower = prod_lower,
                             .cases = prefix_cases};

/* ---- TopK ---- */

static ig_status topk_import(ig_node *n, int64_t opset) {
  if (opset >= 10 || !ig_node_attr(n, "k")) return NULL;
  const int64_t k = ig_node_attr_i(n, "k", 0);
  ig_val *v = ig_val_const_i64(n->graph, &k, 1);
  if (!v) return ig_arena_status(ig_node_arena(n));
  ig_adapt_drop(n, "k");
  return ig_adapt_input(n, 1, v);
}

static ig_status topk_params(ig_node *n, ig_sort_params *p) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dim k = IG_DIM_BAD;
  int64_t count, extent;
  uint32_t n_k;
  IG_TRY(ig_infer_elems(n, 1, &k, 1, &n_k));
  IG_NODE_REQUIRE(n, n_k == 1, IG_ERROR_BAD_MODEL, "K must have one element, it has %u", n_k);
  *p = (ig_sort_params){.largest = ig_op_attr_i(n, "largest") != 0, .k = k};
  IG_TRY(ig_axis(n, ig_op_attr_i(n, "axis"), x->rank, &p->axis));
  const bool known = ig_dim_is_const(ig_node_dims(n), k, &count);
  IG_NODE_REQUIRE(n, !known || count >= 0, IG_ERROR_BAD_MODEL, "K is %lld", (long long)count);
  IG_NODE_REQUIRE(n, !known || !ig_dim_is_const(ig_node_dims(n), x->dims[p->axis], &extent) || count <= extent, IG_ERROR_BAD_MODEL,
                  "K is %lld, axis %lld has %lld elements", (long long)count, (long long)p->axis, (long long)extent);
  return NULL;
}

static ig_status topk_infer(ig_node *n) {
  ig_val *x = ig_node_in(n, 0);
  ig_sort_params p;
  ig_dim out[2][IG_MAX_RANK];
  uint8_t rank[2];
  IG_TRY(topk_params(n, &p));
  IG_TRY(ig_infer_kernel(n, IG_KIND_sort, &p, &x, 1, 2, out, rank));
  IG_TRY(ig_infer_set(n, 0, x->dtype, rank[0], out[0]));
  return ig_infer_set(n, 1, IG_DTYPE_I64, rank[1], out[1]);
}

static ig_status topk_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *out[2] = {NULL, NULL};
  ig_sort_params p;
  IG_TRY(topk_params((ig_node *)(uintptr_t)n, &p));
  const ig_dtype dtypes[2] = {x->dtype, ig_node_out(n, 1) ? IG_DTYPE_I64 : IG_DTYPE_NONE};
  const ig_lo_kernel_desc d = {.kind = IG_KIND_sort, .params = &p, .in = &x, .n_in = 1, .out_dtypes = dtypes, .n_out = 2};
  if (!ig_lo_kernel(l, &d, out)) return NULL;
  for (uint32_t i = 0; i < 2; i++)
    if (ig_node_out(n, i)) ig_lo_result(l, i, out[i]);
  return NULL;
}

#define TOPK_TYPES IG_TYPES_NUMERIC
static const ig_op_arg topk_in[] = {{"X", 'T', TOPK_TYPES, 0}, {"K", 0, IG_T(I64), 0}};
static const ig_op_arg topk_out[] = {{"Values", 'T', TOPK_TYPES, 0}, {"Indices", 0, IG_T(I64), 0}};
static const ig_op_attr topk_attrs[] = {
    {"axis", IG_ATTR_INT, false, -1, 0, NULL}, {"largest", IG_ATTR_INT, false, 1, 0, NULL}, {"sorted", IG_ATTR_INT, false, 1, 0, NULL}};
static const char *const topk_cases[] = {
    "f32[3,4] i64[1]=3 -> 2", "f32[3,4] i64[1]=2 axis=0 largest=0 -> 2", "u64[5] i64[1]=5 -> 2", "f16[2,3] i64[1]=0 -> 2", "i32[2,3] i64[1]=1", NULL};
const ig_op ig_op_TopK = {.domain = "",
                          .name = "TopK",
                          .since = 24,
                          .oldest = 1,
                          .cls = IG_CLASS_KIND,
                          .accuracy = IG_ACCURACY_EXACT,
                          IG_OP_ARGS(topk_in, topk_out),
                          IG_OP_ATTRS(topk_attrs),
                          .import = topk_import,
                          .infer = topk_infer,
                          .lower = topk_lower,
                          .cases = topk_cases};

/* ---- Col2Im ---- */

/* A list attribute of `count` entries; fill where it is absent. */
static ig_status read_list(const ig_node *n, const char *attr, int64_t fill, uint32_t count, int64_t *out) {
  uint32_t have;
  const int64_t *v = ig_node_attr_ints(n, attr, &have);
  IG_NODE_REQUIRE(n, !v || have == count, IG_ERROR_BAD_MODEL, "attribute '%s' has %u entries, expected %u", attr, have, count);
  for (uint32_t i = 0; i < count; i++)
    out[i] = v ? v[i] : fill;
  return NULL;
}

/* The fold's parameters and the image's dims. */
static ig_status fold_read(ig_node *n, ig_window_params *p, ig_dim *dims) {
  const ig_val *x = ig_node_in(n, 0);
  ig_dims *t = ig_node_dims(n);
  int64_t pads[6], area = 1;
  ig_dim image[3];
  uint32_t n_image, n_block;
  *p = (ig_window_params){.mode = IG_WINDOW_FOLD, .kernel = {1, 1, 1}, .stride = {1, 1, 1}, .dilation = {1, 1, 1}, .bias = 1};
  IG_TRY(ig_infer_rank(n, x, "input", 3));
  const ig_val *shape = ig_node_in(n, 1);
  int64_t n_axes;
  if (shape->rank == 1 && ig_dim_is_const(t, shape->dims[0], &n_axes) && n_axes > 3)
    return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "an image of %lld axes; at most 3 are possible", (long long)n_axes),
                          IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
  IG_TRY(ig_infer_elems(n, 1, image, 3, &n_image));
  IG_TRY(ig_infer_ints(n, 2, p->kernel, 3, &n_block));
  IG_NODE_REQUIRE(n, n_image >= 1 && n_image == n_block, IG_ERROR_BAD_MODEL, "image_shape has %u entries, block_shape %u", n_image, n_block);
  p->n_spatial = n_image;
  IG_TRY(read_list(n, "strides", 1, n_image, p->stride));
  IG_TRY(read_list(n, "dilations", 1, n_image, p->dilation));
  IG_TRY(read_list(n, "pads", 0, 2 * n_image, pads));
  for (uint32_t i = 0; i < 3; i++) {
    p->pad_lo[i] = ig_dim_const(t, i < n_image ? pads[i] : 0);
    p->pad_hi[i] = ig_dim_const(t, i < n_image ? pads[n_image + i] : 0);
    IG_NODE_REQUIRE(n, p->kernel[i] >= 1 && p->kernel[i] <= 1 << 20 && p->stride[i] >= 1 && p->dilation[i] >= 1, IG_ERROR_BAD_MODEL,
                    "block_shape, strides and dilations must be at least 1");
    area *= p->kernel[i];
    if (i < n_image) dims[2 + i] = image[i];
  }
  dims[0] = x->dims[0];
  dims[1] = ig_dim_floordiv(t, x->dims[1], ig_dim_const(t, area));
  return ig_infer_equal(n, ig_dim_mul_c(t, dims[1], area), x->dims[1], "rows of the input and the block's elements", NULL);
}

static ig_status fold_infer(ig_node *n) {
  ig_window_params p;
  ig_dim dims[5];
  IG_TRY(fold_read(n, &p, dims));
  return ig_infer_set(n, 0, ig_node_in(n, 0)->dtype, (uint32_t)p.n_spatial + 2, dims);
}

static ig_status fold_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *out = NULL;
  ig_window_params p;
  ig_dim dims[5];
  IG_TRY(fold_read((ig_node *)(uintptr_t)n, &p, dims));
  const ig_lo_kernel_desc d = {.kind = IG_KIND_window,
                               .params = &p,
                               .in = &x,
                               .n_in = 1,
                               .out_dtypes = &x->dtype,
                               .n_out = 1,
                               .rank = (uint32_t)p.n_spatial + 2,
                               .dims = dims};
  if (ig_lo_kernel(l, &d, &out)) ig_lo_result(l, 0, out);
  return NULL;
}

static const ig_op_arg fold_in[] = {{"input", 'T', IG_TYPES_NUMERIC, 0}, {"image_shape", 0, IG_T(I64), 0}, {"block_shape", 0, IG_T(I64), 0}};
static const ig_op_arg fold_out[] = {{"output", 'T', IG_TYPES_NUMERIC, 0}};
static const ig_op_attr fold_attrs[] = {
    {"dilations", IG_ATTR_INTS, false, 0, 0, NULL}, {"pads", IG_ATTR_INTS, false, 0, 0, NULL}, {"strides", IG_ATTR_INTS, false, 0, 0, NULL}};
static const char *const fold_cases[] = {
    "f32[1,5,5] i64[2]=5,5 i64[2]=1,5",      "f64[2,4,9] i64[2]=6,6 i64[2]=2,2 strides=2,2", "f32[1,9,4] i64[2]=6,6 i64[2]=3,3 dilations=2,2",
    "i32[1,6,5] i64[1]=4 i64[1]=2 pads=1,1", "f32[1,10,12] i64[3]=3,4,5 i64[3]=1,1,5",       NULL};
const ig_op ig_op_Col2Im = {.domain = "",
                            .name = "Col2Im",
                            .since = 18,
                            .oldest = 18,
                            .cls = IG_CLASS_KIND,
                            IG_OP_ARGS(fold_in, fold_out),
                            IG_OP_ATTRS(fold_attrs),
                            .infer = fold_infer,
                            .lower = fold_lower,
                            .cases = fold_cases};
