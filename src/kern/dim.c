/* The table of dimension expressions: interning, symbols, sums and products, guards. Interning is an open-addressed table of node
 * indices, hashed over the node's 24 bytes; a constant costs one lookup. Canonical forms: see dim_impl.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/dim_impl.h"
#include <assert.h>

#define DEFAULT_MAX_NODES ((size_t)1 << 20)

static_assert(sizeof(ig_dim_node) == 24, "nodes are hashed and stored as 24 bytes");

void ig_dims_init(ig_dims *t, const ig_allocator *alloc, ig_arena *arena) { *t = (ig_dims){ .alloc = alloc, .arena = arena }; }

void ig_dims_free(ig_dims *t) {
  IG_VEC_FREE(t->alloc, t->nodes);
  IG_VEC_FREE(t->alloc, t->spans);
  IG_VEC_FREE(t->alloc, t->symbols);
  IG_VEC_FREE(t->alloc, t->guards);
  IG_VEC_FREE(t->alloc, t->facts);
  ig_free(t->alloc, t->table, t->table_cap * sizeof *t->table);
  ig_free(t->alloc, t->guard_table, t->guard_table_cap * sizeof *t->guard_table);
  ig_status_free(t->error);
  ig_dims_init(t, t->alloc, t->arena);
}

void ig_dims_clear(ig_dims *t) {
  t->nodes.n = t->spans.n = t->symbols.n = t->guards.n = t->facts.n = 0;
  if (t->table_cap) memset(t->table, 0, t->table_cap * sizeof *t->table);
  if (t->guard_table_cap) memset(t->guard_table, 0, t->guard_table_cap * sizeof *t->guard_table);
  ig_status_free(t->error);
  t->error = NULL;
}

ig_status ig_dims_take_error(ig_dims *t) {
  const ig_status s = t->error;
  t->error = NULL;
  return s;
}

ig_dim ig_dims_fail(ig_dims *t, ig_status s) {
  if (t->error) ig_status_free(s);
  else t->error = s;
  return IG_DIM_BAD;
}

ig_dim ig_dims_fail_poly(ig_dims *t, ig_poly_result r) {
  if (r == IG_POLY_MEMORY) return ig_dims_fail(t, IG_OOM());
  if (r == IG_POLY_OVERFLOW) return ig_dims_fail(t, ig_status_new(IG_ERROR_LIMIT, "dimension arithmetic overflows 2^63"));
  return ig_dims_fail(t, ig_status_new(IG_ERROR_LIMIT, "dimension expression has more than %d terms or degree %d (limits 'expression terms' and"
    " 'expression degree'); make some dimensions static", IG_POLY_MAX_TERMS, IG_POLY_MAX_DEGREE));
}

/* ---- interning ---- */

static uint64_t hash_node(const ig_dim_node *n) { return ig_hash(n, sizeof *n, 0); }

/* Makes room for one more entry, n in use. hash(t, e) gives the hash of entry e; 0 is a free slot. */
static bool reserve(const ig_dims *t, uint32_t **table, size_t *cap, size_t n, uint64_t (*hash)(const ig_dims *, uint32_t)) {
  if (n < *cap / 4 * 3) return true;
  const size_t new_cap = *cap ? *cap * 2 : 64;
  uint32_t *const bigger = ig_alloc_zero(t->alloc, new_cap, sizeof *bigger);
  if (!bigger) return false;
  for (size_t i = 0; i < *cap; i++) {
    if ((*table)[i] == 0) continue;
    size_t slot = (size_t)hash(t, (*table)[i]) & (new_cap - 1);
    while (bigger[slot] != 0) slot = (slot + 1) & (new_cap - 1);
    bigger[slot] = (*table)[i];
  }
  ig_free(t->alloc, *table, *cap * sizeof **table);
  *table = bigger;
  *cap = new_cap;
  return true;
}

static uint64_t hash_entry(const ig_dims *t, uint32_t i) { return hash_node(&t->nodes.data[i]); }

