/* Tactics of kind sort. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"
/* Operations: an element read and compared; a result taken off the heap. */
#define ELEMENT 6.0
#define RESULT 60.0

static double request_work(const ig_query *q, const ig_request *r) { return ELEMENT * ig_cpu_count(q, ig_request_in(r, 0)) + RESULT * ig_cpu_count(q, ig_request_out(r, 0)); }
static double call_work(const ig_call *c) { return ELEMENT * (double)ig_view_count(ig_call_in(c, 0)) + RESULT * (double)ig_view_count(ig_call_out(c, 0)); }
static bool query(const ig_query *q, ig_offer *out, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  ig_cpu_offer(q, r, request_work(q, r), IG_CPU_RATE_C / 4, out);
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts(call_work(c), IG_CPU_RATE_C / 4, n_threads); }

const ig_tactic ig_cpu_sort_c = { .name = "cpu.c.sort", .version = 1, .kind = IG_KIND_sort, .n_phases = 1, .query = query, .scratch = ig_cpu_sort_c_scratch,
  .parts = parts, .run = ig_cpu_sort_c_run };
