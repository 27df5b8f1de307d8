/* Views become strides. A value's layout is {root, offset, strides}: permutes and slices rearrange strides, expands zero them, reshapes
 * regroup them where the elements allow (axes.h). A value that only parts of axes express is copied where a kernel reads it. What a Concat
 * joins is written where it belongs in the Concat's result, and read there by others.
 * SPDX-License-Identifier: Apache-2.0 */
#include "build/internal.h"

enum { MAX_VIEWS = 24, MAX_READERS = 64, MAX_NESTED = 128 };

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
  if (!l->strided) return NULL;
  IG_TRY(compact(&ir->dims, v, strides));
  *out = ig_dim_equals(&ir->dims, l->offset, 0) && same_as_compact(&ir->dims, v, l, strides);
  return NULL;
}

ig_status ig_layout_part(ig_ir *ir, const ig_layouts *ls, const ig_val *v, ig_operand *o) {
  ig_dims *t = &ir->dims;
  const ig_layout *l = &ls->at[v->id];
  ig_dim row_major[IG_MAX_RANK], at = o->offset;
  int axis = -1;
  IG_TRY(compact(t, v, row_major));
  for (int k = 0; k < v->rank; k++)
    if (o->dims[k] != v->dims[k]) {
      IG_REQUIRE(axis < 0, IG_ERROR_INTERNAL, "value '%s': a part of it is shorter along two axes", v->name);
      axis = k;
    }
  if (axis >= 0) at = ig_dim_mul(t, ig_dim_floordiv(t, at, row_major[axis]), l->strides[axis]);
  o->offset = ig_dim_add(t, l->offset, at);
  memcpy(o->strides, l->strides, (size_t)v->rank * sizeof *o->strides);
  return ig_dims_take_error(t);
}

/* Layout of the view's result; *out_copy: its input must be copied first. */
static ig_status view_layout(ig_ir *ir, const ig_node *n, const ig_val *x, const ig_layout *lx, const ig_val *y, ig_layout *ly, bool *out_copy) {
  ig_dims *t = &ir->dims;
  ig_dim strides[IG_MAX_RANK];
  *ly = (ig_layout){ .root = lx->root, .offset = lx->offset, .known = true };
  if (n->view.op == IG_VIEW_BITCAST && IG_DTYPE_BITS(x->dtype) == IG_DTYPE_BITS(y->dtype)) {
    ly->axes = lx->axes;
    *out_copy = false;
  } else if (n->view.op == IG_VIEW_BITCAST) {
    IG_TRY(compact(t, x, strides));
    *out_copy = !(lx->strided && same_as_compact(t, x, lx, strides) && ig_dim_equals(t, lx->offset, 0));
    IG_TRY(compact(t, y, strides));
    ig_axes_of_strides(t, (uint32_t)y->rank, y->dims, strides, &ly->axes);
  } else {
    *out_copy = !ig_axes_view(t, n, x, &lx->axes, &ly->axes, &ly->offset);
  }
  if (!*out_copy) ly->strided = ig_axes_strides(t, &ly->axes, y->dims, ly->strides);
  return ig_dims_take_error(t);
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
  *at = (ig_layout){ .root = v, .offset = ig_dim_const(&ir->dims, 0), .known = true, .strided = true };
  IG_TRY(compact(&ir->dims, v, at->strides));
  IG_TRY(ig_order_choose(ir, l, v, at->strides));
  ig_axes_of_strides(&ir->dims, (uint32_t)v->rank, v->dims, at->strides, &at->axes);
  return ig_dims_take_error(&ir->dims);
}

static ig_status resolve_view(ig_ir *ir, ig_layouts *l, ig_node *n);

/* A compact copy of x before `before` (NULL: at the end of g), whose parts are the axes of what the move reads. src: whom the move is named after. */
static ig_status copy_before(ig_ir *ir, ig_layouts *l, ig_graph *g, ig_node *before, const ig_node *src, ig_val *x, ig_val **out) {
  ig_lower lo = { .ir = ir, .graph = g, .before = before, .src = src };
  ig_dim fine[IG_AXES_PARTS];
  const uint32_t n = ig_axes_fine_dims(&ir->dims, &l->at[x->id].axes, fine);
  ig_val *parts = l->at[x->id].strided ? x : ig_lo_reshape(&lo, x, n, fine), *y = ig_lo_copy(&lo, parts), *z = ig_lo_reshape(&lo, y, (uint32_t)x->rank, x->dims);
  if (!z) return lo.error ? lo.error : ig_arena_status(&ir->arena);
  *out = z;
  if (parts != x) IG_TRY(resolve_view(ir, l, parts->producer));
  IG_TRY(set_root(ir, l, y));
  return z == y ? NULL : resolve_view(ir, l, z->producer);
}

