/* Conv, ConvInteger, QLinearConv: one conv request; bias and requantisation are its epilogue. ConvTranspose is conv_transpose.c's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/conv.h"
#include "ops/generate.h"

ig_status ig_conv_params_of(const ig_node *n, const ig_val *x, const ig_val *w, ig_conv_params *out) {
  IG_NODE_REQUIRE(n, w->rank == x->rank, IG_ERROR_BAD_MODEL, "weight '%s' has %d dims, input '%s' has %d", w->name, w->rank, x->name, x->rank);
  int64_t kernel[3] = {1, 1, 1};
  for (int i = 2; i < w->rank && i < 5; i++) {
    if (!ig_dim_is_const(ig_node_dims(n), w->dims[i], &kernel[i - 2]))
      return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "the kernel's extent must be known at build time"),
                            IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_SHAPE");
  }
  ig_spatial s;
  IG_TRY(ig_spatial_read(n, x, kernel, &s));
  const int64_t groups = ig_node_attr_i(n, "group", 1);
  IG_NODE_REQUIRE(n, groups >= 1, IG_ERROR_BAD_MODEL, "group is %lld, which must be 1 or more", (long long)groups);
  *out = (ig_conv_params){.n_spatial = s.n, .groups = groups, .acc = ig_acc_type(x->dtype)};
  for (int i = 0; i < 3; i++) {
    out->stride[i] = s.stride[i];
    out->dilation[i] = s.dilation[i];
    out->in_dilation[i] = 1;
    out->pad_lo[i] = s.pad_lo[i];
    out->pad_hi[i] = s.pad_hi[i];
  }
  return NULL;
}

static ig_status conv_dims(ig_node *n, ig_val *x, ig_val *w, ig_val *bias, ig_dtype dtype) {
  ig_dims *t = ig_node_dims(n);
  ig_conv_params p;
  IG_TRY(ig_conv_params_of(n, x, w, &p));
  IG_TRY(ig_infer_equal(n, x->dims[1], ig_dim_mul_c(t, w->dims[1], p.groups), "input channels and group * weight dim 1", NULL));
  int64_t outputs;
  IG_NODE_REQUIRE(n, !ig_dim_is_const(t, w->dims[0], &outputs) || outputs % p.groups == 0, IG_ERROR_BAD_MODEL,
                  "%lld output channels do not divide into %lld groups", (long long)outputs, (long long)p.groups);
  if (bias) {
    IG_TRY(ig_infer_rank(n, bias, "bias", 1));
    IG_TRY(ig_infer_equal(n, bias->dims[0], w->dims[0], "bias and output channels", NULL));
  }
  ig_dim out[1][IG_MAX_RANK];
  uint8_t rank[1];
  ig_val *in[2] = {x, w};
  IG_TRY(ig_infer_kernel(n, IG_KIND_conv, &p, in, 2, 1, out, rank));
  return ig_infer_set(n, 0, dtype, rank[0], out[0]);
}

ig_val *ig_lo_conv(ig_lower *l, const ig_conv_params *p, ig_val *const *in, uint32_t n_in, ig_val *bias, const ig_node *n, const ig_dim *dims) {
  const ig_val *y = n->out[0];
  ig_sprog epi = {0};
  ig_val *wide[4] = {ig_lo_widen(l, in[0]), ig_lo_widen(l, in[1])};
  for (uint32_t i = 2; i < n_in; i++)
    wide[i] = in[i];
  if (bias) {
    ig_sbuild b;
    ig_sbuild_init(&b, &l->ir->arena);
    const ig_sreg acc = ig_s_load(&b, 0, ig_stype_dtype((ig_stype)p->acc));
    ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_ADD, acc, ig_s_load(&b, 1, bias->dtype), 0), 0);
    ig_status st = ig_sbuild_finish(&b, &epi);
    if (st) return ig_lo_fail(l, st), NULL;
    if (!(bias = ig_lo_along(l, bias, 1, (uint32_t)y->rank, dims ? dims : y->dims))) return NULL;
  }
  ig_val *out = NULL;
  const ig_lo_kernel_desc d = {.kind = IG_KIND_conv,
                               .params = p,
                               .in = wide,
                               .n_in = n_in,
                               .extra = &bias,
                               .n_extra = bias ? 1 : 0,
                               .out_dtypes = &y->dtype,
                               .n_out = 1,
                               .epi = bias ? &epi : NULL};
  return ig_lo_kernel(l, &d, &out) ? out : NULL;
}

/* ---- Conv ---- */

