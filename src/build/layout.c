/* Views become strides. A value's layout is {root, offset, strides}: permutes and slices rearrange strides, expands zero them, reshapes
 * regroup them where the elements allow; where they do not, a move makes a compact copy first.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"

static ig_status compact(ig_dims *t, const ig_val *v, ig_dim *strides) {
  ig_dim s = ig_dim_const(t, 1);
  for (int k = v->rank; k-- > 0;) {
    strides[k] = s;
    s = ig_dim_mul(t, s, v->dims[k]);
  }
  return ig_dims_take_error(t);
}

/* Strides of axes with extent 1 do not matter. */
static bool same_as_compact(ig_dims *t, const ig_val *v, const ig_layout *l, const ig_dim *strides) {
  for (int k = 0; k < v->rank; k++)
    if (l->strides[k] != strides[k] && !ig_dim_equals(t, v->dims[k], 1)) return false;
  return true;
}

ig_status ig_layout_is_compact(ig_ir *ir, const ig_layouts *ls, const ig_val *v, bool *out) {
  ig_dim strides[IG_MAX_RANK];
  const ig_layout *l = &ls->at[v->id];
  *out = false;
  IG_TRY(compact(&ir->dims, v, strides));
  *out = ig_dim_equals(&ir->dims, l->offset, 0) && same_as_compact(&ir->dims, v, l, strides);
  return NULL;
}

/* Regroups strides of x for the dims of y. Walks both from the right: a group ends where the products of extents agree; inside a group the
 * old axes must lie end to end. False: not expressible. */
static bool regroup(ig_dims *t, const ig_val *x, const ig_layout *lx, const ig_val *y, ig_dim *out) {
  int i = x->rank, j = y->rank;
  const ig_dim one = ig_dim_const(t, 1);
  while (i > 0 || j > 0) {
    while (i > 0 && x->dims[i - 1] == one) i--;
    while (j > 0 && y->dims[j - 1] == one) out[--j] = one;
    if (i == 0 || j == 0) break;
    const int i_end = i, j_end = j;
    ig_dim p = x->dims[--i], q = y->dims[--j];
    while (p != q) {   /* grow the side that the other one divides; without a decision grow x, then y */
      int64_t cp, cq;
      const bool consts = ig_dim_is_const(t, p, &cp) && ig_dim_is_const(t, q, &cq);
      if (i > 0 && (consts ? cp < cq : j == 0 || ig_dim_prove_ge(t, q, p) == 1)) p = ig_dim_mul(t, p, x->dims[--i]);
      else if (j > 0) q = ig_dim_mul(t, q, y->dims[--j]);
      else return false;
    }
    for (int k = i; k + 1 < i_end; k++)
      if (lx->strides[k] != ig_dim_mul(t, lx->strides[k + 1], x->dims[k + 1]) && x->dims[k] != one) return false;
    ig_dim s = lx->strides[i_end - 1];
    for (int k = j_end; k-- > j;) {
      out[k] = s;
      s = ig_dim_mul(t, s, y->dims[k]);
    }
  }
  return i == 0 && j == 0;
}

static ig_dim expand_stride(ig_dims *t, ig_dim in, ig_dim out, ig_dim stride) {
  if (in == out) return stride;
  if (ig_dim_equals(t, in, 1)) return ig_dim_const(t, 0);
  return ig_dim_select(t, ig_dim_eq(t, in, ig_dim_const(t, 1)), ig_dim_const(t, 0), stride);
}

