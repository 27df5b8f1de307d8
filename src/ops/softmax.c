/* Softmax, LogSoftmax: one request over one axis. Hardmax: the first largest element of the axis is 1, by ArgMax and a compare with the coordinate.
 * Before version 13 these operators work on a matrix: dims from `axis` on are taken together; the private attribute `coerce` says so.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/structured.h"

static ig_status softmax_import(ig_node *n, int64_t opset) {
  if (opset >= 13) return NULL;
  IG_TRY(ig_adapt_set_int(n, "axis", ig_node_attr_i(n, "axis", 1)));
  return ig_adapt_set_int(n, "coerce", 1);
}

static ig_status softmax_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0);
  int64_t axis = ig_node_attr_i(n, "axis", -1);
  const bool end = axis == x->rank && ig_node_attr_i(n, "coerce", 0);
  if (!end && x->rank > 0) IG_TRY(ig_axis(n, axis, x->rank, &axis));
  return ig_infer_same(n, 0, x);
}

/* The input with one axis to work on: as it is, or (coerced) as a matrix; a scalar becomes one element of one dim. */
static ig_val *prepare(ig_lower *l, const ig_node *n, int64_t *out_axis) {
  ig_dims *t = &l->ir->dims;
  ig_val *x = ig_node_in(n, 0);
  int64_t axis = ig_node_attr_i(n, "axis", -1);
  if (axis < 0) axis += x->rank;
  *out_axis = axis;
  if (x->rank == 0) {
    *out_axis = 0;
    return ig_lo_reshape(l, x, 1, (const ig_dim[1]){ig_dim_const(t, 1)});
  }
  if (!ig_node_attr_i(n, "coerce", 0) || axis == x->rank - 1) return x;
  const ig_dim dims[2] = {ig_dim_product(t, x->dims, (size_t)axis), ig_dim_product(t, x->dims + axis, (size_t)(x->rank - axis))};
  *out_axis = 1;
  return ig_lo_reshape(l, x, 2, dims);
}

static void finish(ig_lower *l, const ig_node *n, ig_val *y) {
  const ig_val *out = n->out[0];
  ig_lo_result(l, 0, ig_lo_reshape(l, y, (uint32_t)out->rank, out->dims));
}

static ig_status softmax_lower_as(ig_lower *l, const ig_node *n, bool log) {
  int64_t axis;
  ig_val *x = prepare(l, n, &axis);
  if (!x) return NULL;
  const ig_softmax_params p = {.axis = axis, .log = log, .scale = 1};
  finish(l, n, ig_lo_kernel1(l, IG_KIND_softmax, &p, &x, 1, x->dtype));
  return NULL;
}

static ig_status softmax_lower(ig_lower *l, const ig_node *n) { return softmax_lower_as(l, n, false); }
static ig_status log_softmax_lower(ig_lower *l, const ig_node *n) { return softmax_lower_as(l, n, true); }

static ig_status hardmax_lower(ig_lower *l, const ig_node *n) {
  int64_t axis;
  ig_val *x = prepare(l, n, &axis);
  if (!x) return NULL;
  const ig_reduce_params p = {.axes_mask = (int64_t)1 << axis, .op = IG_REDUCE_ARGMAX, .acc = (int64_t)ig_stype_of(x->dtype)};
  ig_val *best = ig_lo_kernel1(l, IG_KIND_reduce, &p, &x, 1, IG_DTYPE_I64);
  if (!best) return NULL;
  ig_sbuild b;
  ig_sprog prog;
  ig_sbuild_init(&b, &l->ir->arena);
  const ig_stype s = ig_stype_of(x->dtype);
  const ig_sreg hit = ig_s_op(&b, IG_SOP_EQ, ig_s_load(&b, 0, IG_DTYPE_I64), ig_s_coord(&b, (uint32_t)axis), 0);
  ig_s_store(&b, 0, ig_s_cast(&b, hit, s), 0);
  IG_TRY(ig_sbuild_finish(&b, &prog));
  finish(l, n, ig_lo_map(l, &best, 1, &prog, x->dtype, (uint32_t)x->rank, x->dims));
  return NULL;
}

static const ig_op_arg softmax_in[] = {{"input", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_arg softmax_out[] = {{"output", 'T', IG_TYPES_FLOAT, 0}};
static const ig_op_attr softmax_attrs[] = {{"axis", IG_ATTR_INT, false, -1, 0, NULL}, {"coerce", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const softmax_cases[] = {"f32[2,5]", "f16[2,3,4] axis=1", "f32[2,3,4] axis=1 coerce=1", "f64[3,0,2] axis=0", NULL};
const ig_op ig_op_Softmax = {.domain = "",
                             .name = "Softmax",
                             .since = 13,
                             .oldest = 1,
                             .cls = IG_CLASS_KIND,
                             IG_OP_ARGS(softmax_in, softmax_out),
                             IG_OP_ATTRS(softmax_attrs),
                             .import = softmax_import,
                             .infer = softmax_infer,
                             .lower = softmax_lower,
                             .cases = softmax_cases};
const ig_op ig_op_LogSoftmax = {.domain = "",
                                .name = "LogSoftmax",
                                .since = 13,
                                .oldest = 1,
                                .cls = IG_CLASS_KIND,
                                IG_OP_ARGS(softmax_in, softmax_out),
                                IG_OP_ATTRS(softmax_attrs),
                                .import = softmax_import,
                                .infer = softmax_infer,
                                .lower = log_softmax_lower,
                                .cases = softmax_cases};
const ig_op ig_op_Hardmax = {.domain = "",
                             .name = "Hardmax",
                             .since = 13,
                             .oldest = 1,
                             .cls = IG_CLASS_COMPOSITE,
                             .accuracy = IG_ACCURACY_EXACT,
                             IG_OP_ARGS(softmax_in, softmax_out),
                             IG_OP_ATTRS(softmax_attrs),
                             .import = softmax_import,
                             .infer = softmax_infer,
                             .lower = hardmax_lower,
                             .cases = softmax_cases};
