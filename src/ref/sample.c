/* sample: every result as the nested sum over the axes' taps, in float64.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/sample.h"
#include "ref/element.h"

typedef struct sampler {
  const ig_view *x;
  int64_t at[IG_MAX_RANK];
  double weights[IG_MAX_RANK][IG_SAMPLE_TAPS];
  int64_t places[IG_MAX_RANK][IG_SAMPLE_TAPS];
  int n_taps;
} sampler;

static double sum(sampler *s, uint32_t k) {
  if (k == s->x->rank) return ig_ref_load_as(s->x, s->at, IG_S_F64).f64;
  double v = 0;
  for (int i = 0; i < s->n_taps; i++) {
    s->at[k] = s->places[k][i];
    if (s->at[k] >= 0) v += s->weights[k][i] * sum(s, k + 1);
  }
  return v;
}

void ig_ref_sample(const ig_call *c) {
  const ig_view *x = ig_call_in(c, 0), *grid = ig_call_in(c, 1), *o = ig_call_out(c, 0);
  const ig_stype t = ig_stype_of(o->dtype);
  const uint32_t n = x->rank - 2u;
  int64_t index[IG_MAX_RANK], from[IG_MAX_RANK];
  sampler s = {.x = x};
  for (bool more = ig_ref_begin(index, o->dims, o->rank); more; more = ig_ref_next(index, o->dims, o->rank)) {
    from[0] = s.at[0] = index[0];
    s.at[1] = index[1];
    for (uint32_t k = 0; k < n; k++)
      from[1 + k] = index[2 + k];
    for (uint32_t k = 0; k < n; k++) { /* the grid names the last axis first */
      from[1 + n] = n - 1 - k;
      s.n_taps = ig_sample_taps(c->params, ig_ref_load_as(grid, from, IG_S_F64).f64, x->dims[2 + k], s.weights[2 + k], s.places[2 + k]);
    }
    const ig_sval v = {.f64 = sum(&s, 2)};
    ig_ref_store(o, index, t, t == IG_S_F64 ? v : ig_sval_cast(v, IG_S_F64, t), 0);
  }
}
