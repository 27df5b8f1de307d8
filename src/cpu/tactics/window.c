/* Tactics of kind window. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"

/* Elements that each result looks at. */
static double window_size(const ig_window_params *p) {
  double n = (double)p->kernel[0];
  for (int64_t i = 1; i < p->n_spatial && p->mode != IG_WINDOW_LRN; i++) n *= (double)p->kernel[i];
  return 4 + n;
}

static double request_work(const ig_query *q, const ig_request *r) { return ig_cpu_count(q, ig_request_out(r, 0)) * window_size(r->params); }
static double call_work(const ig_call *c) { return (double)ig_view_count(ig_call_out(c, 0)) * window_size(c->params); }
static bool query(const ig_query *q, ig_offer *out, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  ig_cpu_offer(q, r, request_work(q, r), IG_CPU_RATE_C / 8, out);
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts(call_work(c), IG_CPU_RATE_C / 8, n_threads); }

const ig_tactic ig_cpu_window_c = { .name = "cpu.c.window", .version = 1, .kind = IG_KIND_window, .n_phases = 1, .query = query, .scratch = ig_cpu_window_c_scratch,
  .parts = parts, .run = ig_cpu_window_c_run };
