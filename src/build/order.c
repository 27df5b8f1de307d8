/* In which order a kernel's result lies in memory. Its own axes' order, unless its readers permute it and would otherwise copy: heads of attention,
 * [batch, heads, length, head], lie as [batch, length, heads, head] where they are joined next. The last axis stays innermost, so that rows are
 * written whole.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"

enum { COPY = 1000, SCATTERED = 1, MAX_DEPTH = 24 };

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

/* Copies that readers of v would ask for, and reads along no contiguous axis, if v lies so. */
static int cost(ig_dims *t, const ig_readers *r, const ig_val *v, const ig_axes *a, int depth) {
  ig_dim strides[IG_MAX_RANK];
  const bool strided = ig_axes_strides(t, a, v->dims, strides);
  int sum = r->is_output[v->id] && !is_compact(t, v, a) ? COPY : 0;
  for (uint32_t i = r->first[v->id]; i < r->first[v->id + 1]; i++) {
    const ig_node *n = r->nodes[i];
    ig_axes y;
    ig_dim offset = ig_dim_const(t, 0);
    if (n->form != IG_FORM_VIEW) sum += !strided ? COPY : v->rank && !ig_dim_equals(t, strides[v->rank - 1], 1) ? SCATTERED : 0;
    else if (depth == MAX_DEPTH || n->out[0]->id >= r->n_ids || !ig_axes_view(t, n, v, a, &y, &offset)) sum += COPY;
    else sum += cost(t, r, n->out[0], &y, depth + 1);
  }
  return sum;
}

/* Kernels that write rows anywhere as fast as one behind the other. A product with a constant matrix is not: its rows are taken as one axis. */
static bool writes_rows(const ig_node *n) {
  if (n->form != IG_FORM_KERNEL || n->region->n_requests != 1) return false;
  const ig_request *r = &n->region->requests[0];
  const ig_val *b = r->kind == IG_KIND_matmul ? ig_node_in(n, r->operands[1].value) : NULL;
  while (b && !b->data && b->producer && b->producer->form == IG_FORM_VIEW) b = ig_node_in(b->producer, 0);
  return r->kind == IG_KIND_attention || r->kind == IG_KIND_rnn || r->kind == IG_KIND_map || r->kind == IG_KIND_softmax || (r->kind == IG_KIND_norm && r->n_out == 1) || (b && !b->data);
}

ig_status ig_order_choose(ig_ir *ir, const ig_readers *r, const ig_val *v, ig_dim *strides) {
  ig_dims *t = &ir->dims;
  ig_axes a;
  if (!r->first || v->id >= r->n_ids || !v->producer || v->rank < 3 || !writes_rows(v->producer)) return NULL;
  ig_axes_of_strides(t, (uint32_t)v->rank, v->dims, strides, &a);
  int least = cost(t, r, v, &a, 0);
  for (uint32_t i = r->first[v->id]; least >= COPY && i < r->first[v->id + 1]; i++) {
    const ig_node *n = r->nodes[i];
    if (n->form != IG_FORM_VIEW || n->view.op != IG_VIEW_PERMUTE || n->view.perm[v->rank - 1] != v->rank - 1) continue;
    ig_dim other[IG_MAX_RANK], s = ig_dim_const(t, 1);
    for (int k = v->rank; k-- > 0; s = ig_dim_mul(t, s, v->dims[n->view.perm[k]])) other[n->view.perm[k]] = s;
    ig_axes_of_strides(t, (uint32_t)v->rank, v->dims, other, &a);
    const int c = cost(t, r, v, &a, 0);
    if (c >= least) continue;
    least = c;
    memcpy(strides, other, (size_t)v->rank * sizeof *other);
  }
  return ig_dims_take_error(t);
}
