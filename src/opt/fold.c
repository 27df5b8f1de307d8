/* Constant folding: a node with constant inputs is lowered into a scratch graph, whose requests the caller's `evaluate` computes and
 * whose views are computed here. Not folded: results over 16 MiB that are also over 8 times their inputs (they stay steps), random
 * operators, and DequantizeLinear in front of what can run quantised, which would turn small weights into large ones.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

enum { MAX_RESULT = 16 << 20, MAX_GROWTH = 8 };
#define MIN_TOTAL ((int64_t)256 << 20)

static int64_t constant_bytes(const ig_graph *g) {
  int64_t total = 0;
  for (const ig_node *n = g->first; n; n = n->next) {
    for (uint32_t i = 0; i < n->n_in; i++) {
      const ig_val *v = ig_node_in(n, i);
      if (v && v->data && !ig_add_i64(total, (int64_t)v->data->n_bytes, &total)) return INT64_MAX;
    }
    const ig_graph *sub;
    for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
      if (!ig_add_i64(total, constant_bytes(sub), &total)) return INT64_MAX;
  }
  return total;
}

/* The arena's limit was set for what a model's file may ask of the importer, its tensors apart; folding gets a share by their size. */
void ig_opt_allow_folding(ig_ir *ir) {
  if (ir->fold_bytes_left) return;
  const int64_t bytes = constant_bytes(ir->main);
  ir->fold_bytes_left = MIN_TOTAL + (bytes < INT64_MAX / 16 ? bytes * 4 : INT64_MAX / 4);
  if (ir->arena.limit && !ig_add_size(ir->arena.limit, (size_t)ir->fold_bytes_left * 2, &ir->arena.limit)) ir->arena.limit = SIZE_MAX;
}

static bool has_constant_inputs(const ig_node *n, size_t *out_n_bytes) {
  size_t total = 0;
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    if (!v) continue;
    if (!v->data || !ig_add_size(total, v->data->n_bytes, &total)) return false;
  }
  *out_n_bytes = total;
  return true;
}

bool ig_opt_bytes(const ig_ir *ir, const ig_val *v, size_t *out) {
  int64_t dims[IG_MAX_RANK], n = 1;
  if (v->kind != IG_VAL_TENSOR || !ig_opt_const_dims(ir, v, dims)) return false;
  for (int k = 0; k < v->rank; k++)
    if (dims[k] < 0 || !ig_mul_i64(n, dims[k], &n)) return false;
  *out = ig_dtype_bytes(v->dtype, (uint64_t)n);
  return n == 0 || *out > 0;
}

static bool is_candidate(const ig_node *n) {
  if (n->form != IG_FORM_OP || !n->op || !n->op->lower || n->n_out == 0) return false;
  if (n->op->accuracy == IG_ACCURACY_RANDOM || n->op->cls == IG_CLASS_CONTROL || ig_node_subgraph(n, 0)) return false;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] && n->out[i]->forward) return false;
  return true;
}

/* Keeps what request r gave for its result i: the whole of value y, or, in a region of several requests, a part of it. */
static ig_status keep_result(ig_pass_ctx *c, const ig_node *m, const ig_operand *o, const ig_data *d, ig_val *y) {
  if (m->region->n_requests == 1) return ig_val_set_data(y, d) ? NULL : ig_arena_status(&c->ir->arena);
  if (!y->data) {
    size_t n_bytes;
    ig_data *whole = IG_NEW(&c->ir->arena, ig_data);
    IG_NODE_REQUIRE(m, ig_opt_bytes(c->ir, y, &n_bytes), IG_ERROR_UNSUPPORTED, "the dims of '%s' are not constant", y->name);
    if (!whole) return ig_arena_status(&c->ir->arena);
    *whole = (ig_data){.dtype = y->dtype, .rank = (uint8_t)y->rank, .n_bytes = n_bytes, .bytes = ig_arena_alloc(&c->ir->arena, n_bytes)};
    if (!whole->bytes || !ig_opt_const_dims(c->ir, y, whole->dims) || !ig_val_set_data(y, whole)) return ig_arena_status(&c->ir->arena);
  }
  IG_NODE_REQUIRE(m, ig_opt_place(c->ir, o, d, (uint8_t *)(uintptr_t)y->data->bytes), IG_ERROR_UNSUPPORTED, "a part of '%s' has no constant place",
                  y->name);
  return NULL;
}

