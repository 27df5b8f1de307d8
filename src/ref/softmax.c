/* softmax: three passes over the axis: largest, sum of exponentials, quotient.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

static double value(const ig_call *c, const int64_t *index, ig_stype t) {
  const ig_softmax_params *p = c->params;
  const bool masked = c->n_in > 1 && ig_view_present(ig_call_in(c, 1));
  const ig_sval x = ig_ref_load(ig_call_in(c, 0), index), m = masked ? ig_ref_load(ig_call_in(c, 1), index) : (ig_sval){0};
  if (t == IG_S_F64) return masked ? x.f64 * p->scale + m.f64 : x.f64 * p->scale;
  const float scaled = x.f32 * (float)p->scale;
  return masked ? scaled + m.f32 : scaled;
}

/* exp and differences in the type's own precision; a double holds every float. */
static double exponential(double x, ig_stype t) { return t == IG_S_F64 ? exp(x) : ig_f32_exp((float)x); }
static double rounded(double x, ig_stype t) { return t == IG_S_F64 ? x : (float)x; }

void ig_ref_softmax(const ig_call *c) {
  const ig_softmax_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0);
  const ig_stype t = ig_kind_result_type(c->kind, p, x->dtype);
  int64_t rows[IG_MAX_RANK], index[IG_MAX_RANK];
  memcpy(rows, x->dims, sizeof rows);
  const int64_t n = rows[p->axis];
  rows[p->axis] = n > 0 ? 1 : 0;
  for (bool more = ig_ref_begin(index, rows, x->rank); more; more = ig_ref_next(index, rows, x->rank)) {
    int64_t *i = &index[p->axis];
    double top = -(double)INFINITY, sum = 0;
    for (*i = 0; *i < n; ++*i) {
      const double v = value(c, index, t);
      top = v > top || v != v ? v : top;
    }
    for (*i = 0; *i < n; ++*i) sum = rounded(sum + exponential(rounded(value(c, index, t) - top, t), t), t);
    const double log_sum = t == IG_S_F64 ? log(sum) : ig_f32_log((float)sum);
    for (*i = 0; *i < n; ++*i) {
      const double d = rounded(value(c, index, t) - top, t);
      ig_ref_finish(c, index, ig_sval_from_f64(t, p->log ? d - log_sum : exponential(d, t) / sum));
    }
    *i = 0;
  }
}