/* Appends a node of which the table is known to hold none, with its span. */
static bool append(ig_dims *t, const ig_dim_node *n, ig_dim_span span) {
  if (!ig_grow(t->alloc, (void **)&t->spans.data, &t->spans.cap, t->nodes.n + 1, sizeof *t->spans.data)) return false;
  if (!IG_PUSH(t->alloc, t->nodes, *n)) return false;
  t->spans.data[t->spans.n++] = span;
  return true;
}

ig_dim ig_dims_intern(ig_dims *t, ig_dim_node node) {
  if (t->nodes.n == 0 && !append(t, &(ig_dim_node){ 0 }, (ig_dim_span){ 0, 0 })) return ig_dims_fail(t, IG_OOM());
  if (!reserve(t, &t->table, &t->table_cap, t->nodes.n, hash_entry)) return ig_dims_fail(t, IG_OOM());
  size_t slot = (size_t)hash_node(&node) & (t->table_cap - 1);
  for (; t->table[slot] != 0; slot = (slot + 1) & (t->table_cap - 1)) {
    if (memcmp(&t->nodes.data[t->table[slot]], &node, sizeof node) == 0) return t->table[slot];
  }
  const size_t max_nodes = t->max_nodes ? t->max_nodes : DEFAULT_MAX_NODES;
  if (t->nodes.n > max_nodes || t->nodes.n >= UINT32_MAX) {
    return ig_dims_fail(t, ig_status_new(IG_ERROR_LIMIT, "limit 'expressions' (%zu): the model needs more dimension expressions", max_nodes));
  }
  const ig_dim d = (ig_dim)t->nodes.n;
  if (!append(t, &node, ig_dims_span_of(t, &node))) return ig_dims_fail(t, IG_OOM());
  t->table[slot] = d;
  return d;
}

/* ---- leaves ---- */

ig_dim ig_dim_const(ig_dims *t, int64_t v) { return ig_dims_intern(t, (ig_dim_node){ .op = IG_DIM_CONST, .imm = v }); }

bool ig_dim_is_const(const ig_dims *t, ig_dim d, int64_t *out) {
  const ig_dim_node *const n = d == IG_DIM_BAD ? NULL : ig_dim_at(t, d);
  if (!n || n->op != IG_DIM_CONST) return false;
  if (out) *out = n->imm;
  return true;
}

ig_dim ig_dims_symbol(ig_dims *t, const char *name, ig_symbol_sort sort, uint32_t io, uint32_t axis, int64_t min, int64_t max) {
  if (min > max) {
    return ig_dims_fail(t, ig_status_new(IG_ERROR_SHAPE, "symbol '%s': the range %lld..%lld is empty", name, (long long)min, (long long)max));
  }
  ig_symbol s = { .name = ig_arena_strdup(t->arena, name), .sort = sort, .io = io, .axis = axis, .min = min, .max = max };
  if (!s.name) return ig_dims_fail(t, ig_arena_status(t->arena));
  s.opt = max >= IG_DIM_UNBOUNDED ? min : max;
  const uint32_t index = (uint32_t)t->symbols.n;
  if (!IG_PUSH(t->alloc, t->symbols, s)) return ig_dims_fail(t, IG_OOM());
  const ig_dim d = min == max ? ig_dim_const(t, min) : ig_dims_intern(t, (ig_dim_node){ .op = IG_DIM_SYMBOL, .a = index });
  if (d == IG_DIM_BAD) t->symbols.n--;
  return d;
}

/* ---- sums and products ---- */

static ig_dim combine(ig_dims *t, ig_dim a, ig_dim b, int64_t factor_b) {
  ig_dim_poly p;
  ig_poly_init(&p, t->alloc);
  const ig_poly_result r = ig_poly_combine(t, &p, a, 1, b, factor_b);
  const ig_dim d = r == IG_POLY_OK ? ig_poly_emit(t, &p) : ig_dims_fail_poly(t, r);
  ig_poly_free(&p);
  return d;
}

