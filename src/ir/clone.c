/* Deep copies of an ig_ir or, within one, of the end of a graph: values, nodes, regions and the table of dims are copied, immutable
 * payloads (strings, bytes of constants, attribute lists, programs) are shared with the source. Dims keep their indices, so every ig_dim
 * means the same in the copy.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ir/graph.h"

typedef struct cloner {
  const ig_ir *src;
  ig_ir *dst;
  ig_val **map; /* by id of the source's value */
} cloner;

static ig_val *define_val(cloner *c, ig_graph *g, const ig_val *v) {
  if (c->map[v->id]) return c->map[v->id];
  ig_val *to = ig_val_new(g, v->name);
  if (!to) return NULL;
  to->kind = v->kind;
  to->dtype = v->dtype;
  to->rank = v->rank;
  memcpy(to->dims, v->dims, sizeof to->dims);
  to->data = v->data;
  to->elems = v->elems;
  to->n_elems = v->n_elems;
  to->index = v->index;
  return c->map[v->id] = to;
}

/* A use of v: within one ig_ir, what is defined outside the copied nodes stays what it is. */
static ig_val *clone_val(cloner *c, ig_graph *g, const ig_val *v) {
  if (!v) return NULL;
  if (c->src == c->dst && !c->map[v->id]) return (ig_val *)(uintptr_t)v;
  return define_val(c, g, v);
}

static bool clone_vals(cloner *c, ig_graph *g, ig_val *const *from, uint32_t n, ig_val ***out) {
  ig_val **to = IG_NEW_ARRAY(&c->dst->arena, ig_val *, (size_t)n + 1);
  if (!to) return false;
  for (uint32_t i = 0; i < n; i++) {
    const ig_val *v = ig_val_resolve(from[i]);
    to[i] = clone_val(c, g, v);
    if (v && !to[i]) return false;
  }
  *out = to;
  return true;
}

/* Inputs stay inputs also where their uses were forwarded (contents fixed at build). */
static bool clone_inputs(cloner *c, ig_graph *g, const ig_graph *from) {
  g->inputs = IG_NEW_ARRAY(&c->dst->arena, ig_val *, (size_t)from->n_inputs + 1);
  for (uint32_t i = 0; g->inputs && i < from->n_inputs; i++) {
    const ig_val *v = from->inputs[i], *used = ig_val_resolve(from->inputs[i]);
    ig_val *to = g->inputs[i] = define_val(c, g, v);
    if (!to) return false;
    if (used != v && !(to->forward = clone_val(c, g, used))) return false;
  }
  return g->inputs != NULL;
}

static ig_region *clone_region(ig_arena *a, const ig_region *from) {
  ig_region *to = IG_NEW(a, ig_region);
  ig_request *requests = IG_NEW_ARRAY(a, ig_request, (size_t)from->n_requests + 1);
  if (!to || !requests) return NULL;
  *to = *from;
  to->requests = requests;
  for (uint32_t i = 0; i < from->n_requests; i++) {
    const ig_request *r = &from->requests[i];
    const ig_kind_def *kind = ig_kind(r->kind);
    const size_t n = ig_request_n_operands(r);
    requests[i] = *r;
    requests[i].operands = IG_NEW_ARRAY(a, ig_operand, n + 1);
    requests[i].params = r->params && kind ? ig_arena_alloc(a, kind->params_size) : NULL;
    if (!requests[i].operands || (r->params && !requests[i].params)) return NULL;
    memcpy(requests[i].operands, r->operands, n * sizeof *r->operands);
    if (r->params) memcpy(requests[i].params, r->params, kind->params_size);
  }
  return to;
}

static ig_status clone_graph(cloner *c, const ig_graph *from, ig_graph *parent, ig_graph **out);

static ig_status clone_attrs(cloner *c, const ig_node *from, ig_node *to) {
  ig_arena *a = &c->dst->arena;
  to->attrs = IG_NEW_ARRAY(a, ig_ir_attr, (size_t)from->n_attrs + 1);
  if (!to->attrs) return ig_arena_status(a);
  to->n_attrs = from->n_attrs;
  for (uint32_t i = 0; i < from->n_attrs; i++) {
    const ig_ir_attr *at = &from->attrs[i];
    to->attrs[i] = *at;
    if (at->type == IG_ATTR_GRAPH) IG_TRY(clone_graph(c, at->v.graph, to->graph, &to->attrs[i].v.graph));
    if (at->type != IG_ATTR_GRAPHS) continue;
    ig_graph **graphs = IG_NEW_ARRAY(a, ig_graph *, (size_t)at->n + 1);
    if (!graphs) return ig_arena_status(a);
    for (uint32_t k = 0; k < at->n; k++)
      IG_TRY(clone_graph(c, at->v.graphs[k], to->graph, &graphs[k]));
    to->attrs[i].v.graphs = graphs;
  }
  return NULL;
}

