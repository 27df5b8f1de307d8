/* NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss: the target's log-probability is gathered along the classes, weighted and masked by a map,
 * and reduced. Sums and weights are kept in float32 (float64 for f64) until the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

typedef enum reduction { REDUCTION_NONE, REDUCTION_SUM, REDUCTION_MEAN } reduction;

static ig_status reduction_of(const ig_node *n, reduction *out) {
  static const char *const names[] = {"none", "sum", "mean"};
  const char *s = ig_node_attr_s(n, "reduction", "mean");
  for (int i = 0; i < 3; i++) {
    *out = (reduction)i;
    if (strcmp(s, names[i]) == 0) return NULL;
  }
  IG_NODE_FAIL(n, IG_ERROR_BAD_MODEL, "reduction '%s' is none of none, sum, mean", s);
}

static ig_status loss_infer(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *target = ig_node_in(n, 1), *weight = ig_node_in(n, 2);
  reduction r;
  IG_TRY(reduction_of(n, &r));
  IG_NODE_REQUIRE(n, x->rank >= 2, IG_ERROR_BAD_MODEL, "input '%s' has %d dims, at least 2 are needed", x->name, x->rank);
  IG_TRY(ig_infer_rank(n, target, "target", x->rank - 1));
  for (int k = 0; k < target->rank; k++)
    IG_TRY(ig_infer_equal(n, target->dims[k], x->dims[k == 0 ? 0 : k + 1], "dims of target and input", NULL));
  if (weight) IG_TRY(ig_infer_rank(n, weight, "weight", 1));
  if (weight) IG_TRY(ig_infer_equal(n, weight->dims[0], x->dims[1], "weights and classes", NULL));
  if (ig_node_out(n, 1)) IG_TRY(ig_infer_same(n, 1, x));
  return ig_infer_set(n, 0, x->dtype, r == REDUCTION_NONE ? (uint32_t)target->rank : 0, target->dims);
}

/* Targets, with class 0 in place of those that do not count. */
static ig_val *safe_target(ig_lower *l, const ig_node *n, ig_val *target) {
  ig_val *in[1];
  uint32_t n_in = 0;
  ig_pw c;
  if (!ig_node_attr(n, "ignore_index")) return target;
  ig_pw_begin(&c, l, n);
  const ig_sreg t = ig_pw_operand(&c, target, in, &n_in);
  const ig_stype s = ig_s_type(&c.b, t);
  const ig_sreg ignored = ig_pw_2(&c, IG_SOP_EQ, t, ig_s_i64(&c.b, s, ig_node_attr_i(n, "ignore_index", 0)));
  ig_pw_store(&c, 0, ig_pw_select(&c, ignored, ig_s_i64(&c.b, s, 0), t), target->dtype, 0);
  return ig_pw_map(&c, l, in, n_in, target->dtype, (uint32_t)target->rank, target->dims);
}

/* weight of each target, 0 where it does not count, times -picked unless picked is NULL; of type dtype. */
static ig_val *weighted(ig_lower *l, const ig_node *n, ig_val *target, ig_val *weight, ig_val *picked, ig_dtype dtype) {
  ig_val *in[3];
  uint32_t n_in = 0;
  ig_pw c;
  ig_pw_begin(&c, l, n);
  const ig_stype t = ig_stype_of(dtype);
  ig_sreg v = ig_s_f64(&c.b, t, 1);
  if (weight) v = ig_pw_operand(&c, weight, in, &n_in);
  if (picked) v = ig_pw_2(&c, IG_SOP_MUL, v, ig_pw_1(&c, IG_SOP_NEG, ig_pw_operand(&c, picked, in, &n_in)));
  if (ig_node_attr(n, "ignore_index")) {
    const ig_sreg own = ig_pw_operand(&c, target, in, &n_in);
    const ig_sreg ignored = ig_pw_2(&c, IG_SOP_EQ, own, ig_s_i64(&c.b, ig_s_type(&c.b, own), ig_node_attr_i(n, "ignore_index", 0)));
    v = ig_pw_select(&c, ignored, ig_s_f64(&c.b, t, 0), v);
  }
  ig_pw_store(&c, 0, v, dtype, 0);
  return ig_pw_map(&c, l, in, n_in, dtype, (uint32_t)target->rank, target->dims);
}

static ig_val *total(ig_lower *l, ig_val *x) {
  if (!x) return NULL;
  const ig_reduce_params p = {.axes_mask = ((int64_t)1 << x->rank) - 1, .op = IG_REDUCE_SUM, .acc = (int64_t)ig_stype_of(x->dtype)};
  return ig_lo_reshape(l, ig_lo_kernel1(l, IG_KIND_reduce, &p, &x, 1, x->dtype), 0, NULL);
}

/* sum / total weight. */
static ig_val *mean(ig_lower *l, const ig_node *n, ig_val *sum, ig_val *weights, const ig_val *target) {
  ig_val *in[2];
  uint32_t n_in = 0;
  ig_pw c;
  if (!sum || l->error) return NULL;
  ig_pw_begin(&c, l, n);
  const ig_sreg v = ig_pw_operand(&c, sum, in, &n_in);
  const ig_sreg by = weights ? ig_pw_operand(&c, weights, in, &n_in)
                             : ig_s_cast(&c.b, ig_s_dim(&c.b, ig_dim_product(&l->ir->dims, target->dims, (size_t)target->rank)), ig_s_type(&c.b, v));
  ig_pw_store(&c, 0, ig_pw_2(&c, IG_SOP_DIV, v, by), sum->dtype, 0);
  return ig_pw_map(&c, l, in, n_in, sum->dtype, 0, NULL);
}