static ig_status eval_request(ig_pass_ctx *c, const ig_node *m, const ig_request *r, const ig_data *const *node_in) {
  const uint32_t n_read = r->n_in + r->n_extra, n_all = ig_request_n_operands(r);
  ig_arena *a = &c->ir->arena;
  const ig_data **in = IG_NEW_ARRAY(a, const ig_data *, (size_t)n_read + 1), **out = IG_NEW_ARRAY(a, const ig_data *, (size_t)r->n_out + 1);
  ig_request compact = *r;
  compact.operands = IG_NEW_ARRAY(a, ig_operand, n_all);
  if (!in || !out || !compact.operands) return ig_arena_status(a);
  memcpy(compact.operands, r->operands, n_all * sizeof *r->operands);
  for (uint32_t i = 0; i < n_all; i++) {
    const uint32_t v = r->operands[i].value;
    if (v == IG_NO_VALUE) continue;
    if (i >= n_read) IG_TRY(ig_operand_compact(&compact.operands[i], &c->ir->dims));
    if (i >= n_read) continue;
    IG_NODE_REQUIRE(m, v < m->n_in && node_in[v], IG_ERROR_UNSUPPORTED, "operand %u is not constant", i);
    in[i] = node_in[v];
  }
  IG_TRY(c->opt->evaluate(c->opt->user, c->ir, &compact, in, out));
  for (uint32_t i = 0; i < r->n_out; i++) {
    const ig_operand *o = ig_request_out(r, i);
    ig_val *y = o->value == IG_NO_VALUE ? NULL : ig_node_out(m, o->value - m->n_in);
    if (y) IG_TRY(keep_result(c, m, o, out[i], y));
  }
  return NULL;
}

ig_status ig_opt_eval_kernel(ig_pass_ctx *c, const ig_node *m, const ig_data *const *node_in) {
  for (uint32_t q = 0; q < m->region->n_requests; q++)
    IG_TRY(eval_request(c, m, &m->region->requests[q], node_in));
  return NULL;
}

static ig_status eval_kernel(ig_pass_ctx *c, const ig_node *m) {
  const ig_data **in = IG_NEW_ARRAY(&c->ir->arena, const ig_data *, (size_t)m->n_in + 1);
  if (!in) return ig_arena_status(&c->ir->arena);
  for (uint32_t i = 0; i < m->n_in; i++) {
    const ig_val *v = ig_node_in(m, i);
    in[i] = v ? v->data : NULL;
  }
  return ig_opt_eval_kernel(c, m, in);
}

static ig_status eval_view(ig_pass_ctx *c, const ig_node *m) {
  const ig_val *x = ig_node_in(m, 0);
  const ig_data *y;
  IG_NODE_REQUIRE(m, x && x->data, IG_ERROR_UNSUPPORTED, "the view's input is not constant");
  IG_TRY(ig_opt_view_data(c->ir, m, x->data, &y));
  return ig_val_set_data(m->out[0], y) ? NULL : ig_arena_status(&c->ir->arena);
}

static ig_status eval_graph(ig_pass_ctx *c, const ig_graph *g, size_t limit) {
  for (const ig_node *m = g->first; m; m = m->next) {
    for (uint32_t i = 0; i < m->n_out; i++) {
      size_t n_bytes;
      if (!m->out[i]) continue;
      IG_NODE_REQUIRE(m, ig_opt_bytes(c->ir, m->out[i], &n_bytes) && n_bytes <= limit, IG_ERROR_UNSUPPORTED,
                      "an intermediate result is too large to fold");
      IG_NODE_REQUIRE(m, (int64_t)n_bytes <= c->ir->fold_bytes_left, IG_ERROR_UNSUPPORTED, "the memory set aside for folding is used up");
      c->ir->fold_bytes_left -= (int64_t)n_bytes;
    }
    switch (m->form) {
    case IG_FORM_KERNEL:
      IG_TRY(eval_kernel(c, m));
      break;
    case IG_FORM_VIEW:
      IG_TRY(eval_view(c, m));
      break;
    default:
      IG_NODE_FAIL(m, IG_ERROR_UNSUPPORTED, "cannot be folded");
    }
  }
  return NULL;
}

static ig_status fold(ig_pass_ctx *c, ig_node *n, size_t limit) {
  ig_graph *scratch = ig_graph_new(c->ir, n->graph, "fold");
  if (!scratch) return ig_arena_status(&c->ir->arena);
  const size_t n_guards = c->ir->dims.guards.n;
  ig_status st = ig_op_lower(n, scratch, NULL);
  if (!st) st = eval_graph(c, scratch, limit);
  ig_dims_drop_guards(&c->ir->dims, n_guards);
  for (uint32_t i = 0; i < n->n_out; i++) {
    ig_val *y = n->out[i];
    if (!y) continue;
    const ig_val *r = ig_val_resolve(y);
    y->forward = NULL;
    if (st || y->data) continue;
    if (r == y || !r->data)
      st = ig_status_node(IG_ERROR_INTERNAL, n->name, n->type, "folding left result %u without contents", i);
    else if (!ig_val_set_data(y, r->data))
      st = ig_arena_status(&c->ir->arena);
  }
  while (scratch->first)
    ig_node_remove(scratch->first);
  return st;
}

