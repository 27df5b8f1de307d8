/* scatter. Updates apply in row-major order of the updates, that is of the index.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

/* Place in the result for update index u. */
static void target(const ig_call *c, const int64_t *u, int64_t *to) {
  const ig_scatter_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *index = ig_call_in(c, 1);
  const uint32_t axis = (uint32_t)p->axis;
  if (p->mode == IG_SCATTER_ELEMENTS) {
    for (uint32_t i = 0; i < x->rank; i++) to[i] = u[i];
    to[axis] = ig_ref_index(c, index, u, x->dims[axis]);
    return;
  }
  if (p->mode == IG_SCATTER_ROWS) {
    for (uint32_t i = 0; i < axis; i++) to[i] = u[i];
    to[axis] = ig_ref_index(c, index, u + axis, x->dims[axis]);
    for (uint32_t i = axis + 1; i < x->rank; i++) to[i] = u[i + index->rank - 1];
    return;
  }
  const uint32_t q = index->rank - 1u, k = (uint32_t)index->dims[q];
  int64_t at[IG_MAX_RANK];
  for (uint32_t i = 0; i < q; i++) at[i] = u[i];
  for (uint32_t i = 0; i < k; i++) {
    at[q] = i;
    to[i] = ig_ref_index(c, index, at, x->dims[i]);
  }
  for (uint32_t i = k; i < x->rank; i++) to[i] = u[q + i - k];
}

void ig_ref_scatter(const ig_call *c) {
  static const ig_sop ops[] = {IG_SOP_SELECT, IG_SOP_ADD, IG_SOP_MUL, IG_SOP_MIN, IG_SOP_MAX};
  const ig_scatter_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *u = ig_call_in(c, 2), *o = ig_call_out(c, 0);
  int64_t index[IG_MAX_RANK] = {0}, to[IG_MAX_RANK] = {0};
  const bool in_place = x->data == o->data && x->first == o->first;
  for (bool more = !in_place && ig_ref_begin(index, o->dims, o->rank); more; more = ig_ref_next(index, o->dims, o->rank))
    ig_ref_copy(o, index, x, index);
  const bool nothing = ig_view_count(o) == 0;
  const ig_stype t = ig_stype_of(o->dtype);
  for (bool more = ig_ref_begin(index, u->dims, u->rank); more; more = ig_ref_next(index, u->dims, u->rank)) {
    target(c, index, to);
    if (nothing) continue;
    if (p->reduction == IG_SCATTER_SET) ig_ref_copy(o, to, u, index);
    else ig_ref_store(o, to, t, ig_ref_op(ops[p->reduction], t, ig_ref_load(o, to), ig_ref_load(u, index)), 0);
  }
}
