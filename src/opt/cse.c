/* Common subexpressions: nodes of the same operator, attributes and inputs, and small equal constants, are computed once.
 *
 * One walk forwards with a hash table of what is visible; leaving a sub-graph takes its entries out again, so that its siblings do not see
 * them. Entries are chained through an array indexed by order of arrival, which makes leaving a truncation.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

enum { MAX_CONST_BYTES = 65536 };

typedef struct entry {
  uint64_t hash;
  ig_node *node;
  const ig_val *val;
  uint32_t below;
} entry;
typedef struct table {
  const ig_allocator *alloc;
  uint32_t *heads;
  size_t n_heads; /* power of two; 0 = empty */
  IG_VEC(entry) entries;
  uint8_t *seen;
  uint32_t n_ids;
} table;

static uint64_t hash_u64(uint64_t h, uint64_t x) { return ig_hash(&x, sizeof x, h); }

static uint64_t hash_str(uint64_t h, const char *s) { return ig_hash(s, strlen(s), h); }

static size_t attr_bytes(const ig_ir_attr *a, const void **out) {
  switch (a->type) {
  case IG_ATTR_INT:
    *out = &a->v.i;
    return sizeof a->v.i;
  case IG_ATTR_FLOAT:
    *out = &a->v.f;
    return sizeof a->v.f;
  case IG_ATTR_STRING:
    *out = a->v.s;
    return a->n ? a->n : strlen(a->v.s);
  case IG_ATTR_INTS:
    *out = a->v.ints;
    return a->n * sizeof *a->v.ints;
  case IG_ATTR_FLOATS:
    *out = a->v.floats;
    return a->n * sizeof *a->v.floats;
  default:
    *out = NULL;
    return 0;
  }
}

static bool is_plain_attr(const ig_ir_attr *a) {
  return a->type == IG_ATTR_INT || a->type == IG_ATTR_FLOAT || a->type == IG_ATTR_STRING || a->type == IG_ATTR_INTS || a->type == IG_ATTR_FLOATS;
}

static bool is_candidate(const ig_node *n) {
  if (n->form != IG_FORM_OP || !n->op || n->op->accuracy == IG_ACCURACY_RANDOM || n->op->cls == IG_CLASS_CONTROL || ig_opt_done(n)) return false;
  for (uint32_t i = 0; i < n->n_attrs; i++)
    if (!is_plain_attr(&n->attrs[i])) return false;
  return true;
}

static uint64_t hash_node(const ig_node *n) {
  uint64_t h = hash_u64(hash_str(hash_str(0, n->domain), n->type), n->n_in);
  for (uint32_t i = 0; i < n->n_in; i++) {
    const ig_val *v = ig_node_in(n, i);
    h = hash_u64(h, v ? v->id : UINT32_MAX);
  }
  for (uint32_t i = 0; i < n->n_attrs; i++) {
    const void *p;
    const size_t size = attr_bytes(&n->attrs[i], &p);
    h = ig_hash(p, size, hash_str(h, n->attrs[i].name));
  }
  return h;
}

static bool same_attr(const ig_ir_attr *a, const ig_ir_attr *b) {
  const void *p, *q;
  const size_t n = attr_bytes(a, &p), m = attr_bytes(b, &q);
  return a->type == b->type && n == m && strcmp(a->name, b->name) == 0 && (n == 0 || memcmp(p, q, n) == 0);
}

static bool same_node(const ig_node *a, const ig_node *b) {
  if (a->op != b->op || strcmp(a->type, b->type) != 0 || a->n_in != b->n_in || a->n_out != b->n_out || a->n_attrs != b->n_attrs ||
      a->opset != b->opset)
    return false;
  for (uint32_t i = 0; i < a->n_in; i++)
    if (ig_node_in(a, i) != ig_node_in(b, i)) return false;
  for (uint32_t i = 0; i < a->n_attrs; i++)
    if (!same_attr(&a->attrs[i], &b->attrs[i])) return false;
  /* A result that only the later one has cannot be had from the earlier one. */
  for (uint32_t i = 0; i < a->n_out; i++)
    if (!a->out[i] != !b->out[i]) return false;
  return true;
}

static bool same_const(const ig_data *a, const ig_data *b) {
  return a->dtype == b->dtype && a->rank == b->rank && memcmp(a->dims, b->dims, a->rank * sizeof *a->dims) == 0 && a->n_bytes == b->n_bytes &&
         (a->n_bytes == 0 || memcmp(a->bytes, b->bytes, a->n_bytes) == 0);
}

