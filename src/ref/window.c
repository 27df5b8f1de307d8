/* window: pooling, local response normalisation, fold. Maxima compare with < alone, so a NaN never wins; an empty window gives -inf, or the
 * type's least value, with index 0.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ref/element.h"

/* Positions of one window: bounds say what is inside the input, padded what is inside input and padding. */
static bool place(const ig_window_params *p, const ig_view *x, const int64_t *o, const int64_t *k, int64_t *ix, bool *out_padded) {
  bool inside = true;
  *out_padded = true;
  for (int64_t i = 0; i < p->n_spatial; i++) {
    const int64_t at = o[2 + i] * p->stride[i] + k[i] * p->dilation[i] - p->pad_lo[i], n = x->dims[2 + i];
    ix[2 + i] = at;
    inside = inside && at >= 0 && at < n;
    *out_padded = *out_padded && at < n + p->pad_hi[i];
  }
  return inside;
}

static int64_t flat_index(const ig_window_params *p, const ig_view *x, const int64_t *ix) {
  if (!p->column_major) return ig_ref_linear(ix, x->dims, x->rank);
  int64_t at = 0, image = 1;
  for (int64_t i = p->n_spatial; i-- > 0;) {
    at = at * x->dims[2 + i] + ix[2 + i];
    image *= x->dims[2 + i];
  }
  return (ix[0] * x->dims[1] + ix[1]) * image + at;
}

static ig_sval least(ig_dtype d, ig_stype t) {
  const uint32_t bits = IG_DTYPE_BITS(d);
  if (t == IG_S_F32) return (ig_sval){.f32 = -INFINITY};
  if (t == IG_S_F64) return (ig_sval){.f64 = -(double)INFINITY};
  return ig_sval_from_i64(t, (d & 0xff) == 0 ? (int64_t)(UINT64_MAX << (bits - 1)) : 0);
}

static void pool_max(const ig_call *c, const int64_t *o) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0);
  const ig_stype t = ig_stype_of(x->dtype);
  int64_t k[3], ix[IG_MAX_RANK] = {o[0], o[1]}, best = 0;
  ig_sval top = least(x->dtype, t);
  bool padded;
  for (bool more = ig_ref_begin(k, p->kernel, (uint32_t)p->n_spatial), first = true; more; more = ig_ref_next(k, p->kernel, (uint32_t)p->n_spatial)) {
    if (!place(p, x, o, k, ix, &padded)) continue;
    const ig_sval v = ig_ref_load(x, ix);
    if (first) best = flat_index(p, x, ix);
    first = false;
    if (!ig_ref_op(IG_SOP_LT, t, top, v).b) continue;
    top = v;
    best = flat_index(p, x, ix);
  }
  ig_ref_finish(c, o, top);
  if (p->mode == IG_WINDOW_MAX_INDEX && ig_view_present(ig_call_out(c, 1))) ig_ref_store(ig_call_out(c, 1), o, IG_S_I64, (ig_sval){.i64 = best}, 0);
}

static ig_sval power(ig_stype t, ig_sval a, double e) {
  return t == IG_S_F64 ? (ig_sval){.f64 = pow(a.f64, e)} : (ig_sval){.f32 = ig_f32_pow(a.f32, (float)e)};
}

static ig_sval magnitude(ig_stype t, ig_sval a) { return t == IG_S_F64 ? (ig_sval){.f64 = fabs(a.f64)} : (ig_sval){.f32 = ig_f32_abs(a.f32)}; }

/* Average and Lp norm. */
static void pool_sum(const ig_call *c, const int64_t *o) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0);
  const ig_stype t = ig_stype_of(x->dtype);
  int64_t k[3], ix[IG_MAX_RANK] = {o[0], o[1]}, n = 0;
  ig_sval sum = {.u64 = 0};
  for (bool more = ig_ref_begin(k, p->kernel, (uint32_t)p->n_spatial); more; more = ig_ref_next(k, p->kernel, (uint32_t)p->n_spatial)) {
    bool padded;
    const bool inside = place(p, x, o, k, ix, &padded);
    n += p->count_pad ? padded : inside;
    if (!inside) continue;
    const ig_sval v = ig_ref_load(x, ix);
    sum = ig_ref_op(IG_SOP_ADD, t, sum, p->mode == IG_WINDOW_LP ? power(t, magnitude(t, v), p->p) : v);
  }
  ig_ref_finish(c, o, p->mode == IG_WINDOW_LP ? power(t, sum, 1.0 / p->p) : ig_ref_op(IG_SOP_DIV, t, sum, ig_sval_from_i64(t, n)));
}

/* x / (bias + alpha / size * sum of squares over neighbouring channels) ^ beta */
static void respond(const ig_call *c, const int64_t *o) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0);
  const ig_stype t = ig_stype_of(x->dtype);
  const int64_t size = p->kernel[0], lo = ig_max_i64(0, o[1] - (size - 1) / 2), hi = ig_min_i64(x->dims[1] - 1, o[1] + size / 2);
  int64_t ix[IG_MAX_RANK];
  memcpy(ix, o, sizeof ix);
  ig_sval sum = {.u64 = 0};
  for (ix[1] = lo; ix[1] <= hi; ix[1]++) {
    const ig_sval v = ig_ref_load(x, ix);
    sum = ig_ref_mac(t, sum, v, v);
  }
  const ig_sval scaled = ig_ref_mac(t, ig_sval_from_f64(t, p->bias), ig_sval_from_f64(t, p->alpha / (double)size), sum);
  ig_ref_finish(c, o, ig_ref_op(IG_SOP_DIV, t, ig_ref_load(x, o), power(t, scaled, p->beta)));
}

/* Sum of the columns' elements that lie on one pixel. */
static void fold(const ig_call *c, const int64_t *o) {
  const ig_window_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *image = ig_call_out(c, 0);
  const ig_stype t = ig_stype_of(x->dtype);
  const uint32_t n = (uint32_t)p->n_spatial;
  int64_t k[3], ix[3] = {o[0], 0, 0};
  ig_sval sum = {.u64 = 0};
  for (bool more = ig_ref_begin(k, p->kernel, n); more; more = ig_ref_next(k, p->kernel, n)) {
    bool inside = true;
    int64_t block = 0;
    for (uint32_t i = 0; i < n; i++) {
      const int64_t room = image->dims[2 + i] + p->pad_lo[i] + p->pad_hi[i] - ((p->kernel[i] - 1) * p->dilation[i] + 1);
      const int64_t positions = room < 0 ? 0 : room / p->stride[i] + 1, at = o[2 + i] + p->pad_lo[i] - k[i] * p->dilation[i];
      inside = inside && at >= 0 && at % p->stride[i] == 0 && at / p->stride[i] < positions;
      block = block * positions + at / p->stride[i];
    }
    if (!inside) continue;
    ix[1] = o[1];
    for (uint32_t i = 0; i < n; i++) ix[1] = ix[1] * p->kernel[i] + k[i];
    ix[2] = block;
    sum = ig_ref_op(IG_SOP_ADD, t, sum, ig_ref_load(x, ix));
  }
  ig_ref_finish(c, o, sum);
}

void ig_ref_window(const ig_call *c) {
  static void (*const modes[])(const ig_call *, const int64_t *) = {pool_max, pool_max, pool_sum, pool_sum, respond, fold};
  const ig_window_params *p = c->params;
  const ig_view *o = ig_call_out(c, 0);
  int64_t index[IG_MAX_RANK];
  for (bool more = ig_ref_begin(index, o->dims, o->rank); more; more = ig_ref_next(index, o->dims, o->rank)) modes[p->mode](c, index);
}
