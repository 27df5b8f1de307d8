/* Tactics of kind gather. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"


static double request_work(const ig_query *q, const ig_request *r) { return ig_cpu_count(q, ig_request_out(r, 0)); }
static double call_work(const ig_call *c) { return (double)ig_view_count(ig_call_out(c, 0)); }
static bool query(const ig_query *q, ig_offer *out, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  ig_cpu_offer(q, r, request_work(q, r), 1e9, out);
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts(call_work(c), 1e9, n_threads); }

const ig_tactic ig_cpu_gather_c = { .name = "cpu.c.gather", .version = 1, .kind = IG_KIND_gather, .n_phases = 1, .query = query, .scratch = ig_cpu_gather_c_scratch,
  .parts = parts, .run = ig_cpu_gather_c_run };
