/* Chains of steps that the engine allows to run in bands: whether they do is decided by the shapes and the machine at hand.
 * SPDX-License-Identifier: Apache-2.0 */
#include "rt/rt.h"

/* Does step i read, as its input 0, just what the step before it writes, in memory that no other step sees? */
static bool follows(const ig_context *c, size_t i) {
  const ig_plan_data *p = &c->engine->plan;
  ig_request r, before;
  ig_plan_request_view(p, p->steps[i].first_request, &r);
  ig_plan_request_view(p, p->steps[i - 1].first_request, &before);
  const uint32_t v = r.operands[0].value;
  if (v == IG_NO_VALUE || before.n_out != 1 || ig_request_out(&before, 0)->value != v || p->buffers[v].kind != IG_BUFFER_ARENA) return false;
  return !ig_bands_refuse(&before, c->launches[i - 1].tactic, false) && !ig_bands_refuse(&r, c->launches[i].tactic, true) && c->dims[r.operands[0].offset] == c->dims[ig_request_out(&before, 0)->offset];
}

void ig_context_chain(ig_context *c, size_t first, size_t end) {
  const ig_engine *e = c->engine;
  const ig_plan_step *steps = e->plan.steps;
  for (size_t i = first; i < end; i++) {
    uint32_t n = 1;
    c->bands[i].n = 0;
    if (steps[i].kind == IG_STEP_IF) i += steps[i].n_then + steps[i].n_else;
    else if (e->hal->launch_bands && steps[i].kind == IG_STEP_KERNEL && !(steps[i].flags & IG_STEP_BAND)) {   /* scratch for all of a chain is its first step's alone */
      while (i + n < end && n < IG_BANDS_STEPS && (steps[i + n].flags & IG_STEP_BAND) && follows(c, i + n)) n++;
      ig_launch *l = &c->launches[i];
      if (n == 1 || !ig_bands_plan(l, n, c->n_threads, e->hal->caps(e->dev)->l2_bytes, &c->bands[i])) continue;
      const size_t scratch = c->bands[i].scratch * c->bands[i].n_parts;
      if (l->call.scratch_size < scratch) l->call.scratch_size = scratch;
      for (uint32_t k = 1; k < n; k++) c->bands[i + k].n = 0;
      i += n - 1;
    }
  }
}
