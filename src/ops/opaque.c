/* Selection among elements that no program computes with, strings and complex numbers: a map says which element each result is, and a gather
 * takes it from all that there are.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/opaque.h"

/* Row-major number, within v, of the element that broadcasting puts at the point; v's axes are the last ones of out's. */
static ig_sreg number_of(ig_pw *c, ig_dims *t, const ig_val *v, const ig_val *out) {
  ig_sreg sum = ig_s_i64(&c->b, IG_S_I64, 0);
  bool first = true;
  for (int k = 0; k < v->rank; k++) {
    const int axis = out->rank - v->rank + k;
    if (ig_dim_equals(t, v->dims[k], 1)) continue;
    ig_sreg at = ig_s_coord(&c->b, (uint32_t)axis);
    /* where the axis may have one element, that is every point's */
    if (v->dims[k] != out->dims[axis]) at = ig_pw_2(c, IG_SOP_MIN, at, ig_s_dim(&c->b, ig_dim_add_c(t, v->dims[k], -1)));
    const ig_dim stride = ig_dim_product(t, v->dims + k + 1, (size_t)(v->rank - k - 1));
    if (!ig_dim_equals(t, stride, 1)) at = ig_pw_2(c, IG_SOP_MUL, at, ig_s_dim(&c->b, stride));
    sum = first ? at : ig_pw_2(c, IG_SOP_ADD, sum, at);
    first = false;
  }
  return sum;
}

/* All elements of a and then those of b, along one axis. */
static ig_val *all_of(ig_lower *l, ig_val *a, ig_val *b, ig_dim *out_n_a) {
  ig_dims *t = &l->ir->dims;
  const ig_dim n_a = ig_dim_product(t, a->dims, (size_t)a->rank), n_b = ig_dim_product(t, b->dims, (size_t)b->rank), n = ig_dim_add(t, n_a, n_b);
  ig_val *in[2] = {ig_lo_reshape(l, a, 1, &n_a), ig_lo_reshape(l, b, 1, &n_b)};
  *out_n_a = n_a;
  return in[0] && in[1] ? ig_lo_concat(l, in, 2, 0, &n) : NULL;
}

ig_status ig_opaque_finish(ig_pw *c, ig_lower *l, ig_sreg index, ig_val *const *in, uint32_t n_in, ig_val *elements) {
  const ig_val *out = ig_node_out(l->src, 0);
  ig_pw_store(c, 0, index, IG_DTYPE_I64, 0);
  ig_val *picked[2] = {elements, ig_pw_map(c, l, in, n_in, IG_DTYPE_I64, (uint32_t)out->rank, out->dims)};
  const ig_gather_params p = {.mode = IG_GATHER_ROWS};
  ig_lo_result(l, 0, picked[0] && picked[1] ? ig_lo_kernel1(l, IG_KIND_gather, &p, picked, 2, out->dtype) : NULL);
  return NULL;
}

ig_status ig_opaque_select(ig_pw *c, ig_lower *l, ig_sreg cond, ig_val *const *in, uint32_t n_in, ig_val *a, ig_val *b) {
  ig_dims *t = &l->ir->dims;
  const ig_val *out = ig_node_out(l->src, 0);
  ig_dim n_a;
  ig_val *elements = all_of(l, a, b, &n_a);
  if (!elements) return NULL;
  const ig_sreg in_b = ig_pw_2(c, IG_SOP_ADD, ig_s_dim(&c->b, n_a), number_of(c, t, b, out));
  return ig_opaque_finish(c, l, ig_pw_select(c, cond, number_of(c, t, a, out), in_b), in, n_in, elements);
}

ig_val *ig_opaque_zero(ig_lower *l, ig_dtype dtype) {
  static const uint64_t zero[2];
  return ig_lo_const(l, dtype, 0, NULL, zero);
}

ig_status ig_opaque_equal(ig_lower *l, const ig_node *n) {
  const ig_val *out = ig_node_out(n, 0);
  ig_val *in[2];
  for (uint32_t i = 0; i < 2; i++) in[i] = ig_lo_expand(l, ig_node_in(n, i), (uint32_t)out->rank, out->dims);
  ig_lo_result(l, 0, in[0] && in[1] ? ig_lo_kernel1(l, IG_KIND_equal, NULL, in, 2, IG_DTYPE_BOOL) : NULL);
  return NULL;
}
