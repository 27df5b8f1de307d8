/* Runs the passes of one stage in the order of passes.def. Neighbours marked `fixpoint` form a group that is repeated until a whole
 * round changes nothing; every pass walks in execution order and so gets most done in one round, and the cap on rounds is a net.
 * SPDX-License-Identifier: Apache-2.0 */
#include "opt/rules.h"

enum { MAX_ROUNDS = 16, MAX_ROUNDS_LOWERED = 6 /* fusing gains little after two */ };

#define IG_PASS(id) extern const ig_pass ig_pass_##id;
#include "opt/passes.def"
#undef IG_PASS
#define IG_PASS(id) &ig_pass_##id,
const ig_pass *const ig_passes[] = {
#include "opt/passes.def"
};
#undef IG_PASS
const uint32_t ig_n_passes = IG_COUNT(ig_passes);

bool ig_pass_take(ig_pass_ctx *c) {
  if (*c->budget == 0) return false;
  if (*c->budget > 0) --*c->budget;
  c->changed = true;
  return true;
}

static const ig_pass *find_pass(const char *name, size_t n) {
  for (uint32_t i = 0; i < ig_n_passes; i++)
    if (strlen(ig_passes[i]->name) == n && strncmp(ig_passes[i]->name, name, n) == 0) return ig_passes[i];
  return NULL;
}

/* These two make the next stage; without them there is nothing to go on with. */
static bool is_needed(const ig_pass *p) { return strcmp(p->name, "infer") == 0 || strcmp(p->name, "lower") == 0; }

/* On these shapes may hang: "-all" leaves them on. */
static bool decides_shapes(const ig_pass *p) {
  return is_needed(p) || strcmp(p->name, "fold") == 0 || strcmp(p->name, "simplify") == 0 || strcmp(p->name, "decide_if") == 0;
}

static bool is_all(const char *s, size_t n) { return n == 4 && strncmp(s, "-all", n) == 0; }

static ig_status check_options(const ig_opt_options *opt) {
  if (opt->dump_after && opt->dump)
    IG_REQUIRE(find_pass(opt->dump_after, strlen(opt->dump_after)), IG_ERROR_INVALID_ARGUMENT, "no pass is called '%s'", opt->dump_after);
  for (const char *s = opt->passes; s && *s;) {
    const size_t n = strcspn(s, ",");
    IG_REQUIRE(*s == '-', IG_ERROR_INVALID_ARGUMENT, "'%.*s' in the list of passes: write -NAME to switch a pass off", (int)n, s);
    const ig_pass *p = find_pass(s + 1, n - 1);
    IG_REQUIRE(p || is_all(s, n), IG_ERROR_INVALID_ARGUMENT, "no pass is called '%.*s'", (int)(n - 1), s + 1);
    IG_REQUIRE(!p || !is_needed(p), IG_ERROR_INVALID_ARGUMENT, "pass '%s' is needed and cannot be switched off", p->name);
    s += n + (s[n] == ',');
  }
  return NULL;
}

bool ig_opt_is_off(const ig_opt_options *opt, const char *pass) {
  const ig_pass *p = find_pass(pass, strlen(pass));
  for (const char *s = opt->passes; s && *s;) {
    const size_t n = strcspn(s, ",");
    if (is_all(s, n) ? !decides_shapes(p) : find_pass(s + 1, n - 1) == p) return true;
    s += n + (s[n] == ',');
  }
  return false;
}

static ig_status dump(ig_ir *ir, const ig_opt_options *opt) {
  ig_buf text;
  ig_buf_init(&text, &ir->env->alloc);
  ig_ir_print(ir, false, &text);
  ig_status st = NULL;
  if (text.failed)
    st = IG_OOM();
  else if (opt->dump(opt->dump_user, text.data, text.n) != 0)
    st = ig_status_new(IG_ERROR_IO, "writing the dump after pass '%s' failed", opt->dump_after);
  ig_buf_free(&text);
  return st;
}

static ig_status run_pass(ig_ir *ir, const ig_opt_options *opt, int64_t *budget, const ig_pass *p, bool first_time, bool *out_changed) {
  ig_pass_ctx c = {ir, opt, budget, false, p->name};
  IG_REQUIRE(!ig_cancelled(opt->cancel), IG_ERROR_CANCELLED, "cancelled before pass '%s'", p->name);
  IG_TRY(p->run(&c));
  IG_TRY_NOTE(ig_dims_take_error(&ir->dims), "pass '%s'", p->name);
  if (opt->verify_each) IG_TRY_NOTE(ig_ir_verify(ir), "after pass '%s'", p->name);
  if (c.changed && opt->check) IG_TRY_NOTE(opt->check(opt->user, ir, p->name), "after pass '%s'", p->name);
  if (first_time && opt->dump && opt->dump_after && strcmp(opt->dump_after, p->name) == 0) IG_TRY(dump(ir, opt));
  *out_changed |= c.changed;
  return NULL;
}

static ig_status run_group(ig_ir *ir, const ig_opt_options *opt, int64_t *budget, uint32_t first, uint32_t end) {
  const uint32_t n_rounds = ig_passes[first]->stage == IG_STAGE_LOWERED ? MAX_ROUNDS_LOWERED : MAX_ROUNDS;
  for (uint32_t round = 0; round < n_rounds; round++) {
    bool changed = false;
    for (uint32_t i = first; i < end; i++)
      if (!ig_opt_is_off(opt, ig_passes[i]->name)) IG_TRY(run_pass(ir, opt, budget, ig_passes[i], round == 0, &changed));
    if (!changed || !ig_passes[first]->fixpoint) return NULL;
  }
  ig_log(ir->env, IG_LOG_INFO, "opt", "passes from '%s' to '%s' still find something after %u rounds", ig_passes[first]->name,
         ig_passes[end - 1]->name, n_rounds);
  return NULL;
}

/* The budget of rewrites is common to both stages of a build: the ir keeps count. */
static ig_status run_stage(ig_ir *ir, const ig_opt_options *opt, ig_stage stage) {
  IG_TRY(check_options(opt));
  int64_t budget = opt->pass_limit < 0 ? -1 : ig_max_i64(0, opt->pass_limit - ir->n_rewrites);
  const int64_t before = budget;
  for (uint32_t i = 0, end; i < ig_n_passes; i = end) {
    end = i + 1;
    if (ig_passes[i]->stage != stage) continue;
    while (ig_passes[i]->fixpoint && end < ig_n_passes && ig_passes[end]->fixpoint && ig_passes[end]->stage == stage)
      end++;
    IG_TRY(run_group(ir, opt, &budget, i, end));
  }
  if (before > 0) ir->n_rewrites += before - budget;
  return ig_ir_verify(ir);
}

ig_status ig_opt_canonical(ig_ir *ir, const ig_opt_options *opt) {
  IG_REQUIRE(ir->stage == IG_STAGE_IMPORTED || ir->stage == IG_STAGE_CANONICAL, IG_ERROR_INVALID_ARGUMENT, "the graph is lowered already");
  IG_REQUIRE(ir->main, IG_ERROR_INVALID_ARGUMENT, "the model has no graph");
  ig_opt_allow_folding(ir);
  return run_stage(ir, opt, IG_STAGE_CANONICAL);
}

ig_status ig_opt_lower(ig_ir *ir, const ig_opt_options *opt) {
  IG_REQUIRE(ir->stage == IG_STAGE_CANONICAL, IG_ERROR_INVALID_ARGUMENT, "only a canonical graph can be lowered");
  return run_stage(ir, opt, IG_STAGE_LOWERED);
}
