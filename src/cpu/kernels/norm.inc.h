/* norm: layer, RMS, L1 and L2 normalisation, row by row with the normalised axes walked innermost; statistics in the stash type. Layer and RMS
 * over float rows that lie in one piece, the frequent case, work on the operands where they are: no copies, four sums at a time. Where other axes lie
 * innermost, norm_columns.inc.h does them side by side.
 *
 * One body for every instruction set: KERNEL_ISA (c, avx2, avx512) names the build, CHAIN_BYTES its vectors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"
#include "cpu/simd/chains.h"
#include "hal/tactic.h"
#include <math.h>

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, KERNEL_ISA)

enum { X = 0, SCALE = 1, BIAS = 2, RESIDUAL = 3, Y = 0, MEAN = 1, INV_STD = 2, SUM = 3 };

typedef struct plan {
  const ig_norm_params *p;
  ig_stype t;
  int64_t n;                           /* elements of a row */
  ig_reader in[4];
  ig_writer out[4];
  bool has_in[4], has_out[4];
  ig_prog *epi;
  ig_prog_fn narrow;                   /* t to the result's type, NULL where they are one */
  char *row, *other;                   /* the row; another operand's row */
  bool whole;                          /* every operand's rows lie in one piece of floats */
  bool fixed[4];                       /* the operand is one number along a row */
} plan;

static const ig_view *in_view(const ig_call *c, uint32_t i) { return i < c->n_in && ig_view_present(ig_call_in(c, i)) ? ig_call_in(c, i) : NULL; }
/* Statistics are results of their own only where no epilogue says what the results are. */
static const ig_view *out_view(const ig_call *c, uint32_t i) { return !c->epi.n && i < c->n_out && ig_view_present(ig_call_out(c, i)) ? ig_call_out(c, i) : NULL; }
static ig_stype type_of(const ig_call *c) {
  const ig_norm_params *p = c->params;
  return p->stash == IG_S_F64 || ig_call_in(c, X)->dtype == IG_DTYPE_F64 ? IG_S_F64 : IG_S_F32;
}
static uint64_t mask_of(const ig_call *c) {
  const ig_norm_params *p = c->params;
  const uint32_t rank = ig_call_in(c, X)->rank;
  if (p->mode == IG_NORM_L1 || p->mode == IG_NORM_L2) return 1ull << p->axis;
  return ((1ull << rank) - 1) & ~((1ull << p->axis) - 1);
}
static int64_t length_of(const ig_call *c) {
  int64_t n = 1;
  for (uint32_t k = 0; k < ig_call_in(c, X)->rank; k++)
    if (mask_of(c) >> k & 1) n *= ig_call_in(c, X)->dims[k];
  return n;
}
static int64_t rows_of(const ig_call *c) {
  int64_t n = 1;
  for (uint32_t k = 0; k < ig_call_in(c, X)->rank; k++)
    if (!(mask_of(c) >> k & 1)) n *= ig_call_in(c, X)->dims[k];
  return n;
}
static size_t row_bytes(const ig_call *c) { return ig_pad64((size_t)length_of(c) * ig_stype_size(type_of(c))); }
static size_t bytes_per_part(const ig_call *c) { return 2 * row_bytes(c) + ig_epi_bytes(c); }

