/* BatchNormalization: (x - mean) / sqrt(var + eps) * scale + bias per channel (axis 1).
 *
 * For inference one map; in training mode mean and variance are reduced over all other axes first, and the running ones are updated.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ops/pointwise.h"

/* Version 7's `spatial` 1 is the only meaning there is since; before 7 `is_test` tells inference, before 14 training has more results. */
static ig_status import_batch_norm(ig_node *n, int64_t opset) {
  if (opset >= 14) return NULL;
  IG_NODE_REQUIRE(n, ig_node_attr_i(n, "spatial", 1) == 1, IG_ERROR_UNSUPPORTED, "attribute 'spatial' is 0: per-element statistics are not done");
  IG_NODE_REQUIRE(n, opset >= 7 || ig_node_attr_i(n, "is_test", 0) == 1, IG_ERROR_UNSUPPORTED,
                  "attribute 'is_test' is not 1: training before version 14 is not done");
  ig_adapt_drop(n, "spatial");
  ig_adapt_drop(n, "is_test");
  ig_adapt_drop(n, "consumed_inputs");
  for (uint32_t i = 1; i < n->n_out; i++)
    IG_NODE_REQUIRE(n, !ig_node_out(n, i), IG_ERROR_UNSUPPORTED,
                    "more than one result means training before version 14, which is not done: export the model for inference");
  n->n_out = n->n_out > 1 ? 1 : n->n_out;
  return NULL;
}

static bool trains(const ig_node *n) { return ig_op_attr_i(n, "training_mode") != 0; }

static ig_status infer_batch_norm(ig_node *n) {
  const ig_val *x = ig_node_in(n, 0), *mean = ig_node_in(n, 3);
  static const char *const names[] = {"X", "scale", "B", "input_mean", "input_var"};
  /* a batch of single values, [N], has one channel */
  const ig_dim channels = x->rank > 1 ? x->dims[1] : ig_dim_const(ig_node_dims(n), 1);
  IG_NODE_REQUIRE(n, x->rank >= 1, IG_ERROR_BAD_MODEL, "X has no dims");
  for (uint32_t i = 1; i < 5; i++) {
    const ig_val *v = ig_node_in(n, i);
    IG_TRY(ig_infer_rank(n, v, names[i], 1));
    IG_TRY(ig_infer_equal(n, channels, v->dims[0], names[i], NULL));
  }
  IG_TRY(ig_infer_same(n, 0, x));
  for (uint32_t i = 1; i < n->n_out; i++) {
    IG_NODE_REQUIRE(n, trains(n) || !ig_node_out(n, i), IG_ERROR_BAD_MODEL, "result %u exists in training mode only", i);
    IG_TRY(ig_infer_set(n, i, mean->dtype, 1, &channels));
  }
  return NULL;
}

/* v [C] laid along the channel axis of x. */
static ig_val *per_channel(ig_lower *l, const ig_val *x, ig_val *v) {
  if (!v || ig_const_single(v)) return v;
  if (x->rank == 1) return ig_lo_reshape(l, v, 0, NULL);
  return ig_lo_along(l, v, 1, (uint32_t)x->rank, x->dims);
}

static ig_val *normalise(ig_lower *l, const ig_node *n, ig_val *mean, ig_val *var) {
  ig_val *x = ig_node_in(n, 0), *v[4] = {ig_node_in(n, 1), ig_node_in(n, 2), mean, var}, *in[5];
  ig_sreg r[4];
  uint32_t n_in = 0;
  ig_pw c;
  ig_pw_begin(&c, l, n);
  const ig_sreg rx = ig_pw_operand(&c, x, in, &n_in);
  c.t = ig_s_type(&c.b, rx);
  for (uint32_t i = 0; i < 4; i++) {
    v[i] = per_channel(l, x, v[i]);
    if (!v[i]) return NULL;
    r[i] = ig_s_cast(&c.b, ig_pw_operand(&c, v[i], in, &n_in), c.t);
  }
  const ig_sreg deviation = ig_pw_1(&c, IG_SOP_SQRT, ig_pw_2(&c, IG_SOP_ADD, r[3], ig_pw_f(&c, (double)ig_op_attr_f(n, "epsilon"))));
  const ig_sreg scale = ig_pw_2(&c, IG_SOP_DIV, r[0], deviation);
  const ig_sreg y = ig_pw_2(&c, IG_SOP_ADD, ig_pw_2(&c, IG_SOP_MUL, ig_pw_2(&c, IG_SOP_SUB, rx, r[2]), scale), r[1]);
  ig_pw_store(&c, 0, y, x->dtype, 0);
  return ig_pw_map(&c, l, in, n_in, x->dtype, (uint32_t)x->rank, x->dims);
}

/* ---- training ---- */