static bool resize(table *t) {
  const size_t n = t->n_heads ? t->n_heads * 2 : 1024;
  uint32_t *heads = ig_alloc_zero(t->alloc, n, sizeof *heads);
  if (!heads) return false;
  ig_free(t->alloc, t->heads, t->n_heads * sizeof *t->heads);
  t->heads = heads;
  t->n_heads = n;
  for (uint32_t i = 0; i < t->entries.n; i++) {
    entry *e = &t->entries.data[i];
    uint32_t *head = &heads[e->hash & (n - 1)];
    e->below = *head;
    *head = i + 1;
  }
  return true;
}

static bool add(table *t, const entry *e) {
  if (t->entries.n >= t->n_heads && !resize(t)) return false;
  uint32_t *head = &t->heads[e->hash & (t->n_heads - 1)];
  entry in = *e;
  in.below = *head;
  if (!IG_PUSH(t->alloc, t->entries, in)) return false;
  *head = (uint32_t)t->entries.n;
  return true;
}

static void truncate(table *t, size_t n) {
  while (t->entries.n > n) {
    const entry *e = &t->entries.data[--t->entries.n];
    t->heads[e->hash & (t->n_heads - 1)] = e->below;
  }
}

static ig_node *find_node(const table *t, uint64_t hash, const ig_node *n) {
  for (uint32_t i = t->n_heads ? t->heads[hash & (t->n_heads - 1)] : 0; i; i = t->entries.data[i - 1].below) {
    const entry *e = &t->entries.data[i - 1];
    if (e->hash == hash && e->node && same_node(e->node, n)) return e->node;
  }
  return NULL;
}

static const ig_val *find_const(const table *t, uint64_t hash, const ig_data *d) {
  for (uint32_t i = t->n_heads ? t->heads[hash & (t->n_heads - 1)] : 0; i; i = t->entries.data[i - 1].below) {
    const entry *e = &t->entries.data[i - 1];
    if (e->hash == hash && e->val && same_const(e->val->data, d)) return e->val;
  }
  return NULL;
}

/* Big constants are left alone: equal ones share their bytes in the engine anyway. */
static ig_status merge_const(ig_pass_ctx *c, table *t, ig_val *v) {
  if (!v || !v->data || v->data->n_bytes > MAX_CONST_BYTES || v->dtype == IG_DTYPE_STRING || v->id >= t->n_ids || t->seen[v->id]) return NULL;
  t->seen[v->id] = 1;
  const uint64_t hash = ig_hash(v->data->bytes, v->data->n_bytes, v->dtype);
  const ig_val *same = find_const(t, hash, v->data);
  if (!same) return add(t, &(entry){.hash = hash, .val = v}) ? NULL : IG_OOM();
  if (same != v && ig_pass_take(c)) v->forward = (ig_val *)(uintptr_t)same;
  return NULL;
}

static ig_status merge_node(ig_pass_ctx *c, table *t, ig_node *n) {
  if (!is_candidate(n)) return NULL;
  const uint64_t hash = hash_node(n);
  const ig_node *same = find_node(t, hash, n);
  if (!same) return add(t, &(entry){.hash = hash, .node = n}) ? NULL : IG_OOM();
  if (!ig_pass_take(c)) return NULL;
  IG_TRY(ig_ir_event(c->ir, c->name, n, false, "the same as '%s'", same->name));
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i] && !n->out[i]->forward) n->out[i]->forward = ig_val_resolve(same->out[i]);
  ig_opt_drop(n);
  return NULL;
}

static ig_status walk(ig_pass_ctx *c, table *t, ig_graph *g) {
  const size_t mark = t->entries.n;
  for (ig_node *n = g->first, *next; n; n = next) {
    next = n->next;
    IG_REQUIRE(!ig_cancelled(c->opt->cancel), IG_ERROR_CANCELLED, "cancelled in pass '%s'", c->name);
    for (uint32_t i = 0; i < n->n_in; i++)
      IG_TRY(merge_const(c, t, ig_node_in(n, i)));
    ig_graph *sub;
    for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
      IG_TRY(walk(c, t, sub));
    IG_TRY(merge_node(c, t, n));
  }
  if (g->parent) truncate(t, mark);
  return NULL;
}

static ig_status run(ig_pass_ctx *c) {
  const ig_allocator *a = &c->ir->env->alloc;
  table t = {.alloc = a, .n_ids = c->ir->next_id};
  t.seen = ig_opt_array(c->ir, t.n_ids, 1);
  ig_status st = t.seen ? walk(c, &t, c->ir->main) : IG_OOM();
  ig_opt_array_free(c->ir, t.seen, t.n_ids, 1);
  ig_free(a, t.heads, t.n_heads * sizeof *t.heads);
  IG_VEC_FREE(a, t.entries);
  return st;
}

const ig_pass ig_pass_cse = {"cse", IG_STAGE_CANONICAL, true, run, "computes equal expressions once"};
