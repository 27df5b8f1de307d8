/* Tactics of kind rnn. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"

static double request_work(const ig_query *q, const ig_request *r) {
  return 2.0 * ig_cpu_count(q, ig_request_in(r, 0)) * (double)ig_cpu_dim(q, ig_request_in(r, 1)->dims[2]);
}
static double call_work(const ig_call *c) { return 2.0 * (double)ig_view_count(ig_call_in(c, 0)) * (double)ig_call_in(c, 1)->dims[2]; }
/* Constant float32 weights go in panels of rows; the hidden size, a whole number of panels, keeps gates apart. */
static bool packs(const ig_query *q, const ig_request *r) {
  int64_t hidden;
  return (q->constant_mask >> 1 & 1) && ig_cpu_is(ig_request_in(r, 0), IG_DTYPE_F32) && ig_cpu_is(ig_request_in(r, 1), IG_DTYPE_F32) &&
         ig_dim_is_const(q->dims, ig_request_in(r, 1)->dims[2], &hidden) && hidden % IG_RNN_PANEL == 0;
}
static bool query_rate(const ig_query *q, ig_offer *out, const char **why, bool on_vectors, double rate) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  ig_cpu_offer(q, r, request_work(q, r), rate, out);
  if (!on_vectors || !packs(q, r)) return true;
  out->packed_mask = 1u << 1;
  out->packed[1] = (ig_format){ .n_parts = 4, .axis = { 0, 1, 2, 1 }, .extent = { 0, 0, 0, IG_RNN_PANEL } };
  return true;
}

#define TACTIC(id, name_, isa_, rate) \
  static bool query_##id(const ig_query *q, ig_offer *out, const char **why) { return query_rate(q, out, why, (isa_) != 0, rate); } \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts(call_work(c), rate, n_threads); } \
  const ig_tactic ig_cpu_rnn_##id = { .name = name_, .version = 2, .kind = IG_KIND_rnn, .isa = isa_, .n_phases = 1, .phases = ig_cpu_rnn_phases_##id, .query = query_##id, \
    .scratch = ig_cpu_rnn_scratch_##id, .parts = parts_##id, .run = ig_cpu_rnn_run_##id };
TACTIC(avx512, "cpu.rnn.avx512", IG_ISA_AVX512 | IG_ISA_AVX2, 50e9)
TACTIC(avx2, "cpu.rnn.avx2", IG_ISA_AVX2, 40e9)
TACTIC(c, "cpu.c.rnn", 0, IG_CPU_RATE_C / 4)
