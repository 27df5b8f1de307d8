/* Creation, values, nodes and uses. Everything lies in the arena of the ig_ir, so nothing here frees a single object; names are unique
 * through one map, and replaced values stay as forwarding stubs, so that a rewrite costs no walk over the uses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir/graph.h"
#include <stdarg.h>
#include <stdio.h>

enum { MAX_NEAR_MISSES = 20000 }; /* a story longer than that is not read */

ig_status ig_ir_create(ig_env *env, size_t memory_limit, ig_ir **out_ir) {
  *out_ir = NULL;
  ig_ir *ir = ig_alloc_zero(&env->alloc, 1, sizeof *ir);
  IG_CHECK_MEM(ir);
  ig_env_retain(env);
  ir->env = env;
  ig_arena_init(&ir->arena, &env->alloc, memory_limit);
  ig_dims_init(&ir->dims, &env->alloc, &ir->arena);
  ig_strmap_init(&ir->names, &env->alloc);
  ig_strmap_init(&ir->near_misses, &env->alloc);
  ir->stage = IG_STAGE_IMPORTED;
  ir->producer = "";
  *out_ir = ir;
  return NULL;
}

void ig_ir_destroy(ig_ir *ir) {
  if (!ir) return;
  ig_env *env = ir->env;
  ig_dims_free(&ir->dims);
  ig_strmap_free(&ir->names);
  ig_strmap_free(&ir->near_misses);
  IG_VEC_FREE(&env->alloc, ir->events);
  ig_arena_free(&ir->arena);
  ig_free(&env->alloc, ir, sizeof *ir);
  ig_env_release(env);
}

ig_graph *ig_graph_new(ig_ir *ir, ig_graph *parent, const char *name) {
  ig_graph *g = IG_NEW(&ir->arena, ig_graph);
  if (!g) return NULL;
  g->ir = ir;
  g->parent = parent;
  g->scope = ir->main ? ++ir->n_scopes : 0;
  g->name = ig_arena_strdup(&ir->arena, name ? name : "");
  if (!g->name) return NULL;
  if (!parent && !ir->main) ir->main = g;
  return g;
}

/* A wanted name that is taken gets the value's id appended; where a model has taken that too, a number that is tried once in the life of the
 * ig_ir: names made to collide then cost one round each, and never one round for every pair of them. */
static const char *unique_name(ig_ir *ir, const char *wanted, uint32_t id) {
  const bool given = wanted && *wanted;
  if (given && !ig_strmap_get(&ir->names, wanted)) return ig_arena_strdup(&ir->arena, wanted);
  for (uint64_t suffix = id;; suffix = ir->next_suffix++) {
    char *s = given ? ig_arena_printf(&ir->arena, "%s.%llu", wanted, (unsigned long long)suffix)
                    : ig_arena_printf(&ir->arena, "v%llu", (unsigned long long)suffix);
    if (!s || !ig_strmap_get(&ir->names, s)) return s;
  }
}

ig_val *ig_val_new(ig_graph *g, const char *name) {
  ig_ir *ir = g->ir;
  ig_val *v = IG_NEW(&ir->arena, ig_val);
  if (!v || ir->next_id == UINT32_MAX) return NULL;
  v->id = ir->next_id++;
  v->rank = -1;
  v->graph = g;
  v->name = unique_name(ir, name, v->id);
  if (!v->name || !ig_strmap_set(&ir->names, v->name, v)) return NULL;
  return v;
}

bool ig_val_rename(ig_val *v, const char *name) {
  ig_ir *ir = v->graph->ir;
  if (strcmp(v->name, name) == 0) return true;
  const char *fresh = unique_name(ir, name, v->id);
  if (!fresh || !ig_strmap_set(&ir->names, fresh, v)) return false;
  if (!ig_strmap_set(&ir->names, v->name, NULL)) return false;
  v->name = fresh;
  return true;
}

bool ig_val_swap_names(ig_val *a, ig_val *b) {
  const char *name = a->name;
  a->name = b->name;
  b->name = name;
  return ig_strmap_set(&a->graph->ir->names, a->name, a) && ig_strmap_set(&b->graph->ir->names, b->name, b);
}

