/* In which order the axes of a kernel's result lie in memory. Convolutions write feature maps channels last, [N, spatial, C], so that products read and
 * write whole vectors of channels and a convolution of one pixel is a plain product; kernels that go element by element keep the order of
 * what they read; the others write row-major. Where the readers would copy a result in that order, another is taken that spares copies: row-major
 * before a flattening reshape, or the order of a permute that follows, as where heads of attention, [batch, heads, length, head], are joined
 * next. Nothing but strides tells of it all, so views, parts and broadcasts work as on any operand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"

enum { MAX_DEPTH = 24 };

static void count_graph(const ig_graph *g, uint32_t *n) {
  for (const ig_node *k = g->first; k; k = k->next) {
    for (uint32_t i = 0; i < k->n_in; i++) {
      const ig_val *v = ig_node_in(k, i);
      if (v) n[v->id]++;
    }
    ig_graph *sub;
    for (uint32_t i = 0; (sub = ig_node_subgraph(k, i)); i++) count_graph(sub, n);
  }
}
static void list_graph(const ig_graph *g, ig_readers *r, uint32_t *at) {
  for (ig_node *k = g->first; k; k = k->next) {
    for (uint32_t i = 0; i < k->n_in; i++) {
      const ig_val *v = ig_node_in(k, i);
      if (v) r->nodes[at[v->id]++] = k;
    }
    ig_graph *sub;
    for (uint32_t i = 0; (sub = ig_node_subgraph(k, i)); i++) list_graph(sub, r, at);
  }
  for (uint32_t i = 0; i < g->n_outputs; i++) r->is_output[ig_graph_output(g, i)->id] = true;
}

ig_status ig_readers_init(ig_ir *ir, ig_readers *out) {
  const uint32_t n = ir->next_id;
  *out = (ig_readers){ .n_ids = n, .first = IG_NEW_ARRAY(&ir->arena, uint32_t, n + 1), .is_output = IG_NEW_ARRAY(&ir->arena, bool, n + 1) };
  uint32_t *at = IG_NEW_ARRAY(&ir->arena, uint32_t, n + 1);
  if (!out->first || !out->is_output || !at) return ig_arena_status(&ir->arena);
  count_graph(ir->main, at);
  for (uint32_t i = 0; i < n; i++) {
    out->first[i + 1] = out->first[i] + at[i];
    at[i] = out->first[i];
  }
  out->nodes = IG_NEW_ARRAY(&ir->arena, ig_node *, out->first[n] + 1);
  if (!out->nodes) return ig_arena_status(&ir->arena);
  list_graph(ir->main, out, at);
  return NULL;
}

static bool is_compact(ig_dims *t, const ig_val *v, const ig_axes *a) {
  ig_dim strides[IG_MAX_RANK], s = ig_dim_const(t, 1);
  if (!ig_axes_strides(t, a, v->dims, strides)) return false;
  for (int k = v->rank; k-- > 0; s = ig_dim_mul(t, s, v->dims[k]))
    if (strides[k] != s && !ig_dim_equals(t, v->dims[k], 1)) return false;
  return true;
}

/* Convolution and its kin go through the channels of a pixel; another order costs them a copy of their own. */
static bool wants_channels(const ig_node *n, const ig_val *v) {
  const ig_request *r = n->form == IG_FORM_KERNEL && n->region->n_requests == 1 ? &n->region->requests[0] : NULL;
  return r && r->kind == IG_KIND_conv && v->rank > 2 && ig_node_in(n, r->operands[0].value) == v;
}

static int copies(ig_dims *t, const ig_readers *r, const ig_val *v, const ig_axes *a, int depth) {
  ig_dim strides[IG_MAX_RANK];
  const bool strided = ig_axes_strides(t, a, v->dims, strides);
  int sum = r->is_output[v->id] && !is_compact(t, v, a);
  for (uint32_t i = r->first[v->id]; i < r->first[v->id + 1]; i++) {
    const ig_node *n = r->nodes[i];
    ig_axes y;
    ig_dim offset = ig_dim_const(t, 0);
    if (n->form != IG_FORM_VIEW) sum += !strided || (wants_channels(n, v) && !ig_dim_equals(t, strides[1], 1));
    else if (depth == MAX_DEPTH || n->out[0]->id >= r->n_ids || !ig_axes_view(t, n, v, a, &y, &offset)) sum++;
    else sum += copies(t, r, n->out[0], &y, depth + 1);
  }
  return sum;
}

int ig_order_copies(ig_dims *t, const ig_readers *r, const ig_val *v, const ig_axes *a) { return copies(t, r, v, a, 0); }

/* Kernels that write rows anywhere as fast as one behind the other. A product with a constant matrix is not: its rows are taken as one axis. */
static bool writes_rows(const ig_node *n) {
  if (n->region->n_requests != 1) return false;
  const ig_request *r = &n->region->requests[0];
  const ig_val *b = r->kind == IG_KIND_matmul ? ig_node_in(n, r->operands[1].value) : NULL;
  while (b && !b->data && b->producer && b->producer->form == IG_FORM_VIEW) b = ig_node_in(b->producer, 0);
  return r->kind == IG_KIND_attention || r->kind == IG_KIND_rnn || r->kind == IG_KIND_map || r->kind == IG_KIND_softmax || (r->kind == IG_KIND_norm && r->n_out == 1) || (b && !b->data);
}

/* ---- the order that the kernel itself would like ---- */

