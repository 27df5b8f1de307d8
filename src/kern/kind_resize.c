/* resize: each chosen axis resampled by nearest, linear or cubic interpolation, as ONNX Resize says it.
 *
 * A coordinate rule maps a result's place to a real place x of the input. A filter of n taps reads the input elements around it, of which x lies
 * between the two in the middle; an x that is an integer counts as the right one of them. antialias widens the filter by 1 / scale where
 * the axis shrinks. Places outside repeat the edge, or do not count at all (exclude_outside).
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/kind_util.h"
#include "kern/resize.h"
#include <math.h>

/* ---- places and weights ---- */

static double axis_scale(const ig_resize_params *p, uint32_t axis, uint32_t rank, const int64_t *in, const int64_t *out) {
  if (p->rule == IG_RESIZE_SCALES) return p->scale[axis];
  if (p->rule == IG_RESIZE_STRETCH) return (double)out[axis] / (double)in[axis];
  double s = 0;
  bool any = false;
  for (uint32_t k = 0; k < rank; k++) {
    if (!(p->axes_mask >> k & 1)) continue;
    const double own = (double)p->size[k] / (double)in[k];
    s = !any ? own : p->rule == IG_RESIZE_NOT_LARGER ? fmin(s, own) : fmax(s, own);
    any = true;
  }
  return s;
}

static bool is_nearest(const ig_resize_params *p) { return p->filter <= IG_RESIZE_CEIL; }

void ig_resize_axis_init(ig_resize_axis *a, const ig_resize_params *p, uint32_t axis, uint32_t rank, const int64_t *in, const int64_t *out) {
  *a = (ig_resize_axis){.p = p, .n_in = in[axis], .n_out = out[axis], .n_taps = 1, .same = true};
  if (!(p->axes_mask >> axis & 1) || a->n_in == 0 || a->n_out == 0) return;
  a->scale = axis_scale(p, axis, rank, in, out);
  a->length = a->scale * (double)a->n_in;
  a->roi_lo = p->roi_lo[axis];
  a->roi_hi = p->roi_hi[axis];
  const bool whole = p->coordinate != IG_RESIZE_CROP || (a->roi_lo == 0 && a->roi_hi == 1);
  a->same = whole && a->n_in == a->n_out && fabs(a->scale - 1) <= 1e-9 && p->coordinate != IG_RESIZE_HALF_NEAREST;
  if (a->same || is_nearest(p)) return;
  const double support = p->filter == IG_RESIZE_CUBIC ? 2 : 1, shrink = p->antialias ? fmin(a->scale, 1) : 1;
  a->n_taps = 2 - 2 * ((int64_t)floor(-support / shrink) + 1);
}

static double place(const ig_resize_axis *a, int64_t o) {
  const double x = (double)o, n = (double)a->n_in, half = (x + 0.5) / a->scale - 0.5;
  switch (a->p->coordinate) {
  case IG_RESIZE_ALIGN_CORNERS:
    return a->length == 1 ? 0 : x * (n - 1) / (a->length - 1);
  case IG_RESIZE_ASYMMETRIC:
    return x / a->scale;
  case IG_RESIZE_PYTORCH:
    return a->length <= 1 ? 0 : half;
  case IG_RESIZE_HALF_NEAREST:
    return (x + 0.5) / a->scale;
  case IG_RESIZE_SYMMETRIC:
    return n / 2 * (1 - (double)a->n_out / a->length) + half;
  case IG_RESIZE_CROP: {
    const double span = (a->roi_hi - a->roi_lo) * (n - 1);
    return a->roi_lo * (n - 1) + (a->length == 1 ? span / 2 : x * span / (a->length - 1));
  }
  default:
    return half;
  }
}

static double nearest(int64_t filter, double x) {
  const double below = floor(x), ratio = x - below;
  const bool up = filter == IG_RESIZE_CEIL           ? ratio > 0
                  : filter == IG_RESIZE_PREFER_FLOOR ? ratio > 0.5
                                                     : filter == IG_RESIZE_PREFER_CEIL && ratio >= 0.5;
  return up ? below + 1 : below;
}

