/* Batch normalisation with constant statistics, behind a Conv, ConvTranspose, Gemm or MatMul with constant weights, goes into those
 * weights: s = scale / sqrt(var + eps), W' = W * s along the result's channels, b' = (b - mean) * s + B. The arithmetic is written as
 * operators on constants, which folding then computes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

typedef struct counts {
  const uint32_t *uses;
  uint32_t n_ids;
} counts;
typedef struct site {
  ig_pass_ctx *c;
  ig_node *bn, *main;
  ig_status st;
} site;

/* Operator over constants, placed before the batch normalisation; NULL after a failure. */
static ig_val *op(site *s, const char *type, ig_val *a, ig_val *b) {
  ig_val *in[2] = {a, b};
  if (s->st || !a || !b) return NULL;
  ig_node *n = ig_op_node(s->bn->graph, s->bn, type, in, 2, 1, NULL, 0, &s->st);
  return n ? ig_val_resolve(n->out[0]) : NULL;
}

static ig_val *sqrt_of(site *s, ig_val *a) {
  if (s->st || !a) return NULL;
  ig_node *n = ig_op_node(s->bn->graph, s->bn, "Sqrt", &a, 1, 1, NULL, 0, &s->st);
  return n ? ig_val_resolve(n->out[0]) : NULL;
}

static ig_val *scalar(site *s, ig_dtype dtype, double x) {
  const float f = (float)x;
  ig_val *v = s->st ? NULL : ig_val_const_bytes(s->bn->graph, NULL, dtype, 0, NULL, dtype == IG_DTYPE_F64 ? (const void *)&x : &f);
  if (!v && !s->st) s->st = ig_arena_status(&s->c->ir->arena);
  return v;
}

/* x [C] as a tensor of this rank with C at `axis`. */
static ig_val *along(site *s, ig_val *x, int rank, int axis) {
  int64_t dims[IG_MAX_RANK];
  for (int k = 0; k < rank; k++)
    dims[k] = k == axis ? -1 : 1;
  ig_val *shape = s->st ? NULL : ig_val_const_i64(s->bn->graph, dims, (size_t)rank);
  if (!shape && !s->st) s->st = ig_arena_status(&s->c->ir->arena);
  return op(s, "Reshape", x, shape);
}

static bool is_main(const ig_node *n) {
  return ig_opt_is(n, "Conv") || ig_opt_is(n, "ConvTranspose") || ig_opt_is(n, "Gemm") || ig_opt_is(n, "MatMul");
}

static bool is_vector(const ig_val *v) { return v && v->data && v->rank == 1; }

/* Why the fold cannot be done; NULL = it can. */
static const char *refusal(const ig_node *bn, const ig_node *m, const counts *k) {
  const ig_val *y = m->out[0], *w = ig_node_in(m, 1), *bias = ig_node_in(m, 2);
  if (m->graph != bn->graph) return "the producer is in another graph";
  if (y->id >= k->n_ids || k->uses[y->id] != 1) return "the result before it has other uses";
  if (!w || !w->data) return "the weights are not constant";
  if (w->dtype != IG_DTYPE_F32 && w->dtype != IG_DTYPE_F64) return "the weights are neither float nor double";
  if (bias && !bias->data) return "the bias is not constant";
  for (uint32_t i = 1; i < 5; i++)
    if (!is_vector(ig_node_in(bn, i)) || ig_node_in(bn, i)->dtype != w->dtype) return "the statistics are not constants of the weights' type";
  if (ig_node_attr_i(bn, "training_mode", 0) != 0 || ig_node_out(bn, 1)) return "it is in training mode";
  if (ig_opt_is(m, "ConvTranspose") && ig_node_attr_i(m, "group", 1) != 1) return "the transposed convolution has groups";
  if (ig_opt_is(m, "Gemm") && (ig_node_attr_f(m, "beta", 1) != 1 || (bias && bias->rank > 1))) return "the Gemm has a scaled or two-dimensional bias";
  if (ig_opt_is(m, "MatMul") && (w->rank != 2 || y->rank != 2)) return "the product is not of two matrices";
  return NULL;
}

static int channel_axis(const ig_node *m, const ig_val *w) {
  if (ig_opt_is(m, "Conv")) return 0;
  if (ig_opt_is(m, "ConvTranspose")) return 1;
  if (ig_opt_is(m, "Gemm")) return ig_node_attr_i(m, "transB", 0) ? 0 : 1;
  return w->rank - 1;
}

static ig_status rebuild(site *s) {
  ig_node *m = s->main, *bn = s->bn;
  const uint32_t first_new_id = s->c->ir->next_id;
  ig_val *w = ig_node_in(m, 1), *old_bias = ig_node_in(m, 2);
  const double eps = (double)ig_node_attr_f(bn, "epsilon", 1e-5f);
  ig_val *scale = op(s, "Div", ig_node_in(bn, 1), sqrt_of(s, op(s, "Add", ig_node_in(bn, 4), scalar(s, w->dtype, eps))));
  ig_val *weights = op(s, "Mul", w, along(s, scale, w->rank, channel_axis(m, w)));
  ig_val *shift = old_bias ? op(s, "Sub", old_bias, ig_node_in(bn, 3)) : op(s, "Sub", scalar(s, w->dtype, 0), ig_node_in(bn, 3));
  ig_val *bias = op(s, "Add", op(s, "Mul", shift, scale), ig_node_in(bn, 2));
  if (s->st) return s->st;
  const bool product = ig_opt_is(m, "MatMul");
  ig_val *in[3] = {ig_node_in(m, 0), weights, bias};
  ig_node *made = ig_op_node(bn->graph, bn, m->type, in, product ? 2 : 3, 1, m->attrs, m->n_attrs, &s->st);
  if (!made) return s->st;
  made->name = m->name;
  made->sources = ig_arena_printf(&s->c->ir->arena, "%s,%s", m->sources ? m->sources : m->name, bn->name);
  if (!made->sources) return ig_arena_status(&s->c->ir->arena);
  ig_val *y = product ? op(s, "Add", made->out[0], bias) : made->out[0];
  if (s->st) return s->st;
  IG_TRY(ig_op_replace(bn, 0, y));
  IG_TRY(ig_opt_keep_names(bn, first_new_id));
  ig_opt_drop(bn);
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  if (!ig_opt_is(n, "BatchNormalization") || !n->out[0] || ig_opt_done(n) || *c->budget == 0) return NULL;
  const ig_val *x = ig_node_in(n, 0);
  ig_node *m = x->producer;
  if (!m || !is_main(m)) return NULL;
  const char *why = refusal(n, m, user);
  if (why) return ig_ir_event(c->ir, c->name, n, true, "not folded into '%s': %s", m->name, why);
  if (!ig_pass_take(c)) return NULL;
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "folded into the weights of '%s'", m->name));
  site s = {c, n, m, NULL};
  return rebuild(&s);
}

static ig_status run(ig_pass_ctx *c) {
  const uint32_t n_ids = c->ir->next_id;
  if (!c->opt->evaluate || ig_opt_is_off(c->opt, "fold")) return NULL;
  uint32_t *uses = ig_opt_array(c->ir, n_ids, sizeof *uses);
  IG_CHECK_MEM(uses);
  ig_graph_count_uses(c->ir->main, uses);
  ig_status st = ig_opt_each(c, c->ir->main, visit, &(counts){uses, n_ids});
  ig_opt_array_free(c->ir, uses, n_ids, sizeof *uses);
  return st;
}

const ig_pass ig_pass_bn_fold = {"bn_fold", IG_STAGE_CANONICAL, true, run, "batch normalisation goes into the weights before it"};
