/* What follows an If whose results differ in rank between its arms goes into the arms, once as it is and once as a copy: there each result
 * has one rank, and a part that makes no sense for one of them becomes that arm's trap. Exporters write "squeeze if the dim is 1" without
 * a thought for what the other arm would do to the layers behind. Part of inference, like the choice of an arm.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

enum { MAX_DUPLICATIONS = 16 /* in a model: each may double what follows */, MAX_NODES = 1000000 /* in all, copies included */ };

typedef struct split {
  ig_pass_ctx *c;
  ig_node *n;
  ig_graph *g, *arms[2];
  uint8_t *hangs; /* by value id: one of n's results, or computed from them */
  uint32_t n_ids;
  ig_val **map; /* by value id: what stands for it in arm 1 */
} split;

static bool is_marked(const split *s, const ig_val *v) { return v && v->id < s->n_ids && s->hangs[v->id]; }

static bool node_hangs(const split *s, const ig_node *m);

static bool graph_hangs(const split *s, const ig_graph *g) {
  for (const ig_node *m = g->first; m; m = m->next)
    if (node_hangs(s, m)) return true;
  for (uint32_t i = 0; i < g->n_outputs; i++)
    if (is_marked(s, ig_graph_output(g, i))) return true;
  return false;
}

static bool node_hangs(const split *s, const ig_node *m) {
  const ig_graph *sub;
  for (uint32_t i = 0; i < m->n_in; i++)
    if (is_marked(s, ig_node_in(m, i))) return true;
  for (uint32_t i = 0; (sub = ig_node_subgraph(m, i)); i++)
    if (graph_hangs(s, sub)) return true;
  return false;
}

static void mark_results(const split *s, const ig_node *m) {
  for (uint32_t i = 0; i < m->n_out; i++)
    if (m->out[i] && m->out[i]->id < s->n_ids) s->hangs[m->out[i]->id] = 1;
}

/* Puts what does not hang on n's results in front of n; returns how many nodes stay behind it. */
static uint32_t sort_rest(split *s) {
  uint32_t n_left = 0;
  mark_results(s, s->n);
  for (ig_node *m = s->n->next, *next; m; m = next) {
    next = m->next;
    if (node_hangs(s, m)) {
      mark_results(s, m);
      n_left++;
    } else {
      ig_node_move(m, s->g, s->n);
    }
  }
  return n_left;
}

static ig_node *holder_of(const ig_graph *g) {
  const ig_graph *sub;
  for (ig_node *m = g->parent ? g->parent->first : NULL; m; m = m->next)
    for (uint32_t i = 0; (sub = ig_node_subgraph(m, i)); i++)
      if (sub == g) return m;
  return NULL;
}

/* The nodes behind n: copies in arm 1, themselves in arm 0. */
static ig_status move_rest(split *s) {
  ig_node *n = s->n;
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i]) s->map[n->out[i]->id] = ig_graph_output(s->arms[1], i);
  IG_TRY(ig_graph_clone_nodes(n->next, s->arms[1], s->map));
  for (uint32_t i = 0; i < n->n_out; i++) {
    if (!n->out[i]) continue;
    n->out[i]->forward = ig_graph_output(s->arms[0], i);
    n->out[i]->producer = NULL;
  }
  while (n->next) {
    ig_node *m = n->next;
    ig_node_move(m, s->arms[0], NULL);
    ig_opt_adopt(m);
  }
  return NULL;
}

