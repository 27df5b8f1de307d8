/* Interpolating resize of float32 on vectors: include after simd/f32_<isa>.h.
 *
 * Axes are walked in the order of the result's memory. A row of the result (along the innermost axis) is the weighted sum of rows of the input that
 * the outer axes name. Where the innermost axis stays as it is and is contiguous (channels last), input rows are read in place; else each is
 * resampled once and kept for the results that follow. Taps of weight 0 are left out: what they would read may be infinite.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"
#include "hal/tactic.h"
#include "kern/resize.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, SIMD_ISA)

enum { SUM_ROWS = 8, KEPT_ROWS = 16 };   /* rows of one sum, rows kept: those of the sum at hand are never dropped */

/* Tap t of result i: weight[t * n_out + i] of the input's place[t * n_out + i]. */
typedef struct axis { ig_resize_axis rule; int64_t in_stride, out_stride; int32_t *place; float *weight; } axis;
typedef struct work {
  uint32_t n_outer;
  axis outer[IG_MAX_RANK], inner;      /* outer ones in the order of the result's memory */
  const float *x;
  float *out, *row, *kept;
  bool in_place;                       /* input rows need no resampling */
  int64_t kept_at[KEPT_ROWS], used[KEPT_ROWS], now;
} work;

/* Plans axes and tables; returns the tables' bytes. Without scratch only that. */
static size_t plan(work *s, const ig_call *c) {
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  uint8_t perm[IG_MAX_RANK];
  size_t bytes = 0;
  *s = (work){ .n_outer = o->rank - 1u, .x = x->data, .out = o->data };
  ig_perm_by_stride(o, ~0ull, perm);
  for (uint32_t k = 0; k < o->rank; k++) {
    axis *a = k + 1 < o->rank ? &s->outer[k] : &s->inner;
    const uint32_t own = perm[k];
    ig_resize_axis_init(&a->rule, c->params, own, o->rank, x->dims, o->dims);
    a->in_stride = x->strides[own];
    a->out_stride = o->strides[own];
    const size_t list = ig_pad64((size_t)(a->rule.n_out * a->rule.n_taps) * 4);
    if (c->scratch) {
      a->place = (int32_t *)(void *)((char *)c->scratch + bytes);
      a->weight = (float *)(void *)((char *)c->scratch + bytes + list);
    }
    bytes += 2 * list;
  }
  s->in_place = s->inner.rule.same && (s->inner.in_stride == 1 || s->inner.rule.n_out == 1);
  return bytes;
}

/* Any axis of the result may be the innermost: scratch is for the longest. */
static size_t row_bytes(const ig_call *c) {
  const ig_view *o = ig_call_out(c, 0);
  int64_t n = 1;
  for (uint32_t k = 0; k < o->rank; k++) n = ig_max_i64(n, o->dims[k]);
  return ig_pad64((size_t)n * 4);
}
size_t NAME(ig_cpu_resize_f32_scratch)(const ig_call *c, uint32_t n_parts) {
  work s;
  ig_call sized = *c;
  sized.scratch = NULL;
  return plan(&s, &sized) + n_parts * (KEPT_ROWS + 1) * row_bytes(c);
}

static void fill(axis *a) {
  const int64_t n = a->rule.n_out, taps = a->rule.n_taps;
  double weights[4];                   /* of a cubic */
  for (int64_t i = 0; i < n; i++) {
    int64_t first = i;
    weights[0] = 1;
    if (!a->rule.same) ig_resize_taps(&a->rule, i, weights, &first);
    for (int64_t t = 0; t < taps; t++) {
      a->place[t * n + i] = (int32_t)ig_resize_clamp(&a->rule, first + t);
      a->weight[t * n + i] = (float)weights[t];
    }
  }
}

/* out[j] = (add ? out[j] : 0) + sum of weights[i] * rows[i][j]. */
static void sum_rows(float *out, const float *const *rows, const float *weights, int n_rows, int64_t n, bool add) {
  int64_t j = 0;
  for (; j + 2 * SIMD_W <= n; j += 2 * SIMD_W) {
    vf a = add ? vf_load(out + j) : vf_zero(), b = add ? vf_load(out + j + SIMD_W) : vf_zero();
    for (int i = 0; i < n_rows; i++) {
      const vf w = vf_set(weights[i]);
      a = vf_fma(w, vf_load(rows[i] + j), a);
      b = vf_fma(w, vf_load(rows[i] + j + SIMD_W), b);
    }
    vf_store(out + j, a);
    vf_store(out + j + SIMD_W, b);
  }
  for (; j < n; j += SIMD_W) {
    const int64_t lanes = ig_min_i64(SIMD_W, n - j);
    vf a = add ? vf_load_n(out + j, lanes) : vf_zero();
    for (int i = 0; i < n_rows; i++) a = vf_fma(vf_set(weights[i]), vf_load_n(rows[i] + j, lanes), a);
    vf_store_n(out + j, a, lanes);
  }
}

