/* Tactics of float32 maximum and average pooling on vectors. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"

static double taps(const ig_window_params *p) {
  double n = 1;
  for (int64_t i = 0; i < p->n_spatial; i++) n *= (double)p->kernel[i];
  return 4 + n;
}

static bool query_rate(const ig_query *q, ig_offer *out, const char **why, double rate) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  const ig_window_params *p = r->params;
  if (p->mode != IG_WINDOW_MAX && p->mode != IG_WINDOW_AVG) { *why = "not maximum or average pooling"; return false; }
  if (p->n_spatial > 2 && !ig_dim_equals(q->dims, ig_request_in(r, 0)->strides[1], 1)) { *why = "three spatial axes, and channels that are not contiguous"; return false; }
  if (!ig_cpu_is(ig_request_in(r, 0), IG_DTYPE_F32) || !ig_cpu_is(ig_request_out(r, 0), IG_DTYPE_F32)) { *why = "operands are not plain float32"; return false; }
  ig_cpu_offer(q, r, ig_cpu_count(q, ig_request_out(r, 0)) * taps(p), rate, out);
  return true;
}

#define TACTIC(id, isa_, rate) \
  static bool query_##id(const ig_query *q, ig_offer *out, const char **why) { return query_rate(q, out, why, rate); } \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { \
    return ig_cpu_parts((double)ig_view_count(ig_call_out(c, 0)) * taps(c->params), rate, n_threads); \
  } \
  const ig_tactic ig_cpu_pool_f32_##id = { .name = "cpu.pool_f32." #id, .version = 1, .kind = IG_KIND_window, .isa = isa_, .n_phases = 1, \
    .query = query_##id, .scratch = ig_cpu_pool_f32_scratch_##id, .parts = parts_##id, .run = ig_cpu_pool_f32_run_##id };
TACTIC(avx512, IG_ISA_AVX512 | IG_ISA_AVX2, 15e9)
TACTIC(avx2, IG_ISA_AVX2, 12e9)