/* What only means that this node cannot be computed now: it stays as a step. */
bool ig_opt_is_refusal(ig_status st) {
  switch (ig_status_code(st)) {
  case IG_ERROR_UNSUPPORTED:
  case IG_ERROR_DATA:
  case IG_ERROR_SHAPE:
    return true;
  default:
    return false;
  }
}

ig_status ig_opt_fold_node(ig_pass_ctx *c, ig_node *n, const char *pass, bool *out_folded) {
  size_t n_in = 0, n_out = 0;
  *out_folded = false;
  if (!c->opt->evaluate || *c->budget == 0 || ig_opt_is_off(c->opt, "fold") || !is_candidate(n) || !has_constant_inputs(n, &n_in)) return NULL;
  for (uint32_t i = 0; i < n->n_out; i++) {
    size_t n_bytes;
    if (!n->out[i]) continue;
    if (!ig_opt_bytes(c->ir, n->out[i], &n_bytes) || !ig_add_size(n_out, n_bytes, &n_out)) return NULL;
  }
  const size_t limit = n_in > MAX_RESULT / MAX_GROWTH ? n_in * MAX_GROWTH : MAX_RESULT;
  if (n_out > limit)
    return ig_ir_event(c->ir, pass, n, true, "the result of %zu bytes exceeds 16 MiB and 8 times its inputs: it stays a run-time step", n_out);
  ig_status st = fold(c, n, limit);
  if (st && ig_opt_is_refusal(st)) {
    ig_status event = ig_ir_event(c->ir, pass, n, true, "cannot be computed at build time: %s", ig_status_message(st));
    ig_status_free(st);
    return event;
  }
  IG_TRY(st);
  ig_pass_take(c);
  *out_folded = true;
  IG_TRY(ig_ir_event(c->ir, pass, n, false, "constant inputs: computed at build time (%zu bytes)", n_out));
  ig_opt_drop(n);
  return NULL;
}

/* ---- the pass ---- */
static bool moves_only(const ig_node *n) {
  static const char *const types[] = {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"};
  for (size_t i = 0; i < IG_COUNT(types); i++)
    if (ig_opt_is(n, types[i])) return true;
  return false;
}

static bool can_be_quantised(const ig_node *n) {
  return ig_opt_is(n, "Conv") || ig_opt_is(n, "ConvTranspose") || ig_opt_is(n, "MatMul") || ig_opt_is(n, "Gemm");
}

/* Backwards, so that one walk carries the mark through transposes and reshapes. */
static void mark_quantisable(const ig_graph *g, uint8_t *marks) {
  for (const ig_node *n = g->last; n; n = n->prev) {
    const ig_graph *sub;
    for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
      mark_quantisable(sub, marks);
    const bool through = moves_only(n) && n->n_out > 0 && n->out[0] && marks[n->out[0]->id];
    const uint32_t n_marked = can_be_quantised(n) ? n->n_in : through ? 1 : 0;
    for (uint32_t i = 0; i < n_marked; i++) {
      const ig_val *v = ig_node_in(n, i);
      if (v) marks[v->id] = 1;
    }
  }
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  const uint8_t *marks = user;
  size_t n_bytes;
  if (ig_opt_done(n)) return NULL;
  if (ig_opt_is(n, "DequantizeLinear") && n->out[0] && marks[n->out[0]->id]) {
    if (!has_constant_inputs(n, &n_bytes)) return NULL;
    return ig_ir_event(c->ir, c->name, n, true, "a consumer can run quantised: the weights stay as they are");
  }
  bool folded;
  return ig_opt_fold_node(c, n, c->name, &folded);
}

static ig_status run(ig_pass_ctx *c) {
  const uint32_t n_ids = c->ir->next_id;
  uint8_t *marks = ig_opt_array(c->ir, n_ids, 1);
  IG_CHECK_MEM(marks);
  mark_quantisable(c->ir->main, marks);
  ig_status st = ig_opt_each(c, c->ir->main, visit, marks);
  ig_opt_array_free(c->ir, marks, n_ids, 1);
  return st;
}

const ig_pass ig_pass_fold = {"fold", IG_STAGE_CANONICAL, true, run, "computes nodes whose inputs are constant"};
