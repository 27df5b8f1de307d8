/* MaxPool, AveragePool, LpPool and LRN: one window request each.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/spatial.h"

static ig_status window_params(const ig_node *n, int64_t mode, ig_window_params *out) {
  ig_spatial s;
  IG_TRY(ig_spatial_read(n, ig_node_in(n, 0), NULL, &s));
  *out = (ig_window_params){.mode = mode,
                            .n_spatial = s.n,
                            .ceil = ig_node_attr_i(n, "ceil_mode", 0) != 0,
                            .count_pad = ig_node_attr_i(n, "count_include_pad", 0) != 0,
                            .column_major = ig_node_attr_i(n, "storage_order", 0) != 0,
                            .p = (double)ig_node_attr_i(n, "p", 2),
                            .bias = 1};
  for (int i = 0; i < 3; i++) {
    out->kernel[i] = s.kernel[i];
    out->stride[i] = s.stride[i];
    out->dilation[i] = s.dilation[i];
    out->pad_lo[i] = s.pad_lo[i];
    out->pad_hi[i] = s.pad_hi[i];
  }
  return NULL;
}

static ig_status window_infer(ig_node *n, int64_t mode) {
  ig_val *x = ig_node_in(n, 0);
  ig_window_params p;
  IG_TRY(window_params(n, mode, &p));
  ig_dim out[2][IG_MAX_RANK];
  uint8_t rank[2];
  const uint32_t n_out = mode == IG_WINDOW_MAX_INDEX ? 2 : 1;
  IG_TRY(ig_infer_kernel(n, IG_KIND_window, &p, &x, 1, n_out, out, rank));
  if (ig_node_out(n, 0)) IG_TRY(ig_infer_set(n, 0, x->dtype, rank[0], out[0]));
  return n_out == 2 ? ig_infer_set(n, 1, IG_DTYPE_I64, rank[1], out[1]) : NULL;
}

static ig_status window_lower(ig_lower *l, const ig_node *n, int64_t mode) {
  ig_val *x = ig_node_in(n, 0), *out[2] = {NULL, NULL};
  ig_window_params p;
  IG_TRY(window_params(n, mode, &p));
  const ig_dtype dtypes[2] = {x->dtype, IG_DTYPE_I64};
  const ig_lo_kernel_desc d = {
      .kind = IG_KIND_window, .params = &p, .in = &x, .n_in = 1, .out_dtypes = dtypes, .n_out = mode == IG_WINDOW_MAX_INDEX ? 2 : 1};
  if (!ig_lo_kernel(l, &d, out)) return NULL;
  for (uint32_t i = 0; i < d.n_out; i++)
    if (ig_node_out(n, i)) ig_lo_result(l, i, out[i]);
  return NULL;
}

/* ---- MaxPool ---- */

static int64_t max_mode(const ig_node *n) { return ig_node_out(n, 1) ? IG_WINDOW_MAX_INDEX : IG_WINDOW_MAX; }
static ig_status max_infer(ig_node *n) { return window_infer(n, max_mode(n)); }
static ig_status max_lower(ig_lower *l, const ig_node *n) { return window_lower(l, n, max_mode(n)); }