/* The filter's value at distance d. */
static double filter_at(const ig_resize_params *p, double d) {
  const double a = p->cubic_a;
  d = fabs(d);
  if (p->filter == IG_RESIZE_LINEAR) return d < 1 ? 1 - d : 0;
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

bool ig_resize_taps(const ig_resize_axis *a, int64_t o, double *weights, int64_t *out_first) {
  const ig_resize_params *p = a->p;
  *out_first = o;
  weights[0] = 1;
  if (a->same) return true;
  const double x = place(a, o), limit = (double)a->n_in * 2 + 2;
  if (p->coordinate == IG_RESIZE_CROP && !(x >= 0 && x <= (double)(a->n_in - 1))) return false;
  const double near = fmin(fmax(x, -limit), limit); /* far outside is all edge; keeps the conversion to an integer in range */
  if (is_nearest(p)) {
    *out_first = (int64_t)nearest(p->filter, near);
    return true;
  }
  const double left = ceil(near) - 1, ratio = near - left, shrink = p->antialias ? fmin(a->scale, 1) : 1;
  const int64_t start = 1 - a->n_taps / 2;
  double sum = 0;
  *out_first = (int64_t)left + start;
  for (int64_t i = 0; i < a->n_taps; i++) {
    const bool counts = !p->exclude_outside || (*out_first + i >= 0 && *out_first + i < a->n_in);
    weights[i] = counts ? filter_at(p, shrink * ((double)(start + i) - ratio)) : 0;
    sum += weights[i];
  }
  if (!p->antialias && !p->exclude_outside) return true;
  for (int64_t i = 0; i < a->n_taps && sum != 0; i++)
    weights[i] /= sum;
  return true;
}

ig_stype ig_resize_type(ig_dtype d) {
  const ig_stype s = ig_stype_of(d);
  return s == IG_S_F32 || (s == IG_S_I32 && IG_DTYPE_BITS(d) < 32) ? IG_S_F32 : IG_S_F64;
}

double ig_resize_round(ig_dtype d, double v) {
  const ig_stype s = ig_stype_of(d);
  if (s == IG_S_F32 || s == IG_S_F64) return v;
  const uint32_t bits = IG_DTYPE_BITS(d);
  const bool has_sign = (d & 0xffu) == (IG_DTYPE_I8 & 0xffu);
  const double lo = has_sign ? -ldexp(1, (int)bits - 1) : 0, hi = ldexp(1, (int)bits - has_sign) - (bits < 64 ? 1 : 0);
  return fmin(fmax(rint(v), lo), hi);
}

/* ---- the kind ---- */

static ig_status check_params(const ig_request *r, const char *node) {
  const ig_resize_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0);
  const ig_stype s = ig_stype_of(x->dtype);
  IG_KIND_REQUIRE(ig_operand_present(x), "the input is missing");
  IG_KIND_REQUIRE(p->filter >= IG_RESIZE_PREFER_FLOOR && p->filter <= IG_RESIZE_CUBIC, "unknown filter %lld", (long long)p->filter);
  IG_KIND_REQUIRE(p->coordinate >= IG_RESIZE_HALF && p->coordinate <= IG_RESIZE_CROP, "unknown coordinate rule %lld", (long long)p->coordinate);
  IG_KIND_REQUIRE(p->rule >= IG_RESIZE_SCALES && p->rule <= IG_RESIZE_NOT_SMALLER, "unknown rule of sizes %lld", (long long)p->rule);
  IG_KIND_REQUIRE(p->axes_mask >= 0 && p->axes_mask >> x->rank == 0, "axes %llx of an input with %u dims", (unsigned long long)p->axes_mask, x->rank);
  IG_KIND_REQUIRE((is_nearest(p) && p->coordinate != IG_RESIZE_CROP) || (s && (is_nearest(p) || s != IG_S_BOOL)),
                  "elements of type %s cannot be interpolated", ig_dtype_name(x->dtype));
  for (uint32_t k = 0; k < x->rank && p->rule == IG_RESIZE_SCALES; k++)
    IG_KIND_REQUIRE(!(p->axes_mask >> k & 1) || (p->scale[k] > 0 && isfinite(p->scale[k])), "the scale of axis %u is %g", k, p->scale[k]);
  const ig_operand *o = ig_request_out(r, 0);
  IG_KIND_REQUIRE(!ig_operand_present(o) || o->dtype == x->dtype, "input and result differ in type");
  return NULL;
}

