/* The operators' own local rewrites: what each record's `simplify` says.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  IG_UNUSED(user);
  if (n->form != IG_FORM_OP || !n->op || !n->op->simplify || *c->budget == 0 || ig_opt_done(n)) return NULL;
  bool changed = false;
  const uint32_t first_new_id = c->ir->next_id;
  const uint32_t scope = ig_graph_enter(n->graph);
  ig_status st = n->op->simplify(n, &changed);
  c->ir->dims.scope = scope;
  IG_TRY(st);
  if (!changed) return NULL;
  ig_pass_take(c);
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "%s replaced by a simpler form", n->type));
  IG_TRY(ig_opt_keep_names(n, first_new_id));
  if (ig_opt_done(n)) ig_opt_drop(n);
  return NULL;
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each(c, c->ir->main, visit, NULL); }

const ig_pass ig_pass_simplify = {"simplify", IG_STAGE_CANONICAL, true, run, "the operators' own local rewrites"};