static void resample(const axis *a, const float *x, float *out) {
  const int64_t n = a->rule.n_out, step = a->in_stride;
  if (a->rule.n_taps == 2 && step == 1) {
    const int32_t *p0 = a->place, *p1 = p0 + n;
    const float *w0 = a->weight, *w1 = w0 + n;
    for (int64_t j = 0; j < n; j++) {
      const float l = w0[j] != 0 ? w0[j] * x[p0[j]] : 0, r = w1[j] != 0 ? w1[j] * x[p1[j]] : 0;
      out[j] = l + r;
    }
    return;
  }
  for (int64_t t = 0; t < a->rule.n_taps; t++) {
    const int32_t *p = a->place + t * n;
    const float *w = a->weight + t * n;
    for (int64_t j = 0; j < n; j++) {
      const float v = w[j] != 0 ? w[j] * x[p[j] * step] : 0;
      out[j] = t == 0 ? v : out[j] + v;
    }
  }
}

/* The input's row at element `at`, as long as the result's. */
static const float *row_at(work *s, int64_t at) {
  const int64_t n = s->inner.rule.n_out;
  int oldest = 0;
  if (s->in_place) return s->x + at;
  s->now++;
  for (int i = 0; i < KEPT_ROWS; i++) {
    if (s->used[i] && s->kept_at[i] == at) {
      s->used[i] = s->now;
      return s->kept + i * n;
    }
    if (s->used[i] < s->used[oldest]) oldest = i;
  }
  s->used[oldest] = s->now;
  s->kept_at[oldest] = at;
  resample(&s->inner, s->x + at, s->kept + oldest * n);
  return s->kept + oldest * n;
}

static bool next_taps(const work *s, int64_t *tap) {
  for (uint32_t k = s->n_outer; k-- > 0;) {
    if (++tap[k] < s->outer[k].rule.n_taps) return true;
    tap[k] = 0;
  }
  return false;
}

static void one_row(work *s, const int64_t *index) {
  const int64_t n = s->inner.rule.n_out;
  const float *rows[SUM_ROWS];
  float weights[SUM_ROWS], *to = s->out;
  int64_t tap[IG_MAX_RANK] = { 0 };
  int n_rows = 0;
  bool add = false;
  for (uint32_t k = 0; k < s->n_outer; k++) to += index[k] * s->outer[k].out_stride;
  float *out = s->inner.out_stride == 1 ? to : s->row;
  do {
    float w = 1;
    int64_t at = 0;
    for (uint32_t k = 0; k < s->n_outer; k++) {
      const axis *a = &s->outer[k];
      const int64_t i = tap[k] * a->rule.n_out + index[k];
      w *= a->weight[i];
      at += a->place[i] * a->in_stride;
    }
    if (w == 0) continue;
    rows[n_rows] = row_at(s, at);
    weights[n_rows++] = w;
    if (n_rows < SUM_ROWS) continue;
    sum_rows(out, rows, weights, n_rows, n, add);
    add = true;
    n_rows = 0;
  } while (next_taps(s, tap));
  if (n_rows > 0 || !add) sum_rows(out, rows, weights, n_rows, n, add);
  for (int64_t j = 0; out != to && j < n; j++) to[j * s->inner.out_stride] = out[j];
}

void NAME(ig_cpu_resize_f32_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const int64_t total = ig_view_count(ig_call_out(c, 0));
  int64_t lo, hi, dims[IG_MAX_RANK], index[IG_MAX_RANK];
  work s;
  if (total == 0) return;
  const size_t tables = plan(&s, c);
  if (phase == 0) {
    for (uint32_t k = part; k <= s.n_outer; k += n_parts) fill(k < s.n_outer ? &s.outer[k] : &s.inner);
    return;
  }
  ig_split_items(c, total / s.inner.rule.n_out, part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  s.row = (float *)(void *)((char *)c->scratch + tables + part * (KEPT_ROWS + 1) * row_bytes(c));
  s.kept = s.row + s.inner.rule.n_out;
  for (uint32_t k = 0; k < s.n_outer; k++) dims[k] = s.outer[k].rule.n_out;
  ig_index_of(lo, dims, s.n_outer, index);
  for (int64_t i = lo; i < hi; i++) {
    one_row(&s, index);
    ig_index_next(index, dims, s.n_outer);
  }
}