/* Kinds that go over their result element by element and read the first input in the same order. */
static bool keeps_order(ig_kind_id kind) {
  return kind == IG_KIND_map || kind == IG_KIND_move || kind == IG_KIND_reduce || kind == IG_KIND_softmax || kind == IG_KIND_norm || kind == IG_KIND_window ||
         kind == IG_KIND_resize;
}

/* How large a stride is among its like, with the same stand-in for every symbol. */
static double magnitude(const ig_dims *t, ig_dim d, int depth) {
  const ig_dim_node *n = &t->nodes.data[d];
  if (n->op == IG_DIM_CONST) return (double)n->imm;
  if (depth == 16 || (n->op != IG_DIM_ADD && n->op != IG_DIM_MUL && n->op != IG_DIM_FLOORDIV && n->op != IG_DIM_CEILDIV)) return 64;
  const double a = magnitude(t, n->a, depth + 1), b = magnitude(t, n->b, depth + 1);
  return n->op == IG_DIM_ADD ? a + b : n->op == IG_DIM_MUL ? a * b : b > 0 ? a / b : 64;
}

/* The order in which memory nests the axes of x, outermost first. False: row-major. */
static bool order_of(const ig_dims *t, const ig_val *x, const ig_layout *l, uint8_t *order) {
  double size[IG_MAX_RANK];
  bool other = false;
  for (int k = 0; k < x->rank; k++) {
    int i = k;
    size[k] = magnitude(t, l->strides[k], 0);
    for (; i > 0 && size[order[i - 1]] < size[k]; i--) order[i] = order[i - 1];
    order[i] = (uint8_t)k;
    other |= i != k;
  }
  return other;
}

/* A broadcast operand lies in no order: its zero strides say nothing of how the kernel walks. */
static bool is_broadcast(const ig_dims *t, const ig_val *x, const ig_layout *l) {
  for (int k = 0; k < x->rank; k++)
    if (ig_dim_equals(t, l->strides[k], 0) && !ig_dim_equals(t, x->dims[k], 1)) return true;
  return false;
}

/* The order of the kernel's first input, or of any that a map does not broadcast, where that is not row-major. */
static bool order_of_operands(const ig_ir *ir, const ig_layouts *l, const ig_node *n, const ig_val *v, uint8_t *order) {
  const ig_request *r = &n->region->requests[0];
  for (uint32_t i = 0; i < (r->kind == IG_KIND_map ? r->n_in : 1); i++) {
    const ig_val *x = r->operands[i].value == IG_NO_VALUE ? NULL : ig_node_in(n, r->operands[i].value);
    if (!x || x->data || x->rank != v->rank || !l->at[x->id].strided) continue;
    if (r->kind == IG_KIND_map && memcmp(x->dims, v->dims, (size_t)x->rank * sizeof *x->dims) != 0) continue;
    if (!is_broadcast(&ir->dims, x, &l->at[x->id]) && order_of(&ir->dims, x, &l->at[x->id], order)) return true;
  }
  return false;
}

static bool preferred(const ig_ir *ir, const ig_layouts *l, const ig_node *n, const ig_val *v, uint8_t *order) {
  const ig_kind_id kind = n->region->requests[0].kind;
  if (kind != IG_KIND_conv) return keeps_order(kind) && order_of_operands(ir, l, n, v, order);
  order[0] = 0;
  for (int k = 1; k + 1 < v->rank; k++) order[k] = (uint8_t)(k + 1);
  order[v->rank - 1] = 1;
  return true;
}

/* Takes `order` where it has fewer copies than the best so far. */
static void consider(ig_dims *t, const ig_readers *r, const ig_val *v, const uint8_t *order, int *least, ig_dim *best) {
  ig_dim strides[IG_MAX_RANK], s = ig_dim_const(t, 1);
  ig_axes a;
  for (int k = v->rank; k-- > 0; s = ig_dim_mul(t, s, v->dims[order[k]])) strides[order[k]] = s;
  ig_axes_of_strides(t, (uint32_t)v->rank, v->dims, strides, &a);
  const int n = copies(t, r, v, &a, 0);
  if (n >= *least) return;
  *least = n;
  memcpy(best, strides, (size_t)v->rank * sizeof *best);
}

ig_status ig_order_choose(ig_ir *ir, const ig_layouts *l, const ig_val *v, ig_dim *strides) {
  const ig_readers *r = &l->readers;
  const ig_node *from = v->producer;
  uint8_t order[IG_MAX_RANK] = { 0 };
  int least = INT32_MAX;
  if (!r->first || v->id >= r->n_ids || !from || from->form != IG_FORM_KERNEL || v->rank < 3) return NULL;
  if (preferred(ir, l, from, v, order)) consider(&ir->dims, r, v, order, &least, strides);
  for (uint8_t k = 0; k < IG_MAX_RANK; k++) order[k] = k;
  consider(&ir->dims, r, v, order, &least, strides);
  for (uint32_t i = r->first[v->id]; least > 0 && writes_rows(from) && i < r->first[v->id + 1]; i++) {
    const ig_node *n = r->nodes[i];
    if (n->form == IG_FORM_VIEW && n->view.op == IG_VIEW_PERMUTE && n->view.perm[v->rank - 1] == v->rank - 1) consider(&ir->dims, r, v, n->view.perm, &least, strides);
  }
  return ig_dims_take_error(&ir->dims);
}
