/* Tactics of kind resize. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"

#define NEAREST_RATE 1.5e9
#define PORTABLE_RATE 1.5e9
#define VECTOR_RATE 6e9

static double request_work(const ig_query *q, const ig_request *r) {
  const ig_resize_params *p = r->params;
  double taps = 1;
  for (uint32_t k = 0; k < ig_request_in(r, 0)->rank; k++)
    if (p->axes_mask >> k & 1) taps *= p->filter == IG_RESIZE_CUBIC ? 4 : p->filter == IG_RESIZE_LINEAR ? 2 : 1;
  return ig_cpu_count(q, ig_request_out(r, 0)) * (1 + taps);
}
static double call_work(const ig_call *c) { return (double)ig_view_count(ig_call_out(c, 0)) + ig_kind(IG_KIND_resize)->flops(c); }
static bool query(const ig_query *q, ig_offer *out, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  const ig_resize_params *p = r->params;
  ig_cpu_offer(q, r, request_work(q, r), p->filter <= IG_RESIZE_CEIL ? NEAREST_RATE : PORTABLE_RATE, out);
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads) {
  const ig_resize_params *p = c->params;
  return ig_cpu_parts(call_work(c), p->filter <= IG_RESIZE_CEIL ? NEAREST_RATE : PORTABLE_RATE, n_threads);
}

static bool query_f32(const ig_query *q, ig_offer *out, const char **why, double rate) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  const ig_resize_params *p = r->params;
  if (p->filter <= IG_RESIZE_CEIL) { *why = "nearest elements are copied, whatever their type"; return false; }
  if (p->antialias || p->coordinate == IG_RESIZE_CROP) { *why = "antialiased or cropped"; return false; }
  if (!ig_cpu_is(ig_request_in(r, 0), IG_DTYPE_F32) || !ig_cpu_is(ig_request_out(r, 0), IG_DTYPE_F32)) { *why = "operands are not plain float32"; return false; }
  if (ig_request_out(r, 0)->rank == 0) { *why = "no axes"; return false; }
  ig_cpu_offer(q, r, request_work(q, r), rate, out);
  return true;
}

const ig_tactic ig_cpu_resize_c = { .name = "cpu.c.resize", .version = 1, .kind = IG_KIND_resize, .n_phases = 2, .query = query, .scratch = ig_cpu_resize_c_scratch,
  .parts = parts, .run = ig_cpu_resize_c_run };

#define TACTIC(id, isa_) \
  static bool query_##id(const ig_query *q, ig_offer *out, const char **why) { return query_f32(q, out, why, VECTOR_RATE); } \
  static uint32_t parts_##id(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts(call_work(c), VECTOR_RATE, n_threads); } \
  const ig_tactic ig_cpu_resize_f32_##id = { .name = "cpu.resize_f32." #id, .version = 1, .kind = IG_KIND_resize, .isa = isa_, .n_phases = 2, .query = query_##id, \
    .scratch = ig_cpu_resize_f32_scratch_##id, .parts = parts_##id, .run = ig_cpu_resize_f32_run_##id };
TACTIC(avx512, IG_ISA_AVX512 | IG_ISA_AVX2)
TACTIC(avx2, IG_ISA_AVX2)
