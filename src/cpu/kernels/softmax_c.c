/* softmax and log-softmax, row by row with the axis walked innermost.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"
#include "kern/scalar_math.h"

static ig_stype type_of(const ig_call *c) { return ig_stype_of(ig_call_in(c, 0)->dtype) == IG_S_F64 ? IG_S_F64 : IG_S_F32; }
static int64_t length_of(const ig_call *c) { return ig_call_in(c, 0)->dims[((const ig_softmax_params *)c->params)->axis]; }
static size_t row_bytes(const ig_call *c) { return ig_pad64((size_t)length_of(c) * ig_stype_size(type_of(c))); }
static size_t bytes_per_part(const ig_call *c) { return 2 * row_bytes(c) + ig_epi_bytes(c); }
size_t ig_cpu_softmax_c_scratch(const ig_call *c, uint32_t n_parts) { return n_parts * bytes_per_part(c); }

#define ROW(T, S, EXP, LOG) \
  static void scale_##S(T *x, const T *mask, T scale, int64_t n) { \
    for (int64_t i = 0; i < n; i++) x[i] = mask ? x[i] * scale + mask[i] : x[i] * scale; \
  } \
  static void softmax_##S(T *x, int64_t n, bool is_log) { \
    T max = x[0], sum = 0; \
    for (int64_t i = 1; i < n; i++) max = x[i] > max || x[i] != x[i] ? x[i] : max; \
    if (is_log) { \
      for (int64_t i = 0; i < n; i++) sum += EXP(x[i] - max); \
      const T l = LOG(sum); \
      for (int64_t i = 0; i < n; i++) x[i] = (x[i] - max) - l; \
      return; \
    } \
    for (int64_t i = 0; i < n; i++) { x[i] = EXP(x[i] - max); sum += x[i]; } \
    for (int64_t i = 0; i < n; i++) x[i] = x[i] / sum; \
  }
ROW(float, f32, ig_f32_exp, ig_f32_log)
ROW(double, f64, exp, log)

void ig_cpu_softmax_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
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
  ig_prog *epi = ig_epi_make(m + 2 * row_bytes(c), c, perm, t, c->n_out, NULL);
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
