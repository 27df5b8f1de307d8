/* Tactics of kind norm. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"
/* Operations an element: two statistics, scaling, bias. */
#define ELEMENT 8.0

static double request_work(const ig_query *q, const ig_request *r) { return ig_cpu_count(q, ig_request_in(r, 0)) * (ELEMENT + ig_cpu_prog_work(&r->epi)); }
static double call_work(const ig_call *c) { return (double)ig_view_count(ig_call_in(c, 0)) * (ELEMENT + ig_cpu_prog_work(&c->epi)); }
static bool query(const ig_query *q, ig_offer *out, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  ig_cpu_offer(q, r, request_work(q, r), IG_CPU_RATE_C / 4, out);
  out->inplace_mask = ig_cpu_inplace(r, 0, 1) | ig_cpu_inplace(r, r->n_in, r->n_extra);
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts(call_work(c), IG_CPU_RATE_C / 4, n_threads); }

const ig_tactic ig_cpu_norm_c = { .name = "cpu.c.norm", .version = 1, .kind = IG_KIND_norm, .n_phases = 1, .query = query, .scratch = ig_cpu_norm_c_scratch,
  .parts = parts, .run = ig_cpu_norm_c_run };
