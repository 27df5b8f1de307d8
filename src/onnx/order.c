/* Order of nodes. Files are nearly always sorted; then the order is only proven, in one pass. Otherwise a depth-first walk over the
 * uses gives one that keeps to the file's order where it can. What the graphs inside a node capture counts as its operands.
 * SPDX-License-Identifier: Apache-2.0 */
#include "onnx/import.h"

typedef struct names { const struct names *outer; ig_strmap map; } names;     /* of one graph inside a node */
typedef struct walk {
  ig_onnx_importer *im;
  const ig_onnx_frame *frame;
  ig_strmap produced;               /* name -> index + 1 of the node that defines it */
  IG_VEC(uint32_t) deps;            /* of all nodes, one after the other */
  IG_VEC(size_t) starts;            /* of each node's, and the end */
  bool unsorted;
} walk;

static ig_status collect_graph(walk *w, const names *outer, ig_wire_bytes bytes, uint32_t node);

/* Every name in a list of strings; "" is left out. */
static ig_status next_name(ig_onnx_importer *im, ig_wire_iter *it, const char **out) {
  ig_wire_bytes b;
  for (*out = ""; !(*out)[0] && ig_wire_next(it, &b);) IG_TRY(ig_onnx_string(im, b, out));
  return NULL;
}

static ig_status use_name(walk *w, const names *inner, const char *name, uint32_t node) {
  for (; inner; inner = inner->outer)
    if (ig_strmap_get(&inner->map, name)) return NULL;
  const uintptr_t at = (uintptr_t)ig_strmap_get(&w->produced, name);
  if (at == 0) return NULL;
  if (at - 1 >= node) w->unsorted = true;
  return IG_PUSH(w->im->alloc, w->deps, (uint32_t)(at - 1)) ? NULL : IG_OOM();
}

static ig_status collect_attr(walk *w, const names *inner, ig_wire_bytes bytes, uint32_t node) {
  ig_pb_attr a;
  ig_wire_bytes b;
  IG_TRY(IG_PB_READ(attr, bytes, &a));
  if (a.g.p) IG_TRY(collect_graph(w, inner, a.g, node));
  ig_wire_iter it = ig_wire_iterate(&a.graphs);
  while (ig_wire_next(&it, &b)) IG_TRY(collect_graph(w, inner, b, node));
  return NULL;
}

static ig_status collect_node(walk *w, const names *inner, const ig_pb_node *p, uint32_t node) {
  const char *name;
  ig_wire_bytes b;
  ig_wire_iter it = ig_wire_iterate(&p->input);
  for (;;) {
    IG_TRY(next_name(w->im, &it, &name));
    if (!name[0]) break;
    IG_TRY(use_name(w, inner, name, node));
  }
  it = ig_wire_iterate(&p->attribute);
  while (ig_wire_next(&it, &b)) IG_TRY(collect_attr(w, inner, b, node));
  return NULL;
}

/* ---- what graphs inside nodes define ---- */

static ig_status add_name(ig_onnx_importer *im, names *to, ig_wire_bytes b) {
  const char *name;
  IG_TRY(ig_onnx_string(im, b, &name));
  return !name[0] || ig_strmap_set(&to->map, name, im) ? NULL : IG_OOM();
}

static ig_status add_constant(ig_onnx_importer *im, names *to, ig_wire_bytes bytes, bool sparse) {
  ig_pb_tensor t;
  ig_pb_sparse s = { .values = bytes };
  if (sparse) IG_TRY(IG_PB_READ(sparse, bytes, &s));
  IG_TRY(IG_PB_READ(tensor, s.values, &t));
  return add_name(im, to, t.name);
}