/* Sum over a row of an expression of v, which is a vector or, at the row's end, one. */
#define CHAINS(T, S, n, of_vector, of_value, result) \
  do { \
    chain_##S s_ = { 0 }; \
    T tail_ = 0; \
    int64_t i = 0; \
    for (; i + LANES(T) <= (n); i += LANES(T)) { const chain_##S v = chain_load_##S(x + i); s_ += (of_vector); } \
    for (; i < (n); i++) { const T v = x[i]; tail_ += (of_value); } \
    (result) = chain_sum_##S(s_) + tail_; \
  } while (0)
#define ROW(T, S, SQRT, ABS) \
  static T inverse_##S(T length, T eps) { \
    const T least = length < eps ? eps : length; \
    return least > 0 ? (T)1 / least : 0; \
  } \
  static void statistics_##S(const ig_norm_params *p, const T *x, int64_t n, T *out_mean, T *out_factor) { \
    T mean = 0, sum; \
    switch (p->mode) { \
      case IG_NORM_L1: CHAINS(T, S, n, chain_abs_##S(v), ABS(v), sum); *out_factor = inverse_##S(sum, (T)p->eps); break; \
      case IG_NORM_L2: CHAINS(T, S, n, v * v, v * v, sum); *out_factor = inverse_##S(SQRT(sum), (T)p->eps); break; \
      default: \
        if (p->mode == IG_NORM_LAYER) { CHAINS(T, S, n, v, v, sum); mean = sum / (T)n; } \
        CHAINS(T, S, n, (v - mean) * (v - mean), (v - mean) * (v - mean), sum); \
        *out_factor = (T)1 / SQRT(sum / (T)n + (T)p->eps); \
    } \
    *out_mean = mean; \
  } \
  static void apply_##S(T *x, int64_t n, T mean, T factor) { for (int64_t i = 0; i < n; i++) x[i] = (x[i] - mean) * factor; } \
  static void add_##S(T *x, const T *y, int64_t n) { for (int64_t i = 0; i < n; i++) x[i] += y[i]; } \
  static void mul_##S(T *x, const T *y, int64_t n) { for (int64_t i = 0; i < n; i++) x[i] *= y[i]; } \
  static void row_##S(const plan *q, int64_t row) { \
    T *x = (T *)(void *)q->row, *other = (T *)(void *)q->other, mean, factor; \
    const int64_t n = q->n, lin = row * n; \
    if (n > 0) ig_reader_read(&q->in[X], lin, n, x); \
    if (n > 0 && q->has_in[RESIDUAL]) { ig_reader_read(&q->in[RESIDUAL], lin, n, other); add_##S(x, other, n); } \
    if (n > 0 && q->has_out[SUM]) ig_writer_write(&q->out[SUM], lin, n, x); \
    statistics_##S(q->p, x, n, &mean, &factor); \
    apply_##S(x, n, mean, factor); \
    if (n > 0 && q->has_in[SCALE]) { ig_reader_read(&q->in[SCALE], lin, n, other); mul_##S(x, other, n); } \
    if (n > 0 && q->has_in[BIAS]) { ig_reader_read(&q->in[BIAS], lin, n, other); add_##S(x, other, n); } \
    ig_prog_range(q->epi, lin, n, in_result_type(q)); \
    if (q->has_out[MEAN]) ig_writer_write(&q->out[MEAN], row, 1, &mean); \
    if (q->has_out[INV_STD]) ig_writer_write(&q->out[INV_STD], row, 1, &factor); \
  }

/* The row in the type that the epilogue takes: statistics may be wider than the result. */
static const void *in_result_type(const plan *q) {
  if (!q->narrow) return q->row;
  q->narrow(q->other, q->row, NULL, NULL, q->n);
  return q->other;
}
ROW(float, f32, sqrtf, fabsf)
ROW(double, f64, sqrt, fabs)

/* ---- rows in one piece ---- */

static bool rows_are_whole(const ig_walk *w, const ig_view *v, int64_t n) {
  return v->dtype == IG_DTYPE_F32 && !w->ragged && w->strides[w->rank - 1] == 1 && w->dims[w->rank - 1] % n == 0;
}
static float *row_at(const ig_walk *w, int64_t row, int64_t n) {
  const int64_t at = w->rank == 1 ? row * n : w->rank == 2 && w->dims[1] == n ? row * w->strides[0] : ig_walk_at(w, row * n);
  return (float *)w->data + at;
}

#define V LANES(float)
/* Sum over a row of an expression of the vector or value v at i, in four chains. */
#define SUM4(n, x, expr, result) \
  do { \
    chain_f32 s0 = { 0 }, s1 = { 0 }, s2 = { 0 }, s3 = { 0 }; \
    float tail_ = 0; \
    int64_t i = 0; \
    for (; i + 4 * V <= (n); i += 4 * V) { \
      { const chain_f32 v = chain_load_f32((x) + i); s0 += (expr); } \
      { const chain_f32 v = chain_load_f32((x) + i + V); s1 += (expr); } \
      { const chain_f32 v = chain_load_f32((x) + i + 2 * V); s2 += (expr); } \
      { const chain_f32 v = chain_load_f32((x) + i + 3 * V); s3 += (expr); } \
    } \
    for (; i + V <= (n); i += V) { const chain_f32 v = chain_load_f32((x) + i); s0 += (expr); } \
    for (; i < (n); i++) { const float v = (x)[i]; tail_ += (expr); } \
    (result) = chain_sum_f32((s0 + s1) + (s2 + s3)) + tail_; \
  } while (0)

static void add_rows(float *s, const float *x, const float *r, int64_t n) {
  int64_t i = 0;
  for (; i + V <= n; i += V) {
    const chain_f32 v = chain_load_f32(x + i) + chain_load_f32(r + i);
    memcpy(s + i, &v, sizeof v);
  }
  for (; i < n; i++) s[i] = x[i] + r[i];
}

/* y = (x - mean) * factor, times scale and plus bias where they are given, and plus what is added everywhere. x and y may be one. */
static inline __attribute__((always_inline)) void scale_row(float *y, const float *x, const float *scale, const float *bias, int64_t n, float mean, float factor, float add) {
  int64_t i = 0;
  for (; i + V <= n; i += V) {
    chain_f32 v = (chain_load_f32(x + i) - mean) * factor;
    if (scale) v *= chain_load_f32(scale + i);
    if (bias) v += chain_load_f32(bias + i);
    else v += add;
    memcpy(y + i, &v, sizeof v);
  }
  for (; i < n; i++) {
    const float v = (x[i] - mean) * factor * (scale ? scale[i] : 1);
    y[i] = v + (bias ? bias[i] : add);
  }
}

/* A scale or bias that is one number along the row. */
static float number_of(const plan *q, uint32_t i, int64_t row) {
  float v;
  ig_reader_read(&q->in[i], row * q->n, 1, &v);
  return v;
}

static void whole_row(const plan *q, int64_t row) {
  const int64_t n = q->n;
  const float *x = row_at(&q->in[X].walk, row, n);
  const float *scale = q->has_in[SCALE] && !q->fixed[SCALE] ? row_at(&q->in[SCALE].walk, row, n) : NULL;
  const float *bias = q->has_in[BIAS] && !q->fixed[BIAS] ? row_at(&q->in[BIAS].walk, row, n) : NULL;
  float *y = q->has_out[Y] ? row_at(&q->out[Y].walk, row, n) : (float *)(void *)q->row;
  float *s = q->has_out[SUM] ? row_at(&q->out[SUM].walk, row, n) : (float *)(void *)q->row, mean = 0, sum;
  if (q->has_in[RESIDUAL]) add_rows(s, x, row_at(&q->in[RESIDUAL].walk, row, n), n);
  else if (q->has_out[SUM]) memcpy(s, x, (size_t)n * sizeof *s);
  if (q->has_in[RESIDUAL]) x = s;
  if (q->p->mode == IG_NORM_LAYER) {
    SUM4(n, x, v, sum);
    mean = sum / (float)n;
  }
  SUM4(n, x, (v - mean) * (v - mean), sum);
  const float factor = 1.0f / sqrtf(sum / (float)n + (float)q->p->eps), times = q->fixed[SCALE] ? factor * number_of(q, SCALE, row) : factor;
  const float add = q->fixed[BIAS] ? number_of(q, BIAS, row) : 0;
  if (scale && bias) scale_row(y, x, scale, bias, n, mean, times, 0);
  else if (scale) scale_row(y, x, scale, NULL, n, mean, times, add);
  else if (bias) scale_row(y, x, NULL, bias, n, mean, times, 0);
  else scale_row(y, x, NULL, NULL, n, mean, times, add);
  if (!q->has_out[Y]) ig_prog_range(q->epi, row * n, n, y);
  if (q->has_out[MEAN]) ig_writer_write(&q->out[MEAN], row, 1, &mean);
  if (q->has_out[INV_STD]) ig_writer_write(&q->out[INV_STD], row, 1, &factor);
}

#include "cpu/kernels/norm_columns.inc.h"

/* Whether rows or columns are normalised may differ between shapes of one step. */
size_t NAME(ig_cpu_norm_scratch)(const ig_call *c, uint32_t n_parts) { return n_parts * (size_t)ig_max_i64((int64_t)bytes_per_part(c), (int64_t)column_bytes(c)); }
uint32_t NAME(ig_cpu_norm_phases)(const ig_call *c, uint32_t n_parts) {
  columns o;
  IG_UNUSED(n_parts);
  return columns_of(c, &o) ? (uint32_t)(PASSES * o.images) : 1;
}

void NAME(ig_cpu_norm_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_view *x = ig_call_in(c, X);
  char *m = ig_part_scratch(c, part, bytes_per_part(c));
  plan q = { .p = c->params, .t = type_of(c), .n = length_of(c), .row = m, .other = m + row_bytes(c) };
  uint8_t perm[IG_MAX_RANK];
  int64_t lo, hi;
  columns o;
  if (columns_of(c, &o)) {
    run_columns(c, &o, phase, part, n_parts);
    return;
  }
  ig_split_items(c, rows_of(c), part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  ig_perm_of_mask(x->rank, mask_of(c), true, perm);
  for (uint32_t i = 0; i < 4; i++) {
    q.has_in[i] = in_view(c, i) != NULL;
    q.has_out[i] = out_view(c, i) != NULL;
    if (q.has_in[i]) ig_reader_init(&q.in[i], in_view(c, i), perm, q.t);
    if (q.has_out[i]) ig_writer_init(&q.out[i], out_view(c, i), perm, q.t);
  }
  const ig_stype result = ig_kind_result_type(c->kind, c->params, x->dtype);
  if (result != q.t) q.narrow = ig_prog_cast_c(q.t, result);
  q.epi = ig_epi_make(m + 2 * row_bytes(c), c, perm, result, c->epi.n ? c->n_out : 1, &NAME(ig_prog_isa));
  q.whole = q.t == IG_S_F32 && q.n > 0 && q.p->mode <= IG_NORM_RMS;
  for (uint32_t i = 0; i < 4; i++) {
    q.fixed[i] = (i == SCALE || i == BIAS) && q.has_in[i] && is_fixed(in_view(c, i), mask_of(c));
    if (q.has_in[i]) q.whole = q.whole && (q.fixed[i] || rows_are_whole(&q.in[i].walk, in_view(c, i), q.n));
    if (q.has_out[i] && i != MEAN && i != INV_STD) q.whole = q.whole && rows_are_whole(&q.out[i].walk, out_view(c, i), q.n);
  }
  for (int64_t row = lo; row < hi; row++) {
    if (q.whole) whole_row(&q, row);
    else if (q.t == IG_S_F64) row_f64(&q, row);
    else row_f32(&q, row);
  }
}
