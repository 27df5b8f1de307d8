/* prefix, line by line with the axis walked innermost, in the element's compute type.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/common.h"
#include "cpu/kernels/kernels.h"

static size_t line_bytes(const ig_call *c) {
  return ig_pad64((size_t)ig_call_in(c, 0)->dims[((const ig_prefix_params *)c->params)->axis] * 8);
}
size_t ig_cpu_prefix_c_scratch(const ig_call *c, uint32_t n_parts) { return n_parts * line_bytes(c); }

/* U: the type in which sums wrap. */
#define LINE(T, U, S) \
  static void line_##S(T *v, int64_t n, const ig_prefix_params *p) { \
    U acc = p->op == IG_PREFIX_PROD; \
    for (int64_t i = 0; i < n; i++) { \
      T *at = &v[p->reverse ? n - 1 - i : i]; \
      const U next = p->op == IG_PREFIX_PROD ? acc * (U)*at : acc + (U)*at; \
      *at = (T)(p->exclusive ? acc : next); \
      acc = next; \
    } \
  }
LINE(float, float, f32)
LINE(double, double, f64)
LINE(int32_t, uint32_t, i32)
LINE(uint64_t, uint64_t, u64)

void ig_cpu_prefix_c_run(const ig_call *c, uint32_t phase, uint32_t part, uint32_t n_parts) {
  const ig_prefix_params *p = c->params;
  const ig_view *x = ig_call_in(c, 0), *o = ig_call_out(c, 0);
  const ig_stype t = ig_stype_of(x->dtype);
  const int64_t n = x->dims[p->axis], total = ig_view_count(x);
  void *line = ig_part_scratch(c, part, line_bytes(c));
  uint8_t perm[IG_MAX_RANK];
  ig_reader r;
  ig_writer w;
  int64_t lo, hi;
  IG_UNUSED(phase);
  if (total == 0) return;
  ig_split_items(c, total / n, part, n_parts, &lo, &hi);
  if (lo >= hi) return;
  ig_perm_of_mask(x->rank, 1ull << p->axis, true, perm);
  ig_reader_init(&r, x, perm, t);
  ig_writer_init(&w, o, perm, t);
  for (int64_t row = lo; row < hi; row++) {
    ig_reader_read(&r, row * n, n, line);
    if (t == IG_S_F32) line_f32(line, n, p);
    else if (t == IG_S_F64) line_f64(line, n, p);
    else if (t == IG_S_I32) line_i32(line, n, p);
    else line_u64(line, n, p);
    ig_writer_write(&w, row * n, n, line);
  }
}