static ig_status add_definitions(ig_onnx_importer *im, const ig_pb_graph *g, names *to) {
  ig_wire_bytes b, o;
  ig_wire_iter it = ig_wire_iterate(&g->input);
  while (ig_wire_next(&it, &b)) {
    ig_pb_value_info info;
    IG_TRY(IG_PB_READ(value_info, b, &info));
    IG_TRY(add_name(im, to, info.name));
  }
  it = ig_wire_iterate(&g->initializer);
  while (ig_wire_next(&it, &b)) IG_TRY(add_constant(im, to, b, false));
  it = ig_wire_iterate(&g->sparse_initializer);
  while (ig_wire_next(&it, &b)) IG_TRY(add_constant(im, to, b, true));
  it = ig_wire_iterate(&g->node);
  while (ig_wire_next(&it, &b)) {
    ig_pb_node p;
    IG_TRY(IG_PB_READ(node, b, &p));
    ig_wire_iter outs = ig_wire_iterate(&p.output);
    while (ig_wire_next(&outs, &o)) IG_TRY(add_name(im, to, o));
  }
  return NULL;
}

static ig_status collect_body(walk *w, names *inner, const ig_pb_graph *g, uint32_t node) {
  ig_wire_bytes b;
  IG_TRY(add_definitions(w->im, g, inner));
  ig_wire_iter it = ig_wire_iterate(&g->node);
  while (ig_wire_next(&it, &b)) {
    ig_pb_node p;
    IG_TRY(IG_PB_READ(node, b, &p));
    IG_TRY(collect_node(w, inner, &p, node));
  }
  it = ig_wire_iterate(&g->output);
  while (ig_wire_next(&it, &b)) {
    ig_pb_value_info info;
    const char *name;
    IG_TRY(IG_PB_READ(value_info, b, &info));
    IG_TRY(ig_onnx_string(w->im, info.name, &name));
    IG_TRY(use_name(w, inner, name, node));
  }
  return NULL;
}

static ig_status collect_graph(walk *w, const names *outer, ig_wire_bytes bytes, uint32_t node) {
  ig_pb_graph g;
  const char *name;
  names inner = { .outer = outer };
  IG_TRY(IG_PB_READ(graph, bytes, &g));
  IG_TRY(ig_onnx_string(w->im, g.name, &name));
  IG_TRY(ig_onnx_enter(w->im, "graph", name));
  ig_strmap_init(&inner.map, w->im->alloc);
  const ig_status st = collect_body(w, &inner, &g, node);
  ig_strmap_free(&inner.map);
  ig_onnx_leave(w->im);
  return st;
}

/* ---- the graph itself ---- */

static ig_status node_error(walk *w, const ig_pb_node *p, const char *fmt, const char *value) {
  const char *name, *type;
  IG_TRY(ig_onnx_node_name(w->im, w->frame, p, &name));
  IG_TRY(ig_onnx_string(w->im, p->op_type, &type));
  return ig_status_node(IG_ERROR_BAD_MODEL, name, type, "%s '%s'", fmt, value);
}

static ig_status count_edges(ig_onnx_importer *im, const ig_pb_node *p) {
  im->n_edges += p->input.n + p->output.n;
  IG_REQUIRE(im->n_edges <= im->limits.edges, IG_ERROR_LIMIT, "limit 'edges' (%llu) exceeded", (unsigned long long)im->limits.edges);
  return NULL;
}

static ig_status collect_produced(walk *w, const ig_wire_list *nodes) {
  ig_wire_iter it = ig_wire_iterate(nodes);
  ig_wire_bytes b;
  for (uintptr_t i = 1; ig_wire_next(&it, &b); i++) {
    ig_pb_node p;
    IG_TRY(IG_PB_READ(node, b, &p));
    IG_TRY(count_edges(w->im, &p));
    ig_wire_iter outs = ig_wire_iterate(&p.output);
    for (;;) {
      const char *name;
      IG_TRY(next_name(w->im, &outs, &name));
      if (!name[0]) break;
      if (ig_strmap_get(&w->produced, name)) return node_error(w, &p, "two results have the name", name);
      if (!ig_strmap_set(&w->produced, name, (void *)i)) return IG_OOM();
    }
  }
  return NULL;
}

static ig_status collect_deps(walk *w, const ig_wire_list *nodes) {
  ig_wire_iter it = ig_wire_iterate(nodes);
  ig_wire_bytes b;
  for (uint32_t i = 0; ig_wire_next(&it, &b); i++) {
    ig_pb_node p;
    IG_TRY(IG_PB_READ(node, b, &p));
    if (!IG_PUSH(w->im->alloc, w->starts, w->deps.n)) return IG_OOM();
    IG_TRY(collect_node(w, NULL, &p, i));
  }
  return IG_PUSH(w->im->alloc, w->starts, w->deps.n) ? NULL : IG_OOM();
}