/* Mean over all axes but 1 of x, or, with `centre`, of (x - centre)^2; result [C] in the statistics' type. */
static ig_val *channel_mean(ig_lower *l, ig_val *x, ig_val *centre, ig_dtype dtype) {
  const ig_stype t = ig_stype_of(x->dtype);
  ig_dims *d = &l->ir->dims;
  ig_val *in[2] = {x, centre ? per_channel(l, x, centre) : NULL}, *out = NULL;
  ig_sprog pre, post;
  ig_sbuild b;
  ig_dim count = ig_dim_const(d, 1);
  int64_t mask = 0;
  for (int k = 0; k < x->rank; k++) {
    if (k == 1) continue;
    mask |= (int64_t)1 << k;
    count = ig_dim_mul(d, count, x->dims[k]);
  }
  if (l->error) return NULL;
  ig_sbuild_init(&b, &l->ir->arena);
  ig_sreg v = ig_s_load(&b, 0, x->dtype);
  if (centre) {
    v = ig_s_op(&b, IG_SOP_SUB, v, ig_s_cast(&b, ig_s_load(&b, 1, centre->dtype), t), 0);
    v = ig_s_op(&b, IG_SOP_MUL, v, v, 0);
  }
  ig_s_store(&b, 0, v, 0);
  ig_status s = ig_sbuild_finish(&b, &pre);
  ig_sbuild_init(&b, &l->ir->arena);
  const ig_sreg total = ig_s_load(&b, 0, t == IG_S_F64 ? IG_DTYPE_F64 : IG_DTYPE_F32);
  ig_s_store(&b, 0, ig_s_op(&b, IG_SOP_DIV, total, ig_s_cast(&b, ig_s_dim(&b, count), t), 0), 0);
  if (!s) s = ig_sbuild_finish(&b, &post);
  if (s) {
    ig_lo_fail(l, s);
    return NULL;
  }
  const ig_reduce_params p = {.axes_mask = mask, .op = IG_REDUCE_SUM, .acc = t};
  const ig_lo_kernel_desc desc = {
      .kind = IG_KIND_reduce, .params = &p, .in = in, .n_in = centre ? 2 : 1, .out_dtypes = &dtype, .n_out = 1, .prog = &pre, .epi = &post};
  if (!ig_lo_kernel(l, &desc, &out)) return NULL;
  const ig_dim channels = x->rank > 1 ? x->dims[1] : ig_dim_const(d, 1);
  return ig_lo_reshape(l, out, 1, &channels);
}

/* running * momentum + now * (1 - momentum) */
static ig_val *update(ig_lower *l, const ig_node *n, ig_val *running, ig_val *now) {
  const double m = (double)ig_op_attr_f(n, "momentum");
  ig_val *in[2];
  uint32_t n_in = 0;
  ig_pw c;
  if (!now) return NULL;
  ig_pw_begin(&c, l, n);
  const ig_sreg a = ig_pw_operand(&c, running, in, &n_in), b = ig_pw_operand(&c, now, in, &n_in);
  c.t = ig_s_type(&c.b, a);
  const ig_sreg r =
      ig_pw_2(&c, IG_SOP_ADD, ig_pw_2(&c, IG_SOP_MUL, a, ig_pw_f(&c, m)), ig_pw_2(&c, IG_SOP_MUL, ig_s_cast(&c.b, b, c.t), ig_pw_f(&c, 1 - m)));
  ig_pw_store(&c, 0, r, running->dtype, 0);
  return ig_pw_map(&c, l, in, n_in, running->dtype, 1, running->dims);
}

static ig_status lower_batch_norm(ig_lower *l, const ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *mean = ig_node_in(n, 3), *var = ig_node_in(n, 4);
  if (!trains(n)) {
    ig_lo_result(l, 0, normalise(l, n, mean, var));
    return NULL;
  }
  const ig_dtype wide = ig_stype_of(x->dtype) == IG_S_F64 ? IG_DTYPE_F64 : IG_DTYPE_F32;
  ig_val *now_mean = channel_mean(l, x, NULL, wide);
  if (!now_mean) return NULL;
  ig_val *now_var = channel_mean(l, x, now_mean, wide);
  if (!now_var) return NULL;
  ig_lo_result(l, 0, normalise(l, n, now_mean, now_var));
  if (ig_node_out(n, 1)) ig_lo_result(l, 1, update(l, n, mean, now_mean));
  if (ig_node_out(n, 2)) ig_lo_result(l, 2, update(l, n, var, now_var));
  return NULL;
}

static const ig_op_arg norm_in[] = {{"X", 'T', IG_TYPES_FLOAT, 0},
                                    {"scale", 'S', IG_TYPES_FLOAT, 0},
                                    {"B", 'S', IG_TYPES_FLOAT, 0},
                                    {"input_mean", 'U', IG_TYPES_FLOAT, 0},
                                    {"input_var", 'U', IG_TYPES_FLOAT, 0}};
static const ig_op_arg norm_out[] = {
    {"Y", 'T', IG_TYPES_FLOAT, 0}, {"running_mean", 'U', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}, {"running_var", 'U', IG_TYPES_FLOAT, IG_ARG_OPTIONAL}};
static const ig_op_attr attrs[] = {{"epsilon", IG_ATTR_FLOAT, false, 0, 1e-5f, NULL},
                                   {"momentum", IG_ATTR_FLOAT, false, 0, 0.9f, NULL},
                                   {"training_mode", IG_ATTR_INT, false, 0, 0, NULL}};
static const char *const cases[] = {"f32[2,3,4] f32[3] f32[3] f32[3] f32[3]", "f16[2,3] f32[3] f32[3] f64[3] f64[3] epsilon=0.01",
                                    "f32[2,3,4] f32[3] f32[3] f32[3] f32[3] training_mode=1 -> 3", NULL};
const ig_op ig_op_BatchNormalization = {.domain = "",
                                        .name = "BatchNormalization",
                                        .since = 15,
                                        .oldest = 1,
                                        .cls = IG_CLASS_MAP,
                                        IG_OP_ARGS(norm_in, norm_out),
                                        IG_OP_ATTRS(attrs),
                                        .import = import_batch_norm,
                                        .infer = infer_batch_norm,
                                        .lower = lower_batch_norm,
                                        .cases = cases};