/* n gives those outputs of its graph that hang on its old results. */
static ig_status give_outputs(split *s) {
  ig_node *n = s->n;
  ig_graph *g = s->g;
  ig_arena *a = &s->c->ir->arena;
  uint32_t count = 0;
  ig_val **results = IG_NEW_ARRAY(a, ig_val *, (size_t)g->n_outputs + 1), **old = IG_NEW_ARRAY(a, ig_val *, (size_t)g->n_outputs + 1);
  ig_val **ends[2] = {IG_NEW_ARRAY(a, ig_val *, (size_t)g->n_outputs + 1), IG_NEW_ARRAY(a, ig_val *, (size_t)g->n_outputs + 1)};
  if (!results || !old || !ends[0] || !ends[1]) return ig_arena_status(a);
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    ig_val *v = g->outputs[i];
    while (v->forward && !is_marked(s, v)) /* a result of n's forwards into arm 0 by now */
      v = v->forward;
    if (!is_marked(s, v)) continue;
    uint32_t k = 0;
    while (k < count && old[k] != v)
      k++;
    if (k == count) {
      if (!(results[k] = ig_val_new(g, v->name))) return ig_arena_status(a);
      results[k]->producer = n;
      results[k]->index = k;
      old[k] = v;
      ends[0][k] = ig_val_resolve(v);
      ends[1][k] = s->map[v->id];
      count++;
    }
    g->outputs[i] = results[k];
  }
  n->out = results;
  n->n_out = count;
  for (int k = 0; k < 2; k++) {
    s->arms[k]->outputs = ends[k];
    s->arms[k]->n_outputs = count;
    s->arms[k]->output_names = NULL;
  }
  return NULL;
}

static ig_status duplicate(split *s, uint32_t n_left) {
  ig_ir *ir = s->c->ir;
  const ig_ir_attr *arms[2] = {ig_node_attr(s->n, "then_branch"), ig_node_attr(s->n, "else_branch")};
  IG_NODE_REQUIRE(s->n, ir->n_duplications < MAX_DUPLICATIONS, IG_ERROR_LIMIT,
                  "its results differ in rank between the arms, and what follows was copied for %d such Ifs already (limit 'copies behind Ifs')",
                  MAX_DUPLICATIONS);
  IG_NODE_REQUIRE(s->n, n_left <= MAX_NODES && ir->n_total_nodes <= MAX_NODES - n_left, IG_ERROR_LIMIT,
                  "its results differ in rank between the arms, and with a copy of what follows the model has more than %d nodes (limit 'nodes')", MAX_NODES);
  ir->n_duplications++;
  for (int k = 0; k < 2; k++)
    s->arms[k] = arms[k]->v.graph;
  IG_TRY(ig_ir_event(ir, "decide_if", s->n, false, "the arms give results of different rank or dims: what hangs on them (%u behind it) goes into both arms", n_left));
  IG_TRY(move_rest(s));
  return give_outputs(s);
}

/* *out_left = 0: nothing that follows n hangs on it, and nothing was copied. */
static ig_status split_rest(ig_pass_ctx *c, ig_node *n, uint32_t *out_left) {
  ig_ir *ir = c->ir;
  split s = {.c = c, .n = n, .g = n->graph, .n_ids = ir->next_id};
  s.hangs = ig_opt_array(ir, s.n_ids, 1);
  s.map = ig_opt_array(ir, s.n_ids, sizeof(ig_val *));
  ig_status st = s.hangs && s.map ? NULL : IG_OOM();
  *out_left = st ? 0 : sort_rest(&s);
  if (*out_left) st = duplicate(&s, *out_left);
  ig_opt_array_free(ir, s.hangs, s.n_ids, 1);
  ig_opt_array_free(ir, s.map, s.n_ids, sizeof(ig_val *));
  return st;
}

ig_status ig_opt_duplicate_rest(ig_pass_ctx *c, ig_node *n, bool *out_done) {
  uint32_t n_left;
  *out_done = false;
  for (;;) {
    const ig_node *before = n->prev;
    ig_graph *g = n->graph;
    IG_TRY(split_rest(c, n, &n_left));
    IG_TRY(ig_opt_infer_nodes(c, before ? before->next : g->first, n));
    *out_done = n_left > 0;
    ig_node *holder = n_left ? NULL : holder_of(g); /* nothing to copy here: the results go straight on to the If around */
    if (!holder || !ig_opt_is(holder, "If")) return NULL;
    IG_TRY(ig_opt_duplicate_rest(c, holder, out_done));
    if (!*out_done) return NULL;
  }
}