/* ---- sorting ---- */

typedef struct visit { size_t next; uint32_t parent; enum { NEW = 0, OPEN, DONE } state; } visit;

static ig_status cycle_error(walk *w, ig_wire_bytes bytes) {
  ig_pb_node p;
  const char *output = "";
  IG_TRY(IG_PB_READ(node, bytes, &p));
  ig_wire_iter it = ig_wire_iterate(&p.output);
  IG_TRY(next_name(w->im, &it, &output));
  return node_error(w, &p, "the node needs its own result, directly or through others (a cycle):", output);
}

/* Visits everything that `root` needs, then root itself; the path is kept in `parent`. */
static ig_status visit_from(walk *w, uint32_t root, visit *v, const ig_wire_bytes *all, ig_wire_bytes *order, size_t *n_order) {
  uint32_t at = root;
  v[root] = (visit){ .next = w->starts.data[root], .parent = UINT32_MAX, .state = OPEN };
  while (at != UINT32_MAX) {
    if (v[at].next == w->starts.data[at + 1]) {
      v[at].state = DONE;
      order[(*n_order)++] = all[at];
      at = v[at].parent;
      continue;
    }
    const uint32_t dep = w->deps.data[v[at].next++];
    if (v[dep].state == OPEN) return cycle_error(w, all[dep]);
    if (v[dep].state == DONE) continue;
    v[dep] = (visit){ .next = w->starts.data[dep], .parent = at, .state = OPEN };
    at = dep;
  }
  return NULL;
}

static ig_status sort(walk *w, const ig_wire_list *nodes, ig_wire_bytes *order) {
  const size_t n = (size_t)nodes->n;
  visit *v = ig_alloc_zero(w->im->alloc, n, sizeof *v);
  ig_wire_bytes *all = ig_alloc_zero(w->im->alloc, n, sizeof *all);
  ig_status st = v && all ? NULL : IG_OOM();
  ig_wire_iter it = ig_wire_iterate(nodes);
  for (size_t i = 0; !st && i < n; i++) ig_wire_next(&it, &all[i]);
  size_t n_order = 0;
  for (uint32_t i = 0; !st && i < n; i++)
    if (v[i].state == NEW) st = visit_from(w, i, v, all, order, &n_order);
  ig_free(w->im->alloc, v, n * sizeof *v);
  ig_free(w->im->alloc, all, n * sizeof *all);
  return st;
}

static ig_status find_order(walk *w, const ig_wire_list *nodes, ig_wire_bytes **out_order) {
  IG_TRY(collect_produced(w, nodes));
  IG_TRY(collect_deps(w, nodes));
  if (!w->unsorted) return NULL;
  ig_wire_bytes *order = ig_alloc_zero(w->im->alloc, (size_t)nodes->n, sizeof *order);
  IG_CHECK_MEM(order);
  const ig_status st = sort(w, nodes, order);
  if (st) ig_free(w->im->alloc, order, (size_t)nodes->n * sizeof *order);
  else *out_order = order;
  return st;
}

ig_status ig_onnx_order(ig_onnx_importer *im, const ig_onnx_frame *frame, const ig_wire_list *nodes, ig_wire_bytes **out_order) {
  *out_order = NULL;
  im->n_nodes += nodes->n;
  IG_REQUIRE(im->n_nodes <= im->limits.nodes, IG_ERROR_LIMIT, "limit 'nodes' (%llu, model-local functions inlined) exceeded",
             (unsigned long long)im->limits.nodes);
  walk w = { .im = im, .frame = frame };
  ig_strmap_init(&w.produced, im->alloc);
  const ig_status st = find_order(&w, nodes, out_order);
  ig_strmap_free(&w.produced);
  IG_VEC_FREE(im->alloc, w.deps);
  IG_VEC_FREE(im->alloc, w.starts);
  return st;
}
