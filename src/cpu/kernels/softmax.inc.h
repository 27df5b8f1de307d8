/* softmax and log-softmax, row by row with the axis walked innermost.
 *
 * One body for every instruction set: KERNEL_ISA (c, avx2, avx512) names the build, LANES the chains of sums and maxima, which a compiler turns
 * into vectors; the exponential of kern/scalar_math.h has no branches.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"
#include "kern/scalar_math.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, KERNEL_ISA)

static ig_stype type_of(const ig_call *c) { return ig_stype_of(ig_call_in(c, 0)->dtype) == IG_S_F64 ? IG_S_F64 : IG_S_F32; }
static int64_t length_of(const ig_call *c) { return ig_call_in(c, 0)->dims[((const ig_softmax_params *)c->params)->axis]; }
static size_t row_bytes(const ig_call *c) { return ig_pad64((size_t)length_of(c) * ig_stype_size(type_of(c))); }
static size_t bytes_per_part(const ig_call *c) { return 2 * row_bytes(c) + ig_epi_bytes(c); }
size_t NAME(ig_cpu_softmax_scratch)(const ig_call *c, uint32_t n_parts) { return n_parts * bytes_per_part(c); }

/* Chains: a compiler may not reorder sums, so they are written as vectors. */
#define SUM(T, n, term, result) \
  do { \
    T s_[LANES] = { 0 }; \
    int64_t i = 0; \
    for (; i + LANES <= (n); i += LANES) for (int j = 0; j < LANES; j++) s_[j] += (term); \
    for (const int j = 0; i < (n); i++) s_[0] += (term); \
    for (int w_ = LANES / 2; w_ > 0; w_ /= 2) for (int j_ = 0; j_ < w_; j_++) s_[j_] += s_[j_ + w_]; \
    (result) = s_[0]; \
  } while (0)
#define ROW(T, S, EXP, LOG) \
  /* NaN if there is one. */ \
  static T largest_##S(const T *x, int64_t n) { \
    T m[LANES]; \
    int64_t i = 0; \
    for (int j = 0; j < LANES; j++) m[j] = x[0]; \
    for (; i + LANES <= n; i += LANES) for (int j = 0; j < LANES; j++) m[j] = x[i + j] > m[j] || x[i + j] != x[i + j] ? x[i + j] : m[j]; \
    for (; i < n; i++) m[0] = x[i] > m[0] || x[i] != x[i] ? x[i] : m[0]; \
    for (int j = 1; j < LANES; j++) m[0] = m[j] > m[0] || m[j] != m[j] ? m[j] : m[0]; \
    return m[0]; \
  } \
  static void scale_##S(T *x, const T *mask, T scale, int64_t n) { \
    for (int64_t i = 0; i < n; i++) x[i] = mask ? x[i] * scale + mask[i] : x[i] * scale; \
  } \
  static void softmax_##S(T *x, int64_t n, bool is_log) { \
    const T max = largest_##S(x, n); \
    T sum; \
    if (is_log) { \
      SUM(T, n, EXP(x[i + j] - max), sum); \
      const T l = LOG(sum); \
      for (int64_t i = 0; i < n; i++) x[i] = (x[i] - max) - l; \
      return; \
    } \
    for (int64_t i = 0; i < n; i++) x[i] = EXP(x[i] - max); \
    SUM(T, n, x[i + j], sum); \
    for (int64_t i = 0; i < n; i++) x[i] = x[i] / sum; \
  }
ROW(float, f32, ig_f32_exp, ig_f32_log)
ROW(double, f64, exp, log)

void NAME(ig_cpu_softmax_run)(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_softmax_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *mask = c->n_in > 1 && ig_view_present(ig_call_in(c, 1)) ? ig_call_in(c, 1) : NULL;
  const int64_t n = length_of(c), total = ig_view_count(x);
  const ig_stype t = type_of(c);
  char *m = ig_part_scratch(c, part, bytes_per_part(c)), *mask_row = m + row_bytes(c);
  uint8_t perm[IG_MAX_RANK];
  ig_reader rx, rm;
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (total == 0) return;
  ig_split_items(c, total / n, part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  ig_perm_of_mask(x->rank, 1ull << p->axis, true, perm);
  ig_reader_init(&rx, x, perm, t);
  if (mask) ig_reader_init(&rm, mask, perm, t);
  ig_prog *epi = ig_epi_make(m + 2 * row_bytes(c), c, perm, t, c->n_out, &NAME(ig_prog_isa));
  for (int64_t row = lo; row < hi; row++) {
    ig_reader_read(&rx, row * n, n, m);
    if (mask) ig_reader_read(&rm, row * n, n, mask_row);
    if (t == IG_S_F64) {
      scale_f64((double *)(void *)m, mask ? (double *)(void *)mask_row : NULL, p->scale, n);
      softmax_f64((double *)(void *)m, n, p->log != 0);
    } else {
      scale_f32((float *)(void *)m, mask ? (float *)(void *)mask_row : NULL, (float)p->scale, n);
      softmax_f32((float *)(void *)m, n, p->log != 0);
    }
    ig_prog_range(epi, row * n, n, m);
  }
}