/* Loss of log-probabilities x. */
static ig_status lower_loss(ig_lower *l, const ig_node *n, ig_val *x) {
  ig_val *target = ig_node_in(n, 1), *weight = ig_node_in(n, 2);
  const ig_dtype dtype = x && x->dtype == IG_DTYPE_F64 ? IG_DTYPE_F64 : IG_DTYPE_F32;
  reduction r;
  ig_dim dims[IG_MAX_RANK];
  IG_TRY(reduction_of(n, &r));
  ig_val *index = safe_target(l, n, target);
  if (!x || !index) return NULL;
  memcpy(dims, x->dims, sizeof dims);
  dims[1] = ig_dim_const(&l->ir->dims, 1);
  ig_val *pick[2] = {x, ig_lo_reshape(l, index, (uint32_t)x->rank, dims)}, *look_up[2] = {weight, index};
  const ig_gather_params elements = {.mode = IG_GATHER_ELEMENTS, .axis = 1}, rows = {.mode = IG_GATHER_ROWS};
  ig_val *picked = ig_lo_reshape(l, ig_lo_kernel1(l, IG_KIND_gather, &elements, pick, 2, x->dtype), (uint32_t)target->rank, target->dims);
  if (weight) weight = ig_lo_kernel1(l, IG_KIND_gather, &rows, look_up, 2, x->dtype);
  if (!picked || l->error) return NULL;
  ig_val *loss = weighted(l, n, target, weight, picked, r == REDUCTION_NONE ? x->dtype : dtype);
  if (r != REDUCTION_NONE) loss = total(l, loss);
  const bool counts = weight || ig_node_attr(n, "ignore_index");
  if (r == REDUCTION_MEAN) loss = mean(l, n, loss, counts ? total(l, weighted(l, n, target, weight, NULL, dtype)) : NULL, target);
  ig_lo_result(l, 0, ig_lo_cast(l, loss, x->dtype));
  return NULL;
}

static ig_status nll_lower(ig_lower *l, const ig_node *n) { return lower_loss(l, n, ig_node_in(n, 0)); }

static ig_status cross_entropy_lower(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0);
  const ig_softmax_params p = {.axis = 1, .log = 1, .scale = 1};
  ig_val *log_prob = ig_lo_kernel1(l, IG_KIND_softmax, &p, &x, 1, x->dtype);
  if (log_prob && ig_node_out(n, 1)) ig_lo_result(l, 1, log_prob);
  return ig_node_out(n, 0) ? lower_loss(l, n, log_prob) : NULL;
}

#define TARGET_TYPES (IG_T(I32) | IG_T(I64))
static const ig_op_attr loss_attrs[] = {{"ignore_index", IG_ATTR_INT, false, 0, 0, NULL}, {"reduction", IG_ATTR_STRING, false, 0, 0, "mean"}};
static const ig_op_arg nll_in[] = {
    {"input", 'T', IG_TYPES_FLOAT, 0}, {"target", 0, TARGET_TYPES, 0}, {"weight", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const ig_op_arg nll_out[] = {{"loss", 'T', IG_TYPES_FLOAT, 0}};
static const char *const nll_cases[] = {"f32[3,5] i64[3]=1,0,4", "f32[2,3,2] i32[2,2]=0,2,1,1 f32[3] reduction=none",
                                        "f64[2,3,2,2] i64[2,2,2]=0,-1,2,1,-1,0,1,1 f64[3] ignore_index=-1", "f16[2,3] i64[2]=2,1 reduction=sum",
                                        NULL};
const ig_op ig_op_NegativeLogLikelihoodLoss = {.domain = "",
                                               .name = "NegativeLogLikelihoodLoss",
                                               .since = 22,
                                               .oldest = 12,
                                               .cls = IG_CLASS_COMPOSITE,
                                               IG_OP_ARGS(nll_in, nll_out),
                                               IG_OP_ATTRS(loss_attrs),
                                               .infer = loss_infer,
                                               .lower = nll_lower,
                                               .cases = nll_cases};

static const ig_op_arg cross_in[] = {
    {"scores", 'T', IG_TYPES_FLOAT, 0}, {"labels", 0, TARGET_TYPES, 0}, {"weights", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const ig_op_arg cross_out[] = {{"output", 'T', IG_TYPES_FLOAT, 0}, {"log_prob", 'T', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const char *const cross_cases[] = {"f32[3,5] i64[3]=1,0,4 -> 2", "f32[2,3,2] i32[2,2]=0,2,1,1 f32[3] reduction=none",
                                          "f32[2,3,2] i64[2,2]=0,7,1,1 f32[3] ignore_index=7 -> 2", NULL};
const ig_op ig_op_SoftmaxCrossEntropyLoss = {.domain = "",
                                             .name = "SoftmaxCrossEntropyLoss",
                                             .since = 13,
                                             .oldest = 12,
                                             .cls = IG_CLASS_COMPOSITE,
                                             IG_OP_ARGS(cross_in, cross_out),
                                             IG_OP_ATTRS(loss_attrs),
                                             .infer = loss_infer,
                                             .lower = cross_entropy_lower,
                                             .cases = cross_cases};