/* Rounds scale * in, where scale is the least (or largest) size_m / in_m, half up and in integers alone. */
static ig_dim fitted(const ig_request *r, ig_dims *t, ig_dim in) {
  const ig_resize_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0);
  ig_dim best = IG_DIM_BAD;
  for (uint32_t m = 0; m < x->rank; m++) {
    if (!(p->axes_mask >> m & 1)) continue;
    const ig_dim twice = ig_dim_add(t, ig_dim_mul_c(t, ig_dim_mul(t, (ig_dim)p->size[m], in), 2), x->dims[m]);
    const ig_dim own = ig_dim_floordiv(t, twice, ig_dim_mul_c(t, x->dims[m], 2));
    best = best == IG_DIM_BAD ? own : p->rule == IG_RESIZE_NOT_LARGER ? ig_dim_min(t, best, own) : ig_dim_max(t, best, own);
  }
  return best;
}

IG_OUT_DIMS(out_dims) {
  const ig_resize_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0);
  const ig_dim one = ig_dim_const(t, 1);
  IG_TRY(check_params(r, node));
  ig_kind_copy_dims(out[0], &out_rank[0], x->dims, x->rank);
  for (uint32_t k = 0; k < x->rank; k++) {
    if (!(p->axes_mask >> k & 1)) continue;
    const ig_dim in = x->dims[k];
    out[0][k] = p->rule == IG_RESIZE_SCALES    ? ig_dim_scale(t, in, p->scale[k], true)
                : p->rule == IG_RESIZE_STRETCH ? (ig_dim)p->size[k]
                                               : fitted(r, t, in);
    IG_TRY(ig_dims_take_error(t));
    IG_TRY(ig_kind_at_least(t, node, in, ig_dim_min(t, out[0][k], one), "an empty axis cannot be resized to a longer one"));
  }
  return NULL;
}

static double flops(const ig_call *c) {
  const ig_resize_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  double n = (double)ig_view_count(o);
  for (uint32_t k = 0; k < o->rank; k++) {
    ig_resize_axis a;
    ig_resize_axis_init(&a, p, k, o->rank, x->dims, o->dims);
    n *= (double)a.n_taps;
  }
  return n;
}

static const ig_field fields[] = {IG_FIELD(ig_resize_params, filter, IG_FIELD_INT),    IG_FIELD(ig_resize_params, coordinate, IG_FIELD_INT),
                                  IG_FIELD(ig_resize_params, antialias, IG_FIELD_INT), IG_FIELD(ig_resize_params, exclude_outside, IG_FIELD_INT),
                                  IG_FIELD(ig_resize_params, axes_mask, IG_FIELD_INT), IG_FIELD(ig_resize_params, rule, IG_FIELD_INT),
                                  IG_FIELD(ig_resize_params, size, IG_FIELD_DIM),      IG_FIELD(ig_resize_params, scale, IG_FIELD_F64),
                                  IG_FIELD(ig_resize_params, roi_lo, IG_FIELD_F64),    IG_FIELD(ig_resize_params, roi_hi, IG_FIELD_F64),
                                  IG_FIELD(ig_resize_params, cubic_a, IG_FIELD_F64),   IG_FIELD(ig_resize_params, extrapolation, IG_FIELD_F64)};
const ig_kind_def ig_kind_def_resize = {.name = "resize",
                                        .id = IG_KIND_resize,
                                        .min_in = 1,
                                        .max_in = 1,
                                        .min_out = 1,
                                        .max_out = 1,
                                        .params_size = sizeof(ig_resize_params),
                                        .fields = fields,
                                        .n_fields = IG_COUNT(fields),
                                        .out_dims = out_dims,
                                        .flops = flops};
