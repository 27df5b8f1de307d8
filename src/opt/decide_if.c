/* Ifs whose condition is known at build time (a constant, or a comparison of dims that the symbols' ranges settle) give way to the arm
 * that is taken.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

int ig_opt_condition(ig_ir *ir, const ig_val *cond) {
  int64_t x;
  if (cond->data && ig_data_count(cond->data, &x) && x == 1 && ig_data_int(cond->data, 0, &x)) return x != 0;
  if (!cond->elems || cond->n_elems != 1 || cond->elems[0] == IG_DIM_BAD) return -1;
  const int is_zero = ig_dim_prove_eq(&ir->dims, cond->elems[0], ig_dim_const(&ir->dims, 0));
  return is_zero < 0 ? -1 : !is_zero;
}

/* Part of inference, hence not counted as a rewrite: without it the graph may not infer at all. */
ig_status ig_opt_inline_arm(ig_pass_ctx *c, ig_node *n, bool condition, ig_node **out_next) {
  const ig_ir_attr *a = ig_node_attr(n, condition ? "then_branch" : "else_branch");
  IG_NODE_REQUIRE(n, a && a->type == IG_ATTR_GRAPH, IG_ERROR_BAD_MODEL, "the attribute %s must be a graph",
                  condition ? "then_branch" : "else_branch");
  ig_graph *arm = a->v.graph;
  IG_NODE_REQUIRE(n, arm->n_outputs == n->n_out, IG_ERROR_BAD_MODEL, "branch '%s' gives %u outputs, the node has %u", arm->name, arm->n_outputs,
                  n->n_out);
  ig_node *first = arm->first, *after = n->next;
  ig_dims_move_guards(&c->ir->dims, arm->scope, n->graph->scope);
  while (arm->first) {
    ig_node *m = arm->first;
    ig_node_move(m, n->graph, n);
    ig_opt_adopt(m);
  }
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i]) n->out[i]->forward = ig_graph_output(arm, i);
  IG_TRY(ig_ir_event(c->ir, "decide_if", n, false, "the condition is always %s: the arm '%s' takes the If's place", condition ? "true" : "false",
                     arm->name));
  ig_opt_drop(n);
  c->changed = true;
  *out_next = first ? first : after;
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  bool *inlined = user;
  if (!ig_opt_is(n, "If")) return NULL;
  const int known = ig_opt_condition(c->ir, ig_node_in(n, 0));
  if (known < 0) return ig_ir_event(c->ir, c->name, n, true, "the condition '%s' is not known at build time", ig_node_in(n, 0)->name);
  if (!ig_pass_take(c)) return NULL;
  ig_node *next;
  *inlined = true;
  return ig_opt_inline_arm(c, n, known == 1, &next);
}

/* What follows an If saw the dims common to both arms: it is inferred again with those of the arm taken. */
static ig_status run(ig_pass_ctx *c) {
  bool inlined = false;
  IG_TRY(ig_opt_each(c, c->ir->main, visit, &inlined));
  return inlined ? ig_opt_infer_graph(c, c->ir->main) : NULL;
}

const ig_pass ig_pass_decide_if = {"decide_if", IG_STAGE_CANONICAL, true, run, "inlines the taken arm of Ifs with a known condition"};