static ig_status resolve_view(ig_ir *ir, ig_layouts *l, ig_node *n) {
  ig_val *x = ig_node_in(n, 0), *y = n->out[0], *c = NULL;
  bool copy;
  IG_TRY(grow(ir, l));
  IG_TRY(view_layout(ir, n, x, &l->at[x->id], y, &l->at[y->id], &copy));
  if (!copy) return NULL;
  IG_TRY(copy_before(ir, l, n->graph, n, n, x, &c));
  n->in[0] = c;
  IG_TRY(view_layout(ir, n, c, &l->at[c->id], y, &l->at[y->id], &copy));
  if (copy) IG_NODE_FAIL(n, IG_ERROR_INTERNAL, "view of a compact value is not expressible");
  return NULL;
}

/* What stands for x where strides are wanted: x, or its copy, made where x is, so that it serves every reader. */
static ig_status strided(ig_ir *ir, ig_layouts *l, ig_val *x, ig_val **out) {
  const ig_layout *at = &l->at[x->id];
  *out = at->copy ? at->copy : x;
  if (at->strided || at->copy) return NULL;
  IG_TRY(copy_before(ir, l, x->producer->graph, x->producer->next, x->producer, x, out));
  l->at[x->id].copy = *out;
  return NULL;
}

static ig_status resolve_outputs(ig_ir *ir, ig_graph *g, ig_layouts *l) {
  for (uint32_t i = 0; i < g->n_outputs; i++) {
    ig_val *v = ig_graph_output(g, i);
    if (!v->producer) IG_TRY(set_root(ir, l, v));
    else IG_TRY(strided(ir, l, v, &g->outputs[i]));
  }
  return NULL;
}

/* ---- parts of a result that their producers write themselves ---- */

static bool is_plain_copy(ig_dims *t, const ig_request *r) {
  const ig_move_params *p = r->params;
  if (r->kind != IG_KIND_move || p->border != IG_MOVE_NONE || r->n_extra) return false;
  for (uint32_t k = 0; k < r->operands[0].rank; k++)
    if (!ig_dim_equals(t, p->pad_lo[k], 0)) return false;
  return true;
}

/* Are all who read v, and its views, kernels of g? */
static bool read_within(const ig_readers *r, const ig_graph *g, const ig_val *v, int depth) {
  if (v->id >= r->n_ids || depth > MAX_VIEWS || r->is_output[v->id] || r->first[v->id + 1] - r->first[v->id] > MAX_READERS) return false;
  for (uint32_t i = r->first[v->id]; i < r->first[v->id + 1]; i++) {
    const ig_node *k = r->nodes[i];
    if (k->graph != g || (k->form != IG_FORM_KERNEL && !(k->form == IG_FORM_VIEW && read_within(r, g, k->out[0], depth + 1)))) return false;
  }
  return true;
}

/* May x live in a part of n's result? It is a kernel's whole result, or a Concat's, and nobody makes a copy of it where it is. */
static bool may_live_inside(ig_ir *ir, const ig_layouts *l, const ig_node *n, const ig_val *x) {
  const ig_node *from = x->producer;
  if (!from || from->form != IG_FORM_KERNEL || from->n_out != 1 || from->graph != n->graph || IG_DTYPE_BITS(x->dtype) % 8 != 0) return false;
  if (l->at[x->id].root != x || l->at[x->id].nested == MAX_NESTED) return false;
  for (uint32_t i = 0; from->region->n_requests > 1 && i < from->region->n_requests; i++)
    if (!is_plain_copy(&ir->dims, &from->region->requests[i])) return false;
  return read_within(&l->readers, n->graph, x, 0) && ig_order_copies(&ir->dims, &l->readers, x, &l->at[x->id].axes) == 0;
}

/* The layouts of x's views, and of theirs, once x lies elsewhere. *ok turns false where one of them is not expressible. */
static ig_status views_follow(ig_ir *ir, ig_layouts *l, const ig_val *x, bool *ok) {
  const ig_readers *r = &l->readers;
  for (uint32_t i = r->first[x->id]; i < r->first[x->id + 1]; i++) {
    const ig_node *k = r->nodes[i];
    bool copy;
    if (k->form != IG_FORM_VIEW || !l->at[k->out[0]->id].known) continue;
    IG_TRY(view_layout(ir, k, x, &l->at[x->id], k->out[0], &l->at[k->out[0]->id], &copy));
    *ok = *ok && !copy;
    if (!copy) IG_TRY(views_follow(ir, l, k->out[0], ok));
  }
  return NULL;
}