/* Element i of an integer or bool tensor; false for other types and for values beyond int64_t. */
bool ig_data_int(const ig_data *d, size_t i, int64_t *out) {
  const uint8_t *p = (const uint8_t *)d->bytes + i * (IG_DTYPE_BITS(d->dtype) / 8);
  union {
    int8_t i8;
    uint8_t u8;
    int16_t i16;
    uint16_t u16;
    int32_t i32;
    uint32_t u32;
    int64_t i64;
    uint64_t u64;
  } u;
#define READ(field) (memcpy(&u.field, p, sizeof u.field), *out = (int64_t)u.field, true)
  switch (d->dtype) {
  case IG_DTYPE_I8:
    return READ(i8);
  case IG_DTYPE_U8:
    return READ(u8);
  case IG_DTYPE_BOOL:
    return READ(u8);
  case IG_DTYPE_I16:
    return READ(i16);
  case IG_DTYPE_U16:
    return READ(u16);
  case IG_DTYPE_I32:
    return READ(i32);
  case IG_DTYPE_U32:
    return READ(u32);
  case IG_DTYPE_I64:
    return READ(i64);
  case IG_DTYPE_U64:
    return READ(u64) && u.u64 <= INT64_MAX;
  default:
    return false;
  }
#undef READ
}

bool ig_data_count(const ig_data *d, int64_t *out) {
  int64_t n = 1;
  for (uint32_t k = 0; k < d->rank; k++)
    if (d->dims[k] < 0 || !ig_mul_i64(n, d->dims[k], &n)) return false;
  *out = n;
  return true;
}

/* Small integer constants are readable as dims; failure to allocate leaves elems NULL only where the arena already failed. */
static bool set_const_elems(ig_val *v) {
  const ig_data *d = v->data;
  int64_t n, x;
  if (d->rank > 1 || !ig_data_count(d, &n) || n > IG_MAX_ELEMS) return true;
  if (n > 0 && !ig_data_int(d, 0, &x)) return true;
  ig_dim *elems = IG_NEW_ARRAY(&v->graph->ir->arena, ig_dim, (size_t)n + 1);
  if (!elems) return false;
  for (int64_t i = 0; i < n; i++)
    elems[i] = ig_data_int(d, (size_t)i, &x) ? ig_dim_const(&v->graph->ir->dims, x) : IG_DIM_BAD;
  v->elems = elems;
  v->n_elems = (uint32_t)n;
  return true;
}

bool ig_val_set_data(ig_val *v, const ig_data *d) {
  v->dtype = d->dtype;
  v->rank = (int8_t)d->rank;
  for (uint32_t k = 0; k < d->rank; k++)
    v->dims[k] = ig_dim_const(&v->graph->ir->dims, d->dims[k]);
  v->data = d;
  return set_const_elems(v);
}

ig_val *ig_val_const(ig_graph *g, const char *name, const ig_data *d) {
  ig_val *v = ig_val_new(g, name);
  return v && ig_val_set_data(v, d) ? v : NULL;
}

ig_val *ig_val_const_bytes(ig_graph *g, const char *name, ig_dtype dtype, uint8_t rank, const int64_t *dims, const void *bytes) {
  ig_arena *a = &g->ir->arena;
  ig_data *d = IG_NEW(a, ig_data);
  if (!d) return NULL;
  d->dtype = dtype;
  d->rank = rank;
  for (uint32_t k = 0; k < rank; k++)
    d->dims[k] = dims[k];
  int64_t n;
  if (!ig_data_count(d, &n)) return NULL;
  d->n_bytes = ig_dtype_bytes(dtype, (uint64_t)n);
  if (n > 0 && d->n_bytes == 0) return NULL;
  void *copy = ig_arena_alloc(a, d->n_bytes ? d->n_bytes : 1);
  if (!copy) return NULL;
  if (d->n_bytes) memcpy(copy, bytes, d->n_bytes);
  d->bytes = copy;
  return ig_val_const(g, name, d);
}

ig_val *ig_val_const_i64(ig_graph *g, const int64_t *v, size_t n) {
  const int64_t dims[1] = {(int64_t)n};
  return ig_val_const_bytes(g, NULL, IG_DTYPE_I64, 1, dims, v);
}

void ig_val_set_type(ig_val *v, ig_dtype dtype, int rank, const ig_dim *dims) {
  v->dtype = dtype;
  v->rank = (int8_t)rank;
  for (int k = 0; k < rank; k++)
    v->dims[k] = dims[k];
}

bool ig_val_is_const(const ig_val *v) { return v && v->data != NULL; }