#define MAX_TYPES (IG_TYPES_FLOAT | IG_T(I8) | IG_T(U8))
static const ig_op_arg max_in[] = {{"X", 'T', MAX_TYPES, 0}};
static const ig_op_arg max_out[] = {{"Y", 'T', MAX_TYPES, 0}, {"Indices", 0, IG_T(I64), IG_ARG_OPTIONAL}};
static const ig_op_attr max_attrs[] = {
    IG_SPATIAL_ATTRS, {"ceil_mode", IG_ATTR_INT, false, 0, 0, NULL}, {"storage_order", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const max_cases[] = {"f32[1,3,8,8] kernel_shape=2,2 strides=2,2",
                                        "f32[1,1,5,5] kernel_shape=3,3 strides=2,2 pads=1,1,1,1 ceil_mode=1",
                                        "i8[1,2,7] kernel_shape=3 dilations=2 auto_pad=SAME_UPPER",
                                        "f32[1,1,5,5] kernel_shape=2,2 strides=2,2 storage_order=1 -> 2",
                                        "f64[0,1,2,3,4] kernel_shape=1,2,2",
                                        NULL};
const ig_op ig_op_MaxPool = {.domain = "",
                             .name = "MaxPool",
                             .since = 22,
                             .oldest = 1,
                             .cls = IG_CLASS_KIND,
                             .accuracy = IG_ACCURACY_EXACT,
                             IG_OP_ARGS(max_in, max_out),
                             IG_OP_ATTRS(max_attrs),
                             .infer = max_infer,
                             .lower = max_lower,
                             .cases = max_cases};

/* ---- AveragePool, LpPool ---- */

static ig_status average_infer(ig_node *n) { return window_infer(n, IG_WINDOW_AVG); }
static ig_status average_lower(ig_lower *l, const ig_node *n) { return window_lower(l, n, IG_WINDOW_AVG); }
static ig_status lp_infer(ig_node *n) { return window_infer(n, IG_WINDOW_LP); }
static ig_status lp_lower(ig_lower *l, const ig_node *n) { return window_lower(l, n, IG_WINDOW_LP); }

static const ig_op_arg float_in[] = {{"X", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_arg float_out[] = {{"Y", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_attr average_attrs[] = {
    IG_SPATIAL_ATTRS, {"ceil_mode", IG_ATTR_INT, false, 0, 0, NULL}, {"count_include_pad", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const average_cases[] = {"f32[1,3,8,8] kernel_shape=2,2", "f32[1,1,5,5] kernel_shape=3,3 pads=2,2,2,2 count_include_pad=1",
                                            "f32[1,2,6,6,6] kernel_shape=3,2,2 strides=2,2,2 dilations=2,1,1 ceil_mode=1", NULL};
const ig_op ig_op_AveragePool = {.domain = "",
                                 .name = "AveragePool",
                                 .since = 22,
                                 .oldest = 1,
                                 .cls = IG_CLASS_KIND,
                                 IG_OP_ARGS(float_in, float_out),
                                 IG_OP_ATTRS(average_attrs),
                                 .infer = average_infer,
                                 .lower = average_lower,
                                 .cases = average_cases};
static const ig_op_attr lp_attrs[] = {IG_SPATIAL_ATTRS, {"ceil_mode", IG_ATTR_INT, false, 0, 0, NULL}, {"p", IG_ATTR_INT, false, 2, 0, NULL}};
static const char *const lp_cases[] = {"f32[1,3,8,8] kernel_shape=2,2 p=3", "f32[1,3,9] kernel_shape=2 auto_pad=SAME_LOWER", NULL};
const ig_op ig_op_LpPool = {.domain = "",
                            .name = "LpPool",
                            .since = 22,
                            .oldest = 2,
                            .cls = IG_CLASS_KIND,
                            IG_OP_ARGS(float_in, float_out),
                            IG_OP_ATTRS(lp_attrs),
                            .infer = lp_infer,
                            .lower = lp_lower,
                            .cases = lp_cases};

/* ---- LRN ---- */

static ig_status lrn_params(const ig_node *n, ig_window_params *out) {
  const ig_dim zero = ig_dim_const(ig_node_dims(n), 0);
  const int64_t size = ig_node_attr_i(n, "size", 0);
  IG_NODE_REQUIRE(n, size >= 1, IG_ERROR_BAD_MODEL, "size is %lld, which must be 1 or more", (long long)size);
  IG_NODE_REQUIRE(n, ig_node_in(n, 0)->rank >= 2, IG_ERROR_BAD_MODEL, "input has %d dims, at least 2 are needed", ig_node_in(n, 0)->rank);
  *out = (ig_window_params){.mode = IG_WINDOW_LRN,
                            .n_spatial = 1,
                            .kernel = {size, 1, 1},
                            .stride = {1, 1, 1},
                            .dilation = {1, 1, 1},
                            .pad_lo = {zero, zero, zero},
                            .pad_hi = {zero, zero, zero},
                            .p = 2,
                            .alpha = (double)ig_node_attr_f(n, "alpha", 1e-4f),
                            .beta = (double)ig_node_attr_f(n, "beta", 0.75f),
                            .bias = (double)ig_node_attr_f(n, "bias", 1)};
  return NULL;
}

static ig_status lrn_infer(ig_node *n) {
  ig_window_params p;
  IG_TRY(lrn_params(n, &p));
  return ig_infer_same(n, 0, ig_node_in(n, 0));
}

static ig_status lrn_lower(ig_lower *l, const ig_node *n) {
  ig_window_params p;
  IG_TRY(lrn_params(n, &p));
  ig_val *x = ig_node_in(n, 0);
  ig_lo_result(l, 0, ig_lo_kernel1(l, IG_KIND_window, &p, &x, 1, x->dtype));
  return NULL;
}

static const ig_op_attr lrn_attrs[] = {{"alpha", IG_ATTR_FLOAT, false, 0, 1e-4f, NULL},
                                       {"beta", IG_ATTR_FLOAT, false, 0, 0.75f, NULL},
                                       {"bias", IG_ATTR_FLOAT, false, 0, 1.0f, NULL},
                                       {"size", IG_ATTR_INT, true, 0, 0, NULL}};
static const char *const lrn_cases[] = {"f32[2,5,3,3] size=3 alpha=0.0002 beta=0.5 bias=2.0", "f32[2,4,3] size=2", NULL};
const ig_op ig_op_LRN = {.domain = "",
                         .name = "LRN",
                         .since = 13,
                         .oldest = 1,
                         .cls = IG_CLASS_KIND,
                         IG_OP_ARGS(float_in, float_out),
                         IG_OP_ATTRS(lrn_attrs),
                         .infer = lrn_infer,
                         .lower = lrn_lower,
                         .cases = lrn_cases};
