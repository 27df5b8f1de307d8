/* Concats that share parts. Parts side by side that another Concat has joined already are read as its result, and all outputs of a Split side by side
 * as what was split. DenseNet's blocks, which exporters write as Concats of ever more parts, become a chain whose members can lie inside of each other
 * (build/layout.c), and the halves between which YOLO's blocks compute are written in place.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

/* LEAST_RANK: below it are lists of dims, not tensors. MOST_LOOKED_AT: of the Concats that start with a value, the latest; a hostile model has many. */
enum { LEAST_RANK = 2, MOST_LOOKED_AT = 8 };

/* The Concats seen so far, by the id of their first part: at[latest[id] - 1] is the latest one, `before` numbers the one before it likewise. */
typedef struct seen { uint32_t n_ids, n, *latest; struct seen_concat { const ig_node *node; uint32_t before; } *at; } seen;

static bool axis_of(const ig_node *n, const ig_val *x, int64_t *out) {
  const int64_t axis = ig_node_attr_i(n, "axis", 0);
  *out = axis < 0 ? axis + x->rank : axis;
  return x->rank >= LEAST_RANK && *out >= 0 && *out < x->rank;
}

static void remember(seen *s, const ig_node *n) {
  const uint32_t id = ig_node_in(n, 0)->id;
  if (id >= s->n_ids || s->n == s->n_ids) return;
  s->at[s->n++] = (struct seen_concat){n, s->latest[id]};
  s->latest[id] = s->n;
}

/* What a Concat joins: the node, its axis, and its parts, some of which are one value already. */
typedef struct parts { const ig_node *node; int64_t axis; ig_val **at; uint32_t n; } parts;

/* How many parts from `first` on are `values`, in order: all of them or none. */
static uint32_t run_of(const parts *p, uint32_t first, ig_val *const *values, uint32_t n) {
  if (n < 2 || n > p->n - first) return 0;
  for (uint32_t i = 0; i < n; i++)
    if (p->at[first + i] != ig_val_resolve(values[i])) return 0;
  return n;
}

/* How many parts from `first` on are all outputs of one Split. */
static uint32_t split_outputs(const parts *p, uint32_t first) {
  const ig_node *s = p->at[first]->producer;
  int64_t axis;
  return ig_opt_is(s, "Split") && axis_of(s, ig_node_in(s, 0), &axis) && axis == p->axis ? run_of(p, first, s->out, s->n_out) : 0;
}

/* The longest run of parts from `first` on that is there already as one value; its length, 0 for none. */
static uint32_t longest_run(const seen *s, const parts *p, uint32_t first, ig_val **out) {
  const uint32_t id = p->at[first]->id;
  uint32_t most = split_outputs(p, first);
  if (most) *out = ig_node_in(p->at[first]->producer, 0);
  for (uint32_t i = id < s->n_ids ? s->latest[id] : 0, looks = 0; i && looks < MOST_LOOKED_AT; i = s->at[i - 1].before, looks++) {
    const ig_node *q = s->at[i - 1].node;
    int64_t axis;
    if (q->graph != p->node->graph || !axis_of(q, q->out[0], &axis) || axis != p->axis) continue;
    const uint32_t k = run_of(p, first, q->in, q->n_in);
    if (k > most) most = k, *out = q->out[0];
  }
  return most;
}

static void join(parts *p, uint32_t first, uint32_t n, ig_val *whole) {
  p->at[first] = whole;
  p->n -= n - 1;
  memmove(p->at + first + 1, p->at + first + n, (p->n - first - 1) * sizeof *p->at);
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  seen *s = user;
  parts p = {.node = n};
  ig_val *whole = NULL;
  if (!ig_opt_is(n, "Concat") || *c->budget == 0 || n->n_in < 2 || !n->out[0] || ig_opt_done(n) || !axis_of(n, n->out[0], &p.axis)) return NULL;
  p.at = IG_NEW_ARRAY(&c->ir->arena, ig_val *, n->n_in);
  if (!p.at) return ig_arena_status(&c->ir->arena);
  for (; p.n < n->n_in; p.n++)
    if (!(p.at[p.n] = ig_node_in(n, p.n))) return NULL;
  for (uint32_t i = 0, k; i < p.n; i += k == 0)   /* what a run has become may begin another */
    if ((k = longest_run(s, &p, i, &whole)) > 0) join(&p, i, k, whole);
  if (p.n == n->n_in || !ig_pass_take(c)) {
    remember(s, n);
    return NULL;
  }
  const uint32_t first_new_id = c->ir->next_id;
  whole = p.at[0];
  if (p.n > 1) {
    const ig_ir_attr a = {.name = "axis", .type = IG_ATTR_INT, .n = 1, .v.i = p.axis};
    ig_status st;
    const ig_node *m = ig_op_node(n->graph, n, "Concat", p.at, p.n, 1, &a, 1, &st);
    if (!m) return st;
    remember(s, m);
    whole = m->out[0];
  }
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "%u parts become %u: some are one value already", n->n_in, p.n));
  IG_TRY(ig_op_replace(n, 0, whole));
  IG_TRY(ig_opt_keep_names(n, first_new_id));
  if (ig_opt_done(n)) ig_opt_drop(n);
  return NULL;
}

static ig_status run(ig_pass_ctx *c) {
  const uint32_t n_ids = 2 * c->ir->next_id;   /* room for new Concats */
  seen s = {.n_ids = n_ids, .latest = ig_opt_array(c->ir, n_ids, sizeof *s.latest), .at = ig_opt_array(c->ir, n_ids, sizeof *s.at)};
  ig_status st = s.latest && s.at ? ig_opt_each(c, c->ir->main, visit, &s) : IG_OOM();
  if (s.latest) ig_opt_array_free(c->ir, s.latest, n_ids, sizeof *s.latest);
  if (s.at) ig_opt_array_free(c->ir, s.at, n_ids, sizeof *s.at);
  return st;
}

const ig_pass ig_pass_nest_concat = {"nest_concat", IG_STAGE_CANONICAL, true, run, "reads parts of a Concat that another one has joined as its result"};
