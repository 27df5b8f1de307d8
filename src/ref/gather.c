/* gather.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

/* Index into data for the result's index `o`. */
static void source_rows(const ig_call *c, const int64_t *o, int64_t *from) {
  const uint32_t axis = (uint32_t)((const ig_gather_params *)c->params)->axis;
  const ig_view *x = ig_call_in(c, 0), *index = ig_call_in(c, 1);
  for (uint32_t i = 0; i < axis; i++) from[i] = o[i];
  from[axis] = ig_ref_index(c, index, o + axis, x->dims[axis]);
  for (uint32_t i = axis + 1; i < x->rank; i++) from[i] = o[i + index->rank - 1];
}

static void source_nd(const ig_call *c, const int64_t *o, int64_t *from) {
  const uint32_t b = (uint32_t)((const ig_gather_params *)c->params)->batch_dims;
  const ig_view *x = ig_call_in(c, 0), *index = ig_call_in(c, 1);
  const uint32_t q = index->rank - 1u, k = (uint32_t)index->dims[q];
  int64_t at[IG_MAX_RANK];
  for (uint32_t i = 0; i < q; i++) at[i] = o[i];
  for (uint32_t i = 0; i < b; i++) from[i] = o[i];
  for (uint32_t i = 0; i < k; i++) {
    at[q] = i;
    from[b + i] = ig_ref_index(c, index, at, x->dims[b + i]);
  }
  for (uint32_t i = b + k; i < x->rank; i++) from[i] = o[q + i - (b + k)];
}

void ig_ref_gather(const ig_call *c) {
  const ig_gather_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  int64_t index[IG_MAX_RANK], from[IG_MAX_RANK];
  const bool nothing = ig_view_count(x) == 0;
  for (bool more = ig_ref_begin(index, o->dims, o->rank); more; more = ig_ref_next(index, o->dims, o->rank)) {
    if (p->mode == IG_GATHER_ROWS) source_rows(c, index, from);
    else if (p->mode == IG_GATHER_ND) source_nd(c, index, from);
    else {
      memcpy(from, index, sizeof from);
      from[p->axis] = ig_ref_index(c, ig_call_in(c, 1), index, x->dims[p->axis]);
    }
    if (!nothing) ig_ref_copy(o, index, x, from);
  }
}
