/* norm. Statistics and the normalised value are computed in the stash type, scale and bias in the result's.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

typedef struct group { const ig_call *c; ig_stype stash, type; int64_t dims[IG_MAX_RANK]; } group;

static double in_stash(const group *g, double x) { return g->stash == IG_S_F64 ? x : (float)x; }
static double in_type(const group *g, double x) { return g->type == IG_S_F64 ? x : (float)x; }
static double load(const group *g, uint32_t i, const int64_t *index) { return ig_ref_load_as(ig_call_in(g->c, i), index, IG_S_F64).f64; }
static bool given(const ig_call *c, uint32_t i) { return i < c->n_in && ig_view_present(ig_call_in(c, i)); }
static double value(const group *g, const int64_t *index) {
  const double x = load(g, 0, index);
  return given(g->c, 3) ? in_type(g, x + load(g, 3, index)) : x;
}

/* Sum over the group that starts at `start` of (x - centre), its square (power 2) or its magnitude (power 1). */
static double sum(const group *g, const int64_t *start, double centre, int power) {
  const uint32_t rank = ig_call_in(g->c, 0)->rank;
  int64_t r[IG_MAX_RANK], index[IG_MAX_RANK];
  double s = 0;
  for (bool more = ig_ref_begin(r, g->dims, rank); more; more = ig_ref_next(r, g->dims, rank)) {
    for (uint32_t i = 0; i < rank; i++) index[i] = start[i] + r[i];
    const double d = in_stash(g, in_stash(g, value(g, index)) - centre);
    s = in_stash(g, s + (power == 2 ? in_stash(g, d * d) : power == 1 ? fabs(d) : d));
  }
  return s;
}

static void store_statistic(const ig_call *c, uint32_t k, const int64_t *index, ig_stype t, double x) {
  if (k >= c->n_out || c->epi.n || !ig_view_present(ig_call_out(c, k))) return;
  ig_ref_store(ig_call_out(c, k), index, t, ig_sval_from_f64(t, x), 0);
}

static void normalise(const group *g, const int64_t *start) {
  const ig_norm_params *p = g->c->params;
  const uint32_t rank = ig_call_in(g->c, 0)->rank;
  double n = 1, mean = 0, inverse;
  for (uint32_t i = 0; i < rank; i++) n *= (double)g->dims[i];
  if (p->mode == IG_NORM_LAYER) mean = in_stash(g, sum(g, start, 0, 0) / n);
  if (p->mode == IG_NORM_LAYER || p->mode == IG_NORM_RMS) {
    const double variance = in_stash(g, sum(g, start, mean, 2) / n);
    inverse = in_stash(g, 1.0 / in_stash(g, sqrt(in_stash(g, variance + in_stash(g, p->eps)))));
  } else {
    const double length = p->mode == IG_NORM_L1 ? sum(g, start, 0, 1) : in_stash(g, sqrt(sum(g, start, 0, 2)));
    const double least = length < p->eps ? p->eps : length;
    inverse = least > 0 ? in_stash(g, 1.0 / least) : 0.0;
  }
  store_statistic(g->c, 1, start, g->stash, mean);
  store_statistic(g->c, 2, start, g->stash, inverse);
  int64_t r[IG_MAX_RANK], index[IG_MAX_RANK];
  for (bool more = ig_ref_begin(r, g->dims, rank); more; more = ig_ref_next(r, g->dims, rank)) {
    for (uint32_t i = 0; i < rank; i++) index[i] = start[i] + r[i];
    const double x = value(g, index);
    double y = in_type(g, in_stash(g, in_stash(g, in_stash(g, x) - mean) * inverse));
    if (given(g->c, 1)) y = in_type(g, y * load(g, 1, index));
    if (given(g->c, 2)) y = in_type(g, y + load(g, 2, index));
    store_statistic(g->c, 3, index, g->type, x);
    ig_ref_finish(g->c, index, ig_sval_from_f64(g->type, y));
  }
}

void ig_ref_norm(const ig_call *c) {
  const ig_norm_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0);
  group g = {.c = c, .stash = (ig_stype)p->stash, .type = ig_kind_result_type(c->kind, p, x->dtype)};
  int64_t outer[IG_MAX_RANK], start[IG_MAX_RANK];
  for (uint32_t i = 0; i < x->rank; i++) {
    const bool within = p->mode >= IG_NORM_L1 ? i == (uint32_t)p->axis : i >= (uint32_t)p->axis;
    g.dims[i] = within ? x->dims[i] : 1;
    outer[i] = within ? 1 : x->dims[i];
  }
  for (bool more = ig_ref_begin(start, outer, x->rank); more; more = ig_ref_next(start, outer, x->rank)) normalise(&g, start);
}
