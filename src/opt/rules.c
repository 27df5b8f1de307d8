/* Helpers that passes share: walks, arrays by value id, small questions about nodes and dims.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

ig_status ig_opt_each(ig_pass_ctx *c, ig_graph *g, ig_node_fn fn, void *user) {
  for (ig_node *n = g->first, *next; n; n = next) {
    next = n->next;
    IG_REQUIRE(!ig_cancelled(c->opt->cancel), IG_ERROR_CANCELLED, "cancelled in pass '%s'", c->name);
    ig_graph *sub;
    for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
      IG_TRY(ig_opt_each(c, sub, fn, user));
    IG_TRY(fn(c, n, user));
  }
  return NULL;
}

void *ig_opt_array(ig_ir *ir, uint32_t n_ids, size_t size) { return ig_alloc_zero(&ir->env->alloc, (size_t)n_ids + 1, size); }

void ig_opt_array_free(ig_ir *ir, void *p, uint32_t n_ids, size_t size) { ig_free(&ir->env->alloc, p, ((size_t)n_ids + 1) * size); }

bool ig_opt_is(const ig_node *n, const char *type) { return n && n->form == IG_FORM_OP && n->domain[0] == 0 && strcmp(n->type, type) == 0; }

bool ig_opt_done(const ig_node *n) {
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] && !n->out[i]->forward && !n->out[i]->data) return false;
  return true;
}

ig_status ig_opt_keep_names(const ig_node *n, uint32_t first_new_id) {
  for (uint32_t i = 0; i < n->n_out; i++) {
    ig_val *from = n->out[i], *to = ig_val_resolve(from);
    if (!from || to->id < first_new_id) continue;
    ig_node *p = to->producer;
    if (p && p->name == to->name) p->name = n->name;
    if (!ig_val_swap_names(from, to)) return IG_OOM();
  }
  return NULL;
}

void ig_opt_adopt(const ig_node *n) {
  ig_graph *sub;
  for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
    sub->parent = n->graph;
}

void ig_opt_drop(ig_node *n) {
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i]) n->out[i]->producer = NULL;
  ig_node_remove(n);
}

bool ig_opt_const_dims(const ig_ir *ir, const ig_val *v, int64_t *out) {
  if (v->rank < 0) return false;
  for (int k = 0; k < v->rank; k++)
    if (!ig_dim_is_const(&ir->dims, v->dims[k], &out[k])) return false;
  return true;
}

/* Interned dims: equal forms have equal indices. */
bool ig_opt_same_dims(const ig_ir *ir, const ig_val *a, const ig_val *b) {
  if (a->rank < 0 || a->rank != b->rank) return false;
  for (int k = 0; k < a->rank; k++)
    if (a->dims[k] == IG_DIM_BAD || a->dims[k] != b->dims[k]) return false;
  IG_UNUSED(ir);
  return true;
}
