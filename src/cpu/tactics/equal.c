/* Tactics of kind equal. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"

#define RATE 0.2e9   /* strings lie anywhere in memory */

static bool query(const ig_query *q, ig_offer *out, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  ig_cpu_offer(q, r, ig_cpu_count(q, ig_request_out(r, 0)), RATE, out);
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts((double)ig_view_count(ig_call_out(c, 0)), RATE, n_threads); }

const ig_tactic ig_cpu_equal_c = { .name = "cpu.c.equal", .version = 1, .kind = IG_KIND_equal, .n_phases = 1, .query = query, .scratch = ig_cpu_equal_c_scratch,
  .parts = parts, .run = ig_cpu_equal_c_run };
