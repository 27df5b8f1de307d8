/* conv. Padding and the zeros of a dilated input equal the zero point, so they add nothing and are skipped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

/* Input position under kernel position k for result position o; false outside the input or between its elements. */
static bool input_position(const ig_conv_params *p, const ig_view *x, int64_t axis, int64_t o, int64_t k, int64_t *out) {
  const int64_t at = o * p->stride[axis] + k * p->dilation[axis] - p->pad_lo[axis];
  if (at < 0 || at % p->in_dilation[axis]) return false;
  *out = at / p->in_dilation[axis];
  return *out < x->dims[2 + axis];
}

void ig_ref_conv(const ig_call *c) {
  const ig_conv_params *p = c->params;
  const ig_stype t = (ig_stype)p->acc;
  const ig_view *x = ig_call_in(c, 0), *w = ig_call_in(c, 1), *o = ig_call_out(c, 0);
  const int64_t per_group = p->groups ? w->dims[0] / p->groups : 1, n_channels = w->dims[1];
  int64_t index[IG_MAX_RANK], ix[IG_MAX_RANK], iw[IG_MAX_RANK];
  for (bool more = ig_ref_begin(index, o->dims, o->rank); more; more = ig_ref_next(index, o->dims, o->rank)) {
    ig_sval acc = {.u64 = 0};
    iw[0] = index[1];
    ix[0] = index[0];
    for (bool inner = ig_ref_begin(iw + 1, w->dims + 1, w->rank - 1u); inner; inner = ig_ref_next(iw + 1, w->dims + 1, w->rank - 1u)) {
      bool inside = true;
      ix[1] = index[1] / per_group * n_channels + iw[1];
      for (int64_t i = 0; i < p->n_spatial; i++) inside = inside && input_position(p, x, i, index[2 + i], iw[2 + i], &ix[2 + i]);
      if (inside) acc = ig_ref_mac(t, acc, ig_ref_centred(c, 0, 2, ix, t), ig_ref_centred(c, 1, 3, iw, t));
    }
    ig_ref_finish(c, index, acc);
  }
}