ig_dim ig_dim_add(ig_dims *t, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  int64_t x, y, sum;
  const bool is_const_a = ig_dim_is_const(t, a, &x), is_const_b = ig_dim_is_const(t, b, &y);
  if (is_const_a && x == 0) return b;
  if (is_const_b && y == 0) return a;
  if (!is_const_a || !is_const_b) return combine(t, a, b, 1);
  return ig_add_i64(x, y, &sum) ? ig_dim_const(t, sum) : ig_dims_fail_poly(t, IG_POLY_OVERFLOW);
}

ig_dim ig_dim_sub(ig_dims *t, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  int64_t x, y, difference;
  const bool is_const_a = ig_dim_is_const(t, a, &x), is_const_b = ig_dim_is_const(t, b, &y);
  if (is_const_b && y == 0) return a;
  if (!is_const_a || !is_const_b) return combine(t, a, b, -1);
  return ig_sub_i64(x, y, &difference) ? ig_dim_const(t, difference) : ig_dims_fail_poly(t, IG_POLY_OVERFLOW);
}

static ig_dim multiply(ig_dims *t, ig_dim a, ig_dim b) {
  ig_dim_poly pa, pb, product;
  ig_poly_init(&pa, t->alloc);
  ig_poly_init(&pb, t->alloc);
  ig_poly_init(&product, t->alloc);
  ig_poly_result r = ig_poly_combine(t, &pa, a, 1, IG_DIM_BAD, 0);
  if (r == IG_POLY_OK) r = ig_poly_combine(t, &pb, b, 1, IG_DIM_BAD, 0);
  if (r == IG_POLY_OK) r = ig_poly_mul(&pa, &pb, &product);
  const ig_dim d = r == IG_POLY_OK ? ig_poly_emit(t, &product) : ig_dims_fail_poly(t, r);
  ig_poly_free(&pa);
  ig_poly_free(&pb);
  ig_poly_free(&product);
  return d;
}

ig_dim ig_dim_mul(ig_dims *t, ig_dim a, ig_dim b) {
  if (a == IG_DIM_BAD || b == IG_DIM_BAD) return IG_DIM_BAD;
  int64_t x = 0, y = 0, product;
  const bool is_const_a = ig_dim_is_const(t, a, &x), is_const_b = ig_dim_is_const(t, b, &y);
  if ((is_const_a && x == 1) || (is_const_b && y == 0)) return b;
  if ((is_const_b && y == 1) || (is_const_a && x == 0)) return a;
  if (!is_const_a || !is_const_b) return multiply(t, a, b);
  return ig_mul_i64(x, y, &product) ? ig_dim_const(t, product) : ig_dims_fail_poly(t, IG_POLY_OVERFLOW);
}

ig_dim ig_dim_product(ig_dims *t, const ig_dim *d, size_t n) {
  ig_dim product = ig_dim_const(t, 1);
  for (size_t i = 0; i < n; i++) product = ig_dim_mul(t, product, d[i]);
  return product;
}

/* ---- guards ---- */

static uint64_t hash_guard(const ig_dims *t, uint32_t i) {
  const ig_guard *const g = &t->guards.data[i - 1];
  const uint32_t key[4] = { (uint32_t)g->rel, g->a, g->b, g->scope };
  return ig_hash(key, sizeof key, 0);
}

static bool has_guard(const ig_dims *t, ig_guard_rel rel, ig_dim a, ig_dim b, uint32_t scope) {
  if (t->guard_table_cap == 0) return false;
  const uint32_t key[4] = { (uint32_t)rel, a, b, scope };
  size_t slot = (size_t)ig_hash(key, sizeof key, 0) & (t->guard_table_cap - 1);
  for (; t->guard_table[slot] != 0; slot = (slot + 1) & (t->guard_table_cap - 1)) {
    const ig_guard *const g = &t->guards.data[t->guard_table[slot] - 1];
    if (g->rel == rel && g->a == a && g->b == b && g->scope == scope) return true;
  }
  return false;
}

