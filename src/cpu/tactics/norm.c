/* Tactics of kind norm. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"
/* Operations an element: two statistics, scaling, bias. */
#define ELEMENT 8.0

static double request_work(const ig_query *q, const ig_request *r) { return ig_cpu_count(q, ig_request_in(r, 0)) * (ELEMENT + ig_cpu_prog_work(&r->epi)); }
static double call_work(const ig_call *c) { return (double)ig_view_count(ig_call_in(c, 0)) * (ELEMENT + ig_cpu_prog_work(&c->epi)); }
static bool query_rate(const ig_query *q, ig_offer *out, const char **why, double rate) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  ig_cpu_offer(q, r, request_work(q, r), rate, out);
  out->inplace_mask = ig_cpu_inplace(r, 0, 1) | ig_cpu_inplace(r, r->n_in, r->n_extra);
  return true;
}

#define TACTIC(id, name_, isa_, rate) \
  static bool query_##id(const ig_query *q, ig_offer *out, const char **why) { return query_rate(q, out, why, rate); } \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts(call_work(c), rate, n_threads); } \
  const ig_tactic ig_cpu_norm_##id = { .name = name_, .version = 1, .kind = IG_KIND_norm, .isa = isa_, .n_phases = 1, .phases = ig_cpu_norm_phases_##id, .query = query_##id, \
    .scratch = ig_cpu_norm_scratch_##id, .parts = parts_##id, .run = ig_cpu_norm_run_##id };
TACTIC(avx512, "cpu.norm.avx512", IG_ISA_AVX512 | IG_ISA_AVX2, 10e9)
TACTIC(avx2, "cpu.norm.avx2", IG_ISA_AVX2, 8e9)
TACTIC(c, "cpu.c.norm", 0, IG_CPU_RATE_C / 4)
