/* Tactics of float32 conv with few output channels, channels last. Constant weights are packed in the engine as [O][kernel][C].
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"

static bool query(const ig_query *q, ig_offer *out, const char **why, int64_t width, double rate) {
  const ig_request *r = ig_cpu_conv_f32_request(q, why);
  if (!r) return false;
  const ig_conv_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *w = ig_request_in(r, 1);
  int64_t o, channels;
  if (p->n_spatial > 2 || p->groups != 1) { *why = "groups or three spatial axes"; return false; }
  if (!ig_dim_is_const(q->dims, w->dims[0], &o) || o < 1 || o > IG_NARROW_MOST) { *why = "more output channels than four"; return false; }
  if (!ig_dim_is_const(q->dims, w->dims[1], &channels) || channels < width || channels % width != 0) { *why = "input channels that are no whole vectors"; return false; }
  if (!ig_dim_equals(q->dims, x->strides[1], 1)) { *why = "the input's channels are not contiguous"; return false; }
  if (!(q->constant_mask >> 1 & 1)) { *why = "weights are not constant"; return false; }
  const double taps = ig_cpu_count(q, w) / (double)o;
  ig_cpu_offer(q, r, ig_cpu_count(q, ig_request_out(r, 0)) * (2 * taps + 4 * (double)width + ig_cpu_prog_work(&r->epi)), rate, out);
  out->packed_mask = 1u << 1;
  ig_format *f = &out->packed[1];
  f->axis[f->n_parts++] = 0;
  for (uint32_t i = 2; i < w->rank; i++) f->axis[f->n_parts++] = (uint8_t)i;
  f->axis[f->n_parts++] = 1;
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads, double rate) {
  const ig_view *w = ig_call_in(c, 1);
  return ig_cpu_parts((double)ig_view_count(ig_call_out(c, 0)) * (2 * (double)ig_view_count(w) / (double)ig_max_i64(1, w->dims[0]) + ig_cpu_prog_work(&c->epi)), rate, n_threads);
}

#define TACTIC(id, isa_, width, rate) \
  static bool query_##id(const ig_query *q, ig_offer *out, const char **why) { return query(q, out, why, width, rate); } \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { return parts(c, n_threads, rate); } \
  const ig_tactic ig_cpu_narrow_f32_##id = { .name = "cpu.narrow_f32." #id, .version = 1, .kind = IG_KIND_conv, .isa = isa_, .n_phases = 1, \
    .query = query_##id, .scratch = ig_cpu_narrow_f32_scratch_##id, .parts = parts_##id, .run = ig_cpu_narrow_f32_run_##id };
TACTIC(avx512, IG_ISA_AVX512 | IG_ISA_AVX2, 16, IG_CPU_RATE_AVX512 / 2)
TACTIC(avx2, IG_ISA_AVX2, 8, IG_CPU_RATE_AVX2 / 2)
