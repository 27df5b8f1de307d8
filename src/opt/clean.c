/* Operators that change nothing go, and chains of transposes or reshapes become one. Casts are the Cast record's own business.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

static bool same_type(const ig_ir *ir, const ig_val *a, const ig_val *b) {
  return a->kind == b->kind && a->dtype == b->dtype && ig_opt_same_dims(ir, a, b);
}

static bool all_equal(const ig_val *v, int64_t wanted) {
  int64_t n, x;
  if (!v || !v->data || !ig_data_count(v->data, &n)) return false;
  for (int64_t i = 0; i < n; i++)
    if (!ig_data_int(v->data, (size_t)i, &x) || x != wanted) return false;
  return true;
}

static bool is_any(const ig_node *n, const char *const *types, size_t n_types) {
  for (size_t i = 0; i < n_types; i++)
    if (ig_opt_is(n, types[i])) return true;
  return false;
}

static bool is_reshape(const ig_node *n) {
  static const char *const types[] = {"Reshape", "Squeeze", "Unsqueeze", "Flatten"};
  return is_any(n, types, IG_COUNT(types));
}

static bool is_inference_dropout(const ig_node *n) {
  const ig_val *training = ig_node_in(n, 2), *mask = ig_node_out(n, 1);
  return ig_opt_is(n, "Dropout") && !mask && (!training || all_equal(training, 0));
}

static bool reads_perm(const ig_node *n, int64_t *perm) {
  uint32_t n_perm;
  const ig_val *x = ig_node_in(n, 0);
  const int64_t *given = ig_node_attr_ints(n, "perm", &n_perm);
  if (x->rank < 0 || (given && (int)n_perm != x->rank)) return false;
  for (int k = 0; k < x->rank; k++) {
    perm[k] = given ? given[k] : x->rank - 1 - k;
    if (perm[k] < 0 || perm[k] >= x->rank) return false;
  }
  return true;
}

/* Whether n hands its first input on as it is. Types were compared. */
static bool is_nothing(const ig_node *n) {
  static const char *const by_dims[] = {"Identity", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Expand"};
  int64_t perm[IG_MAX_RANK];
  if (is_any(n, by_dims, IG_COUNT(by_dims)) || is_inference_dropout(n)) return true;
  if (ig_opt_is(n, "Concat")) return n->n_in == 1;
  if (ig_opt_is(n, "Slice")) return !ig_node_in(n, 4) || all_equal(ig_node_in(n, 4), 1);
  if (ig_opt_is(n, "Pad")) return all_equal(ig_node_in(n, 1), 0);
  if (!ig_opt_is(n, "Transpose") || !reads_perm(n, perm)) return false;
  for (int k = 0; k < ig_node_in(n, 0)->rank; k++)
    if (perm[k] != k) return false;
  return true;
}

static ig_status drop(ig_pass_ctx *c, ig_node *n, ig_val *v, uint32_t first_new_id, const char *why) {
  if (!ig_pass_take(c)) return NULL;
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "%s %s", n->type, why));
  IG_TRY(ig_op_replace(n, 0, v));
  IG_TRY(ig_opt_keep_names(n, first_new_id));
  if (ig_opt_done(n)) ig_opt_drop(n);
  return NULL;
}

static ig_status join_transposes(ig_pass_ctx *c, ig_node *n, const ig_node *p) {
  const uint32_t first_new_id = c->ir->next_id;
  int64_t first[IG_MAX_RANK], second[IG_MAX_RANK], perm[IG_MAX_RANK];
  ig_val *x = ig_node_in(p, 0);
  if (!reads_perm(p, first) || !reads_perm(n, second)) return NULL;
  for (int k = 0; k < x->rank; k++)
    perm[k] = first[second[k]];
  int64_t *kept = IG_NEW_ARRAY(&c->ir->arena, int64_t, IG_MAX_RANK);
  if (!kept) return ig_arena_status(&c->ir->arena);
  memcpy(kept, perm, sizeof perm);
  const ig_ir_attr a = {.name = "perm", .type = IG_ATTR_INTS, .n = (uint32_t)x->rank, .v.ints = kept};
  ig_status st;
  ig_node *m = ig_op_node(n->graph, n, "Transpose", &x, 1, 1, &a, 1, &st);
  return m ? drop(c, n, m->out[0], first_new_id, "of a Transpose becomes one") : st;
}

/* The target can be written down as a constant where at most one of its dims is not constant, and none is 0. */
static ig_status join_reshapes(ig_pass_ctx *c, ig_node *n, const ig_node *p) {
  int64_t target[IG_MAX_RANK];
  const ig_val *y = n->out[0];
  uint32_t n_unknown = 0;
  const uint32_t first_new_id = c->ir->next_id;
  for (int k = 0; k < y->rank; k++) {
    if (!ig_dim_is_const(&c->ir->dims, y->dims[k], &target[k])) {
      target[k] = -1;
      n_unknown++;
    }
    if (target[k] == 0) return NULL;
  }
  if (n_unknown > 1) return ig_ir_event(c->ir, c->name, n, true, "reshapes are not joined: more than one dim of the result is not constant");
  ig_val *in[2] = {ig_node_in(p, 0), ig_val_const_i64(n->graph, target, (size_t)y->rank)};
  if (!in[1]) return ig_arena_status(&c->ir->arena);
  ig_status st;
  ig_node *m = ig_op_node(n->graph, n, "Reshape", in, 2, 1, NULL, 0, &st);
  if (!m) return st;
  if (ig_opt_done(m) || ig_opt_same_dims(c->ir, m->out[0], y)) return drop(c, n, m->out[0], first_new_id, "of a reshape becomes one");
  ig_opt_drop(m);
  return NULL;
}

static ig_status visit(ig_pass_ctx *c, ig_node *n, void *user) {
  IG_UNUSED(user);
  if (n->form != IG_FORM_OP || *c->budget == 0 || n->n_in == 0 || n->n_out == 0 || !n->out[0] || ig_opt_done(n)) return NULL;
  ig_val *x = ig_node_in(n, 0);
  if (!x) return NULL;
  if (same_type(c->ir, x, n->out[0]) && is_nothing(n)) return drop(c, n, x, c->ir->next_id, "changes nothing");
  const ig_node *p = x->data ? NULL : x->producer;
  if (!p || p->form != IG_FORM_OP || p->n_out == 0 || p->out[0] != x) return NULL;
  if (ig_opt_is(n, "Transpose") && ig_opt_is(p, "Transpose")) return join_transposes(c, n, p);
  if (is_reshape(n) && is_reshape(p)) return join_reshapes(c, n, p);
  return NULL;
}

static ig_status run(ig_pass_ctx *c) { return ig_opt_each(c, c->ir->main, visit, NULL); }

const ig_pass ig_pass_clean = {"clean", IG_STAGE_CANONICAL, true, run, "drops operators that change nothing, joins transposes and reshapes"};