/* Layout of the view's result; *out_copy: its input must be copied first. */
static ig_status view_layout(ig_ir *ir, const ig_node *n, const ig_val *x, const ig_layout *lx, const ig_val *y, ig_layout *ly, bool *out_copy) {
  ig_dims *t = &ir->dims;
  ig_dim strides[IG_MAX_RANK];
  *out_copy = false;
  *ly = (ig_layout){ .root = lx->root, .offset = lx->offset, .known = true };
  switch (n->view.op) {
  case IG_VIEW_PERMUTE:
    for (int k = 0; k < y->rank; k++) ly->strides[k] = lx->strides[n->view.perm[k]];
    return NULL;
  case IG_VIEW_SLICE:
    for (int k = 0; k < y->rank; k++) {
      ly->offset = ig_dim_add(t, ly->offset, ig_dim_mul(t, n->view.start[k], lx->strides[k]));
      ly->strides[k] = ig_dim_mul_c(t, lx->strides[k], n->view.step[k]);
    }
    return ig_dims_take_error(t);
  case IG_VIEW_EXPAND:
    for (int k = 0; k < y->rank; k++) {
      const int i = k - (y->rank - x->rank);
      ly->strides[k] = i < 0 ? ig_dim_const(t, 0) : expand_stride(t, x->dims[i], y->dims[k], lx->strides[i]);
    }
    return ig_dims_take_error(t);
  case IG_VIEW_BITCAST:
    if (IG_DTYPE_BITS(x->dtype) == IG_DTYPE_BITS(y->dtype)) {
      memcpy(ly->strides, lx->strides, sizeof ly->strides);
      return NULL;
    }
    IG_TRY(compact(t, x, strides));
    *out_copy = !(same_as_compact(t, x, lx, strides) && ig_dim_equals(t, lx->offset, 0));
    return compact(t, y, ly->strides);
  case IG_VIEW_RESHAPE:
    IG_TRY(compact(t, x, strides));
    if (same_as_compact(t, x, lx, strides)) return compact(t, y, ly->strides);
    *out_copy = !regroup(t, x, lx, y, ly->strides);
    if (*out_copy) IG_TRY(compact(t, y, ly->strides));
    return ig_dims_take_error(t);
  }
  IG_NODE_FAIL(n, IG_ERROR_INTERNAL, "view %d", n->view.op);
}

static ig_status grow(ig_ir *ir, ig_layouts *l) {
  if (ir->next_id <= l->n) return NULL;
  const uint32_t n = ir->next_id * 2 + 64;
  ig_layout *at = IG_NEW_ARRAY(&ir->arena, ig_layout, n);
  if (!at) return ig_arena_status(&ir->arena);
  if (l->n) memcpy(at, l->at, l->n * sizeof *at);
  l->at = at;
  l->n = n;
  return NULL;
}

static ig_status set_root(ig_ir *ir, ig_layouts *l, ig_val *v) {
  IG_TRY(grow(ir, l));
  ig_layout *at = &l->at[v->id];
  if (at->known) return NULL;
  *at = (ig_layout){ .root = v, .offset = ig_dim_const(&ir->dims, 0), .known = true };
  return compact(&ir->dims, v, at->strides);
}

/* A compact copy of x before n. */
static ig_status copy_before(ig_ir *ir, ig_layouts *l, ig_node *n, ig_val *x, ig_val **out) {
  ig_lower lo = { .ir = ir, .graph = n->graph, .before = n, .src = n };
  ig_val *y = ig_lo_copy(&lo, x);
  if (!y) return lo.error ? lo.error : ig_arena_status(&ir->arena);
  *out = y;
  return set_root(ir, l, y);
}

static ig_status resolve_graph(ig_ir *ir, ig_graph *g, ig_layouts *l) {
  for (uint32_t i = 0; i < g->n_inputs; i++) IG_TRY(set_root(ir, l, g->inputs[i]));
  for (ig_node *n = g->first; n; n = n->next) {
    for (uint32_t i = 0; i < n->n_in; i++) {
      ig_val *x = ig_node_in(n, i);
      if (x && !x->producer) IG_TRY(set_root(ir, l, x));   /* constants; captured values are known already */
    }
    if (n->form != IG_FORM_VIEW) {
      for (uint32_t i = 0; i < n->n_out; i++)
        if (n->out[i]) IG_TRY(set_root(ir, l, n->out[i]));
      for (int arm = 0; n->form == IG_FORM_IF && arm < 2; arm++) IG_TRY(resolve_graph(ir, n->arms[arm], l));
      continue;
    }
    ig_val *x = ig_node_in(n, 0), *y = n->out[0];
    bool copy;
    IG_TRY(grow(ir, l));
    IG_TRY(view_layout(ir, n, x, &l->at[x->id], y, &l->at[y->id], &copy));
    if (!copy) continue;
    ig_val *c = NULL;
    IG_TRY(copy_before(ir, l, n, x, &c));
    n->in[0] = c;
    IG_TRY(view_layout(ir, n, c, &l->at[c->id], y, &l->at[y->id], &copy));
    if (copy) IG_NODE_FAIL(n, IG_ERROR_INTERNAL, "view of a compact value is not expressible");
  }
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    ig_val *v = ig_graph_output(g, i);
    if (!v->producer) IG_TRY(set_root(ir, l, v));
  }
  return NULL;
}

ig_status ig_layouts_resolve(ig_ir *ir, ig_layouts *out) {
  *out = (ig_layouts){ 0 };
  IG_TRY(grow(ir, out));
  return resolve_graph(ir, ir->main, out);
}
