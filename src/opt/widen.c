/* Networks of 16-bit floats that multiply matrices compute in float32 from their inputs to their outputs, where the target has no products of 16-bit floats.
 *
 * Kernels have float32 sums and float32 arithmetic whatever the storage type, so 16-bit values between two steps only cost conversions, and float32
 * steps are the ones with fast forms. Inputs and outputs of the graph keep their type; a Cast to a 16-bit float becomes one to float32: roundings in
 * between are left out (docs/numerics.md). Constants are converted here, but for tables that only a Gather reads, whose rows are converted when read.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

typedef struct wide {
  ig_pass_ctx *c;
  uint32_t n_ids;
  ig_val **other;              /* by id: of a value that stays narrow its float32 form; of one made float32 the narrow form */
  ig_dtype *was;               /* by id: type of a value made float32; 0 for others */
} wide;

static bool is_narrow(ig_dtype d) { return d == IG_DTYPE_F16 || d == IG_DTYPE_BF16; }

static ig_status cast(ig_graph *g, ig_node *before, ig_val *v, ig_dtype to, ig_val **out) {
  const int64_t number = to == IG_DTYPE_F32 ? 1 : to == IG_DTYPE_F16 ? 10 : 16;   /* ONNX's */
  const ig_ir_attr a = {.name = "to", .type = IG_ATTR_INT, .v.i = number};
  ig_status st;
  ig_node *n = ig_op_node(g, before, "Cast", &v, 1, 1, &a, 1, &st);
  if (n) *out = n->out[0];
  return st;
}

static ig_status widen_constant(ig_ir *ir, const ig_val *v, ig_val **out) {
  int64_t n;
  size_t size;
  if (!ig_data_count(v->data, &n) || !ig_mul_size((size_t)n, sizeof(float), &size)) return ig_status_new(IG_ERROR_LIMIT, "constant '%s' is too large in float32", v->name);
  float *f = ig_arena_alloc(&ir->arena, size + 1);
  ig_data *d = IG_NEW(&ir->arena, ig_data);
  if (!f || !d) return ig_arena_status(&ir->arena);
  const uint16_t *h = v->data->bytes;
  for (int64_t i = 0; i < n; i++) f[i] = v->dtype == IG_DTYPE_F16 ? ig_f16_to_f32(h[i]) : ig_bf16_to_f32(h[i]);
  *d = *v->data;
  d->dtype = IG_DTYPE_F32;
  d->bytes = f;
  d->n_bytes = size;
  *out = ig_val_const(v->graph, v->name, d);
  return *out ? NULL : ig_arena_status(&ir->arena);
}

/* The float32 form of a narrow value that nothing in the graph makes float32: a constant, an input, a result whose type an attribute sets. */
static ig_status widened(wide *w, ig_val *v, ig_val **out) {
  if (!w->other[v->id]) {
    if (v->data) IG_TRY(widen_constant(w->c->ir, v, &w->other[v->id]));
    else IG_TRY(cast(v->graph, v->producer ? v->producer->next : v->graph->first, v, IG_DTYPE_F32, &w->other[v->id]));
  }
  *out = w->other[v->id];
  return NULL;
}

/* Does result i have the type of some input? */
static bool is_tied(const ig_node *n, uint32_t i) {
  const char tie = n->op->n_out ? n->op->out[ig_min_i64(i, n->op->n_out - 1)].tie : 0;
  for (uint32_t k = 0; tie && k < n->n_in && n->op->n_in; k++)
    if (ig_node_in(n, k) && n->op->in[ig_min_i64(k, n->op->n_in - 1)].tie == tie) return true;
  return false;
}

/* Reads 16 bits as they are: their meaning, or rows of a table. */
static bool reads_narrow(const ig_node *n) { return ig_opt_is(n, "BitCast") || (ig_opt_is(n, "Gather") && ig_node_in(n, 0)->data); }