static ig_status conv_infer(ig_node *n) { return conv_dims(n, ig_node_in(n, 0), ig_node_in(n, 1), ig_node_in(n, 2), ig_node_in(n, 0)->dtype); }

static ig_status conv_lower(ig_lower *l, const ig_node *n) {
  ig_val *in[2] = {ig_node_in(n, 0), ig_node_in(n, 1)};
  ig_conv_params p;
  IG_TRY(ig_conv_params_of(n, in[0], in[1], &p));
  ig_lo_result(l, 0, ig_lo_conv(l, &p, in, 2, ig_node_in(n, 2), n, NULL));
  return NULL;
}

static const ig_op_arg conv_in[] = {{"X", 'T', IG_TYPES_FLOAT, 0}, {"W", 'T', IG_TYPES_FLOAT, 0}, {"B", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const ig_op_arg conv_out[] = {{"Y", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_attr conv_attrs[] = {IG_SPATIAL_ATTRS, {"group", IG_ATTR_INT, false, 1, 0, NULL}};
static const char *const conv_cases[] = {"f32[1,1,5,5] f32[1,1,3,3] pads=1,1,1,1",
                                         "f32[2,4,7,5] f32[6,2,3,2] f32[6] group=2 strides=2,1 dilations=1,2 auto_pad=SAME_LOWER",
                                         "f32[1,3,9] f32[2,3,4] f32[2] strides=3 auto_pad=SAME_UPPER",
                                         "f32[1,2,3,4,5] f32[2,2,2,2,2] auto_pad=VALID",
                                         "f64[0,1,4,4] f64[1,1,3,3]",
                                         NULL};
const ig_op ig_op_Conv = {.domain = "",
                          .name = "Conv",
                          .since = 22,
                          .oldest = 1,
                          .cls = IG_CLASS_KIND,
                          IG_OP_ARGS(conv_in, conv_out),
                          IG_OP_ATTRS(conv_attrs),
                          .infer = conv_infer,
                          .lower = conv_lower,
                          .cases = conv_cases};

/* ---- ConvInteger ---- */

#define BYTE_TYPES (IG_T(I8) | IG_T(U8))

/* Input i has one element, or one for each output channel. */
static ig_status check_channels(ig_node *n, uint32_t i, const ig_val *w) {
  const ig_val *v = ig_node_in(n, i);
  if (!v || v->rank == 0 || (v->rank == 1 && ig_dim_equals(ig_node_dims(n), v->dims[0], 1))) return NULL;
  IG_NODE_REQUIRE(n, v->rank == 1, IG_ERROR_BAD_MODEL, "input %u ('%s') has %d dims, at most 1 is possible", i, v->name, v->rank);
  return ig_infer_equal(n, v->dims[0], w->dims[0], v->name, NULL);
}

static ig_status conv_integer_infer(ig_node *n) {
  IG_TRY(conv_dims(n, ig_node_in(n, 0), ig_node_in(n, 1), NULL, IG_DTYPE_I32));
  IG_TRY(ig_gen_require_scalar(n, 2));
  return check_channels(n, 3, ig_node_in(n, 1));
}

/* x, w and, broadcast to their dims, the zero points (that of the weights may be one per output channel). */
static uint32_t quantised_inputs(ig_lower *l, ig_val *x, ig_val *w, ig_val *zx, ig_val *zw, ig_val **in) {
  in[0] = x;
  in[1] = w;
  in[2] = zx ? ig_lo_along(l, zx, 0, (uint32_t)x->rank, x->dims) : NULL;
  in[3] = zw ? ig_lo_along(l, zw, 0, (uint32_t)w->rank, w->dims) : NULL;
  return zw ? 4 : zx ? 3 : 2;
}

static ig_status conv_integer_lower(ig_lower *l, const ig_node *n) {
  ig_conv_params p;
  IG_TRY(ig_conv_params_of(n, ig_node_in(n, 0), ig_node_in(n, 1), &p));
  ig_val *in[4];
  const uint32_t n_in = quantised_inputs(l, ig_node_in(n, 0), ig_node_in(n, 1), ig_node_in(n, 2), ig_node_in(n, 3), in);
  ig_lo_result(l, 0, ig_lo_conv(l, &p, in, n_in, NULL, n, NULL));
  return NULL;
}

static const ig_op_arg conv_integer_in[] = {{"x", 'X', BYTE_TYPES, 0},
                                            {"w", 'W', BYTE_TYPES, 0},
                                            {"x_zero_point", 'X', BYTE_TYPES, IG_ARG_OPTIONAL},
                                            {"w_zero_point", 'W', BYTE_TYPES, IG_ARG_OPTIONAL}};
static const ig_op_arg conv_integer_out[] = {{"y", 0, IG_T(I32), 0}};
static const char *const conv_integer_cases[] = {"u8[1,1,3,3] u8[1,1,2,2] u8[] pads=1,1,1,1", "u8[1,2,4,4] i8[3,2,2,2] u8[] i8[3]", NULL};
const ig_op ig_op_ConvInteger = {.domain = "",
                                 .name = "ConvInteger",
                                 .since = 10,
                                 .oldest = 10,
                                 .cls = IG_CLASS_KIND,
                                 .accuracy = IG_ACCURACY_EXACT,
                                 IG_OP_ARGS(conv_integer_in, conv_integer_out),
                                 IG_OP_ATTRS(conv_attrs),
                                 .infer = conv_integer_infer,
                                 .lower = conv_integer_lower,
                                 .cases = conv_integer_cases};

/* ---- QLinearConv ---- */

static ig_status qlinear_conv_infer(ig_node *n) {
  ig_val *w = ig_node_in(n, 3);
  IG_TRY(conv_dims(n, ig_node_in(n, 0), w, ig_node_in(n, 8), ig_node_in(n, 7)->dtype));
  IG_TRY(ig_gen_require_scalar(n, 1));
  IG_TRY(ig_gen_require_scalar(n, 2));
  for (uint32_t i = 4; i < 8; i++)
    IG_TRY(check_channels(n, i, w));
  return NULL;
}

static ig_status qlinear_conv_lower(ig_lower *l, const ig_node *n) {
  ig_val *y = n->out[0], *bias = ig_node_in(n, 8);
  ig_conv_params p;
  IG_TRY(ig_conv_params_of(n, ig_node_in(n, 0), ig_node_in(n, 3), &p));
  ig_val *in[4], *extra[5] = {ig_node_in(n, 1), ig_node_in(n, 4), ig_node_in(n, 6), ig_node_in(n, 7), bias};
  const uint32_t n_in = quantised_inputs(l, ig_node_in(n, 0), ig_node_in(n, 3), ig_node_in(n, 2), ig_node_in(n, 5), in), n_extra = bias ? 5 : 4;
  for (uint32_t i = 0; i < n_extra; i++)
    if (!(extra[i] = ig_lo_along(l, extra[i], 1, (uint32_t)y->rank, y->dims))) return NULL;
  ig_sprog epi;
  if (!ig_lo_requantise(l, IG_DTYPE_F32, y->dtype, bias != NULL, &epi)) return NULL;
  ig_val *out = NULL;
  const ig_lo_kernel_desc d = {.kind = IG_KIND_conv,
                               .params = &p,
                               .in = in,
                               .n_in = n_in,
                               .extra = extra,
                               .n_extra = n_extra,
                               .out_dtypes = &y->dtype,
                               .n_out = 1,
                               .epi = &epi};
  if (ig_lo_kernel(l, &d, &out)) ig_lo_result(l, 0, out);
  return NULL;
}

static const ig_op_arg qlinear_conv_in[] = {{"x", 'X', BYTE_TYPES, 0},    {"x_scale", 0, IG_T(F32), 0},         {"x_zero_point", 'X', BYTE_TYPES, 0},
                                            {"w", 'W', BYTE_TYPES, 0},    {"w_scale", 0, IG_T(F32), 0},         {"w_zero_point", 'W', BYTE_TYPES, 0},
                                            {"y_scale", 0, IG_T(F32), 0}, {"y_zero_point", 'Y', BYTE_TYPES, 0}, {"B", 0, IG_T(I32), IG_ARG_OPTIONAL}};
static const ig_op_arg qlinear_conv_out[] = {{"y", 'Y', BYTE_TYPES, 0}};
static const char *const qlinear_conv_cases[] = {"u8[1,1,3,3] f32[] u8[] u8[1,1,1,1] f32[1] u8[1] f32[] u8[]",
                                                 "u8[1,2,4,4] f32[] u8[] i8[3,2,2,2] f32[3] i8[3] f32[] u8[] i32[3]", NULL};
const ig_op ig_op_QLinearConv = {.domain = "",
                                 .name = "QLinearConv",
                                 .since = 10,
                                 .oldest = 10,
                                 .cls = IG_CLASS_KIND,
                                 IG_OP_ARGS(qlinear_conv_in, qlinear_conv_out),
                                 IG_OP_ATTRS(conv_attrs),
                                 .infer = qlinear_conv_infer,
                                 .lower = qlinear_conv_lower,
                                 .cases = qlinear_conv_cases};
