/* Tactics of float32 conv on vectors. Constant weights are packed in the engine as panels [O / nr][kernel][C][nr] where no panel would span
 * groups.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/kernels/gemm_f32.h"
#include "cpu/tactics/tactics.h"

static double taps(const ig_query *q, const ig_operand *w) { return ig_cpu_count(q, w) / (double)ig_max_i64(1, ig_cpu_dim(q, w->dims[0])); }
static double call_taps(const ig_call *c) { return (double)ig_view_count(ig_call_in(c, 1)) / (double)ig_max_i64(1, ig_call_in(c, 1)->dims[0]); }

/* nr columns a panel, of vectors of w: channels past the last whole vector are multiplied all the same. */
static bool query(const ig_query *q, ig_offer *out, const char **why, int64_t nr, int64_t w, double rate) {
  const ig_request *r = ig_cpu_conv_f32_request(q, why);
  if (!r) return false;
  const ig_conv_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *weights = ig_request_in(r, 1);
  const int64_t group_o = ig_max_i64(1, ig_cpu_dim(q, weights->dims[0]) / p->groups);
  const int64_t unit = p->groups == 1 ? w : nr;      /* a small group's columns are packed anew, in whole panels */
  const double padded = (double)((group_o + unit - 1) / unit * unit) / (double)group_o;
  const double copy = ig_cpu_dim(q, x->strides[1]) == 1 ? 0 : 16 * ig_cpu_count(q, x);
  ig_cpu_offer(q, r, ig_cpu_count(q, ig_request_out(r, 0)) * (2 * taps(q, weights) * padded + ig_cpu_prog_work(&r->epi)) + copy, rate, out);
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  if (!(q->constant_mask >> 1 & 1) || (p->groups != 1 && group_o % nr != 0)) return true;
  out->packed_mask = 1u << 1;
  ig_format *f = &out->packed[1];
  f->axis[f->n_parts++] = 0;
  for (uint32_t i = 2; i < weights->rank; i++) f->axis[f->n_parts++] = (uint8_t)i;
  f->axis[f->n_parts++] = 1;
  f->axis[f->n_parts] = 0;
  f->extent[f->n_parts++] = (uint16_t)nr;
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads, double rate) {
  return ig_cpu_parts((double)ig_view_count(ig_call_out(c, 0)) * (2 * call_taps(c) + ig_cpu_prog_work(&c->epi)), rate, n_threads);
}

#define CONV_TACTICS(id, isa_, nr, w, rate) \
  static bool query_##id(const ig_query *q, ig_offer *out, const char **why) { return query(q, out, why, nr, w, rate); } \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { return parts(c, n_threads, rate); } \
  const ig_tactic ig_cpu_conv_f32_##id = { .name = "cpu.conv_f32." #id, .version = 2, .kind = IG_KIND_conv, .isa = isa_, .n_phases = 2, .by_rows = true, \
    .query = query_##id, .scratch = ig_cpu_conv_f32_scratch_##id, .phases = ig_cpu_conv_f32_phases_##id, .parts = parts_##id, .run = ig_cpu_conv_f32_run_##id };
CONV_TACTICS(avx512, IG_ISA_AVX512 | IG_ISA_AVX2, IG_GEMM_NR_AVX512, 16, IG_CPU_RATE_AVX512)
CONV_TACTICS(avx2, IG_ISA_AVX2, IG_GEMM_NR_AVX2, 8, IG_CPU_RATE_AVX2)