static ig_status widen_inputs(wide *w, ig_node *n) {
  for (uint32_t i = 0; i < n->n_in; i++) {
    ig_val *v = ig_node_in(n, i);
    if (!v || v->id >= w->n_ids) continue;
    if (is_narrow(v->dtype) && !reads_narrow(n)) IG_TRY(widened(w, v, &n->in[i]));
    else if (w->was[v->id] && ig_opt_is(n, "BitCast")) IG_TRY(cast(n->graph, n, v, w->was[v->id], &n->in[i]));
  }
  return NULL;
}

static void make_float32(wide *w, ig_val *v) {
  w->was[v->id] = v->dtype;
  v->dtype = IG_DTYPE_F32;
}

static ig_status widen_graph(wide *w, ig_graph *g);
static ig_status widen_node(wide *w, ig_node *n) {
  static const ig_ir_attr to_float32 = {.name = "to", .type = IG_ATTR_INT, .v.i = 1};
  ig_graph *sub;
  for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++) IG_TRY(widen_graph(w, sub));
  IG_TRY(widen_inputs(w, n));
  for (uint32_t i = 0; i < n->n_out; i++) {
    ig_val *v = n->out[i];
    if (!v || v->forward || v->data || !is_narrow(v->dtype)) continue;
    const bool is_cast = ig_opt_is(n, "Cast");
    if (is_cast) IG_TRY(ig_node_set_attr(n, &to_float32));
    if (is_cast || n->form == IG_FORM_TRAP || ig_opt_is(n, "If") || (is_tied(n, i) && !reads_narrow(n))) make_float32(w, v);
  }
  return NULL;
}

/* What an arm of an If gives is float32 too. */
static ig_status widen_graph(wide *w, ig_graph *g) {
  for (ig_node *n = g->first, *next; n; n = next) {
    next = n->next;
    IG_TRY(widen_node(w, n));
  }
  for (uint32_t i = 0; g->parent && i < g->n_outputs; i++) {
    ig_val *v = ig_graph_output(g, i);
    if (v->id < w->n_ids && is_narrow(v->dtype)) IG_TRY(widened(w, v, &g->outputs[i]));
  }
  return NULL;
}

/* Outputs of the model have the type that it says, and the values keep their names. */
static ig_status narrow_outputs(wide *w, ig_graph *g) {
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    ig_val *v = ig_graph_output(g, i);
    if (v->id >= w->n_ids || !w->was[v->id]) continue;
    if (!w->other[v->id]) {
      IG_TRY(cast(g, NULL, v, w->was[v->id], &w->other[v->id]));
      if (!ig_val_swap_names(v, w->other[v->id])) return IG_OOM();
      w->other[v->id]->producer->name = w->other[v->id]->name;
    }
    g->outputs[i] = w->other[v->id];
  }
  return NULL;
}

/* A product with a narrow operand, sub-graphs included. */
static bool has_products(const ig_graph *g) {
  static const char *const types[] = {"Conv", "ConvTranspose", "Gemm", "MatMul", "Einsum", "Attention", "LSTM", "GRU", "RNN"};
  const ig_graph *sub;
  for (const ig_node *n = g->first; n; n = n->next) {
    for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
      if (has_products(sub)) return true;
    for (size_t k = 0; n->n_in && ig_node_in(n, 0) && is_narrow(ig_node_in(n, 0)->dtype) && k < IG_COUNT(types); k++)
      if (ig_opt_is(n, types[k])) return true;
  }
  return false;
}

static ig_status run(ig_pass_ctx *c) {
  ig_ir *ir = c->ir;
  if (c->opt->caps.half || !has_products(ir->main) || !ig_pass_take(c)) return NULL;
  wide w = {.c = c, .n_ids = ir->next_id};
  w.other = ig_opt_array(ir, w.n_ids, sizeof *w.other);
  w.was = ig_opt_array(ir, w.n_ids, sizeof *w.was);
  ig_status st = w.other && w.was ? widen_graph(&w, ir->main) : IG_OOM();
  if (!st) st = narrow_outputs(&w, ir->main);
  ig_opt_array_free(ir, w.other, w.n_ids, sizeof *w.other);
  ig_opt_array_free(ir, w.was, w.n_ids, sizeof *w.was);
  return st;
}

const ig_pass ig_pass_widen = {"widen", IG_STAGE_CANONICAL, false, run, "16-bit floats between a network's inputs and outputs become float32"};
