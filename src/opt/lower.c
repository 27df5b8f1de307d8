/* CANONICAL -> LOWERED: each operator gives way to the kernels and views that its record builds; an If keeps its shape with lowered arms.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

static ig_status lower_graph(ig_pass_ctx *c, ig_graph *g);

/* Whether d hangs on what an input holds. */
static ig_status rests_on_values(ig_ir *ir, ig_dim d, bool *out) {
  uint8_t *seen = ig_opt_array(ir, d, 1);
  *out = false;
  IG_CHECK_MEM(seen);
  seen[d] = 1;
  for (ig_dim i = d; i > 0 && !*out; i--) {
    const ig_dim_node *x = &ir->dims.nodes.data[i];
    if (!seen[i] || x->op == IG_DIM_CONST) continue;
    if (x->op == IG_DIM_SYMBOL) {
      *out = ir->dims.symbols.data[x->a].sort == IG_SYMBOL_VALUE;
      continue;
    }
    seen[x->a] = 1;
    if (x->op != IG_DIM_SCALE) seen[x->b] = 1;
    if (x->op == IG_DIM_SELECT) seen[x->c] = 1;
  }
  ig_opt_array_free(ir, seen, d, 1);
  return NULL;
}

/* The condition as an expression, where shapes decide it. What an input holds is better read when the If is reached: as an expression it
 * would be read at bind, and every change would bind anew. */
static ig_status condition_of(ig_ir *ir, const ig_val *cond, ig_dim *out) {
  bool on_values = false;
  *out = cond->elems && cond->n_elems == 1 ? cond->elems[0] : IG_DIM_BAD;
  if (*out) IG_TRY(rests_on_values(ir, *out, &on_values));
  if (on_values) *out = IG_DIM_BAD;
  return NULL;
}

static ig_status lower_if(ig_pass_ctx *c, ig_node *n) {
  const ig_ir_attr *arms[2] = {ig_node_attr(n, "then_branch"), ig_node_attr(n, "else_branch")};
  ig_arena *a = &c->ir->arena;
  ig_val *cond = ig_node_in(n, 0);
  for (uint32_t k = 0; k < 2; k++)
    IG_TRY(lower_graph(c, arms[k]->v.graph));
  ig_dim known;
  IG_TRY(condition_of(c->ir, cond, &known));
  ig_node *m = ig_node_new(n->graph, n, n->name, IG_FORM_IF, &cond, known ? 0 : 1, n->n_out);
  if (!m) return ig_arena_status(a);
  m->cond = known;
  m->sources = n->sources;
  for (uint32_t k = 0; k < 2; k++)
    m->arms[k] = arms[k]->v.graph;
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (!n->out[i]) {
      m->out[i] = NULL;
      continue;
    }
    m->out[i]->kind = n->out[i]->kind;
    ig_val_set_type(m->out[i], n->out[i]->dtype, n->out[i]->rank, n->out[i]->dims);
    n->out[i]->forward = m->out[i];
  }
  return NULL;
}

static ig_status lower_node(ig_pass_ctx *c, ig_node *n) {
  const uint32_t first_new_id = c->ir->next_id;
  IG_REQUIRE(!ig_cancelled(c->opt->cancel), IG_ERROR_CANCELLED, "cancelled while lowering");
  if (n->form != IG_FORM_OP) return NULL;
  if (!ig_opt_done(n)) {
    if (ig_opt_is(n, "If"))
      IG_TRY(lower_if(c, n));
    else if (n->op->lower)
      IG_TRY(ig_op_lower(n, n->graph, n));
    else
      return ig_status_with(ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "the operator cannot be run yet"), IG_DETAIL_ISSUE_CODE,
                            "UNSUPPORTED_NODE");
    IG_TRY(ig_opt_keep_names(n, first_new_id));
  }
  ig_opt_drop(n);
  return NULL;
}

static ig_status lower_graph(ig_pass_ctx *c, ig_graph *g) {
  for (ig_node *n = g->first, *next; n; n = next) {
    next = n->next;
    IG_TRY(lower_node(c, n));
  }
  return NULL;
}

static ig_status run(ig_pass_ctx *c) {
  IG_TRY(lower_graph(c, c->ir->main));
  c->ir->stage = IG_STAGE_LOWERED;
  c->changed = true;
  return NULL;
}

const ig_pass ig_pass_lower = {"lower", IG_STAGE_LOWERED, false, run, "operators become kernel requests, views and Ifs"};
