/* DynamicQuantizeLinear: scale and zero point from the extremes of the input, then the quantisation as a map.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

static ig_status dynamic_infer(ig_node *n) {
  IG_TRY(ig_infer_set(n, 0, IG_DTYPE_U8, (uint32_t)ig_node_in(n, 0)->rank, ig_node_in(n, 0)->dims));
  IG_TRY(ig_infer_set(n, 1, IG_DTYPE_F32, 0, NULL));
  return ig_infer_set(n, 2, IG_DTYPE_U8, 0, NULL);
}

static ig_val *extreme(ig_lower *l, ig_val *x, int64_t op) {
  const ig_reduce_params p = {.axes_mask = ((int64_t)1 << x->rank) - 1, .op = op, .acc = IG_S_F32};
  return ig_lo_reshape(l, ig_lo_kernel1(l, IG_KIND_reduce, &p, &x, 1, IG_DTYPE_F32), 0, NULL);
}

/* out[0] = (max - min) / 255 of the range that includes 0 (1 / 255 where it is empty), out[1] = saturate(rint(-min / scale)). */
static bool range(ig_lower *l, const ig_node *n, ig_val *min, ig_val *max, ig_val **out) {
  static const ig_dtype dtypes[2] = {IG_DTYPE_F32, IG_DTYPE_U8};
  ig_val *in[2];
  uint32_t n_in = 0;
  ig_pw c;
  if (!min || !max) return false;
  ig_pw_begin(&c, l, n);
  c.t = IG_S_F32;
  const ig_sreg zero = ig_pw_f(&c, 0), full = ig_pw_f(&c, 255);
  const ig_sreg lo = ig_pw_2(&c, IG_SOP_MIN, zero, ig_pw_operand(&c, min, in, &n_in));
  const ig_sreg hi = ig_pw_2(&c, IG_SOP_MAX, zero, ig_pw_operand(&c, max, in, &n_in));
  const ig_sreg span = ig_pw_select(&c, ig_pw_2(&c, IG_SOP_EQ, lo, hi), ig_pw_f(&c, 1), ig_pw_2(&c, IG_SOP_SUB, hi, lo));
  const ig_sreg scale = ig_pw_2(&c, IG_SOP_DIV, span, full);
  const ig_sreg at = ig_pw_2(&c, IG_SOP_DIV, ig_pw_2(&c, IG_SOP_SUB, zero, lo), scale);
  const ig_sreg point = ig_pw_1(&c, IG_SOP_RINT, ig_pw_2(&c, IG_SOP_MIN, ig_pw_2(&c, IG_SOP_MAX, at, zero), full));
  ig_pw_store(&c, 0, scale, IG_DTYPE_F32, 0);
  ig_pw_store(&c, 1, point, IG_DTYPE_U8, 0);
  return ig_pw_maps(&c, l, in, n_in, dtypes, 2, 0, NULL, out);
}

static ig_status dynamic_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *in[3], *made[2];
  uint32_t n_in = 0;
  ig_pw c;
  if (!range(l, n, extreme(l, x, IG_REDUCE_MIN), extreme(l, x, IG_REDUCE_MAX), made)) return NULL;
  ig_lo_result(l, 1, made[0]);
  ig_lo_result(l, 2, made[1]);
  if (!ig_node_out(n, 0)) return NULL;
  ig_pw_begin(&c, l, n);
  c.t = IG_S_F32;
  const ig_sreg v = ig_pw_operand(&c, x, in, &n_in), scale = ig_pw_operand(&c, made[0], in, &n_in), point = ig_pw_operand(&c, made[1], in, &n_in);
  const ig_sreg q = ig_pw_2(&c, IG_SOP_ADD, ig_pw_1(&c, IG_SOP_RINT, ig_pw_2(&c, IG_SOP_DIV, v, scale)), ig_s_cast(&c.b, point, IG_S_F32));
  return ig_pw_finish(&c, l, ig_pw_2(&c, IG_SOP_MIN, ig_pw_2(&c, IG_SOP_MAX, q, ig_pw_f(&c, 0)), ig_pw_f(&c, 255)), in, n_in);
}

static const ig_op_arg dynamic_in[] = {{"x", 0, IG_T(F32), 0}};
static const ig_op_arg dynamic_out[] = {{"y", 0, IG_T(U8), 0}, {"y_scale", 0, IG_T(F32), 0}, {"y_zero_point", 0, IG_T(U8), 0}};
static const char *const dynamic_cases[] = {"f32[6]=0,2,-3,-2.5,1.34,0.5 -> 3", "f32[3,4] -> 3", "f32[2]=0,0 -> 3", NULL};
const ig_op ig_op_DynamicQuantizeLinear = {.domain = "",
                                           .name = "DynamicQuantizeLinear",
                                           .since = 11,
                                           .oldest = 11,
                                           .cls = IG_CLASS_COMPOSITE,
                                           IG_OP_ARGS(dynamic_in, dynamic_out),
                                           .infer = dynamic_infer,
                                           .lower = dynamic_lower,
                                           .cases = dynamic_cases};
