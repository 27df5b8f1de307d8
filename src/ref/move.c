/* move.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

/* Where position i of an axis with n elements reads; -1: outside. Needs n > 0 for EDGE, REFLECT and WRAP. */
static int64_t source(int64_t border, int64_t i, int64_t n) {
  if (i >= 0 && i < n) return i;
  if (border == IG_MOVE_CONSTANT || border == IG_MOVE_NONE || n <= 0) return -1;
  if (border == IG_MOVE_EDGE) return i < 0 ? 0 : n - 1;
  const int64_t period = border == IG_MOVE_WRAP ? n : n > 1 ? 2 * (n - 1) : 1;
  const int64_t m = (i % period + period) % period;
  return m < n ? m : period - m;
}

static void store_border(const ig_call *c, const ig_view *o, const int64_t *index) {
  const int64_t at = ig_ref_at(o, index);
  const size_t n = IG_DTYPE_BITS(o->dtype) / 8;
  const bool given = c->n_in > 1 && ig_view_present(ig_call_in(c, 1));
  if (given) ig_ref_copy(o, index, ig_call_in(c, 1), NULL);
  else if (n <= 8) ig_ref_store_bits(o, at, 0);
  else memset((char *)o->data + at * (int64_t)n, 0, n);
}

void ig_ref_move(const ig_call *c) {
  const ig_move_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  int64_t index[IG_MAX_RANK], from[IG_MAX_RANK];
  for (bool more = ig_ref_begin(index, o->dims, o->rank); more; more = ig_ref_next(index, o->dims, o->rank)) {
    bool inside = true;
    for (uint32_t i = 0; i < o->rank; i++) {
      from[i] = source(p->border, index[i] - p->pad_lo[i], x->dims[i]);
      inside = inside && from[i] >= 0;
    }
    if (inside) ig_ref_copy(o, index, x, from);
    else store_border(c, o, index);
  }
}
