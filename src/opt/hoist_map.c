/* A map of one value goes before the moves and views that only lay that value out anew: there it can become an epilogue. A transposed convolution is a
 * convolution whose result is moved to its places, and what follows it is an activation.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/edit.h"

enum { MAX_STEPS = 16 };

static bool is_plain_move(const ig_node *n) {
  const ig_request *r = ig_opt_request(n);
  return r && r->kind == IG_KIND_move && r->n_out == 1 && ((const ig_move_params *)r->params)->border == IG_MOVE_NONE;
}

/* A map of a single operand over its own dims, each result of which hangs on that element alone. */
static bool is_local(const ig_ir *ir, const ig_node *m) {
  const ig_request *r = ig_opt_request(m);
  if (!r || r->kind != IG_KIND_map || r->n_in != 1 || r->n_out != 1 || m->n_in != 1 || !m->out[0]) return false;
  const ig_val *x = ig_node_in(m, 0);
  return !ig_sprog_has(&r->prog, IG_SOP_COORD) && !ig_sprog_has(&r->prog, IG_SOP_RANDOM) && x->dtype == m->out[0]->dtype && ig_opt_same_dims(ir, x, m->out[0]);
}

/* The kernel that computes what m reads, and *out_first, what lays its result out first; NULL where none is worth it: views alone are none. */
static ig_node *source_of(const ig_uses *u, const ig_node *m, ig_node **out_first) {
  const ig_val *x = ig_node_in(m, 0);
  bool moved = false;
  *out_first = NULL;
  for (int i = 0; i < MAX_STEPS && !x->data && x->producer && x->producer->graph == m->graph && ig_uses_of(u, x) == 1; i++) {
    ig_node *n = x->producer;
    const bool is_view = n->form == IG_FORM_VIEW && (n->view.op == IG_VIEW_RESHAPE || n->view.op == IG_VIEW_PERMUTE || n->view.op == IG_VIEW_SLICE);
    if (is_plain_move(n)) moved = true;
    else if (!is_view) {
      const ig_request *r = ig_opt_request(n);
      return moved && r && r->n_out == 1 && (r->kind == IG_KIND_conv || r->kind == IG_KIND_matmul) ? n : NULL;
    }
    if (n->n_in != 1) return NULL;
    *out_first = n;
    x = ig_node_in(n, 0);
    if (x->id >= u->n_ids) return NULL;
  }
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *m, void *user) {
  ig_uses *u = user;
  ig_node *first;
  if (*c->budget == 0 || !is_local(c->ir, m) || m->out[0]->id >= u->n_ids || ig_node_in(m, 0)->id >= u->n_ids) return NULL;
  const ig_node *k = source_of(u, m, &first);
  if (!k || !ig_pass_take(c)) return NULL;
  const ig_request *r = ig_opt_request(m);
  ig_val *x = ig_node_in(m, 0), *v = k->out[0];
  ig_lower lo = {.ir = c->ir, .graph = m->graph, .before = first, .src = m};
  ig_val *y = ig_lo_map(&lo, &v, 1, &r->prog, v->dtype, (uint32_t)v->rank, v->dims);
  if (lo.error || !y) return lo.error ? lo.error : ig_arena_status(&c->ir->arena);
  IG_TRY(ig_ir_event(c->ir, c->name, m, false, "goes before the moves of the result of '%s'", k->name));
  first->in[0] = y;
  u->n[x->id] = u->n[m->out[0]->id];
  m->out[0]->forward = x;
  if (!ig_val_swap_names(m->out[0], x)) return IG_OOM();
  ig_opt_drop(m);
  return NULL;
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each_with_uses(c, visit); }

const ig_pass ig_pass_hoist_map = {"hoist_map", IG_STAGE_LOWERED, true, run, "maps of one value go before the moves that lay it out"};