/* The value that request i of Concat n copies whole into a part of its result, and that part; NULL: it is none. */
static ig_val *part_of(ig_ir *ir, const ig_node *n, uint32_t i, ig_operand *part) {
  const ig_request *r = &n->region->requests[i];
  ig_val *x = n->region->n_requests > 1 && r->operands[0].value < n->n_in ? ig_node_in(n, r->operands[0].value) : NULL;
  if (!x || !is_plain_copy(&ir->dims, r)) return NULL;
  *part = *ig_request_out(r, 0);
  return memcmp(part->dims, x->dims, (size_t)x->rank * sizeof *x->dims) == 0 ? x : NULL;
}

/* x lies in the buffer of root from now on, and with it its views and what lives in its parts. *ok turns false where a reader would need a copy then. */
static ig_status lie_at(ig_ir *ir, ig_layouts *l, ig_val *x, ig_val *root, ig_dim offset, const ig_dim *strides, bool *ok) {
  ig_layout *at = &l->at[x->id];
  at->root = root;
  at->offset = offset;
  memcpy(at->strides, strides, (size_t)x->rank * sizeof *at->strides);
  ig_axes_of_strides(&ir->dims, (uint32_t)x->rank, x->dims, at->strides, &at->axes);
  *ok = *ok && ig_order_copies(&ir->dims, &l->readers, x, &at->axes) == 0;
  IG_TRY(views_follow(ir, l, x, ok));
  for (uint32_t i = 0; i < x->producer->region->n_requests; i++) {
    ig_operand part;
    ig_val *y = part_of(ir, x->producer, i, &part);
    if (!y || l->at[y->id].inside != x) continue;
    IG_TRY(ig_layout_part(ir, l, x, &part));
    IG_TRY(lie_at(ir, l, y, root, part.offset, part.strides, ok));
  }
  return ig_dims_take_error(&ir->dims);
}

/* Concat: an input whose producer can write its part in place gets that place, and no move is left of it. */
static ig_status place_parts(ig_ir *ir, ig_layouts *l, ig_node *n) {
  for (uint32_t i = 0; i < n->region->n_requests; i++) {
    ig_operand part;
    ig_val *x = part_of(ir, n, i, &part);
    if (!x || !may_live_inside(ir, l, n, x)) continue;
    const ig_layout old = l->at[x->id];
    bool ok = true;
    IG_TRY(ig_layout_part(ir, l, n->out[0], &part));
    IG_TRY(lie_at(ir, l, x, l->at[n->out[0]->id].root, part.offset, part.strides, &ok));
    if (!ok) {
      IG_TRY(lie_at(ir, l, x, old.root, old.offset, old.strides, &ok));
      continue;
    }
    l->at[x->id].inside = n->out[0];
    if (l->at[n->out[0]->id].nested <= old.nested) l->at[n->out[0]->id].nested = old.nested + 1;
  }
  return NULL;
}

static ig_status resolve_graph(ig_ir *ir, ig_graph *g, ig_layouts *l) {
  for (uint32_t i = 0; i < g->n_inputs; i++) IG_TRY(set_root(ir, l, g->inputs[i]));
  for (ig_node *n = g->first; n; n = n->next) {
    for (uint32_t i = 0; i < n->n_in; i++) {
      ig_val *x = ig_node_in(n, i);
      if (x && !x->producer) IG_TRY(set_root(ir, l, x));   /* constants; captured values are known already */
      if (x && n->form != IG_FORM_VIEW) IG_TRY(strided(ir, l, x, &n->in[i]));
    }
    if (n->form == IG_FORM_VIEW) {
      IG_TRY(resolve_view(ir, l, n));
      continue;
    }
    for (uint32_t i = 0; i < n->n_out; i++)
      if (n->out[i]) IG_TRY(set_root(ir, l, n->out[i]));
    if (n->form == IG_FORM_KERNEL) IG_TRY(place_parts(ir, l, n));
    for (int arm = 0; n->form == IG_FORM_IF && arm < 2; arm++) IG_TRY(resolve_graph(ir, n->arms[arm], l));
  }
  return resolve_outputs(ir, g, l);
}

ig_status ig_layouts_resolve(ig_ir *ir, ig_layouts *out) {
  *out = (ig_layouts){ 0 };
  IG_TRY(ig_readers_init(ir, &out->readers));
  IG_TRY(grow(ir, out));
  return resolve_graph(ir, ir->main, out);
}
