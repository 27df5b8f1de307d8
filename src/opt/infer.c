/* Inference: types, dims and elements of every value, in execution order, sub-graphs before the node that holds them.
 *
 * Shapes hang on values (a Reshape's target, an If's condition), so constants are folded and Ifs that are decided are inlined on the
 * way: an arm that is never taken need not even infer. Where an If stays undecided and one arm fails, that arm becomes a trap with the
 * failure's message, because exporters write arms that are only valid for the shapes that take them. Where the arms' results have no
 * common rank, what follows goes into the arms (duplicate_rest.c).
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

static ig_status find_record(ig_node *n) {
  if (n->op) return NULL;
  n->op = ig_op_find(n->domain, n->type);
  if (n->op) return NULL;
  ig_status st = ig_status_node(IG_ERROR_UNSUPPORTED, n->name, n->type, "operator %s%s%s is %s", n->domain, *n->domain ? "." : "", n->type,
                                ig_op_is_onnx(n->domain, n->type) ? "not implemented yet" : "not known");
  return ig_status_with(st, IG_DETAIL_ISSUE_CODE, "UNSUPPORTED_NODE");
}

static bool is_arm_failure(ig_status st) {
  switch (ig_status_code(st)) {
  case IG_ERROR_BAD_MODEL:
  case IG_ERROR_UNSUPPORTED:
  case IG_ERROR_SHAPE:
    return true;
  default:
    return false;
  }
}

/* What an arm that goes has assumed, its own arms included, goes with it. */
static void forget_guards(ig_ir *ir, const ig_graph *arm) {
  const ig_graph *sub;
  ig_dims_move_guards(&ir->dims, arm->scope, IG_NO_SCOPE);
  for (const ig_node *n = arm->first; n; n = n->next)
    for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
      forget_guards(ir, sub);
}

static ig_status make_trap(ig_pass_ctx *c, const ig_node *n, ig_graph *arm, const ig_graph *other, const char *message) {
  ig_ir *ir = c->ir;
  forget_guards(ir, arm);
  while (arm->first)
    ig_opt_drop(arm->first);
  ig_node *trap = ig_node_new(arm, NULL, n->name, IG_FORM_TRAP, NULL, 0, arm->n_outputs);
  if (!trap || !(trap->trap = ig_arena_strdup(&ir->arena, message))) return ig_arena_status(&ir->arena);
  for (uint32_t i = 0; i < arm->n_outputs; i++) {
    const ig_val *like = ig_graph_output(other, i);
    trap->out[i]->kind = like->kind;
    ig_val_set_type(trap->out[i], like->dtype, like->rank, like->dims);
    arm->outputs[i] = trap->out[i];
  }
  return ig_ir_event(ir, "decide_if", n, false, "the arm '%s' cannot be inferred and becomes a trap: %s", arm->name, message);
}

static ig_graph *arm_of(const ig_node *n, const char *attr) {
  const ig_ir_attr *a = ig_node_attr(n, attr);
  return a && a->type == IG_ATTR_GRAPH ? a->v.graph : NULL;
}

static ig_status infer_arm(ig_pass_ctx *c, ig_graph *arm, ig_status *out_failure) {
  ig_status st = ig_opt_infer_graph(c, arm);
  *out_failure = NULL;
  if (!st || !is_arm_failure(st)) return st;
  ig_status_free(ig_dims_take_error(&c->ir->dims));
  *out_failure = st;
  return NULL;
}

static ig_status infer_arms(ig_pass_ctx *c, ig_node *n) {
  ig_graph *arms[2] = {arm_of(n, "then_branch"), arm_of(n, "else_branch")};
  IG_NODE_REQUIRE(n, arms[0] && arms[1], IG_ERROR_BAD_MODEL, "attributes then_branch and else_branch must be graphs");
  IG_NODE_REQUIRE(n, arms[0]->n_outputs == n->n_out && arms[1]->n_outputs == n->n_out, IG_ERROR_BAD_MODEL,
                  "branches give %u and %u outputs, the node has %u", arms[0]->n_outputs, arms[1]->n_outputs, n->n_out);
  ig_status failure[2] = {NULL, NULL};
  ig_status st = infer_arm(c, arms[0], &failure[0]);
  if (!st) st = infer_arm(c, arms[1], &failure[1]);
  if (!st && failure[0] && failure[1]) {
    st = failure[0];
    failure[0] = NULL;
  }
  for (uint32_t k = 0; k < 2; k++) {
    if (!st && failure[k]) st = make_trap(c, n, arms[k], arms[!k], ig_status_message(failure[k]));
    ig_status_free(failure[k]);
  }
  return st;
}

/* Results that differ in rank between the arms, or in dims that no condition chooses between, have no type: then each arm takes along what
 * follows the If, and inference starts again within. */
static ig_status infer_if(ig_pass_ctx *c, ig_node *n) {
  for (;;) {
    bool done;
    IG_TRY(infer_arms(c, n));
    ig_status st = ig_op_infer(n);
    const char *issue = ig_status_detail(st, IG_DETAIL_ISSUE_CODE);
    if (!issue || strcmp(issue, "UNSUPPORTED_SHAPE") != 0) return st;
    ig_status why = ig_opt_duplicate_rest(c, n, &done);
    if (why || done) ig_status_free(st);
    IG_TRY(why);
    if (!done) return st;
  }
}

static ig_status infer_op(ig_pass_ctx *c, ig_node *n) {
  ig_graph *sub;
  for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
    IG_TRY(ig_opt_infer_graph(c, sub));
  const uint32_t first_new_id = c->ir->next_id;
  IG_TRY(ig_op_infer(n));
  IG_TRY(ig_opt_keep_names(n, first_new_id));
  bool folded = false;
  if (!ig_opt_done(n) && !ig_opt_is(n, "DequantizeLinear")) IG_TRY(ig_opt_fold_node(c, n, "fold", &folded));
  return NULL;
}

ig_status ig_opt_infer_nodes(ig_pass_ctx *c, ig_node *first, const ig_node *end) {
  for (ig_node *n = first, *next; n && n != end; n = next) {
    next = n->next;
    IG_REQUIRE(!ig_cancelled(c->opt->cancel), IG_ERROR_CANCELLED, "cancelled in pass '%s'", c->name);
    if (n->form != IG_FORM_OP || (ig_opt_done(n) && n->n_out > 0)) continue;
    IG_TRY(find_record(n));
    if (!ig_opt_is(n, "If")) {
      IG_TRY(infer_op(c, n));
      continue;
    }
    const ig_val *cond = ig_node_in(n, 0);
    IG_NODE_REQUIRE(n, cond, IG_ERROR_BAD_MODEL, "the condition is missing");
    const int known = ig_opt_condition(c->ir, cond);
    if (known >= 0) {
      IG_TRY(ig_opt_inline_arm(c, n, known == 1, &next));
      continue;
    }
    IG_TRY(infer_if(c, n));
    next = n->next; /* what followed may have gone into the arms */
  }
  return NULL;
}

ig_status ig_opt_infer_graph(ig_pass_ctx *c, ig_graph *g) { return ig_opt_infer_nodes(c, g->first, NULL); }

static ig_status run(ig_pass_ctx *c) {
  IG_TRY(ig_opt_infer_graph(c, c->ir->main));
  if (c->ir->stage == IG_STAGE_IMPORTED) c->ir->stage = IG_STAGE_CANONICAL;
  return NULL;
}

const ig_pass ig_pass_infer = {"infer", IG_STAGE_CANONICAL, false, run, "types, dims and elements of every value"};