/* Recorded for the scope at hand or for all. */
static bool is_guarded(const ig_dims *t, const ig_guard *g) {
  const bool symmetric = g->rel != IG_GUARD_GE;
  for (uint32_t scope = g->scope;; scope = 0) {
    if (has_guard(t, g->rel, g->a, g->b, scope) || (symmetric && has_guard(t, g->rel, g->b, g->a, scope))) return true;
    if (scope == 0) return false;
  }
}

/* 1 always holds, 0 never, -1 undecided. */
static int prove_guard(ig_dims *t, ig_guard_rel rel, ig_dim a, ig_dim b) {
  if (rel == IG_GUARD_GE) return ig_dim_prove_ge(t, a, b);
  const int equal = ig_dim_prove_eq(t, a, b);
  if (rel == IG_GUARD_EQ || equal == 1) return equal;
  if (ig_dim_equals(t, a, 1) || ig_dim_equals(t, b, 1)) return 1;
  return equal == 0 && !ig_span_has(ig_dim_span_at(t, a), 1) && !ig_span_has(ig_dim_span_at(t, b), 1) ? 0 : -1;
}

static ig_status refuse_guard(ig_dims *t, const ig_guard *g) {
  static const char *const relation[] = { "?", "equal", "be at least", "be broadcast with" };
  ig_buf a, b;
  ig_buf_init(&a, t->alloc);
  ig_buf_init(&b, t->alloc);
  ig_dim_print(t, g->a, &a);
  ig_dim_print(t, g->b, &b);
  const ig_status s = ig_status_new(IG_ERROR_SHAPE, "node '%s': %s: %s cannot %s %s", g->node ? g->node : "?", g->what ? g->what : "dimensions",
    ig_buf_cstr(&a), relation[g->rel], ig_buf_cstr(&b));
  ig_buf_free(&a);
  ig_buf_free(&b);
  return ig_status_with(s, IG_DETAIL_NODE, g->node);
}

static ig_status add_guard(ig_dims *t, ig_guard g) {
  if (g.node && !(g.node = ig_arena_strdup(t->arena, g.node))) return ig_arena_status(t->arena);
  if (g.what && !(g.what = ig_arena_strdup(t->arena, g.what))) return ig_arena_status(t->arena);
  if (!reserve(t, &t->guard_table, &t->guard_table_cap, t->guards.n, hash_guard)) return IG_OOM();
  if (!IG_PUSH(t->alloc, t->guards, g)) return IG_OOM();
  const uint32_t index = (uint32_t)t->guards.n;
  size_t slot = (size_t)hash_guard(t, index) & (t->guard_table_cap - 1);
  while (t->guard_table[slot] != 0) slot = (slot + 1) & (t->guard_table_cap - 1);
  t->guard_table[slot] = index;
  int64_t least;
  /* What an arm of an If assumes is not known elsewhere. */
  return g.rel == IG_GUARD_GE && g.scope == 0 && ig_dim_is_const(t, g.b, &least) ? ig_dims_learn(t, g.a, least, index) : NULL;
}

ig_status ig_dims_guard(ig_dims *t, ig_guard_rel rel, ig_dim a, ig_dim b, const char *node, const char *what) {
  if (t->error) return ig_dims_take_error(t);
  IG_REQUIRE(a != IG_DIM_BAD && b != IG_DIM_BAD, IG_ERROR_INTERNAL, "node '%s': %s: a dimension is not known", node ? node : "?",
    what ? what : "guard");
  const ig_guard g = { .rel = rel, .a = a, .b = b, .node = node, .what = what, .scope = t->scope };
  const int proof = prove_guard(t, rel, a, b);
  if (t->error) return ig_dims_take_error(t);
  if (proof == 0) return refuse_guard(t, &g);
  return proof == 1 || is_guarded(t, &g) ? NULL : add_guard(t, g);
}

