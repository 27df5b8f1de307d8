/* sample: an image read at the places that a grid names, as ONNX GridSample says it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/sample.h"
#include "kern/kind_util.h"
#include <math.h>

/* x folded at lo and hi until it lies between them. */
static double reflect(double x, double lo, double hi) {
  const double range = hi - lo;
  if (!(range > 0)) return lo;
  if (x >= lo && x <= hi) return x;
  const double beyond = x < lo ? lo - x : x - hi, times = floor(beyond / range), rest = beyond - times * range;
  const bool even = fmod(times, 2) == 0;
  return (x < lo) == even ? lo + rest : hi - rest;
}

static double clamp(double x, double lo, double hi) { return x < lo ? lo : x > hi ? hi : x; }

/* The element that stands at place i, -1 = none. */
static int64_t element_at(const ig_sample_params *p, int64_t i, int64_t n, double lo, double hi) {
  if (p->border == IG_SAMPLE_ZEROS) return i >= 0 && i < n ? i : -1;
  return (int64_t)clamp(p->border == IG_SAMPLE_REFLECT ? reflect((double)i, lo, hi) : (double)i, 0, (double)(n - 1));
}

static double cubic(double d) {
  const double a = -0.75;
  d = fabs(d);
  return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}

int ig_sample_taps(const ig_sample_params *p, double at, int64_t n, double *weights, int64_t *places) {
  const double length = (double)n, lo = p->align ? 0 : -0.5, hi = p->align ? length - 1 : length - 0.5, limit = 1e9 + 4 * length;
  const int taps = p->filter == IG_SAMPLE_NEAREST ? 1 : p->filter == IG_SAMPLE_LINEAR ? 2 : 4;
  double x = p->align ? (at + 1) / 2 * (length - 1) : ((at + 1) * length - 1) / 2;
  if (p->filter == IG_SAMPLE_NEAREST) x = rint(x);
  x = x == x ? clamp(x, -limit, limit) : -limit; /* far outside and NaN; keeps the conversion to an integer in range */
  if (p->border == IG_SAMPLE_EDGE && (x < lo || x > hi)) x = clamp(x, 0, length - 1);
  if (p->border == IG_SAMPLE_REFLECT) x = reflect(x, lo, hi);
  const double base = p->filter == IG_SAMPLE_NEAREST ? rint(x) : floor(x), part = x - base;
  for (int i = 0; i < taps; i++) {
    const int offset = taps == 4 ? i - 1 : i;
    weights[i] = taps == 1 ? 1 : taps == 2 ? fabs(1 - i - part) : cubic(part - offset);
    places[i] = n > 0 ? element_at(p, (int64_t)base + offset, n, lo, hi) : -1;
  }
  return taps;
}

IG_OUT_DIMS(out_dims) {
  const ig_sample_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *grid = ig_request_in(r, 1), *o = ig_request_out(r, 0);
  const ig_stype s = ig_stype_of(x->dtype), g = ig_stype_of(grid->dtype);
  IG_KIND_REQUIRE(ig_operand_present(x) && ig_operand_present(grid), "image and grid are both needed");
  IG_KIND_REQUIRE((s == IG_S_F32 || s == IG_S_F64) && (g == IG_S_F32 || g == IG_S_F64), "image and grid are %s and %s, expected float types",
                  ig_dtype_name(x->dtype), ig_dtype_name(grid->dtype));
  IG_KIND_REQUIRE(!ig_operand_present(o) || o->dtype == x->dtype, "image and result differ in type");
  IG_KIND_REQUIRE(p->filter >= IG_SAMPLE_NEAREST && p->filter <= IG_SAMPLE_CUBIC, "unknown filter %lld", (long long)p->filter);
  IG_KIND_REQUIRE(p->border >= IG_SAMPLE_ZEROS && p->border <= IG_SAMPLE_REFLECT, "unknown border %lld", (long long)p->border);
  IG_KIND_REQUIRE(x->rank >= 3 && x->rank <= 5 && grid->rank == x->rank, "the image has %u dims, the grid %u; 3 to 5 of both are possible", x->rank,
                  grid->rank);
  IG_TRY(ig_dims_assume_equal(t, grid->dims[0], x->dims[0], node, "batch of grid and image", NULL));
  IG_TRY(ig_dims_assume_equal(t, grid->dims[grid->rank - 1], ig_dim_const(t, x->rank - 2), node, "coordinates of the grid", NULL));
  out[0][0] = x->dims[0];
  out[0][1] = x->dims[1];
  for (uint32_t k = 2; k < x->rank; k++)
    out[0][k] = grid->dims[k - 1];
  out_rank[0] = x->rank;
  return NULL;
}

static const ig_field fields[] = {IG_FIELD(ig_sample_params, filter, IG_FIELD_INT), IG_FIELD(ig_sample_params, border, IG_FIELD_INT),
                                  IG_FIELD(ig_sample_params, align, IG_FIELD_INT)};
const ig_kind_def ig_kind_def_sample = {.name = "sample",
                                        .id = IG_KIND_sample,
                                        .min_in = 2,
                                        .max_in = 2,
                                        .min_out = 1,
                                        .max_out = 1,
                                        .params_size = sizeof(ig_sample_params),
                                        .fields = fields,
                                        .n_fields = IG_COUNT(fields),
                                        .out_dims = out_dims};
