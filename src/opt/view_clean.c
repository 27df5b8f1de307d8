/* Views of views become one view, and views that change nothing go. Views of other sorts stay apart: a backend folds them into strides.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

static bool is_identity(const ig_ir *ir, const ig_node *n, const ig_val *x) {
  const ig_val *y = n->out[0];
  if (x->dtype != y->dtype || !ig_opt_same_dims(ir, x, y)) return false;
  for (int k = 0; k < y->rank; k++) {
    if (n->view.op == IG_VIEW_PERMUTE && n->view.perm[k] != k) return false;
    if (n->view.op == IG_VIEW_SLICE && (n->view.step[k] != 1 || !ig_dim_equals(&ir->dims, n->view.start[k], 0))) return false;
  }
  return true;
}

/* The view that does p's work and then n's; false where no single view can. */
static bool compose(ig_ir *ir, const ig_node *p, const ig_node *n, ig_view_spec *out) {
  const ig_view_spec *first = &p->view, *second = &n->view;
  if (first->op != second->op) return false;
  *out = *second;
  for (int k = 0; k < n->out[0]->rank; k++) {
    if (second->op == IG_VIEW_PERMUTE) out->perm[k] = first->perm[second->perm[k]];
    if (second->op != IG_VIEW_SLICE) continue;
    out->start[k] = ig_dim_add(&ir->dims, first->start[k], ig_dim_mul_c(&ir->dims, second->start[k], first->step[k]));
    if (out->start[k] == IG_DIM_BAD || !ig_mul_i64(first->step[k], second->step[k], &out->step[k])) return false;
  }
  return true;
}

static ig_status replace(ig_pass_ctx *c, ig_node *n, ig_val *x, const ig_view_spec *spec) {
  ig_node *m = ig_node_new(n->graph, n, n->name, IG_FORM_VIEW, &x, 1, 1);
  if (!m) return ig_arena_status(&c->ir->arena);
  const ig_val *y = n->out[0];
  m->view = *spec;
  m->sources = n->sources;
  m->domain = n->domain;
  m->type = n->type;
  ig_val_set_type(m->out[0], y->dtype, y->rank, y->dims);
  n->out[0]->forward = m->out[0];
  ig_opt_drop(n);
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  IG_UNUSED(user);
  ig_view_spec spec;
  if (n->form != IG_FORM_VIEW || *c->budget == 0) return NULL;
  ig_val *x = ig_node_in(n, 0);
  if (is_identity(c->ir, n, x)) {
    ig_pass_take(c);
    n->out[0]->forward = x;
    ig_opt_drop(n);
    return NULL;
  }
  const ig_node *p = x->data ? NULL : x->producer;
  if (!p || p->form != IG_FORM_VIEW || p->graph != n->graph) return NULL;
  const bool possible = compose(c->ir, p, n, &spec);
  IG_TRY(ig_dims_take_error(&c->ir->dims));
  if (!possible) return NULL;
  ig_pass_take(c);
  return replace(c, n, ig_node_in(p, 0), &spec);
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each(c, c->ir->main, visit, NULL); }

const ig_pass ig_pass_view_clean = {"view_clean", IG_STAGE_LOWERED, true, run, "joins views of views and drops those that change nothing"};