static void rehash_guards(ig_dims *t) {
  if (t->guard_table_cap == 0) return;
  memset(t->guard_table, 0, t->guard_table_cap * sizeof *t->guard_table);
  for (uint32_t i = 1; i <= t->guards.n; i++) {
    size_t slot = (size_t)hash_guard(t, i) & (t->guard_table_cap - 1);
    while (t->guard_table[slot] != 0) slot = (slot + 1) & (t->guard_table_cap - 1);
    t->guard_table[slot] = i;
  }
}

void ig_dims_drop_guards(ig_dims *t, size_t n) {
  if (t->guards.n <= n) return;
  t->guards.n = n;
  rehash_guards(t);
  ig_dims_forget(t, n);
}

/* Facts rest on guards of scope 0, of which none goes here; only their numbers change. */
static void renumber_facts(ig_dims *t, uint32_t from, uint32_t to) {
  for (size_t i = 0; from != to && i < t->facts.n; i++)
    if (t->facts.data[i].guard == from) t->facts.data[i].guard = to;
}

void ig_dims_move_guards(ig_dims *t, uint32_t from, uint32_t to) {
  size_t kept = 0;
  for (size_t i = 0; i < t->guards.n; i++) {
    ig_guard g = t->guards.data[i];
    if (g.scope == from) g.scope = to;
    if (g.scope == IG_NO_SCOPE) continue;
    t->guards.data[kept++] = g;
    renumber_facts(t, (uint32_t)i + 1, (uint32_t)kept);
  }
  t->guards.n = kept;
  rehash_guards(t);
}

#define COPY_VEC(a, to, from) \
  ((from).n == 0 || (ig_grow((a), (void **)&(to).data, &(to).cap, (from).n, sizeof *(to).data) && \
                     (memcpy((to).data, (from).data, (from).n * sizeof *(to).data), (to).n = (from).n, true)))

static bool copy_table(const ig_allocator *a, uint32_t **to, size_t *to_cap, const uint32_t *from, size_t cap) {
  if (cap == 0) return true;
  *to = ig_alloc_zero(a, cap, sizeof **to);
  if (!*to) return false;
  memcpy(*to, from, cap * sizeof **to);
  *to_cap = cap;
  return true;
}

ig_status ig_dims_copy(const ig_dims *from, ig_dims *to) {
  const ig_allocator *const a = to->alloc;
  if (!COPY_VEC(a, to->nodes, from->nodes) || !COPY_VEC(a, to->spans, from->spans) || !COPY_VEC(a, to->symbols, from->symbols)) return IG_OOM();
  if (!COPY_VEC(a, to->guards, from->guards) || !COPY_VEC(a, to->facts, from->facts) || !copy_table(a, &to->table, &to->table_cap, from->table, from->table_cap)) return IG_OOM();
  if (!copy_table(a, &to->guard_table, &to->guard_table_cap, from->guard_table, from->guard_table_cap)) return IG_OOM();
  to->max_nodes = from->max_nodes;
  return NULL;
}

/* Constants before symbols before the rest; then what was made first. */
static bool is_simpler(const ig_dims *t, ig_dim a, ig_dim b) {
  const uint16_t x = ig_dim_at(t, a)->op, y = ig_dim_at(t, b)->op;
  const int rank_a = x == IG_DIM_CONST ? 0 : x == IG_DIM_SYMBOL ? 1 : 2, rank_b = y == IG_DIM_CONST ? 0 : y == IG_DIM_SYMBOL ? 1 : 2;
  return rank_a != rank_b ? rank_a < rank_b : a < b;
}

ig_status ig_dims_assume_equal(ig_dims *t, ig_dim a, ig_dim b, const char *node, const char *what, ig_dim *out_d) {
  if (out_d) *out_d = IG_DIM_BAD;
  IG_TRY(ig_dims_guard(t, IG_GUARD_EQ, a, b, node, what));
  if (out_d) *out_d = is_simpler(t, a, b) ? a : b;
  return NULL;
}
