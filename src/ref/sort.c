/* sort: each place of the result is the first element, in order, behind the one before it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

/* a > b, where NaN is above everything else. */
static bool above(ig_stype t, ig_sval a, ig_sval b) {
  switch (t) {
  case IG_S_F32:
    return b.f32 == b.f32 && (a.f32 != a.f32 || a.f32 > b.f32);
  case IG_S_F64:
    return b.f64 == b.f64 && (a.f64 != a.f64 || a.f64 > b.f64);
  case IG_S_I32:
    return a.i32 > b.i32;
  case IG_S_I64:
    return a.i64 > b.i64;
  default:
    return a.u64 > b.u64;
  }
}

/* Element a at place i comes before b at place j. */
static bool before(const ig_sort_params *p, ig_stype t, ig_sval a, int64_t i, ig_sval b, int64_t j) {
  const bool more = above(t, a, b), less = above(t, b, a);
  if (more || less) return p->largest ? more : less;
  return i < j;
}

/* The place of the first element in order behind place `last` (-1: of all). index: coordinates of the line. */
static int64_t next_place(const ig_view *x, const ig_sort_params *p, int64_t *index, int64_t last) {
  const ig_stype t = ig_stype_of(x->dtype);
  ig_sval best = {.u64 = 0}, previous = {.u64 = 0};
  int64_t at = -1;
  index[p->axis] = last;
  if (last >= 0) previous = ig_ref_load(x, index);
  for (int64_t i = 0; i < x->dims[p->axis]; i++) {
    index[p->axis] = i;
    const ig_sval v = ig_ref_load(x, index);
    if (last >= 0 && !before(p, t, previous, last, v, i)) continue;
    if (at >= 0 && !before(p, t, v, i, best, at)) continue;
    best = v;
    at = i;
  }
  return at;
}

void ig_ref_sort(const ig_call *c) {
  const ig_sort_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0), *places = c->n_out > 1 ? ig_call_out(c, 1) : NULL;
  int64_t index[IG_MAX_RANK], from[IG_MAX_RANK], dims[IG_MAX_RANK];
  for (uint32_t k = 0; k < o->rank; k++)
    dims[k] = k == (uint32_t)p->axis && o->dims[k] > 0 ? 1 : o->dims[k];
  for (bool more = ig_ref_begin(index, dims, o->rank); more; more = ig_ref_next(index, dims, o->rank)) {
    int64_t last = -1;
    memcpy(from, index, sizeof from);
    for (int64_t i = 0; i < o->dims[p->axis]; i++) {
      last = next_place(x, p, from, last);
      index[p->axis] = i;
      from[p->axis] = last;
      ig_ref_copy(o, index, x, from);
      if (places && ig_view_present(places)) ig_ref_store(places, index, IG_S_I64, (ig_sval){.i64 = last}, 0);
    }
    index[p->axis] = 0;
  }
}
