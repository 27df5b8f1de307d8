/* resize: every result element as the nested sum over the axes' taps, in float64.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/resize.h"
#include "ref/element.h"

typedef struct resizer {
  const ig_view *x;
  ig_resize_axis axis[IG_MAX_RANK];
  double *weights[IG_MAX_RANK];
  int64_t first[IG_MAX_RANK];
  int64_t at[IG_MAX_RANK];
} resizer;

size_t ig_ref_resize_scratch(const ig_call *c) {
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  size_t n = 0;
  for (uint32_t k = 0; k < o->rank; k++) {
    ig_resize_axis a;
    ig_resize_axis_init(&a, c->params, k, o->rank, x->dims, o->dims);
    n += (size_t)a.n_taps * sizeof(double);
  }
  return n;
}

static double sum(resizer *s, uint32_t k) {
  if (k == s->x->rank) return ig_ref_load_as(s->x, s->at, IG_S_F64).f64;
  double v = 0;
  for (int64_t i = 0; i < s->axis[k].n_taps; i++) {
    s->at[k] = ig_resize_clamp(&s->axis[k], s->first[k] + i);
    if (s->weights[k][i] != 0) v += s->weights[k][i] * sum(s, k + 1);
  }
  return v;
}

static void store(const ig_view *o, const int64_t *index, double v) {
  const ig_stype t = ig_stype_of(o->dtype);
  const ig_sval r = {.f64 = ig_resize_round(o->dtype, v)};
  ig_ref_store(o, index, t, t == IG_S_F64 ? r : ig_sval_cast(r, IG_S_F64, t), 0);
}

void ig_ref_resize(const ig_call *c) {
  const ig_resize_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const bool copies = p->filter <= IG_RESIZE_CEIL;
  int64_t index[IG_MAX_RANK] = {0};
  resizer s = {.x = x};
  double *weights = c->scratch;
  for (uint32_t k = 0; k < o->rank; k++) {
    ig_resize_axis_init(&s.axis[k], p, k, o->rank, x->dims, o->dims);
    s.weights[k] = weights;
    weights += s.axis[k].n_taps;
  }
  for (bool more = ig_ref_begin(index, o->dims, o->rank); more; more = ig_ref_next(index, o->dims, o->rank)) {
    bool inside = true;
    for (uint32_t k = 0; k < o->rank; k++) {
      inside = ig_resize_taps(&s.axis[k], index[k], s.weights[k], &s.first[k]) && inside;
      s.at[k] = ig_resize_clamp(&s.axis[k], s.first[k]);
    }
    if (!inside)
      store(o, index, p->extrapolation);
    else if (copies)
      ig_ref_copy(o, index, x, s.at);
    else
      store(o, index, sum(&s, 0));
  }
}
