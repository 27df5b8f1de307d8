/* softmax and log-softmax, row by row with the axis walked innermost.
 *
 * One body for every instruction set: KERNEL_ISA (c, avx2, avx512) names the build, CHAIN_BYTES its vectors; the exponential of kern/scalar_math.h has no branches.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"
#include "cpu/simd/chains.h"
#include "kern/scalar_math.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define NAME(x) PASTE(x, KERNEL_ISA)

static ig_stype type_of(const ig_call *c) { return ig_stype_of(ig_call_in(c, 0)->dtype) == IG_S_F64 ? IG_S_F64 : IG_S_F32; }
static int64_t length_of(const ig_call *c) { return ig_call_in(c, 0)->dims[((const ig_softmax_params *)c->params)->axis]; }
static size_t row_bytes(const ig_call *c) { return ig_pad64((size_t)length_of(c) * ig_stype_size(type_of(c))); }
static size_t bytes_per_part(const ig_call *c) { return 2 * row_bytes(c) + ig_epi_bytes(c); }
size_t NAME(ig_cpu_softmax_scratch)(const ig_call *c, uint32_t n_parts) { return n_parts * bytes_per_part(c); }

#define ROW(T, S, EXP, LOG) \
  static void scale_##S(T *x, const T *mask, T scale, int64_t n) { \
    if (!mask && scale == 1) return; \
    if (mask) for (int64_t i = 0; i < n; i++) x[i] = x[i] * scale + mask[i]; \
    else for (int64_t i = 0; i < n; i++) x[i] = x[i] * scale; \
  } \
  /* NaN if there is one. */ \
  static T largest_##S(const T *x, int64_t n) { \
    T m = x[0], lanes[LANES(T)]; \
    int64_t i = 0; \
    if (n >= LANES(T)) { \
      chain_##S v = chain_load_##S(x); \
      for (i = LANES(T); i + LANES(T) <= n; i += LANES(T)) v = chain_max_##S(chain_load_##S(x + i), v); \
      memcpy(lanes, &v, sizeof lanes); \
      for (int j = 0; j < LANES(T); j++) m = lanes[j] > m || lanes[j] != lanes[j] ? lanes[j] : m; \
    } \
    for (; i < n; i++) m = x[i] > m || x[i] != x[i] ? x[i] : m; \
    return m; \
  } \
  /* Sum of exp(x - max); keep: x becomes those values. */ \
  static T exponentials_##S(T *x, int64_t n, T max, bool keep) { \
    enum { BLOCK = 256 }; \
    chain_##S s0 = { 0 }, s1 = s0; \
    T tail = 0, block[BLOCK]; \
    for (int64_t i = 0; i < n; i += BLOCK, x += BLOCK) { \
      const int64_t m = ig_min_i64(BLOCK, n - i); \
      const T *e = keep ? x : block; \
      int64_t j = 0; \
      if (keep) for (int64_t k = 0; k < m; k++) x[k] = EXP(x[k] - max); \
      else for (int64_t k = 0; k < m; k++) block[k] = EXP(x[k] - max); \
      for (; j + 2 * LANES(T) <= m; j += 2 * LANES(T)) { \
        s0 += chain_load_##S(e + j); \
        s1 += chain_load_##S(e + j + LANES(T)); \
      } \
      for (; j + LANES(T) <= m; j += LANES(T)) s0 += chain_load_##S(e + j); \
      for (; j < m; j++) tail += e[j]; \
    } \
    return chain_sum_##S(s0 + s1) + tail; \
  } \
  static void softmax_##S(T *x, int64_t n, bool is_log) { \
    const T max = largest_##S(x, n), sum = exponentials_##S(x, n, max, !is_log); \
    if (is_log) { \
      const T l = LOG(sum); \
      for (int64_t i = 0; i < n; i++) x[i] = (x[i] - max) - l; \
      return; \
    } \
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
