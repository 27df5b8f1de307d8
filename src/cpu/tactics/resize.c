/* Tactics of kind resize. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"

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
  ig_cpu_offer(q, r, request_work(q, r), IG_CPU_RATE_C / 4, out);
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts(call_work(c), IG_CPU_RATE_C / 4, n_threads); }

const ig_tactic ig_cpu_resize_c = { .name = "cpu.c.resize", .version = 1, .kind = IG_KIND_resize, .n_phases = 2, .query = query, .scratch = ig_cpu_resize_c_scratch,
  .parts = parts, .run = ig_cpu_resize_c_run };
