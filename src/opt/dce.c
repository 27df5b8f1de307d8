/* Dead code: one walk backwards from the outputs. A node lives if one of its results does; constants need no producer. Traps stay.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

static void mark(uint8_t *live, const ig_val *v) {
  if (v && !v->data) live[v->id] = 1;
}

static bool is_live(const ig_node *n, const uint8_t *live) {
  if (n->form == IG_FORM_TRAP) return true;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] && live[n->out[i]->id]) return true;
  return false;
}

static void sweep(ig_pass_ctx *c, ig_graph *g, uint8_t *live) {
  for (uint32_t i = 0; i < g->n_outputs; i++)
    mark(live, ig_graph_output(g, i));
  for (ig_node *n = g->last, *prev; n; n = prev) {
    prev = n->prev;
    if (!is_live(n, live)) {
      /* Not counted as a rewrite: what nobody reads cannot change an answer. */
      ig_opt_drop(n);
      c->changed = true;
      continue;
    }
    ig_graph *sub;
    for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
      sweep(c, sub, live);
    for (uint32_t i = 0; i < n->n_in; i++)
      mark(live, ig_node_in(n, i));
  }
}

static ig_status run(ig_pass_ctx *c) {
  const uint32_t n_ids = c->ir->next_id;
  uint8_t *live = ig_opt_array(c->ir, n_ids, 1);
  IG_CHECK_MEM(live);
  sweep(c, c->ir->main, live);
  ig_opt_array_free(c->ir, live, n_ids, 1);
  return NULL;
}

const ig_pass ig_pass_dce = {"dce", IG_STAGE_CANONICAL, true, run, "removes nodes whose results nobody uses"};
const ig_pass ig_pass_dce_lowered = {"dce_lowered", IG_STAGE_LOWERED, true, run, "removes kernels and views whose results nobody uses"};