static void link_before(ig_node *n, ig_graph *g, ig_node *before) {
  n->graph = g;
  n->next = before;
  n->prev = before ? before->prev : g->last;
  if (n->prev)
    n->prev->next = n;
  else
    g->first = n;
  if (before)
    before->prev = n;
  else
    g->last = n;
  g->n_nodes++;
  g->ir->n_total_nodes++;
}

ig_node *ig_node_new(ig_graph *g, ig_node *before, const char *name, ig_form form, ig_val *const *in, uint32_t n_in, uint32_t n_out) {
  ig_arena *a = &g->ir->arena;
  ig_node *n = IG_NEW(a, ig_node);
  if (!n) return NULL;
  n->form = form;
  n->domain = n->type = "";
  n->in = IG_NEW_ARRAY(a, ig_val *, (size_t)n_in + 1);
  n->out = IG_NEW_ARRAY(a, ig_val *, (size_t)n_out + 1);
  if (!n->in || !n->out) return NULL;
  for (uint32_t i = 0; i < n_in; i++)
    n->in[i] = in[i];
  n->n_in = n_in;
  n->n_out = n_out;
  for (uint32_t i = 0; i < n_out; i++) {
    n->out[i] = ig_val_new(g, NULL);
    if (!n->out[i]) return NULL;
    n->out[i]->producer = n;
    n->out[i]->index = i;
  }
  n->name = name ? ig_arena_strdup(a, name) : n_out ? n->out[0]->name : "";
  if (!n->name) return NULL;
  link_before(n, g, before);
  return n;
}

void ig_node_remove(ig_node *n) {
  ig_graph *g = n->graph;
  if (n->prev)
    n->prev->next = n->next;
  else
    g->first = n->next;
  if (n->next)
    n->next->prev = n->prev;
  else
    g->last = n->prev;
  n->prev = n->next = NULL;
  g->n_nodes--;
  g->ir->n_total_nodes--;
}

void ig_node_move(ig_node *n, ig_graph *g, ig_node *before) {
  ig_node_remove(n);
  link_before(n, g, before);
  for (uint32_t i = 0; i < n->n_out; i++)
    if (n->out[i]) n->out[i]->graph = g;
}

ig_graph *ig_node_subgraph(const ig_node *n, uint32_t i) {
  for (uint32_t k = 0; k < 2; k++)
    if (n->arms[k] && i-- == 0) return n->arms[k];
  for (uint32_t k = 0; k < n->n_attrs; k++) {
    const ig_ir_attr *a = &n->attrs[k];
    if (a->type == IG_ATTR_GRAPH && i-- == 0) return a->v.graph;
    if (a->type != IG_ATTR_GRAPHS) continue;
    if (i < a->n) return a->v.graphs[i];
    i -= a->n;
  }
  return NULL;
}

static void count_graph(const ig_graph *g, uint32_t *uses) {
  for (const ig_node *n = g->first; n; n = n->next) {
    for (uint32_t i = 0; i < n->n_in; i++) {
      const ig_val *v = ig_node_in(n, i);
      if (v) uses[v->id]++;
    }
    const ig_graph *sub;
    for (uint32_t i = 0; (sub = ig_node_subgraph(n, i)); i++)
      count_graph(sub, uses);
  }
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    const ig_val *v = ig_graph_output(g, i);
    if (v) uses[v->id]++;
  }
}

void ig_graph_count_uses(const ig_graph *g, uint32_t *uses) {
  memset(uses, 0, g->ir->next_id * sizeof *uses);
  count_graph(g, uses);
}

ig_status ig_ir_event(ig_ir *ir, const char *pass, const ig_node *n, bool near_miss, const char *fmt, ...) {
  char text[512];
  va_list ap;
  va_start(ap, fmt);
  vsnprintf(text, sizeof text, fmt, ap);
  va_end(ap);
  if (near_miss && ir->near_misses.n >= MAX_NEAR_MISSES) return NULL;
  if (near_miss) {
    const char *key = ig_arena_printf(&ir->arena, "%s\n%s\n%s", pass, n ? n->name : "", text);
    if (!key) return ig_arena_status(&ir->arena);
    if (ig_strmap_get(&ir->near_misses, key)) return NULL;
    if (!ig_strmap_set(&ir->near_misses, key, ir)) return IG_OOM();
  }
  const ig_event e = {pass, n ? n->name : "", ig_arena_strdup(&ir->arena, text), near_miss};
  if (!e.text) return ig_arena_status(&ir->arena);
  if (!IG_PUSH(&ir->env->alloc, ir->events, e)) return IG_OOM();
  return NULL;
}
