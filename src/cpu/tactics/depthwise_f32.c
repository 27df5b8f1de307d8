/* Tactics of float32 depthwise conv on vectors, and of conv with many small groups. Constant weights are packed in the engine as
 * [kernel][C / G][O], in whole vectors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"

/* Channels last is read in place; planes are copied, and their short rows fill vectors badly. */
enum { PLANE_COST = 3 };

static void offer(const ig_query *q, const ig_request *r, double cost, uint16_t width, double rate, ig_offer *out) {
  const ig_operand *w = ig_request_in(r, 1);
  const double taps = ig_cpu_count(q, w) / (double)ig_max_i64(1, ig_cpu_dim(q, w->dims[0]));
  ig_cpu_offer(q, r, ig_cpu_count(q, ig_request_out(r, 0)) * (2 * taps + ig_cpu_prog_work(&r->epi)) * cost, rate, out);
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  if (!(q->constant_mask >> 1 & 1)) return;
  out->packed_mask = 1u << 1;
  ig_format *f = &out->packed[1];
  for (uint32_t i = 2; i < w->rank; i++) f->axis[f->n_parts++] = (uint8_t)i;
  f->axis[f->n_parts++] = 1;
  f->axis[f->n_parts++] = 0;
  f->axis[f->n_parts] = 0;
  f->extent[f->n_parts++] = width;
}

static const ig_request *plane_request(const ig_query *q, const char **why) {
  const ig_request *r = ig_cpu_conv_f32_request(q, why);
  if (!r || ((const ig_conv_params *)r->params)->n_spatial <= 2) return r;
  *why = "three spatial axes";
  return NULL;
}

static bool query_depthwise(const ig_query *q, ig_offer *out, const char **why, uint16_t width, double rate) {
  const ig_request *r = plane_request(q, why);
  if (!r) return false;
  const ig_conv_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *w = ig_request_in(r, 1);
  if (!ig_dim_equals(q->dims, w->dims[1], 1) || !ig_dim_equals(q->dims, w->dims[0], p->groups)) { *why = "not one input and one output channel a group"; return false; }
  offer(q, r, ig_dim_equals(q->dims, x->strides[1], 1) ? 1 : PLANE_COST, width, rate, out);
  return true;
}

/* Groups of so many output channels are products in their own right. */
enum { LARGE_GROUP = 64 };

static bool query_grouped(const ig_query *q, ig_offer *out, const char **why, uint16_t width, double rate) {
  const ig_request *r = plane_request(q, why);
  if (!r) return false;
  const ig_conv_params *p = r->params;
  const ig_operand *x = ig_request_in(r, 0), *w = ig_request_in(r, 1);
  int64_t o, group_c;
  ig_dim_is_const(q->dims, w->dims[0], &o);
  ig_dim_is_const(q->dims, w->dims[1], &group_c);
  if (o == 0 || group_c == 0) { *why = "no channels"; return false; }
  const int64_t group_o = o / p->groups;
  const bool whole = group_o % width == 0, several = width % group_o == 0 && group_c <= group_o && o % width == 0;
  if (p->groups == 1 || group_o >= LARGE_GROUP || (!whole && !several)) { *why = "not many small groups that fill vectors"; return false; }
  if (!ig_dim_equals(q->dims, x->strides[1], 1)) { *why = "the input's channels are not contiguous"; return false; }
  offer(q, r, 1, width, rate, out);
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads, double rate) {
  const ig_view *w = ig_call_in(c, 1);
  const double taps = (double)ig_view_count(w) / (double)ig_max_i64(1, w->dims[0]);
  return ig_cpu_parts((double)ig_view_count(ig_call_out(c, 0)) * (2 * taps + ig_cpu_prog_work(&c->epi)), rate, n_threads);
}

/* rate: of depthwise kernels; groups of several channels reach four fifths of it. */
#define TACTICS(id, isa_, width, rate) \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { return parts(c, n_threads, rate); } \
  static bool query_depthwise_##id(const ig_query *q, ig_offer *out, const char **why) { return query_depthwise(q, out, why, width, rate); } \
  const ig_tactic ig_cpu_depthwise_f32_##id = { .name = "cpu.depthwise_f32." #id, .version = 2, .kind = IG_KIND_conv, .isa = isa_, .n_phases = 1, .by_rows = true, \
    .query = query_depthwise_##id, .scratch = ig_cpu_depthwise_f32_scratch_##id, .parts = parts_##id, .run = ig_cpu_depthwise_f32_run_##id }; \
  static bool query_grouped_##id(const ig_query *q, ig_offer *out, const char **why) { return query_grouped(q, out, why, width, rate * 0.8); } \
  const ig_tactic ig_cpu_grouped_f32_##id = { .name = "cpu.grouped_f32." #id, .version = 1, .kind = IG_KIND_conv, .isa = isa_, .n_phases = 1, .by_rows = true, \
    .query = query_grouped_##id, .scratch = ig_cpu_grouped_f32_scratch_##id, .parts = parts_##id, .run = ig_cpu_grouped_f32_run_##id };
TACTICS(avx512, IG_ISA_AVX512 | IG_ISA_AVX2, 16, IG_CPU_RATE_AVX512 / 2)
TACTICS(avx2, IG_ISA_AVX2, 8, IG_CPU_RATE_AVX2 / 2)
