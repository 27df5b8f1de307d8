/* sample, place by place of the grid: the places and weights of its taps are found once and serve every channel.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kern/sample.h"
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"

enum { MOST = IG_SAMPLE_TAPS * IG_SAMPLE_TAPS * IG_SAMPLE_TAPS };
typedef struct taps { int64_t offsets[MOST]; double weights[MOST]; int n; } taps;

size_t ig_cpu_sample_c_scratch(const ig_call *c, uint32_t n_parts) {
  IG_UNUSED(c);
  IG_UNUSED(n_parts);
  return 0;
}

static double load(const ig_view *v, int64_t at) {
  union { float f32; double f64; } x = { .f64 = 0 };
  ig_elem_loader(v->dtype)(v->data, at, 1, 1, &x);
  return ig_stype_of(v->dtype) == IG_S_F64 ? x.f64 : (double)x.f32;
}

static void store(const ig_view *v, int64_t at, double value) {
  const ig_stype t = ig_stype_of(v->dtype);
  const float narrow = (float)value;
  ig_elem_storer(v->dtype, t, 0)(v->data, at, 1, 1, t == IG_S_F64 ? (const void *)&value : (const void *)&narrow);
}

/* Every combination of the axes' taps; those outside of the image are left out. index: a grid place's coordinates, batch first. */
static void find_taps(const ig_call *c, int64_t *index, taps *out) {
  const ig_view *x = ig_call_in(c, 0), *grid = ig_call_in(c, 1);
  const uint32_t n = x->rank - 2u;
  *out = (taps){ .weights = { 1 }, .n = 1 };
  for (uint32_t k = 0; k < n; k++) {
    double w[IG_SAMPLE_TAPS];
    int64_t places[IG_SAMPLE_TAPS];
    taps more = { .n = 0 };
    index[1 + n] = n - 1 - k;
    const int count = ig_sample_taps(c->params, load(grid, ig_view_at(grid, index)), x->dims[2 + k], w, places);
    for (int i = 0; i < out->n * count; i++) {
      const int64_t place = places[i % count];
      if (place < 0) continue;
      more.offsets[more.n] = out->offsets[i / count] + ig_view_step(x, 2 + k, place);
      more.weights[more.n++] = out->weights[i / count] * w[i % count];
    }
    *out = more;
  }
}

void ig_cpu_sample_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, 0), *grid = ig_call_in(c, 1), *o = ig_call_out(c, 0);
  const uint32_t rank = grid->rank - 1u;
  int64_t lo, hi, index[IG_MAX_RANK], to[IG_MAX_RANK];
  taps t;
  IG_UNUSED(phase);
  if (ig_view_count(o) == 0) return;
  ig_split_items(c, ig_view_count(o) / o->dims[1], part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  ig_index_of(lo, grid->dims, rank, index);
  for (int64_t i = lo; i < hi; i++) {
    find_taps(c, index, &t);
    to[0] = index[0];
    for (uint32_t k = 1; k < rank; k++) to[1 + k] = index[k];
    for (int64_t channel = 0; channel < o->dims[1]; channel++) {
      const int64_t base = ig_view_step(x, 0, index[0]) + ig_view_step(x, 1, channel);
      double v = 0;
      for (int j = 0; j < t.n; j++) v += t.weights[j] * load(x, base + t.offsets[j]);
      to[1] = channel;
      store(o, ig_view_at(o, to), v);
    }
    ig_index_next(index, grid->dims, rank);
  }
}