static ig_status clone_node(cloner *c, const ig_node *from, ig_graph *g) {
  ig_arena *a = &c->dst->arena;
  ig_node *to = ig_node_new(g, NULL, from->name, from->form, NULL, 0, 0);
  if (!to) return ig_arena_status(a);
  to->sources = from->sources;
  to->op = from->op;
  to->domain = from->domain;
  to->type = from->type;
  to->opset = from->opset;
  to->view = from->view;
  to->trap = from->trap;
  to->cond = from->cond;
  to->n_in = from->n_in;
  to->n_out = from->n_out;
  if (!clone_vals(c, g, from->in, from->n_in, &to->in)) return ig_arena_status(a);
  IG_TRY(clone_attrs(c, from, to));
  for (uint32_t k = 0; k < 2; k++)
    if (from->arms[k]) IG_TRY(clone_graph(c, from->arms[k], g, &to->arms[k]));
  if (from->region && !(to->region = clone_region(a, from->region))) return ig_arena_status(a);
  to->out = IG_NEW_ARRAY(a, ig_val *, (size_t)from->n_out + 1);
  if (!to->out) return ig_arena_status(a);
  for (uint32_t i = 0; i < from->n_out; i++) {
    if (!from->out[i]) continue;
    to->out[i] = define_val(c, g, from->out[i]);
    if (!to->out[i]) return ig_arena_status(a);
    to->out[i]->producer = to;
  }
  return NULL;
}

static ig_status clone_graph(cloner *c, const ig_graph *from, ig_graph *parent, ig_graph **out) {
  ig_arena *a = &c->dst->arena;
  ig_graph *g = ig_graph_new(c->dst, parent, from->name);
  if (!g) return ig_arena_status(a);
  *out = g;
  if (c->src != c->dst) g->scope = from->scope;
  if (!clone_inputs(c, g, from)) return ig_arena_status(a);
  g->n_inputs = from->n_inputs;
  for (const ig_node *n = from->first; n; n = n->next)
    IG_TRY(clone_node(c, n, g));
  if (!clone_vals(c, g, from->outputs, from->n_outputs, &g->outputs)) return ig_arena_status(a);
  g->n_outputs = from->n_outputs;
  g->output_names = from->output_names;
  return NULL;
}

static ig_status clone_into(const ig_ir *src, ig_ir *dst, ig_val **map) {
  cloner c = {src, dst, map};
  dst->stage = src->stage;
  dst->opsets = src->opsets;
  dst->n_opsets = src->n_opsets;
  dst->props = src->props;
  dst->n_props = src->n_props;
  dst->ir_version = src->ir_version;
  dst->producer = src->producer;
  dst->n_scopes = src->n_scopes;
  dst->n_duplications = src->n_duplications;
  IG_TRY(ig_dims_copy(&src->dims, &dst->dims));
  for (size_t i = 0; i < src->events.n; i++)
    if (!IG_PUSH(&dst->env->alloc, dst->events, src->events.data[i])) return IG_OOM();
  ig_graph *g;
  return src->main ? clone_graph(&c, src->main, NULL, &g) : NULL;
}

ig_status ig_ir_clone(const ig_ir *src, ig_ir **out_ir) {
  const ig_allocator *alloc = &src->env->alloc;
  *out_ir = NULL;
  ig_ir *dst;
  IG_TRY(ig_ir_create(src->env, src->arena.limit, &dst));
  const size_t n_map = (size_t)src->next_id + 1;
  ig_val **map = ig_alloc_zero(alloc, n_map, sizeof *map);
  ig_status st = map ? clone_into(src, dst, map) : IG_OOM();
  ig_free(alloc, map, n_map * sizeof *map);
  if (st) {
    ig_ir_destroy(dst);
    return st;
  }
  *out_ir = dst;
  return NULL;
}

ig_status ig_graph_clone_nodes(const ig_node *first, ig_graph *to, ig_val **map) {
  cloner c = {to->ir, to->ir, map};
  for (const ig_node *n = first; n; n = n->next)
    IG_TRY(clone_node(&c, n, to));
  return NULL;
}
