/* Tactics of kind conv. SPDX-License-Identifier: Apache-2.0 */
#include "cpu/tactics/tactics.h"
#include <math.h>


/* Operations for so many results of o output channels a group, each of k taps. Columns of the input are made element by element, for every 8 channels of
 * the product alike, so that a conv to one channel costs as one to eight. */
static double work(double results, double o, double k, double epilogue) {
  enum { PANEL = 8, COLUMN = 16 };
  const double padded = ceil(o / PANEL) * PANEL;
  return results * epilogue + results / fmax(o, 1) * k * (2 * padded + COLUMN);
}
static double request_work(const ig_query *q, const ig_request *r) {
  const ig_operand *w = ig_request_in(r, 1);
  const ig_conv_params *p = r->params;
  const double o = (double)ig_max_i64(1, ig_cpu_dim(q, w->dims[0]));
  return work(ig_cpu_count(q, ig_request_out(r, 0)), o / (double)p->groups, ig_cpu_count(q, w) / o, ig_cpu_prog_work(&r->epi));
}
static double call_work(const ig_call *c) {
  const ig_view *w = ig_call_in(c, 1);
  const ig_conv_params *p = c->params;
  const double o = (double)ig_max_i64(1, w->dims[0]);
  return work((double)ig_view_count(ig_call_out(c, 0)), o / (double)p->groups, (double)ig_view_count(w) / o, ig_cpu_prog_work(&c->epi));
}
static bool query(const ig_query *q, ig_offer *out, const char **why) {
  const ig_request *r = ig_cpu_request(q, why);
  if (!r) return false;
  ig_cpu_offer(q, r, request_work(q, r), IG_CPU_RATE_C, out);
  out->inplace_mask = ig_cpu_inplace(r, r->n_in, r->n_extra);
  return true;
}
static uint32_t parts(const ig_call *c, uint32_t n_threads) { return ig_cpu_parts(call_work(c), IG_CPU_RATE_C, n_threads); }

const ig_tactic ig_cpu_conv_c = { .name = "cpu.c.conv", .version = 1, .kind = IG_KIND_conv, .n_phases = 1, .query = query, .scratch = ig_cpu_conv_c_scratch,
  .parts = parts, .run = ig_cpu_conv_c_run };
