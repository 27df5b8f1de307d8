/* Tactics of kind attention. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"
/* Operations a score besides the two products: the largest, an exponential, the sum. */
#define SCORE 25.0

static double work(double rows, double keys, double head, double width, const ig_sprog *prog) {
  return rows * keys * (2 * (head + width) + SCORE + (prog->n ? ig_cpu_prog_work(prog) : 0));
}
static double request_work(const ig_query *q, const ig_request *r) {
  const ig_operand *x = ig_request_in(r, 0), *v = ig_request_in(r, 2);
  const double head = (double)ig_cpu_dim(q, x->dims[x->rank - 1]), rows = ig_cpu_count(q, x) / (head > 0 ? head : 1);
  return work(rows, (double)ig_cpu_dim(q, v->dims[v->rank - 2]), head, (double)ig_cpu_dim(q, v->dims[v->rank - 1]), &r->prog);
}
static double call_work(const ig_call *c) {
  const ig_view *x = ig_call_in(c, 0), *v = ig_call_in(c, 2);
  const double head = (double)x->dims[x->rank - 1], rows = (double)ig_view_count(x) / (head > 0 ? head : 1);
  return work(rows, (double)v->dims[v->rank - 2], head, (double)v->dims[v->rank - 1], &c->prog);
}

static bool query_any(const ig_query *q, ig_offer *out, const char **why, double rate) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  ig_cpu_offer(q, r, request_work(q, r), rate, out);
  return true;
}
static bool query_f32(const ig_query *q, ig_offer *out, const char **why, double rate) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  for (uint32_t i = 0; i < 3; i++)
    if (!ig_cpu_is(ig_request_in(r, i), IG_DTYPE_F32)) { *why = "queries, keys or values are not plain float32"; return false; }
  if (!r->epi.n && !ig_cpu_is(ig_request_out(r, 0), IG_DTYPE_F32)) { *why = "the result is not plain float32"; return false; }
  return query_any(q, out, why, rate);
}

#define TACTIC(id, name_, isa_, rate, ask, scratch_, run_) \
  static bool query_##id(const ig_query *q, ig_offer *out, const char **why) { return ask(q, out, why, rate); } \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts(call_work(c), rate, n_threads); } \
  const ig_tactic ig_cpu_attention_##id = { .name = name_, .version = 1, .kind = IG_KIND_attention, .isa = isa_, .n_phases = 1, .query = query_##id, \
    .scratch = scratch_, .parts = parts_##id, .run = run_ };
TACTIC(f32_avx512, "cpu.attention_f32.avx512", IG_ISA_AVX512 | IG_ISA_AVX2, IG_CPU_RATE_AVX512, query_f32, ig_cpu_attention_f32_scratch_avx512,
       ig_cpu_attention_f32_run_avx512)
TACTIC(f32_avx2, "cpu.attention_f32.avx2", IG_ISA_AVX2, IG_CPU_RATE_AVX2, query_f32, ig_cpu_attention_f32_scratch_avx2, ig_cpu_attention_f32_run_avx2)
TACTIC(c, "cpu.c.attention", 0, IG_CPU_RATE_C / 4, query_any, ig_cpu_attention_c_scratch, ig_cpu_attention_c_run)
